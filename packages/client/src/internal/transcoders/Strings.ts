/**
 * Items of one kind with one number of flags, for pools whose programs agree on what is in them; and the clients that
 * keep no types at all, so that everything is a string.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { fail, stored } from "./Coding.ts"
import type { Encoded } from "./Coding.ts"
import type { Format } from "./Format.ts"
import { decodeExactJson, encodeJson } from "./Json.ts"
import { decodeText, ownBytes, storeText } from "./Text.ts"

const only = (flags: number, format: string): Format["look"] => (given) =>
  given === flags ? { format, kind: 0 } : undefined

/**
 * Bytes, and nothing else.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bytes = (flags: number): Format => ({
  counterFlags: flags,
  write: (value) =>
    value instanceof Uint8Array ? stored(value, flags) : fail("bytes", "only a Uint8Array can be written"),
  look: only(flags, "bytes"),
  read: (_, value, isOwn) => Result.succeed(ownBytes(value, isOwn))
})

/**
 * Text, and nothing else.
 *
 * @category constructors
 * @since 0.1.0
 */
export const text = (flags: number): Format => ({
  counterFlags: flags,
  write: (value) => typeof value === "string" ? storeText(value, flags) : fail("text", "only a string can be written"),
  look: only(flags, "text"),
  read: (_, value) => decodeText(value)
})

/**
 * JSON, and nothing else.
 *
 * @category constructors
 * @since 0.1.0
 */
export const json = (flags: number): Format => ({
  counterFlags: flags,
  write: (value) => Result.map(encodeJson(value), (written): Encoded => ({ bytes: Buffer.from(written), flags })),
  look: only(flags, "json"),
  read: (_, value) => decodeExactJson(value, "script")
})

/**
 * Strings, of which the reader says whether they are text or bytes: memjs, and pymemcache without a serde. Numbers and
 * other values are refused, because they would come back as strings.
 *
 * @category constructors
 * @since 0.1.0
 */
export const strings = (as: "text" | "bytes"): Format => ({
  counterFlags: 0,
  write: (value) => {
    if (typeof value === "string") return storeText(value, 0)
    return value instanceof Uint8Array
      ? stored(value, 0)
      : fail("text", "only text and bytes can be written, since everything comes back as a string")
  },
  look: only(0, as),
  read: (_, value, isOwn) => as === "text" ? decodeText(value) : Result.succeed(ownBytes(value, isOwn))
})
