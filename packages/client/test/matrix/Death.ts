/**
 * Rows of the fault matrix: Death.
 */
import type { Row } from "./Row.ts"

export const rows: ReadonlyArray<Row> = []
