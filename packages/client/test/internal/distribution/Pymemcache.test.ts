import type { Weighted } from "@effect-memcache/transport/Address"
import { assert, describe, it } from "@effect/vitest"
import { murmur3 } from "../../../src/internal/distribution/hashes/Murmur.ts"
import type { Case, Keys, ServerVector } from "./Vectors.ts"
import { check, first, placementOf, places, read, tcp, wire } from "./Vectors.ts"

interface Vectors extends Keys {
  readonly cases: ReadonlyArray<
    Case & {
      readonly expectedBytesKeys: ReadonlyArray<number>
      readonly expectedServerKeyTuple: ReadonlyArray<number>
    }
  >
  readonly removedCases: ReadonlyArray<{
    readonly list: string
    readonly servers: ReadonlyArray<ServerVector>
    readonly removed: ReadonlyArray<number>
    readonly expected: ReadonlyArray<number | null>
  }>
}

const vectors = read<Vectors>("dist-pymemcache")

describe("a key's place", () => {
  it("is checked for every list", () => {
    assert.lengthOf(vectors.cases, 9)
    assert.lengthOf(vectors.removedCases, 22)
  })

  it.each(vectors.cases)("is that of $name", (vector) => {
    const placement = placementOf("pymemcache", vector.servers)
    assert.strictEqual(check(placement, vectors, vector), 480)
    assert.lengthOf(vector.expectedServerKeyTuple, 60)
    assert.deepStrictEqual(
      vectors.keys.slice(0, 60).map((key) => placement.indexOf(wire(key), `route-${key.slice(0, 20)}`)),
      vector.expectedServerKeyTuple
    )
  })

  it.each(vectors.cases)("is that of $name, with keys of bytes", (vector) => {
    assert.lengthOf(vector.expectedBytesKeys, 420)
    assert.deepStrictEqual(
      places(placementOf("pymemcache/bytes", vector.servers), vectors.keys),
      vector.expectedBytesKeys
    )
  })

  it.each(vectors.removedCases)("is that of $list without $removed", ({ expected, removed, servers }) => {
    assert.lengthOf(expected, 100)
    const whole = placementOf("pymemcache", servers)
    const left = whole.without(new Set(removed))
    expected.forEach((index, i) => {
      const key = wire(vectors.keys[i])
      assert.strictEqual(left.indexOf(key), index ?? -1)
      assert.strictEqual(first(left.sequence(key)), index ?? -1)
      assert.strictEqual([...whole.sequence(key)].find((candidate) => !removed.includes(candidate)) ?? -1, index ?? -1)
    })
  })

  it("ignores weights", () => {
    const light = placementOf("pymemcache", [tcp("a"), tcp("b")])
    const heavy = placementOf("pymemcache", [tcp("a"), tcp("b", 11211, 50)])
    assert.deepStrictEqual(places(heavy, vectors.keys), places(light, vectors.keys))
  })

  it("is, where two servers score the same, that of the greater name", () => {
    // Found by trying: MurmurHash3 of "h99505:11211-k" and of "h140742:11211-k" is 2644530862, and so on.
    const pairs = [["h99505", "h140742"], ["h38771", "h285445"], ["h206556", "h380527"], ["h206527", "h380556"]]
    for (const [greater, lesser] of pairs.map((pair) => pair.toSorted().toReversed())) {
      const key = wire("k")
      assert.deepStrictEqual([...placementOf("pymemcache", [tcp(greater), tcp(lesser)]).sequence(key)], [0, 1])
      assert.deepStrictEqual([...placementOf("pymemcache", [tcp(lesser), tcp(greater)]).sequence(key)], [1, 0])
      // Also behind a server that scores more.
      const best = Array.from({ length: 100 }, (_, i) => tcp(`best${i}`))
        .find((server) => placementOf("pymemcache", [tcp(greater), server]).indexOf(key) === 1)!
      const three = (...servers: ReadonlyArray<Weighted>) => [...placementOf("pymemcache", servers).sequence(key)]
      assert.deepStrictEqual(three(tcp(lesser), tcp(greater), best), [2, 1, 0])
      assert.deepStrictEqual(three(tcp(greater), tcp(lesser), best), [2, 0, 1])
    }
  })

  it("is decided by the notation of Python for bytes that are not ASCII", () => {
    const placement = placementOf("pymemcache/bytes", [tcp("a"), tcp("b"), tcp("c"), tcp("d"), tcp("e")])
    const text = placementOf("pymemcache", [tcp("a"), tcp("b"), tcp("c"), tcp("d"), tcp("e")])
    const notations: ReadonlyArray<readonly [string, string]> = [
      ["\u00e4", String.raw`b'\xc3\xa4'`],
      ["it's", `b"it's"`],
      ["it's\"", String.raw`b'it\'s"'`],
      ["a\\b", String.raw`b'a\\b'`]
    ]
    for (const [key, notation] of notations) {
      assert.strictEqual(placement.indexOf(wire(key)), text.indexOf(wire("x"), notation))
    }
  })

  it("is that of the greatest MurmurHash3, whatever the lengths are", () => {
    const names = Array.from({ length: 10 }, (_, i) => `cache${i}`.padEnd(6 + i, "x"))
    const placement = placementOf("pymemcache", names.map((name) => tcp(name)))
    const lengths = [...Array.from({ length: 30 }, (_, i) => i), 250, 251, 263, 264, 265, 700, 5, 1]
    for (const length of lengths) {
      const hash = "hash/".repeat(140).slice(0, length)
      const scores = names.map((name) => murmur3(`${name}:11211-${hash}`, 0))
      const order = [...names.keys()].sort((a, b) => scores[b] - scores[a])
      assert.strictEqual(placement.indexOf(wire("k"), hash), order[0])
      assert.deepStrictEqual([...placement.sequence(wire("k"), hash)], order)
    }
  })
})
