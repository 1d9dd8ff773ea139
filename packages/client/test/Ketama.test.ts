import * as Ketama from "@effect-memcache/client/Ketama"
import type { Key } from "@effect-memcache/protocol/Key"
import { isKey, make as makeKey } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Address from "@effect-memcache/transport/Address"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"

interface Vectors {
  readonly source: string
  readonly keys: ReadonlyArray<string>
  readonly profiles: ReadonlyArray<{
    readonly name: string
    readonly cases: ReadonlyArray<{
      readonly name: string
      readonly servers: ReadonlyArray<readonly [host: string, port: number, weight: number]>
      readonly places: ReadonlyArray<number>
    }>
  }>
}

const vectors: Vectors = JSON.parse(
  gunzipSync(readFileSync(join(import.meta.dirname, "fixtures/ketama.json.gz"))).toString("utf8")
)

const tcp = (host: string, port?: number, weight = 1): Weighted => ({ address: Address.tcp(host, port), weight })

const wire = (text: string): Key => {
  const key = makeKey(text)
  return isKey(key) ? key : assert.fail(key._tag)
}

const keys = vectors.keys.map(wire)

const cases = vectors.profiles.flatMap((profile) =>
  profile.cases.map((vector) => [`${profile.name}, ${vector.name}`, vector] as const)
)

describe("a key's place", () => {
  it("is checked against every vector", () => {
    assert.lengthOf(vectors.keys, 480)
    assert.lengthOf(cases, 36)
  })

  it.each(cases)("is that of %s", (_, { places, servers }) => {
    const ring = Ketama.make(servers.map(([host, port, weight]) => tcp(host, port, weight)))
    assert.deepStrictEqual(keys.map((key) => ring.indexOf(key)), places)
    assert.deepStrictEqual(keys.map((key) => [...ring.sequence(key)][0]), places)
  })

  const pool = Array.from({ length: 5 }, (_, i) => tcp(`cache${i}`))
  const ring = Ketama.make(pool)

  it("is decided by a numeric hash modulo 2^32 instead of the key", () => {
    const key = wire("user:1")
    for (const point of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const expected = ring.indexOfPoint(point)
      for (
        const hash of [point, point - 2 ** 32, point + 2 ** 32, BigInt(point) + 2n ** 64n, BigInt(point) - 2n ** 32n]
      ) {
        assert.strictEqual(ring.indexOf(key, hash), expected)
      }
    }
  })

  it("is decided by a hash that no point can have, without an exception", () => {
    assert.strictEqual(ring.indexOf(wire("a"), Number.NaN), ring.indexOfPoint(0))
    assert.strictEqual(ring.indexOf(wire("a"), 1.5), ring.indexOfPoint(1))
    assert.strictEqual(ring.indexOf(wire("a"), -Infinity), ring.indexOfPoint(0))
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
    assert.strictEqual(Ketama.nameOf(twins[0]), Ketama.nameOf(twins[1]))
    const places = keys.map((key) => Ketama.make(twins).indexOf(key))
    assert.deepStrictEqual([...new Set(places)].sort(), [0, 2])
    assert.deepStrictEqual(places, keys.map((key) => Ketama.make([twins[1], twins[0], twins[2]]).indexOf(key)))
  })

  it("is the only server's", () => {
    const one = Ketama.make([tcp("a")])
    assert.strictEqual(one.indexOf(wire("x")), 0)
    assert.strictEqual(one.indexOfPoint(5), 0)
    assert.deepStrictEqual([...one.sequence(wire("x"))], [0])
  })

  it("is nowhere without servers", () => {
    const none = Ketama.make([])
    assert.strictEqual(none.indexOf(wire("x")), -1)
    assert.strictEqual(none.indexOf(wire("x"), 5), -1)
    assert.strictEqual(none.indexOfPoint(5), -1)
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

it("the name of a server leaves out memcached's own port only", () => {
  assert.strictEqual(Ketama.nameOf(tcp("Cache1")), "Cache1")
  assert.strictEqual(Ketama.nameOf(tcp("cache1", 11212)), "cache1:11212")
  assert.strictEqual(Ketama.nameOf(tcp("::1", 1)), "::1:1")
  assert.strictEqual(Ketama.nameOf({ address: Address.unix("/tmp/m.sock"), weight: 1 }), "/tmp/m.sock:0")
})
