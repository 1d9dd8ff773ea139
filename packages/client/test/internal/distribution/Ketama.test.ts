import * as Address from "@effect-memcache/transport/Address"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Ketama from "../../../src/internal/distribution/Ketama.ts"
import * as ServerName from "../../../src/internal/distribution/ServerName.ts"
import type { Case, Keys } from "./Vectors.ts"
import { check, read, serversOf, tcp, wire } from "./Vectors.ts"

interface Vectors extends Keys {
  readonly profiles: ReadonlyArray<{ readonly profile: string; readonly cases: ReadonlyArray<Case> }>
}

const vectors = read<Vectors>("dist-libmemcached")

/** The profiles of other clients that place keys on the same ring. */
const same: ReadonlyArray<readonly [file: string, profile: string]> = [
  ["dist-libmemcached", "ketama-weighted"],
  ["dist-libmemcached", "ketama-weighted-set-after-servers"],
  ["dist-php-memcached", "libketama-compatible"],
  ["dist-spymemcached", "ketama-libmemcached-weighted"]
]

const cases = same.flatMap(([file, name]) => {
  const { profiles } = read<Vectors>(file)
  return profiles.find(({ profile }) => profile === name)!.cases.map((vector) =>
    [`${file}, ${name}, ${vector.name}`, vector] as const
  )
})

const keys = vectors.keys.map(wire)

describe("a key's place", () => {
  it("is checked in every list of four profiles", () => {
    assert.lengthOf(cases, 4 * 9)
  })

  it.each(cases)("is that of %s", (_, vector) => {
    assert.strictEqual(check(Ketama.make(serversOf(vector.servers)), vectors, vector), 480)
  })

  const pool = Array.from({ length: 5 }, (_, i) => tcp(`cache${i}`))
  const ring = Ketama.make(pool)

  it("is decided by a numeric hash modulo 2^32 instead of the key", () => {
    const key = wire("user:1")
    for (const point of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const expected = ring.indexOf(wire("b"), point)
      for (
        const hash of [point, point - 2 ** 32, point + 2 ** 32, BigInt(point) + 2n ** 64n, BigInt(point) - 2n ** 32n]
      ) {
        assert.strictEqual(ring.indexOf(key, hash), expected)
      }
    }
  })

  it("is decided by a hash that no point can have, without an exception", () => {
    assert.strictEqual(ring.indexOf(wire("a"), Number.NaN), ring.indexOf(wire("b"), 0))
    assert.strictEqual(ring.indexOf(wire("a"), 1.5), ring.indexOf(wire("b"), 1))
    assert.strictEqual(ring.indexOf(wire("a"), -Infinity), ring.indexOf(wire("b"), 0))
  })

  it("is, for a hash that is text, the place of the key of that text", () => {
    for (const text of vectors.keys) assert.strictEqual(ring.indexOf(wire("other"), text), ring.indexOf(wire(text)))
  })

  it("exists for any text as a hash, also one that is no key", () => {
    for (const text of ["", "a b", "\r\n", "\ud800", "x".repeat(1000)]) {
      assert.include([0, 1, 2, 3, 4], ring.indexOf(wire("a"), text))
    }
  })

  it("is, where two points collide, the earlier server's", () => {
    // Two servers of one name collide everywhere.
    const twins = [tcp("twin", 0), { address: Address.unix("twin"), weight: 1 }, tcp("other")]
    assert.strictEqual(ServerName.withoutDefaultPort(twins[0].address), ServerName.withoutDefaultPort(twins[1].address))
    const places = keys.map((key) => Ketama.make(twins).indexOf(key))
    assert.deepStrictEqual([...new Set(places)].sort(), [0, 2])
    assert.deepStrictEqual(places, keys.map((key) => Ketama.make([twins[1], twins[0], twins[2]]).indexOf(key)))
  })

  it("is the only server's", () => {
    const one = Ketama.make([tcp("a")])
    assert.strictEqual(one.indexOf(wire("x")), 0)
    assert.strictEqual(one.indexOf(wire("x"), 5), 0)
    assert.deepStrictEqual([...one.sequence(wire("x"))], [0])
  })

  it("is nowhere without servers", () => {
    const none = Ketama.make([])
    assert.strictEqual(none.indexOf(wire("x")), -1)
    assert.strictEqual(none.indexOf(wire("x"), 5), -1)
    assert.deepStrictEqual([...none.sequence(wire("x"))], [])
  })

  it("moves for about a sixth of the keys when a sixth server comes", () => {
    const six = Ketama.make([...pool, tcp("cache5")])
    const many = Array.from({ length: 3000 }, (_, i) => wire(`k${i}`))
    const moved = many.filter((key) => ring.indexOf(key) !== six.indexOf(key))
    assert.isBelow(moved.length / many.length, 1 / 6 + 0.1)
    assert.isTrue(moved.every((key) => six.indexOf(key) === 5))
  })
})

describe("the sequence", () => {
  const pool = Array.from({ length: 7 }, (_, i) => tcp(`cache${i}`, 11211, i + 1))
  const ring = Ketama.make(pool)

  it.prop("names every server once and begins at home", [Schema.Int], ([hash]) => {
    const sequence = [...ring.sequence(wire("a"), hash)]
    assert.strictEqual(sequence[0], ring.indexOf(wire("a"), hash))
    assert.sameMembers(sequence, [0, 1, 2, 3, 4, 5, 6])
    assert.lengthOf(sequence, 7)
  })

  it("continues where the ring without the home would place the key", () => {
    // With equal weights, leaving one server out moves no point of the others.
    const equal = Array.from({ length: 7 }, (_, i) => tcp(`cache${i}`))
    for (const key of keys) {
      const [home, next] = Ketama.make(equal).sequence(key)
      const rest = equal.filter((_, i) => i !== home)
      assert.strictEqual(rest[Ketama.make(rest).indexOf(key)], equal[next])
    }
  })

  it("names a server that is too light for a point last", () => {
    const light = Ketama.make([tcp("a", 1, 1), tcp("b", 1, 60_000), tcp("c", 1, 60_000)])
    for (const key of keys) assert.strictEqual([...light.sequence(key)][2], 0)
  })
})
