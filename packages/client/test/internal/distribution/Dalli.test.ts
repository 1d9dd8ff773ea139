import { assert, describe, it } from "@effect/vitest"
import * as Dalli from "../../../src/internal/distribution/Dalli.ts"
import type { Case, DeadCase, Keys } from "./Vectors.ts"
import { check, first, placementOf, read, tcp, tried, wire } from "./Vectors.ts"

interface Vectors extends Keys {
  readonly cases: ReadonlyArray<Case & { readonly pointCount: Readonly<Record<string, number>> }>
  readonly deadCases: ReadonlyArray<DeadCase>
  readonly longKeys: ReadonlyArray<{ readonly key: string; readonly sent: string; readonly sentNamespaceNs: string }>
}

const vectors = read<Vectors>("dist-dalli")

describe("a key's place", () => {
  it("is checked for every list", () => {
    assert.lengthOf(vectors.cases, 9)
    assert.lengthOf(vectors.deadCases, 22)
    assert.lengthOf(vectors.longKeys, 12)
  })

  it.each(vectors.cases)("is that of $name", (vector) => {
    assert.strictEqual(check(placementOf("dalli", vector.servers), vectors, vector), 480)
  })

  it.each(vectors.cases)("is among as many points of each server as in $name", ({ pointCount, servers }) => {
    const total = servers.reduce((sum, server) => sum + server.weight, 0)
    const points = servers.map((server) => Dalli.pointsOf(server.weight, total, servers.length))
    assert.deepStrictEqual(Object.fromEntries(points.entries()), pointCount)
  })

  it.each(vectors.deadCases)("is tried as in $list without $dead", ({ dead, entries, servers }) => {
    const placement = placementOf("dalli", servers)
    const left = placement.without(new Set(dead))
    assert.lengthOf(entries, 70)
    for (const { key, server, tried: expected } of entries) {
      assert.deepStrictEqual(tried(placement.sequence(wire(key)), dead), expected)
      assert.strictEqual(left.indexOf(wire(key)), server ?? -1)
      assert.strictEqual(first(left.sequence(wire(key))), server ?? -1)
    }
  })

  it("is tried twenty times, and once on a lone server", () => {
    assert.lengthOf([...placementOf("dalli", [tcp("a"), tcp("b")]).sequence(wire("x"))], 20)
    assert.deepStrictEqual([...placementOf("dalli", [tcp("a")]).sequence(wire("x"))], [0])
  })
})

describe("a long key", () => {
  it("is sent as Dalli sends it, with and without a namespace", () => {
    for (const { key, sent, sentNamespaceNs } of vectors.longKeys) {
      assert.strictEqual(Dalli.sentKey(key), sent)
      assert.strictEqual(Dalli.sentKey(key, "ns"), sentNamespaceNs)
    }
  })

  it("has at most 250 characters, and a short one stays as it is", () => {
    for (const { key } of vectors.longKeys) assert.lengthOf(Array.from(Dalli.sentKey(key, "ns")), 250)
    assert.strictEqual(Dalli.sentKey("k".repeat(250)), "k".repeat(250))
    assert.strictEqual(Dalli.sentKey("k".repeat(247), "ns"), `ns:${"k".repeat(247)}`)
    assert.match(Dalli.sentKey("k".repeat(251)), /^k{212}:md5:[0-9a-f]{32}$/)
  })
})
