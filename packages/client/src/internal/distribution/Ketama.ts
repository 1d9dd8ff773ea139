/**
 * The default: which server holds a key, decided exactly as libmemcached decides it with `KETAMA_WEIGHTED`, so that
 * programs in every language that use it find each other's items.
 *
 * It differs from the profile `libmemcached/ketama-weighted` in what happens without a server: the ring stays as it is
 * and the next point's server takes the keys, so that no other key moves.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import type { HashInput } from "../../Key.ts"
import { md5Point } from "./hashes/Digest.ts"
import * as KetamaPoints from "./KetamaPoints.ts"
import type { Placement } from "./Placement.ts"
import { inOrder } from "./Placement.ts"
import * as Ring from "./Ring.ts"
import { placeOf } from "./Routing.ts"
import { withoutDefaultPort } from "./ServerName.ts"

/**
 * Builds the ring: about 160 points a server, in proportion to the weights. A numeric hash is a point on it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (servers: ReadonlyArray<Weighted>): Placement => {
  const count = servers.length
  const ring = ringOf(servers)
  const locate = (key: Key, hash: HashInput | undefined): number =>
    // With one server libmemcached does not hash at all. The answer is the same, sooner.
    count < 2 ? count - 1 : Ring.ownerAtOrAfter(ring, placeOf(md5Point, key, hash))
  return inOrder(locate, (key, hash) => everybody(ring, count, placeOf(md5Point, key, hash)))
}

const ringOf = (servers: ReadonlyArray<Weighted>): Ring.Ring => {
  const total = servers.reduce((sum, server) => sum + server.weight, 0)
  return Ring.make((add) => {
    servers.forEach(({ address, weight }, owner) => {
      const digests = KetamaPoints.digestsOf(weight, total, servers.length)
      KetamaPoints.add(withoutDefaultPort(address), digests, owner, add)
    })
  })
}

function* everybody(ring: Ring.Ring, count: number, point: number): Generator<number> {
  const met = new Set<number>()
  for (const owner of Ring.walk(ring, point)) {
    met.add(owner)
    yield owner
  }
  // A server whose weight is too small for a point takes keys only when nobody else does.
  for (let owner = 0; owner < count; owner++) if (!met.has(owner)) yield owner
}
