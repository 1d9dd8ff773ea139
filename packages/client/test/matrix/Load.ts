/**
 * Rows of the fault matrix: Load.
 */
import type { Row } from "./Row.ts"

export const rows: ReadonlyArray<Row> = []
