import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Ring from "../../../src/internal/distribution/Ring.ts"

type Points = ReadonlyArray<readonly [point: number, owner: number]>

const ringOf = (points: Points, ties?: "first" | "last") =>
  Ring.make((add) => points.forEach(([point, owner]) => add(point, owner)), ties)

const LAST = 0xffffffff

describe("a ring", () => {
  const ring = ringOf([[30, 3], [10, 1], [LAST, 4], [20, 2]])

  it("has its points in order, with their owners", () => {
    assert.deepStrictEqual([...ring.points], [10, 20, 30, LAST])
    assert.deepStrictEqual([...ring.owners], [1, 2, 3, 4])
  })

  it("has an owner at, after and before every point, around its end", () => {
    const at = [0, 10, 11, 30, 31, LAST]
    assert.deepStrictEqual(at.map((point) => Ring.ownerAtOrAfter(ring, point)), [1, 1, 2, 3, 4, 4])
    assert.deepStrictEqual(at.map((point) => Ring.ownerAfter(ring, point)), [1, 2, 2, 4, 4, 1])
    assert.deepStrictEqual(at.map((point) => Ring.ownerAtOrBefore(ring, point)), [4, 1, 1, 3, 3, 4])
  })

  it("gives a point that two claim to the earlier, or to the later", () => {
    const points: Points = [[5, 9], [5, 2], [5, 7], [LAST, 8], [LAST, 1]]
    assert.deepStrictEqual([...ringOf(points).owners], [2, 7, 9, 1, 8])
    assert.deepStrictEqual([...ringOf(points, "last").owners], [9, 7, 2, 8, 1])
    assert.deepStrictEqual([...ringOf(points, "last").points], [5, 5, 5, LAST, LAST])
  })

  it("meets each owner once on the way around", () => {
    const ring = ringOf([[10, 1], [20, 2], [30, 1], [40, 3], [50, 2]])
    assert.deepStrictEqual([...Ring.walk(ring, 25)], [1, 3, 2])
    assert.deepStrictEqual([...Ring.walk(ring, 51)], [1, 2, 3])
  })

  it("without points has no owner", () => {
    const none = ringOf([])
    for (const find of [Ring.ownerAtOrAfter, Ring.ownerAfter, Ring.ownerAtOrBefore]) {
      assert.strictEqual(find(none, 5), -1)
    }
    assert.deepStrictEqual([...Ring.walk(none, 5)], [])
  })

  it.prop("finds what a search from one end finds", [Schema.Array(Schema.Int), Schema.Int], ([ints, int]) => {
    const values = ints.map((value) => value >>> 0)
    const point = int >>> 0
    const ring = ringOf(values.map((value, owner) => [value, owner]))
    const sorted = values.toSorted((a, b) => a - b)
    assert.deepStrictEqual([...ring.points], sorted)
    for (const at of [point, ...values]) {
      assert.strictEqual(Ring.lowerBound(ring, at), sorted.filter((value) => value < at).length)
      assert.strictEqual(Ring.upperBound(ring, at), sorted.filter((value) => value <= at).length)
    }
  })
})
