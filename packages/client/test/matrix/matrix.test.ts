/**
 * The quick rows of the fault matrix; the others are in `matrix.fault.ts`.
 */
import { assert, it } from "@effect/vitest"
import { rows } from "./Rows.ts"
import { suite } from "./Suite.ts"

suite("the fault matrix", rows.filter(({ quick }) => quick), 2)

/** As in the matrix, where gaps are meant; the last one, 74, is the soak. */
const NUMBERS = [
  [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  [11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23],
  [24, 25, 26, 27, 28],
  [30, 32, 34, 35, 36, 37, 38, 39, 40, 42, 44, 46],
  [47, 49, 50, 51],
  [52, 54, 55, 57, 58, 59, 60, 62, 63, 65],
  [66, 67, 68, 69, 70, 72, 73]
].flat()
it("every row of the matrix is there, once", () => {
  assert.deepStrictEqual(rows.map(({ number }) => number), NUMBERS)
})
