import { assert, describe, it } from "@effect/vitest"
import type { Case, Keys } from "./Vectors.ts"
import { check, placementOf, read, tcp, wire } from "./Vectors.ts"

const vectors = read<Keys & { readonly cases: ReadonlyArray<Case> }>("dist-memjs")

describe("a key's place", () => {
  it("is checked for every list", () => {
    assert.lengthOf(vectors.cases, 9)
  })

  it.each(vectors.cases)("is that of $name", (vector) => {
    assert.strictEqual(check(placementOf("memjs", vector.servers), vectors, vector), 480)
  })
})

describe("a server that is away", () => {
  it("gives its keys to the next in the list", () => {
    const placement = placementOf("memjs", [tcp("a"), tcp("b"), tcp("c"), tcp("d")])
    const left = placement.without(new Set([1, 2]))
    for (const key of vectors.keys) {
      const home = placement.indexOf(wire(key))
      assert.deepStrictEqual([...placement.sequence(wire(key))], [0, 1, 2, 3].map((i) => (home + i) % 4))
      assert.strictEqual(left.indexOf(wire(key)), home === 1 || home === 2 ? 3 : home)
    }
  })
})

it("a numeric hash stands for the string's, which is signed and loses its sign", () => {
  const placement = placementOf("memjs", [tcp("a"), tcp("b"), tcp("c")])
  const hashes = [0, 4, -4, 2 ** 31, 2 ** 32 - 1, 10n ** 20n]
  assert.deepStrictEqual(hashes.map((hash) => placement.indexOf(wire("x"), hash)), [
    0,
    1,
    1,
    2 ** 31 % 3,
    1,
    Number(BigInt.asIntN(32, 10n ** 20n) % 3n)
  ])
})
