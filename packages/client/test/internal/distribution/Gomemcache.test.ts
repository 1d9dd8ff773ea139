import { assert, describe, it } from "@effect/vitest"
import type { Case, Keys } from "./Vectors.ts"
import { check, placementOf, read, tcp, wire } from "./Vectors.ts"

const vectors = read<Keys & { readonly cases: ReadonlyArray<Case> }>("dist-gomemcache")

describe("a key's place", () => {
  it("is checked for every list", () => {
    assert.lengthOf(vectors.cases, 9)
  })

  it.each(vectors.cases)("is that of $name", (vector) => {
    assert.strictEqual(check(placementOf("gomemcache", vector.servers), vectors, vector), 480)
  })
})

describe("a server that is away", () => {
  it("keeps its keys, because nobody else is asked", () => {
    const placement = placementOf("gomemcache", [tcp("a"), tcp("b", 11211, 2), tcp("c")])
    assert.isFalse(placement.failsOver)
    const left = placement.without(new Set([1]))
    for (const key of vectors.keys) {
      const home = placement.indexOf(wire(key))
      assert.deepStrictEqual([...placement.sequence(wire(key))], [home])
      assert.strictEqual(left.indexOf(wire(key)), home === 1 ? -1 : home)
      assert.deepStrictEqual([...left.sequence(wire(key))], home === 1 ? [] : [home])
    }
  })
})

it("a numeric hash stands for the checksum", () => {
  const placement = placementOf("gomemcache", [tcp("a"), tcp("b", 11211, 2), tcp("c")])
  assert.deepStrictEqual([0, 1, 2, 3, 4, 2 ** 32 + 3, -1].map((hash) => placement.indexOf(wire("x"), hash)), [
    0,
    1,
    1,
    2,
    0,
    2,
    2
  ])
})
