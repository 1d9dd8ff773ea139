/**
 * Text and bytes, as the formats of most clients have them. Nothing is replaced or lost on the way: what UTF-8 cannot
 * write is refused, and so is what is no UTF-8.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { Encoded, TranscodeFault } from "./Coding.ts"
import { fail, stored } from "./Coding.ts"

/**
 * Text of one byte a character, which the callers know to be ASCII.
 *
 * @category encoding
 * @since 0.1.0
 */
export const ascii = (text: string): Uint8Array => Buffer.from(text, "latin1")

/**
 * Text in UTF-8 under these flags.
 *
 * @category encoding
 * @since 0.1.0
 */
export const storeText = (text: string, flags: number): Result.Result<Encoded, TranscodeFault> =>
  text.isWellFormed()
    ? stored(Buffer.from(text, "utf8"), flags)
    : fail("text", "it has half a surrogate pair, which UTF-8 cannot write")

/**
 * Text of UTF-8.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeText = (bytes: Uint8Array): Result.Result<string, TranscodeFault> => {
  const text = utf8(bytes)
  return text === undefined ? fail("text", "its bytes are no UTF-8") : Result.succeed(text)
}

/**
 * Text of UTF-8, or `undefined` if it is none.
 *
 * @category decoding
 * @since 0.1.0
 */
export const utf8 = (bytes: Uint8Array): string | undefined => {
  const text = utf8Slice.call(bytes, 0, bytes.length)
  // Much faster than the strict decoder, which is asked only where a replacement character may be the stored one.
  if (!text.includes("\ufffd")) return text
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/**
 * A character for each byte; empty if there are more bytes than `limit`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const latin1 = (bytes: Uint8Array, limit = Number.MAX_SAFE_INTEGER): string =>
  bytes.length > limit ? "" : buffer(bytes).toString("latin1")

/**
 * Bytes that belong to nobody else and are no `Buffer`: a copy, unless they are the transcoder's own.
 *
 * @category decoding
 * @since 0.1.0
 */
export const ownBytes = (bytes: Uint8Array, isOwn: boolean): Uint8Array =>
  isOwn ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : new Uint8Array(bytes)

const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

// What `toString` of a Buffer calls, and what Node, Deno and Bun have without saying so. It takes any bytes: a Buffer
// around them would cost as much as reading their text.
const utf8Slice: (this: Uint8Array, start: number, end: number) => string =
  (Buffer.prototype as { readonly utf8Slice?: typeof utf8Slice }).utf8Slice ?? function(start, end) {
    return buffer(this).toString("utf8", start, end)
  }
