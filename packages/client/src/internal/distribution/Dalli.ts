/**
 * Dalli: a ring of SHA-1 points on which a key belongs to the point before it, and twenty tries with a digit in front.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import type { HashInput } from "../../Key.ts"
import { crc32 } from "./hashes/Crc.ts"
import { md5, sha1, uint32BE } from "./hashes/Digest.ts"
import type { Placement } from "./Placement.ts"
import { inOrder } from "./Placement.ts"
import * as Ring from "./Ring.ts"
import { bytesOf, placeOf, toBytes } from "./Routing.ts"
import { withPort } from "./ServerName.ts"

const POINTS_PER_SERVER = 160
const TRIES = 20

/**
 * Places keys as Dalli does. A numeric hash is a point on the ring; its later tries hash its digits.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (servers: ReadonlyArray<Weighted>): Placement => {
  const count = servers.length
  const ring = ringOf(servers)
  const locate = (key: Key, hash: HashInput | undefined): number =>
    count < 2 ? count - 1 : Ring.ownerAtOrBefore(ring, placeOf(crc32, key, hash))
  return inOrder(locate, function*(key, hash) {
    if (count === 0) return
    yield locate(key, hash)
    if (count === 1) return
    const route = bytesOf(key, hash)
    for (let t = 0; t < TRIES - 1; t++) yield Ring.ownerAtOrBefore(ring, crc32(`${t}${route}`))
  })
}

const ringOf = (servers: ReadonlyArray<Weighted>): Ring.Ring => {
  const total = servers.reduce((sum, server) => sum + server.weight, 0)
  return Ring.make((add) => {
    servers.forEach((server, owner) => {
      const name = withPort(server.address)
      const points = pointsOf(server.weight, total, servers.length)
      for (let i = 0; i < points; i++) add(uint32BE(sha1(`${name}:${i}`), 0), owner)
    })
  })
}

/**
 * How many points a server has on the ring.
 *
 * @category accessors
 * @since 0.1.0
 */
export const pointsOf = (weight: number, total: number, count: number): number =>
  Math.floor((count * POINTS_PER_SERVER * weight) / total)

const MAX_KEY_LENGTH = 250
const SEPARATOR = ":md5:"

/**
 * The key that Dalli sends, and places, for a text that may be too long: beyond 250 characters the MD5 of the whole
 * takes the place of the end. A namespace stands in front, with a colon.
 *
 * Dalli counts characters, not bytes: what is not ASCII may still be too long for a key, and Dalli 5 sends it in base64.
 *
 * @category encoding
 * @since 0.1.0
 */
export const sentKey = (key: string, namespace?: string): string => {
  const whole = namespace === undefined ? key : `${namespace}:${key}`
  const characters = Array.from(whole)
  if (characters.length <= MAX_KEY_LENGTH) return whole
  const digest = Buffer.from(md5(toBytes(whole)), "latin1").toString("hex")
  // Without a namespace, one character less: an old slip that Dalli keeps for the sake of stored items.
  const length = MAX_KEY_LENGTH - (namespace === undefined ? 1 : 0) - SEPARATOR.length - digest.length
  return characters.slice(0, length).join("") + SEPARATOR + digest
}
