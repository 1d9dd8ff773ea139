/**
 * Rows of the fault matrix: hostile or confused bytes.
 */
import { rows as fuzzed } from "./Fuzzed.ts"
import { rows as nonsense } from "./Nonsense.ts"
import type { Row } from "./Row.ts"
import { rows as splits } from "./Splits.ts"
import { rows as unasked } from "./Unasked.ts"

export const rows: ReadonlyArray<Row> = [...unasked, ...splits, ...nonsense, ...fuzzed]
