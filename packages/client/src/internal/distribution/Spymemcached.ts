/**
 * spymemcached, the Java client: servers in an array by the hash of a Java string, or a ketama of its own.
 *
 * Its ketama names a server as Java prints an `InetSocketAddress`. With an address in digits that is known here; with a
 * host name it holds what the name resolved to on that machine, so the names have to be given.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Address, Weighted } from "@effect-memcache/transport/Address"
import type { HashInput } from "../../Key.ts"
import { pointOf } from "../../Key.ts"
import { crc15 } from "./hashes/Crc.ts"
import { md5Point } from "./hashes/Digest.ts"
import { fnv1_64Text, fnv1a_32Text } from "./hashes/Fnv.ts"
import * as KetamaPoints from "./KetamaPoints.ts"
import type { Placement } from "./Placement.ts"
import { inOrder } from "./Placement.ts"
import * as Ring from "./Ring.ts"
import { bytesOf, placeOf, textOf, toBytes } from "./Routing.ts"
import { withoutDefaultPort } from "./ServerName.ts"

/** `String.hashCode`. */
const javaHash = (text: string): number => {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash >>> 0
}

const arrays = {
  native: javaHash,
  crc: (text: string) => crc15(toBytes(text)),
  fnv1a_32: fnv1a_32Text,
  fnv1_64: fnv1_64Text
} as const

/**
 * One configuration.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings =
  | { readonly locator: "array"; readonly hash: keyof typeof arrays }
  | { readonly locator: "ketama"; readonly format: "spymemcached" | "libmemcached"; readonly weighted: boolean }

/**
 * Its profiles. The first is what `DefaultConnectionFactory` does.
 *
 * @category constants
 * @since 0.1.0
 */
export const profiles = {
  "array-native": { locator: "array", hash: "native" },
  "array-crc": { locator: "array", hash: "crc" },
  "array-fnv1a_32": { locator: "array", hash: "fnv1a_32" },
  "array-fnv1_64": { locator: "array", hash: "fnv1_64" },
  "ketama-spy": { locator: "ketama", format: "spymemcached", weighted: false },
  "ketama-libmemcached": { locator: "ketama", format: "libmemcached", weighted: false },
  "ketama-spy-weighted": { locator: "ketama", format: "spymemcached", weighted: true },
  "ketama-libmemcached-weighted": { locator: "ketama", format: "libmemcached", weighted: true }
} as const satisfies Readonly<Record<string, Settings>>

/**
 * What a ring calls a server, or `undefined` if that depends on a resolver and has to be given.
 *
 * @category accessors
 * @since 0.1.0
 */
export const nameOf = (address: Address, settings: Settings): string | undefined => {
  if (settings.locator === "array" || settings.format === "libmemcached") return withoutDefaultPort(address)
  return address._tag === "Tcp" && /^[\d.]+$/.test(address.host) ? `${address.host}:${address.port}` : undefined
}

/** Candidates of a key on the ring, its home included. */
const CANDIDATES = 7

/**
 * Places keys with these settings, on servers with these names. A numeric hash is the place on the ring, or what is taken
 * modulo the servers.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  servers: ReadonlyArray<Weighted>,
  settings: Settings,
  names: ReadonlyArray<string>
): Placement =>
  settings.locator === "array" ? array(servers.length, arrays[settings.hash]) : ketama(servers, settings, names)

const array = (count: number, hashOf: (text: string) => number): Placement => {
  const locate = (key: Key, hash: HashInput | undefined): number => {
    if (count === 0) return -1
    return (typeof hash === "number" || typeof hash === "bigint" ? pointOf(hash) : hashOf(textOf(key, hash))) % count
  }
  return inOrder(locate, function*(key, hash) {
    const home = locate(key, hash)
    for (let i = 0; i < count; i++) yield (home + i) % count
  })
}

const ketama = (
  servers: ReadonlyArray<Weighted>,
  { weighted }: Extract<Settings, { locator: "ketama" }>,
  names: ReadonlyArray<string>
): Placement => {
  const total = servers.reduce((sum, server) => sum + server.weight, 0)
  // A later server takes a point away from an earlier one: it is a TreeMap.
  const ring = Ring.make((add) => {
    servers.forEach(({ weight }, owner) => {
      const digests = weighted
        ? KetamaPoints.digestsOf(weight, total, servers.length)
        : KetamaPoints.POINTS_PER_SERVER / 4
      KetamaPoints.add(toBytes(names[owner]), digests, owner, add)
    })
  }, "last")
  return inOrder(
    (key, hash) => Ring.ownerAtOrAfter(ring, placeOf(md5Point, key, hash)),
    function*(key, hash) {
      if (servers.length === 0) return
      const route = bytesOf(key, hash)
      let place = placeOf(md5Point, key, hash)
      for (let t = 0; t < CANDIDATES; t++) {
        yield Ring.ownerAtOrAfter(ring, place)
        place = (place + md5Point(`${t}${route}`)) >>> 0
      }
    }
  )
}
