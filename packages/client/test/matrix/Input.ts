/**
 * Rows of the fault matrix: Input.
 */
import type { Row } from "./Row.ts"

export const rows: ReadonlyArray<Row> = []
