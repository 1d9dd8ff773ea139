/**
 * Which server holds a key, decided exactly as libmemcached decides it with `KETAMA_WEIGHTED`, so that programs in
 * every language that use it find each other's items.
 *
 * The ring is libmemcached's down to its 32-bit floats: with weights, a sum that is rounded differently moves a point,
 * and a point that moves loses keys.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import { DEFAULT_PORT } from "@effect-memcache/transport/Address"
import type { HashInput } from "./Key.ts"
import { pointOf } from "./Key.ts"
import { md5, md5Bytes, uint32LE } from "./Md5.ts"

/**
 * A list of servers as a ring of points. Indices count in the order of the list.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ketama {
  /** The server of a key, or of the hash that routes in the key's place; -1 if there is none. */
  readonly indexOf: (key: Key, hash?: HashInput | undefined) => number
  /** The server whose point is the first at or after `point`, around the ring; -1 if there is none. */
  readonly indexOfPoint: (point: number) => number
  /**
   * Every server once, in the order in which the ring meets them from the key's place on: the first is `indexOf`, the
   * rest take its keys, in turn, while it is away.
   */
  readonly sequence: (key: Key, hash?: HashInput | undefined) => Iterable<number>
}

/**
 * Points of a server of average weight.
 *
 * @category constants
 * @since 0.1.0
 */
export const POINTS_PER_SERVER = 160

/**
 * Builds the ring: about 160 points a server, in proportion to the weights.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (servers: ReadonlyArray<Weighted>): Ketama => {
  const { owners, points } = place(servers)

  const indexOfPoint = (point: number): number =>
    points.length === 0 ? servers.length - 1 : owners[search(points, point)]

  return {
    indexOfPoint,
    // With one server libmemcached does not hash at all. The answer is the same, sooner.
    indexOf: (key, hash) => servers.length < 2 ? servers.length - 1 : indexOfPoint(placeOf(key, hash)),
    sequence: (key, hash) => walk(points, owners, servers.length, placeOf(key, hash))
  }
}

/**
 * The name that is hashed: the host alone on memcached's own port. As it was configured; nothing is resolved.
 *
 * @category accessors
 * @since 0.1.0
 */
export const nameOf = ({ address }: Weighted): string => {
  // libmemcached keeps a socket's path as the host and 0 as the port.
  if (address._tag === "Unix") return `${address.path}:0`
  return address.port === DEFAULT_PORT ? address.host : `${address.host}:${address.port}`
}

const placeOf = (key: Key, hash: HashInput | undefined): number => {
  if (hash === undefined) return uint32LE(isAscii(key) ? md5(key) : md5Bytes(key), 0)
  return typeof hash === "string" ? uint32LE(md5(hash), 0) : pointOf(hash)
}

const isAscii = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

const float = Math.fround

// libmemcached hosts.cc, update_continuum: every step of this is a 32-bit float there.
const digestsOf = (weight: number, total: number, count: number): number => {
  const share = float(float(weight) / float(total))
  const quarter = float(float(share * POINTS_PER_SERVER) / 4)
  return Math.floor(float(float(quarter * count) + float(1e-10)))
}

const place = (
  servers: ReadonlyArray<Weighted>
): { readonly points: Uint32Array; readonly owners: Uint32Array } => {
  const total = servers.reduce((sum, server) => sum + server.weight, 0)
  const all: Array<{ readonly point: number; readonly owner: number }> = []
  servers.forEach((server, owner) => {
    const name = nameOf(server)
    const digests = digestsOf(server.weight, total, servers.length)
    for (let i = 0; i < digests; i++) {
      const digest = md5(`${name}-${i}`)
      for (let j = 0; j < 4; j++) all.push({ point: uint32LE(digest, 4 * j), owner })
    }
  })
  all.sort((a, b) => a.point - b.point || a.owner - b.owner)
  return { points: Uint32Array.from(all, (p) => p.point), owners: Uint32Array.from(all, (p) => p.owner) }
}

/** The index of the first point at or after `point`, or 0 behind the last one. */
const search = (points: Uint32Array, point: number): number => {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (points[middle] < point) low = middle + 1
    else high = middle
  }
  return low === points.length ? 0 : low
}

/** Lazy, since the first or second server is nearly always the one that is wanted. */
function* walk(points: Uint32Array, owners: Uint32Array, count: number, point: number): Generator<number> {
  const met = new Set<number>()
  const start = search(points, point)
  for (let i = 0; i < points.length && met.size < count; i++) {
    const owner = owners[(start + i) % points.length]
    if (met.has(owner)) continue
    met.add(owner)
    yield owner
  }
  // A server whose weight is too small for a point takes keys only when nobody else does.
  for (let i = 0; i < count; i++) if (!met.has(i)) yield i
}
