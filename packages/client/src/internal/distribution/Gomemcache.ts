/**
 * gomemcache: CRC-32 modulo the number of servers, in which a weight is a server that is listed several times. It tries no
 * second server.
 *
 * @since 0.1.0
 */
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Buckets from "./Buckets.ts"
import { crc32 } from "./hashes/Crc.ts"
import type { Placement } from "./Placement.ts"
import { alone } from "./Placement.ts"
import { placeOf } from "./Routing.ts"

/**
 * Places keys as gomemcache does. A numeric hash stands for the CRC.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (servers: ReadonlyArray<Weighted>): Placement => {
  const buckets = Buckets.make(servers.map((server) => server.weight))
  return alone((key, hash) => servers.length === 0 ? -1 : buckets.ownerOf(placeOf(crc32, key, hash) % buckets.count))
}
