/**
 * The rows of the fault matrix that take longer. Most of them wait more than they work, so they run side by side.
 */
import { rows } from "./Rows.ts"
import { suite } from "./Suite.ts"

// The longest first, so that none of them goes on alone in the end.
const lasting = rows.filter(({ quick }) => !quick).toSorted((a, b) => (b.limit ?? 0) - (a.limit ?? 0))

suite("the fault matrix, rows that last", lasting, 4)
