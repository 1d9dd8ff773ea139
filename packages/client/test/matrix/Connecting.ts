/**
 * Rows of the fault matrix: Connecting.
 */
import type { Row } from "./Row.ts"

export const rows: ReadonlyArray<Row> = []
