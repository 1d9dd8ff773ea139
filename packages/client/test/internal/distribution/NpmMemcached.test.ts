import { assert, describe, it } from "@effect/vitest"
import type { Case, Keys } from "./Vectors.ts"
import { check, placementOf, places, read, tcp } from "./Vectors.ts"

const vectors = read<Keys & { readonly cases: ReadonlyArray<Case> }>("dist-npm-memcached")

describe("a key's place", () => {
  it("is checked for every list", () => {
    assert.lengthOf(vectors.cases, 9)
  })

  it.each(vectors.cases)("is that of $name", (vector) => {
    assert.strictEqual(check(placementOf("npm-memcached", vector.servers), vectors, vector), 480)
  })
})

it("a server that is away leaves the ring as if it had never been in it", () => {
  const servers = [tcp("a", 11211, 3), tcp("b"), tcp("c", 11211, 7), tcp("d", 1)]
  const rest = servers.filter((_, i) => i !== 2)
  assert.deepStrictEqual(
    places(placementOf("npm-memcached", servers).without(new Set([2])), vectors.keys).map((index) => servers[index]),
    places(placementOf("npm-memcached", rest), vectors.keys).map((index) => rest[index])
  )
})
