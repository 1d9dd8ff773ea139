import { assert, describe, it } from "@effect/vitest"
import * as Routing from "../../../src/internal/distribution/Routing.ts"
import { wire } from "./Vectors.ts"

const key = wire("ä")

describe("what routes", () => {
  it("is the key, in bytes or as text", () => {
    assert.strictEqual(Routing.bytesOf(key, undefined), "\u00c3\u00a4")
    assert.strictEqual(Routing.textOf(key, undefined), "ä")
  })

  it("is a text in its place, in bytes or as text", () => {
    assert.strictEqual(Routing.bytesOf(key, "ö🎉"), "\u00c3\u00b6\u00f0\u009f\u008e\u0089")
    assert.strictEqual(Routing.textOf(key, "ö🎉"), "ö🎉")
  })

  it("is a number's digits", () => {
    for (const number of [17, 17n, 17.9]) {
      assert.strictEqual(Routing.bytesOf(key, number), "17")
      assert.strictEqual(Routing.textOf(key, number), "17")
    }
    assert.strictEqual(Routing.bytesOf(key, 1e21), "1000000000000000000000")
    assert.strictEqual(Routing.bytesOf(key, Number.NaN), "0")
  })

  it("is, as a place, the hash of either or the number modulo 2^32", () => {
    const length = (bytes: string) => bytes.length
    assert.strictEqual(Routing.placeOf(length, key, undefined), 2)
    assert.strictEqual(Routing.placeOf(length, key, "ö🎉"), 6)
    assert.strictEqual(Routing.placeOf(length, key, -1), 2 ** 32 - 1)
    assert.strictEqual(Routing.placeOf(length, key, 2n ** 32n + 5n), 5)
  })
})
