import * as Distribution from "@effect-memcache/client/Distribution"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Spymemcached from "../../../src/internal/distribution/Spymemcached.ts"
import type { Case, Keys } from "./Vectors.ts"
import { check, placementOf, places, read, serversOf, tcp, wire } from "./Vectors.ts"

interface Vectors extends Keys {
  readonly profiles: ReadonlyArray<{
    readonly profile: keyof typeof Spymemcached.profiles
    readonly cases: ReadonlyArray<
      Case & {
        readonly nodeNames?: ReadonlyArray<string>
        readonly failoverSequence: ReadonlyArray<ReadonlyArray<number>>
      }
    >
  }>
}

const vectors = read<Vectors>("dist-spymemcached")

describe("a key's place", () => {
  const cases = vectors.profiles.flatMap(({ cases, profile }) =>
    cases.map((vector) => [`${profile}, ${vector.name}`, profile, vector] as const)
  )

  it("is checked for every profile", () => {
    assert.sameMembers(vectors.profiles.map(({ profile }) => profile), Object.keys(Spymemcached.profiles))
    assert.lengthOf(cases, 8 * 9)
  })

  it.each(cases)("is that of %s, and so is what follows", (_, profile, vector) => {
    const serverNames = Object.fromEntries(
      (vector.nodeNames ?? []).map((name, i) => [`${vector.servers[i].host}:${vector.servers[i].port}`, name])
    )
    const placement = placementOf({ name: `spymemcached/${profile}` as const, serverNames }, vector.servers)
    assert.strictEqual(check(placement, vectors, vector), 480)
    assert.lengthOf(vector.failoverSequence, 60)
    vector.failoverSequence.forEach((expected, i) => {
      const sequence = [...placement.sequence(wire(vectors.keys[i]))]
      // The vectors of the array leave out the home, those of the ring begin with it.
      assert.deepStrictEqual(profile.startsWith("array") ? sequence.slice(1) : sequence, expected)
    })
  })

  it.each(cases)(
    "needs no names for %s where the hosts are addresses or the format has no addresses",
    (_, profile, vector) => {
      const settings = Spymemcached.profiles[profile]
      const servers = serversOf(vector.servers)
      const known = servers.map(({ address }) => Spymemcached.nameOf(address, settings))
      if (known.every((name) => name !== undefined)) {
        if (vector.nodeNames !== undefined) assert.deepStrictEqual(known, vector.nodeNames)
        assert.deepStrictEqual(
          places(placementOf(`spymemcached/${profile}`, servers), vectors.keys),
          vector.expected
        )
      } else {
        assert.include(profile, "ketama-spy")
        const answer = Distribution.fromServers(`spymemcached/${profile}`, servers)
        assert.isTrue(Result.isFailure(answer))
      }
    }
  )
})

describe("a hash in the key's place", () => {
  it("is hashed if it is text, and taken modulo 2^32 if it is a number", () => {
    const servers = [tcp("10.0.0.1"), tcp("10.0.0.2"), tcp("10.0.0.3")]
    for (const name of ["spymemcached", "spymemcached/ketama-spy"] as const) {
      const placement = placementOf(name, servers)
      for (const key of vectors.utf8Keys) {
        assert.strictEqual(placement.indexOf(wire("x"), key), placement.indexOf(wire(key)))
        assert.deepStrictEqual([...placement.sequence(wire("x"), key)], [...placement.sequence(wire(key))])
      }
      assert.strictEqual(placement.indexOf(wire("x"), -1), placement.indexOf(wire("x"), 2 ** 32 - 1))
    }
  })
})

it("a point that two servers claim is the later server's", () => {
  // Two servers of one name claim the same points, all of them.
  const placement = placementOf({
    name: "spymemcached/ketama-spy",
    serverNames: { "10.0.0.1:1": "twin", "10.0.0.2:1": "twin" }
  }, [tcp("10.0.0.1", 1), tcp("10.0.0.2", 1), tcp("10.0.0.3", 1)])
  assert.sameMembers([...new Set(places(placement, vectors.keys))], [1, 2])
})
