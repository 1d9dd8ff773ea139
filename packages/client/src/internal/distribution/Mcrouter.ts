/**
 * mcrouter's default hash, Ch3: a walk down a binary tree, each turn a bit from a stream that the key seeds.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { HashInput } from "../../Key.ts"
import type { Halves } from "./hashes/Murmur64.ts"
import { murmur64, rehash64 } from "./hashes/Murmur64.ts"
import type { Placement } from "./Placement.ts"
import { alone } from "./Placement.ts"
import { bytesOf } from "./Routing.ts"

/**
 * Places keys in a pool of so many servers as mcrouter's PoolRoute does. Only the order of the servers counts, not their
 * names or weights, and no second one is tried. A numeric hash is hashed as its digits.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (count: number): Placement => {
  if (count < 2) return alone(() => count - 1)
  const choose = chooser(count)
  return alone((key, hash) => choose(routeOf(key, hash)))
}

/** What stands between a routing prefix, `/region/cluster/`, and `|#|`. */
const routeOf = (key: Key, hash: HashInput | undefined): string => {
  const whole = bytesOf(key, hash)
  const prefix = whole.startsWith("/") ? /^\/[^/]*\/[^/]*\//.exec(whole) : null
  const bare = prefix === null ? whole : whole.slice(prefix[0].length)
  const end = bare.indexOf("|#|")
  return end < 0 ? bare : bare.slice(0, end)
}

// The constants of furc_hash, in mcrouter/lib/fbi/hash.c.
const SEED = 4193360111
const MAX_TRIES = 32
/** The gap between the bits of one try; a pool has at most 2^23 servers. */
const SHIFT = 23

const chooser = (count: number): (route: string) => number => {
  let depth = 0
  while (count > 2 ** depth) depth++
  // The stream is hashed as far as it is read; both arrays are used again for the next key.
  const highs = new Int32Array(((MAX_TRIES + 1) * SHIFT * (SHIFT + 1)) >> 6)
  const lows = new Int32Array(highs.length)
  const hash: Halves = { high: 0, low: 0 }
  let known = 0
  let route = ""

  const bit = (at: number): number => {
    const ordinal = at >> 6
    for (; known <= ordinal; known++) {
      if (known === 0) murmur64(hash, route, SEED)
      else rehash64(hash, SEED)
      highs[known] = hash.high
      lows[known] = hash.low
    }
    return ((at & 32) === 0 ? lows[ordinal] >>> (at & 31) : highs[ordinal] >>> (at & 31)) & 1
  }

  return (text) => {
    known = 0
    route = text
    let level = depth
    let at = level
    for (let i = 0; i < MAX_TRIES; i++) {
      while (bit(at) === 0) {
        if (--level === 0) return 0
        at = level
      }
      at += SHIFT
      let index = 1
      for (let j = 1; j < level; j++) {
        index = (index << 1) | bit(at)
        at += SHIFT
      }
      if (index < count) return index
    }
    return 0
  }
}
