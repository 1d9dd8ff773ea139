/**
 * What a program may use as a key, and how it becomes the bytes on the wire and the place of the item.
 *
 * Two things are kept apart, as in python-memcached's `(hash, key)`: what is sent, and what decides the server. Plain
 * keys are checked at every call, in about the time it takes to look at them; a `Key` was checked when it was made.
 *
 * @since 0.1.0
 */
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import { isKey as isWireKey, make as makeWire } from "@effect-memcache/protocol/Key"
import * as Result from "effect/Result"
import type { KeyError } from "./KeyError.ts"
import { fromFault, notText } from "./KeyError.ts"

/**
 * A key that is known to be good: its final bytes, prefix included. The client's own prefix is never added to it.
 *
 * @category models
 * @since 0.1.0
 */
export class Key {
  /** The bytes on the wire as a byte string: one UTF-16 unit for each byte. */
  readonly wire: WireKey

  /** Use `make`, which checks. */
  constructor(wire: WireKey) {
    this.wire = wire
  }
}

/**
 * Keys that are checked when they are used. An integer is sent as its decimal digits; `1` and `"1"` are the same item.
 *
 * @category models
 * @since 0.1.0
 */
export type PlainKey = string | number | bigint

/**
 * What decides the server instead of the key, so that one user's objects can live on one server: a number is the point
 * on the ring modulo 2^32 (fractions are cut off; NaN and infinities are point 0), a string is hashed like a key.
 *
 * @category models
 * @since 0.1.0
 */
export type HashInput = number | bigint | string

/**
 * Everything that may be passed as a key.
 *
 * @category models
 * @since 0.1.0
 */
export type KeyInput = PlainKey | Key | readonly [hash: HashInput, key: PlainKey | Key]

/**
 * What may be passed as a key beside a `prefix` of the same call, which a `Key` refuses: its bytes are final.
 *
 * @category models
 * @since 0.1.0
 */
export type PrefixableKeyInput = PlainKey | readonly [hash: HashInput, key: PlainKey]

/**
 * The key errors that an input can cause: none for a `Key`, alone or as `[hash, Key]`.
 *
 * @category utility types
 * @since 0.1.0
 */
export type KeyErrorOf<K> = K extends Key ? never
  : K extends readonly [unknown, infer Inner] ? (Inner extends Key ? never : KeyError)
  : KeyError

/**
 * Checks `prefix` and `key` together, once and for all.
 *
 * Fails with the rule that is broken: 1 to 250 bytes of UTF-8, nothing at or below U+0020, no U+007F, no half of a
 * surrogate pair, and numbers that are safe integers.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  key: PlainKey,
  options?: { readonly prefix?: string | undefined }
): Result.Result<Key, KeyError> => {
  const wire = plainWire(key, options?.prefix ?? "")
  return typeof wire === "string" ? Result.succeed(new Key(wire)) : Result.fail(wire)
}

/**
 * Whether `u` is a `Key`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isKey = (u: unknown): u is Key => u instanceof Key

/**
 * The bytes of a key on the wire (a string), or the error (an object). The prefix is put before plain keys only.
 *
 * A plain ASCII string without a prefix is answered as it is, so the usual key costs no allocation.
 *
 * @category encoding
 * @since 0.1.0
 */
export const wireOf = (input: KeyInput, prefix: string): WireKey | KeyError => {
  if (typeof input !== "object") return plainWire(input, prefix)
  if (input instanceof Key) return input.wire
  if (!isPair(input)) return notText(input)
  const inner = input[1]
  return inner instanceof Key ? inner.wire : plainWire(inner, prefix)
}

/**
 * What decides the server instead of the key, or `undefined`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const hashOf = (input: KeyInput): HashInput | undefined =>
  typeof input === "object" && !(input instanceof Key) ? input[0] : undefined

/**
 * A numeric hash as a point on a ring: modulo 2^32, never negative.
 *
 * @category encoding
 * @since 0.1.0
 */
export const pointOf = (hash: number | bigint): number =>
  typeof hash === "number" ? hash >>> 0 : Number(BigInt.asUintN(32, hash))

const plainWire = (key: PlainKey, prefix: string): WireKey | KeyError => {
  if (typeof key !== "string" && !isDecimal(key)) return notText(key)
  const wire = makeWire(typeof key === "string" ? key : String(key), prefix)
  return isWireKey(wire) ? wire : fromFault(wire, key)
}

const isDecimal = (key: unknown): key is number | bigint => Number.isSafeInteger(key) || typeof key === "bigint"

// The types promise a pair; a cast may still bring anything.
const isPair = (input: unknown): boolean =>
  Array.isArray(input) && input.length === 2 &&
  (typeof input[0] === "string" || typeof input[0] === "number" || typeof input[0] === "bigint")
