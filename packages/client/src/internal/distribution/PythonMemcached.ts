/**
 * python-memcached: buckets by weight, CRC-32 of the key in one of four widths, and ten tries with a hash of the hash.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import type { HashInput } from "../../Key.ts"
import * as Buckets from "./Buckets.ts"
import { crc15, crc32 } from "./hashes/Crc.ts"
import type { Placement } from "./Placement.ts"
import { inOrder } from "./Placement.ts"
import type { Hash } from "./Routing.ts"
import { integerOf, toBytes } from "./Routing.ts"

/**
 * What its releases make of CRC-32. `old-server-hash-py3` is what `useOldServerHashFunction()` does on Python 3.
 *
 * @category constants
 * @since 0.1.0
 */
export const releases = {
  "1.60+": crc15,
  // A hash of 0 becomes 1 there, which moves one key in 32,768.
  "1.45-1.59": (bytes) => crc15(bytes) || 1,
  // Python 2 answers a signed number.
  "1.36-1.44-py2": (bytes) => crc32(bytes) | 0,
  "old-server-hash-py3": crc32
} as const satisfies Readonly<Record<string, Hash>>

/** `_SERVER_RETRIES` */
const TRIES = 10

/**
 * Places keys as one release does. A numeric hash may be any integer, as in its `(hash, key)`: it is not cut to 32 bits.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (servers: ReadonlyArray<Weighted>, hashOf: Hash): Placement => {
  const buckets = Buckets.make(servers.map((server) => server.weight))
  const ownerOf = (hash: number | bigint): number => buckets.ownerOf(floorModulo(hash, buckets.count))
  const first = (key: Key, hash: HashInput | undefined): number | bigint => {
    if (hash === undefined) return hashOf(key)
    if (typeof hash === "string") return hashOf(toBytes(hash))
    return typeof hash === "number" && Number.isSafeInteger(hash) ? hash : integerOf(hash)
  }
  return inOrder(
    (key, hash) => servers.length === 0 ? -1 : ownerOf(first(key, hash)),
    // The key does not enter the second try, only its hash. The same server may come up several times.
    function*(key, hash) {
      if (servers.length === 0) return
      let current = first(key, hash)
      for (let i = 0; i < TRIES; i++) {
        yield ownerOf(current)
        current = hashOf(`${current}${i}`)
      }
    }
  )
}

/** Python's `%`: never negative. */
const floorModulo = (value: number | bigint, by: number): number => {
  if (typeof value === "bigint") {
    const rest = Number(value % BigInt(by))
    return rest < 0 ? rest + by : rest
  }
  const rest = value % by
  // -8 % 4 is -0 in JavaScript.
  return rest < 0 ? rest + by : rest + 0
}
