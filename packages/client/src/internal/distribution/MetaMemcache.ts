/**
 * meta-memcache-py, and uhashring beneath it: a ring of whole MD5s, 128 bits each, and one of uhashring's two ketamas.
 *
 * It fails fast for the keys of a server that is away, and tries no second one.
 *
 * @since 0.1.0
 */
import type { Weighted } from "@effect-memcache/transport/Address"
import { md5, md5Point, uint32BE } from "./hashes/Digest.ts"
import * as KetamaPoints from "./KetamaPoints.ts"
import type { Locate, Placement } from "./Placement.ts"
import { alone } from "./Placement.ts"
import * as Ring from "./Ring.ts"
import { bytesOf, placeOf } from "./Routing.ts"
import { withPort } from "./ServerName.ts"

/**
 * Its profiles: what meta-memcache-py does, which ignores weights, and uhashring with weights in both its hashes.
 *
 * @category constants
 * @since 0.1.0
 */
export const profiles = ["meta-memcache-py", "uhashring-weighted", "uhashring-ketama-weighted"] as const

/** Points per server, and in `uhashring-weighted` per unit of weight. */
const POINTS = 160

/**
 * How many points the ring of a profile has: `uhashring-weighted` makes them in proportion to the sum of the weights.
 *
 * @category accessors
 * @since 0.1.0
 */
export const pointCount = (servers: ReadonlyArray<Weighted>, profile: typeof profiles[number]): number =>
  POINTS * (profile === "uhashring-weighted" ? totalOf(servers) : servers.length)

/**
 * Places keys as one of the profiles does. A numeric hash is a point on the ring of 32 bits; on the one of 128 bits it is
 * hashed as text, since all numbers below 2^32 are at its very beginning.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (servers: ReadonlyArray<Weighted>, profile: typeof profiles[number]): Placement => {
  if (servers.length === 0) return alone(() => -1)
  if (profile === "uhashring-ketama-weighted") return alone(ketama(servers))
  return alone(meta(servers, profile === "uhashring-weighted"))
}

const totalOf = (servers: ReadonlyArray<Weighted>): number => servers.reduce((sum, server) => sum + server.weight, 0)

/** A ring of 128 bits: the upper 32 are searched as numbers, and only equal ones are compared in full, as byte strings. */
const meta = (servers: ReadonlyArray<Weighted>, weighted: boolean): Locate => {
  const digests: Array<string> = []
  const owners: Array<number> = []
  servers.forEach(({ address, weight }, owner) => {
    const name = withPort(address)
    for (let i = 0; i < (weighted ? POINTS * weight : POINTS); i++) {
      digests.push(md5(`${name}-${i}`))
      owners.push(owner)
    }
  })
  const ring = Ring.make((add) => digests.forEach((digest, index) => add(uint32BE(digest, 0), index)))
  const { owners: order, points } = ring
  // The few points that agree in their upper 32 bits are put in the order of all 128.
  for (let i = 1; i < points.length; i++) {
    for (let j = i; j > 0 && points[j] === points[j - 1] && digests[order[j]] < digests[order[j - 1]]; j--) {
      const later = order[j]
      order[j] = order[j - 1]
      order[j - 1] = later
    }
  }
  return (key, hash) => {
    const digest = md5(bytesOf(key, hash))
    const upper = uint32BE(digest, 0)
    let index = Ring.lowerBound(ring, upper)
    while (index < points.length && points[index] === upper && digests[order[index]] <= digest) index++
    return owners[order[index === points.length ? 0 : index]]
  }
}

/** Whole numbers where libmemcached has floats, and the first point after the key's, not at it. */
const ketama = (servers: ReadonlyArray<Weighted>): Locate => {
  const total = totalOf(servers)
  const ring = Ring.make((add) => {
    servers.forEach(({ address, weight }, owner) => {
      const digests = Math.floor((POINTS / 4 * servers.length * weight) / total)
      KetamaPoints.add(withPort(address), digests, owner, add)
    })
  })
  return (key, hash) => Ring.ownerAfter(ring, placeOf(md5Point, key, hash))
}
