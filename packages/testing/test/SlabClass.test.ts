import { assert, describe, it } from "@effect/vitest"
import * as SlabClass from "../src/SlabClass.ts"

describe("SlabClass", () => {
  it("has the classes of memcached's defaults", () => {
    assert.deepStrictEqual([1, 2, 3, 4, 5, 6].map(SlabClass.chunkSize), [96, 120, 152, 192, 240, 304])
    assert.strictEqual(SlabClass.chunkSize(39), 524_288)
  })

  it("puts an item into the smallest class that holds it", () => {
    assert.strictEqual(SlabClass.ofSize(60), 1)
    assert.strictEqual(SlabClass.ofSize(96), 1)
    assert.strictEqual(SlabClass.ofSize(97), 2)
    assert.strictEqual(SlabClass.ofSize(524_288), 39)
    assert.strictEqual(SlabClass.ofSize(1_048_576), 39)
  })
})
