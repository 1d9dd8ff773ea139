import { assert, it } from "@effect/vitest"
import * as Buckets from "../../../src/internal/distribution/Buckets.ts"

const row = (weights: ReadonlyArray<number>): Array<number> => {
  const { count, ownerOf } = Buckets.make(weights)
  return Array.from({ length: count }, (_, bucket) => ownerOf(bucket))
}

it("each server stands as often in the row as its weight says", () => {
  assert.deepStrictEqual(row([1, 1, 1]), [0, 1, 2])
  assert.deepStrictEqual(row([2, 1, 3]), [0, 0, 1, 2, 2, 2])
  assert.deepStrictEqual(row([1, 5]), [0, 1, 1, 1, 1, 1])
  assert.deepStrictEqual(row([]), [])
})

it("great weights cost no room", () => {
  const { count, ownerOf } = Buckets.make(Array.from({ length: 256 }, () => 65_535))
  assert.strictEqual(count, 256 * 65_535)
  assert.strictEqual(ownerOf(0), 0)
  assert.strictEqual(ownerOf(65_534), 0)
  assert.strictEqual(ownerOf(65_535), 1)
  assert.strictEqual(ownerOf(count - 1), 255)
})
