/**
 * Rows of the fault matrix: what the program gives, and what other programs have stored.
 */
import { rows as bombs } from "./Bombs.ts"
import { rows as hostile } from "./Hostile.ts"
import { rows as lifetimes } from "./Lifetimes.ts"
import { rows as refused } from "./Memoryless.ts"
import type { Row } from "./Row.ts"
import { rows as strange } from "./Strange.ts"

export const rows: ReadonlyArray<Row> = [...hostile, ...lifetimes, ...bombs, ...strange, ...refused]
