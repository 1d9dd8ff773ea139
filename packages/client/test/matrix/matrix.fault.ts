/**
 * The rows of the fault matrix that take longer. Most of them wait more than they work, so they run side by side.
 */
import { rows } from "./Rows.ts"
import { suite } from "./Suite.ts"

suite("the fault matrix, rows that last", rows.filter(({ quick }) => !quick), 4)
