import { assert, describe, it } from "@effect/vitest"
import * as MetaMemcache from "../../../src/internal/distribution/MetaMemcache.ts"
import type { Case, Keys } from "./Vectors.ts"
import { check, placementOf, read, tcp, wire } from "./Vectors.ts"

interface Vectors extends Keys {
  readonly profiles: ReadonlyArray<{
    readonly profile: typeof MetaMemcache.profiles[number]
    readonly cases: ReadonlyArray<Case>
  }>
}

const vectors = read<Vectors>("dist-meta-memcache")

describe("a key's place", () => {
  const cases = vectors.profiles.flatMap(({ cases, profile }) =>
    cases.map((vector) => [`${profile}, ${vector.name}`, profile, vector] as const)
  )

  it("is checked for every profile", () => {
    assert.sameMembers(vectors.profiles.map(({ profile }) => profile), [...MetaMemcache.profiles])
    assert.lengthOf(cases, 3 * 9)
  })

  it.each(cases)("is that of %s", (_, profile, vector) => {
    assert.strictEqual(check(placementOf(`meta-memcache/${profile}`, vector.servers), vectors, vector), 480)
  })
})

it("a routing key decides in the key's place, and a number as its digits", () => {
  const placement = placementOf("meta-memcache", [tcp("a"), tcp("b"), tcp("c"), tcp("d")])
  for (const key of vectors.utf8Keys) {
    assert.strictEqual(placement.indexOf(wire("x"), key), placement.indexOf(wire(key)))
  }
  for (const hash of [0, 7, -7, 2 ** 40]) {
    assert.strictEqual(placement.indexOf(wire("x"), hash), placement.indexOf(wire(String(hash))))
  }
})

describe("on the ring of 128 bits", () => {
  it("a key that is a point's own name belongs to the point after it", () => {
    assert.strictEqual(placementOf("meta-memcache", [tcp("h1"), tcp("h2")]).indexOf(wire("h2:11211-41")), 0)
  })

  it("points that agree in 32 bits stand in the order of all 128", () => {
    // Found by trying, and placed with Python's hashlib and bisect: two points of each pair agree so far.
    const pairs: ReadonlyArray<readonly [server: string, other: string, key: string]> = [
      ["h454", "h468", "k38"],
      ["h363", "h559", "k4988"],
      ["h583", "h398", "k283"],
      ["h686", "h728", "k54"],
      ["h1037", "h882", "k8487"],
      ["h1323", "h818", "k843"]
    ]
    for (const [server, other, key] of pairs) {
      assert.strictEqual(placementOf("meta-memcache", [tcp(server), tcp(other)]).indexOf(wire(key)), 0)
      assert.strictEqual(placementOf("meta-memcache", [tcp(other), tcp(server)]).indexOf(wire(key)), 1)
    }
  })
})
