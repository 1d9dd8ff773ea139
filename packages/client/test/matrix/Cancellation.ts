/**
 * Rows of the fault matrix: Cancellation.
 */
import type { Row } from "./Row.ts"

export const rows: ReadonlyArray<Row> = []
