/**
 * What decides the place of a key, in the three forms in which clients hash it: bytes, text, or a number that needs no
 * hashing.
 *
 * A key on the wire is UTF-8. Clients in languages whose strings are UTF-16 hash the text instead, so it is decoded for
 * them; for ASCII the two are the same string and nothing is done.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { HashInput } from "../../Key.ts"
import { pointOf } from "../../Key.ts"

/**
 * A hash of a byte string, as a number from 0 to 2^32 - 1.
 *
 * @category models
 * @since 0.1.0
 */
export type Hash = (bytes: string) => number

/**
 * Whether every unit is below 0x80.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAscii = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

/**
 * The UTF-8 bytes of a text as a byte string.
 *
 * @category encoding
 * @since 0.1.0
 */
export const toBytes = (text: string): string => isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1")

/**
 * The text of a byte string in UTF-8.
 *
 * @category decoding
 * @since 0.1.0
 */
export const toText = (bytes: string): string => isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8")

/**
 * A number as the integer that a client in another language would have been given: fractions are cut off, and what is no
 * number at all is 0.
 *
 * @category encoding
 * @since 0.1.0
 */
export const integerOf = (hash: number | bigint): bigint =>
  typeof hash === "bigint" ? hash : Number.isFinite(hash) ? BigInt(Math.trunc(hash)) : 0n

/**
 * The bytes that route: those of the key, or of the hash in its place. A number is its decimal digits.
 *
 * @category accessors
 * @since 0.1.0
 */
export const bytesOf = (key: Key, hash: HashInput | undefined): string => {
  if (hash === undefined) return key
  return typeof hash === "string" ? toBytes(hash) : String(integerOf(hash))
}

/**
 * The text that routes: that of the key, or of the hash in its place. A number is its decimal digits.
 *
 * @category accessors
 * @since 0.1.0
 */
export const textOf = (key: Key, hash: HashInput | undefined): string => {
  if (hash === undefined) return toText(key)
  return typeof hash === "string" ? hash : String(integerOf(hash))
}

/**
 * The 32-bit place of a key: its hash, that of the text in its place, or the number itself modulo 2^32.
 *
 * @category accessors
 * @since 0.1.0
 */
export const placeOf = (hashOf: Hash, key: Key, hash: HashInput | undefined): number => {
  if (hash === undefined) return hashOf(key)
  return typeof hash === "string" ? hashOf(toBytes(hash)) : pointOf(hash)
}
