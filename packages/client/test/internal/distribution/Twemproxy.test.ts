import type { Placement } from "@effect-memcache/client/Distribution"
import { assert, describe, it } from "@effect/vitest"
import * as Twemproxy from "../../../src/internal/distribution/Twemproxy.ts"
import type { Case, Keys } from "./Vectors.ts"
import { check, placementOf, places, read, tcp, wire } from "./Vectors.ts"

interface Vectors extends Keys {
  readonly cases: ReadonlyArray<
    Omit<Case, "name"> & {
      readonly list: string
      readonly distribution: typeof Twemproxy.distributions[number]
      readonly hash: keyof typeof Twemproxy.hashes
    }
  >
}

const vectors = read<Vectors>("dist-twemproxy")

describe("a key's place", () => {
  it("is checked for every hash and both distributions", () => {
    assert.lengthOf(vectors.cases, 72)
    assert.sameMembers([...new Set(vectors.cases.map(({ hash }) => hash))], Object.keys(Twemproxy.hashes))
    assert.sameMembers([...new Set(vectors.cases.map(({ distribution }) => distribution))], [
      ...Twemproxy.distributions
    ])
  })

  it.each(vectors.cases)("is that of $list, $distribution, $hash", (vector) => {
    const { distribution, hash, servers } = vector
    const serverNames = Object.fromEntries(
      servers.flatMap(({ host, name, port }) => name === undefined ? [] : [[`${host}:${port}`, name]])
    )
    assert.strictEqual(
      check(placementOf({ name: "twemproxy", distribution, hash, serverNames }, servers), vectors, vector),
      480
    )
    if (servers.every(({ name }) => name === undefined)) {
      assert.strictEqual(check(placementOf(`twemproxy/${distribution}-${hash}`, servers), vectors, vector), 480)
    }
  })
})

const servers = [tcp("cache1"), tcp("cache2"), tcp("cache3", 11211, 2), tcp("cache10")]

describe("a hash tag", () => {
  const tagged = placementOf({ name: "twemproxy", hashTag: "{}" }, servers)
  const plain = placementOf("twemproxy", servers)
  const samePlace = (placement: Placement, a: string, b: string) =>
    assert.strictEqual(placement.indexOf(wire(a)), plain.indexOf(wire(b)), `${a} as ${b}`)

  it("leaves what stands between its characters to decide", () => {
    for (const key of vectors.keys.filter((key) => !/[{}]/.test(key))) {
      if (key.length > 200) continue
      samePlace(tagged, `a{${key}}b`, key)
      samePlace(tagged, `{${key}}{c}`, key)
    }
  })

  it("does nothing in a key that has not both, or nothing between them", () => {
    for (const key of ["plain", "a{b", "a}b", "a}b{c", "a{}b"]) samePlace(tagged, key, key)
  })

  it("begins behind the first and ends at the next", () => {
    samePlace(tagged, "{{x}}", "{x")
    samePlace(placementOf({ name: "twemproxy", hashTag: "$$" }, servers), "a$b$c", "b")
  })
})

it("modula takes the shorter name first, and then the order of the bytes", () => {
  const placement = placementOf("twemproxy/modula-md5", [tcp("cache10"), tcp("cache9"), tcp("cache8", 11211, 2)])
  assert.deepStrictEqual([0, 1, 2, 3, 4].map((hash) => placement.indexOf(wire("x"), hash)), [2, 2, 1, 0, 2])
})

describe("an ejected server", () => {
  it.each(["ketama-fnv1a_64", "modula-fnv1a_64"] as const)(
    "leaves the pool as if it had never been in it: %s",
    (profile) => {
      const rest = servers.filter((_, i) => i !== 2)
      const without = placementOf(`twemproxy/${profile}`, servers).without(new Set([2]))
      const alone = placementOf(`twemproxy/${profile}`, rest)
      assert.deepStrictEqual(
        places(without, vectors.keys).map((index) => servers[index]),
        places(alone, vectors.keys).map((index) => rest[index])
      )
    }
  )
})
