/**
 * libmemcached in the configurations that programs use, also by the names that pylibmc and php-memcached have for them.
 *
 * Four rings under one name: `KETAMA` hashes points and keys alike, a hundred points a server; a weight above 1 turns it
 * into a ring of MD5 points under keys that are still hashed as before; `KETAMA_WEIGHTED` hashes keys with MD5 as well;
 * and modula is no ring. A consistent one is built anew without its ejected servers, modula ejects nobody.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import type { HashInput } from "../../Key.ts"
import { crc15 } from "./hashes/Crc.ts"
import { md5Point } from "./hashes/Digest.ts"
import { fnv1_32, fnv1_64, fnv1a_32, fnv1a_64 } from "./hashes/Fnv.ts"
import { jenkins, oneAtATime } from "./hashes/Jenkins.ts"
import { murmur2, murmur3Libmemcached } from "./hashes/Murmur.ts"
import * as KetamaPoints from "./KetamaPoints.ts"
import type { Placement } from "./Placement.ts"
import { alone, rebuilt } from "./Placement.ts"
import * as Ring from "./Ring.ts"
import type { Hash } from "./Routing.ts"
import { placeOf } from "./Routing.ts"
import { withoutDefaultPort } from "./ServerName.ts"

/**
 * `MEMCACHED_HASH_*`, as the vectors name them. Hsieh's is left out of Debian's build.
 *
 * @category constants
 * @since 0.1.0
 */
export const hashes = {
  default: oneAtATime,
  md5: md5Point,
  crc: crc15,
  fnv1_64,
  fnv1a_64,
  fnv1_32,
  fnv1a_32,
  murmur: murmur2,
  jenkins,
  murmur3: murmur3Libmemcached
} as const satisfies Readonly<Record<string, Hash>>

/**
 * One configuration.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  readonly hash: keyof typeof hashes
  /** `"spy"` is `CONSISTENT_KETAMA_SPY`, whose points are named with a slash and always with the port. */
  readonly distribution: "modula" | "consistent" | "spy" | "weighted"
  /** Set after the servers, `KETAMA` drops their weights; set before them, a weight above 1 makes the ring weighted. */
  readonly dropsWeights?: boolean | undefined
  /** `SORT_HOSTS`: it changes who wins a point that two servers claim. */
  readonly sorted?: boolean | undefined
}

const modula = (hash: Settings["hash"]): Settings => ({ hash, distribution: "modula" })
const consistent = (hash: Settings["hash"]): Settings => ({ hash, distribution: "consistent" })
const dropping: Settings = { hash: "default", distribution: "consistent", dropsWeights: true }
const weighted: Settings = { hash: "md5", distribution: "weighted" }

/**
 * libmemcached's own profiles.
 *
 * @category constants
 * @since 0.1.0
 */
export const profiles = {
  "modula-default": modula("default"),
  "modula-md5": modula("md5"),
  "modula-crc": modula("crc"),
  "modula-fnv1_64": modula("fnv1_64"),
  "modula-fnv1a_64": modula("fnv1a_64"),
  "modula-fnv1_32": modula("fnv1_32"),
  "modula-fnv1a_32": modula("fnv1a_32"),
  "modula-murmur": modula("murmur"),
  "modula-jenkins": modula("jenkins"),
  "modula-murmur3": modula("murmur3"),
  "consistent-default": consistent("default"),
  "ketama-default": consistent("default"),
  "ketama-default-set-after-servers": dropping,
  "ketama-md5": consistent("md5"),
  "ketama-crc": consistent("crc"),
  "ketama-weighted": weighted,
  "ketama-weighted-set-after-servers": weighted,
  "ketama-spy-md5": { hash: "md5", distribution: "spy" },
  "ketama-weighted-sorted": { ...weighted, sorted: true }
} as const satisfies Readonly<Record<string, Settings>>

/**
 * pylibmc's behaviors, by the names of the vectors: `ketama-after` sets them when the servers are there already.
 *
 * @category constants
 * @since 0.1.0
 */
export const pylibmc = {
  default: modula("default"),
  ketama: consistent("default"),
  "ketama-after": dropping,
  ketama_weighted: weighted,
  "hash-crc": modula("crc"),
  "hash-md5+ketama": consistent("md5")
} as const satisfies Readonly<Record<string, Settings>>

/**
 * php-memcached's options.
 *
 * @category constants
 * @since 0.1.0
 */
export const php = {
  default: modula("default"),
  "distribution-consistent": consistent("default"),
  "libketama-compatible": weighted,
  "modula-crc": modula("crc"),
  "consistent-md5": consistent("md5")
} as const satisfies Readonly<Record<string, Settings>>

/** Points of a server on an unweighted ring. */
const POINTS_PER_SERVER = 100

/**
 * Places keys with these settings. A numeric hash is the place on the ring, or what is taken modulo the servers.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (servers: ReadonlyArray<Weighted>, settings: Settings): Placement => {
  const hashOf = hashes[settings.hash]
  const count = servers.length
  // With one server libmemcached does not hash at all.
  if (count < 2) return alone(() => count - 1)
  if (settings.distribution === "modula") return alone((key, hash) => placeOf(hashOf, key, hash) % count)
  const isWeighted = settings.distribution === "weighted" ||
    (settings.dropsWeights !== true && servers.some((server) => server.weight > 1))
  return rebuilt(count, (live) => {
    const order = settings.sorted === true ? live.toSorted(byHostAndPort(servers)) : live
    const ring = isWeighted
      ? weightedRing(servers, order, settings)
      : plainRing(servers, order, settings, hashOf)
    return (key: Key, hash: HashInput | undefined) => {
      const position = Ring.ownerAtOrAfter(ring, placeOf(hashOf, key, hash))
      return position < 0 ? -1 : order[position]
    }
  })
}

const nameOf = ({ address }: Weighted, { distribution }: Settings): string =>
  distribution === "spy" && address._tag === "Tcp" ? `/${address.host}:${address.port}` : withoutDefaultPort(address)

// Owners are positions in `order`: of two servers on one point, the one that libmemcached lists first has it.
const plainRing = (
  servers: ReadonlyArray<Weighted>,
  order: ReadonlyArray<number>,
  settings: Settings,
  hashOf: Hash
): Ring.Ring =>
  Ring.make((add) => {
    order.forEach((index, position) => {
      const name = nameOf(servers[index], settings)
      for (let i = 0; i < POINTS_PER_SERVER; i++) add(hashOf(`${name}-${i}`), position)
    })
  })

const weightedRing = (
  servers: ReadonlyArray<Weighted>,
  order: ReadonlyArray<number>,
  settings: Settings
): Ring.Ring => {
  const total = order.reduce((sum, index) => sum + servers[index].weight, 0)
  return Ring.make((add) => {
    order.forEach((index, position) => {
      const digests = KetamaPoints.digestsOf(servers[index].weight, total, order.length)
      KetamaPoints.add(nameOf(servers[index], settings), digests, position, add)
    })
  })
}

const byHostAndPort = (servers: ReadonlyArray<Weighted>) => (a: number, b: number): number => {
  const left = servers[a].address
  const right = servers[b].address
  const leftHost = left._tag === "Tcp" ? left.host : left.path
  const rightHost = right._tag === "Tcp" ? right.host : right.path
  if (leftHost !== rightHost) return leftHost < rightHost ? -1 : 1
  return (left._tag === "Tcp" ? left.port : 0) - (right._tag === "Tcp" ? right.port : 0)
}
