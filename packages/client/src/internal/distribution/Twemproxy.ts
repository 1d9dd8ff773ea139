/**
 * twemproxy (nutcracker), for programs that go past it to the servers behind it.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Address, Weighted } from "@effect-memcache/transport/Address"
import type { HashInput } from "../../Key.ts"
import { pointOf } from "../../Key.ts"
import * as Buckets from "./Buckets.ts"
import { crc15, crc16, crc32 } from "./hashes/Crc.ts"
import { md5Point } from "./hashes/Digest.ts"
import { fnv1_32, fnv1_64, fnv1a_32, fnv1a_64 } from "./hashes/Fnv.ts"
import { hsieh } from "./hashes/Hsieh.ts"
import { jenkins, oneAtATime } from "./hashes/Jenkins.ts"
import { murmur2 } from "./hashes/Murmur.ts"
import * as KetamaPoints from "./KetamaPoints.ts"
import type { Placement } from "./Placement.ts"
import { rebuilt } from "./Placement.ts"
import * as Ring from "./Ring.ts"
import type { Hash } from "./Routing.ts"
import { bytesOf, toBytes } from "./Routing.ts"
import { withoutDefaultPort } from "./ServerName.ts"

/**
 * The values of `hash:` in its configuration.
 *
 * @category constants
 * @since 0.1.0
 */
export const hashes = {
  one_at_a_time: oneAtATime,
  md5: md5Point,
  crc16,
  crc32: crc15,
  crc32a: crc32,
  fnv1_64,
  fnv1a_64,
  fnv1_32,
  fnv1a_32,
  hsieh,
  murmur: murmur2,
  jenkins
} as const satisfies Readonly<Record<string, Hash>>

/**
 * The values of `distribution:` that place keys; the third, `random`, does not.
 *
 * @category constants
 * @since 0.1.0
 */
export const distributions = ["ketama", "modula"] as const

/**
 * A pool's configuration.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  readonly distribution: typeof distributions[number]
  readonly hash: keyof typeof hashes
  /** Two characters: what stands between them decides the place. */
  readonly hashTag?: string | undefined
}

/**
 * What it calls a server to which its configuration gives no name.
 *
 * @category accessors
 * @since 0.1.0
 */
export const nameOf = (address: Address): string => address._tag === "Unix" ? address.path : withoutDefaultPort(address)

/**
 * Places keys with these settings, on servers with these names: the configuration's own or `nameOf`. Ejects servers
 * as `auto_eject_hosts` does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  servers: ReadonlyArray<Weighted>,
  settings: Settings,
  names: ReadonlyArray<string>
): Placement => {
  const hashOf = hashes[settings.hash]
  const tag = settings.hashTag === undefined ? undefined : toBytes(settings.hashTag)
  const placeOf = (key: Key, hash: HashInput | undefined): number => {
    if (typeof hash === "number" || typeof hash === "bigint") return pointOf(hash)
    const route = bytesOf(key, hash)
    return hashOf(tag === undefined ? route : between(route, tag))
  }
  return rebuilt(servers.length, (live) => {
    // It sorts its servers when it reads them: the shorter name first.
    const order = live.toSorted((a, b) => names[a].length - names[b].length || (names[a] < names[b] ? -1 : 1))
    const weights = order.map((index) => servers[index].weight)
    if (settings.distribution === "modula") {
      const buckets = Buckets.make(weights)
      return (key, hash) => order[buckets.ownerOf(placeOf(key, hash) % buckets.count)]
    }
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const ring = Ring.make((add) => {
      order.forEach((index, position) => {
        const digests = KetamaPoints.digestsOf(weights[position], total, order.length)
        KetamaPoints.add(toBytes(names[index]), digests, position, add)
      })
    })
    return (key, hash) => {
      const position = Ring.ownerAtOrAfter(ring, placeOf(key, hash))
      return position < 0 ? -1 : order[position]
    }
  })
}

/** The bytes between the first of the tag's two and the next of its second; all of them if there are none. */
const between = (bytes: string, tag: string): string => {
  const start = bytes.indexOf(tag[0])
  const end = start < 0 ? -1 : bytes.indexOf(tag[1], start + 1)
  return end - start > 1 ? bytes.slice(start + 1, end) : bytes
}
