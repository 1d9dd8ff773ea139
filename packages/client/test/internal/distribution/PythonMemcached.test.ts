import type { Placement } from "@effect-memcache/client/Distribution"
import type { HashInput } from "@effect-memcache/client/Key"
import { assert, describe, it } from "@effect/vitest"
import * as PythonMemcached from "../../../src/internal/distribution/PythonMemcached.ts"
import type { Case, DeadCase, Keys } from "./Vectors.ts"
import { check, first, placementOf, places, read, tcp, tried, wire } from "./Vectors.ts"

interface Vectors extends Keys {
  readonly zeroHashKeys: ReadonlyArray<string>
  readonly tuples: ReadonlyArray<readonly [hash: string, key: string]>
  readonly profiles: ReadonlyArray<{
    readonly profile: keyof typeof PythonMemcached.releases
    readonly cases: ReadonlyArray<
      Case & { readonly expectedZeroHash: ReadonlyArray<number>; readonly expectedTuple: ReadonlyArray<number> }
    >
    readonly deadCases: ReadonlyArray<DeadCase>
  }>
}

const vectors = read<Vectors>("dist-python-memcached")

/** Every form in which a caller may write the hash. */
const forms = (hash: string): ReadonlyArray<HashInput> =>
  Number.isSafeInteger(Number(hash)) ? [Number(hash), BigInt(hash)] : [BigInt(hash)]

describe("a key's place", () => {
  const cases = vectors.profiles.flatMap(({ cases, profile }) =>
    cases.map((vector) => [`${profile}, ${vector.name}`, profile, vector] as const)
  )

  it("is checked for all four release ranges", () => {
    assert.sameMembers(vectors.profiles.map(({ profile }) => profile), Object.keys(PythonMemcached.releases))
    assert.lengthOf(cases, 4 * 9)
    assert.lengthOf(vectors.tuples, 41)
  })

  it.each(cases)("is that of %s", (_, profile, vector) => {
    const placement = placementOf(`python-memcached/${profile}`, vector.servers)
    assert.strictEqual(check(placement, vectors, vector), 480)
    assert.lengthOf(vector.expectedZeroHash, vectors.zeroHashKeys.length)
    assert.deepStrictEqual(places(placement, vectors.zeroHashKeys), vector.expectedZeroHash)
    assert.lengthOf(vector.expectedTuple, vectors.tuples.length)
    vectors.tuples.forEach(([hash, key], i) => {
      for (const form of forms(hash)) assert.strictEqual(placement.indexOf(wire(key), form), vector.expectedTuple[i])
    })
  })
})

describe("with dead servers", () => {
  const cases = vectors.profiles.flatMap(({ deadCases, profile }) =>
    deadCases.map((vector) => [`${profile}, ${vector.list} without [${vector.dead.join()}]`, profile, vector] as const)
  )

  it("is checked for all four release ranges", () => {
    assert.lengthOf(cases, 4 * 22)
  })

  it.each(cases)("the servers tried are those of %s", (_, profile, { dead, entries, servers }) => {
    const placement = placementOf(`python-memcached/${profile}`, servers)
    const left = placement.without(new Set(dead))
    assert.isAbove(entries.length, 0)
    for (const entry of entries) {
      for (const hash of entry.hash === undefined ? [undefined] : forms(entry.hash)) {
        assert.deepStrictEqual(tried(placement.sequence(wire(entry.key), hash), dead), entry.tried)
        assert.strictEqual(left.indexOf(wire(entry.key), hash), entry.server ?? -1)
        assert.strictEqual(first(left.sequence(wire(entry.key), hash)), entry.server ?? -1)
      }
    }
  })

  it("there are ten tries", () => {
    const placement: Placement = placementOf("python-memcached", [tcp("a"), tcp("b")])
    for (const key of vectors.keys) assert.lengthOf([...placement.sequence(wire(key))], 10)
  })
})

describe("a hash in the key's place", () => {
  const placement = placementOf("python-memcached", [tcp("a"), tcp("b", 1, 3), tcp("c")])

  it("is an integer of any size, with Python's modulo", () => {
    assert.strictEqual(placement.indexOf(wire("x"), -1), placement.indexOf(wire("x"), 4))
    assert.strictEqual(placement.indexOf(wire("x"), 2n ** 70n - 1n), placement.indexOf(wire("x"), 3))
    assert.strictEqual(placement.indexOf(wire("x"), 2 ** 70), placement.indexOf(wire("x"), 2n ** 70n))
    assert.strictEqual(placement.indexOf(wire("x"), -(2n ** 70n) - 1n), placement.indexOf(wire("x"), -(2n ** 70n) + 4n))
  })

  it("is cut to an integer, and is 0 if it is none", () => {
    assert.strictEqual(placement.indexOf(wire("x"), 3.9), placement.indexOf(wire("x"), 3))
    for (const none of [Number.NaN, Infinity, -Infinity, -0]) {
      assert.strictEqual(placement.indexOf(wire("x"), none), placement.indexOf(wire("x"), 0))
      assert.deepStrictEqual([...placement.sequence(wire("x"), none)], [...placement.sequence(wire("x"), 0)])
    }
  })
})
