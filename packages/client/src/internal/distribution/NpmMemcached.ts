/**
 * The npm package `memcached`: hashring's ketama, whose shares are computed in doubles where libmemcached's are floats.
 *
 * With its option `remove`, a dead server leaves the ring, which is built anew.
 *
 * @since 0.1.0
 */
import type { Weighted } from "@effect-memcache/transport/Address"
import { md5Point } from "./hashes/Digest.ts"
import * as KetamaPoints from "./KetamaPoints.ts"
import type { Placement } from "./Placement.ts"
import { rebuilt } from "./Placement.ts"
import * as Ring from "./Ring.ts"
import { placeOf } from "./Routing.ts"
import { withoutDefaultPort } from "./ServerName.ts"

const DIGESTS_PER_SERVER = 40

/**
 * Places keys as the package does. A numeric hash is a point on the ring.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (servers: ReadonlyArray<Weighted>): Placement =>
  rebuilt(servers.length, (live) => {
    const total = live.reduce((sum, index) => sum + servers[index].weight, 0)
    const ring = Ring.make((add) => {
      for (const owner of live) {
        const { address, weight } = servers[owner]
        const digests = Math.floor((weight / total) * DIGESTS_PER_SERVER * live.length)
        KetamaPoints.add(withoutDefaultPort(address), digests, owner, add)
      }
    })
    return (key, hash) => Ring.ownerAtOrAfter(ring, placeOf(md5Point, key, hash))
  })
