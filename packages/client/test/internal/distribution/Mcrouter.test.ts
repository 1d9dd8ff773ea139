import { assert, describe, it } from "@effect/vitest"
import type { Case, Keys } from "./Vectors.ts"
import { check, placementOf, places, read, tcp, wire } from "./Vectors.ts"

describe("a key's place", () => {
  const vectors = read<
    Keys & { readonly cases: ReadonlyArray<Omit<Case, "name" | "servers"> & { readonly poolSize: number }> }
  >("dist-mcrouter-ch3")
  const pool = (size: number) => placementOf("mcrouter", Array.from({ length: size }, (_, i) => tcp(`cache${i}`)))

  it("is checked for every size", () => {
    assert.lengthOf(vectors.cases, 9)
  })

  it.each(vectors.cases)("is that of a pool of $poolSize", (vector) => {
    assert.strictEqual(check(pool(vector.poolSize), vectors, vector), 480)
  })

  it("is decided by what stands between the routing prefix and |#|", () => {
    const placement = pool(100)
    for (const key of vectors.keys.filter((key) => key.length < 200 && !key.startsWith("/") && !key.includes("|#|"))) {
      const home = placement.indexOf(wire(key))
      assert.strictEqual(placement.indexOf(wire(`/region/cluster/${key}`)), home)
      assert.strictEqual(placement.indexOf(wire(`${key}|#|suffix`)), home)
      assert.strictEqual(placement.indexOf(wire(`/region/cluster/${key}|#|suffix|#|`)), home)
    }
    assert.deepStrictEqual(
      places(placement, ["/a/b", "/a"]),
      ["/a/b", "/a"].map((key) => placement.indexOf(wire("x"), key))
    )
  })
})
