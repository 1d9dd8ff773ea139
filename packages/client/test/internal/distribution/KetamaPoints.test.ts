import { assert, it } from "@effect/vitest"
import * as KetamaPoints from "../../../src/internal/distribution/KetamaPoints.ts"

it("the number of digests is that of C's floats, each step rounded", () => {
  // From libmemcached's expression, compiled by gcc for x86-64.
  const counts: ReadonlyArray<readonly [weight: number, total: number, servers: number, digests: number]> = [
    [1, 1, 1, 40],
    [5, 6, 3, 100],
    [7, 12, 6, 140],
    [7, 15, 6, 112],
    [3, 28, 7, 30],
    [6, 7, 7, 240]
  ]
  for (const [weight, total, servers, digests] of counts) {
    assert.strictEqual(KetamaPoints.digestsOf(weight, total, servers), digests)
  }
})

it("servers of equal weight get 40 digests each, and 39 where the floats come out below", () => {
  // From the same program in C.
  const below = [25, 47, 50, 55, 61, 71, 94, 100, 107, 109, 110, 115, 122, 142, 159, 163, 188, 193, 200]
  for (let servers = 1; servers <= 200; servers++) {
    assert.strictEqual(KetamaPoints.digestsOf(1, servers, servers), below.includes(servers) ? 39 : 40)
  }
})
