/**
 * What may stand as a key on the wire, decided in one place.
 *
 * A key that the server would refuse does worse than fail: memcached before 1.6.40 runs the value of a refused `set` as
 * commands, and every release since 1.6.0 throws away other callers' replies after an over-long key in a `get`. So the
 * bytes are checked here, and a `Key` cannot be made any other way.
 *
 * @since 0.1.0
 */
import { byteString } from "./Ascii.ts"
import { MAX_BINARY_KEY_LENGTH, MAX_KEY_LENGTH } from "./Limits.ts"

declare const KeyBrand: unique symbol

/**
 * A checked key: 1 to 250 bytes, none at or below 0x20, none 0x7f. It is a byte string (one UTF-16 unit for each byte),
 * which for ASCII keys is the caller's own string.
 *
 * @category models
 * @since 0.1.0
 */
export type Key = string & { readonly [KeyBrand]: "Key" }

/**
 * Why a text cannot be a key: how long it is in bytes, or where in the whole key (a prefix included) the UTF-16 unit
 * stands that may not be sent.
 *
 * @category errors
 * @since 0.1.0
 */
export type KeyFault =
  | { readonly _tag: "KeyLength"; readonly length: number }
  | { readonly _tag: "KeyCharacter"; readonly index: number; readonly code: number }
  | { readonly _tag: "KeyEncoding"; readonly index: number }

/**
 * Whether `make` answered a key.
 *
 * @category guards
 * @since 0.1.0
 */
export const isKey = (result: Key | KeyFault): result is Key => typeof result === "string"

/**
 * Checks `prefix + text` and encodes it as UTF-8. A lone surrogate is a fault, never U+FFFD, because two different keys
 * would become one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (text: string, prefix = ""): Key | KeyFault => {
  const whole = prefix === "" ? text : prefix + text
  const length = whole.length
  if (length === 0) return { _tag: "KeyLength", length: 0 }
  if (length > MAX_KEY_LENGTH) return { _tag: "KeyLength", length: utf8Length(whole) }
  for (let i = 0; i < length; i++) {
    const code = whole.charCodeAt(i)
    if (code <= 0x20 || code === 0x7f) return { _tag: "KeyCharacter", index: i, code }
    if (code > 0x7f) return makeUtf8(whole, i)
  }
  return whole as Key
}

const makeUtf8 = (text: string, from: number): Key | KeyFault => {
  let out = text.slice(0, from)
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code <= 0x20 || code === 0x7f) return { _tag: "KeyCharacter", index: i, code }
    if (code < 0x80) out += text[i]
    else if (code < 0x800) out += String.fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 0x3f))
    else if (code < 0xd800 || code > 0xdfff) {
      out += String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
    } else {
      const point = text.codePointAt(i)!
      if (point < 0x10000) return { _tag: "KeyEncoding", index: i }
      i++
      out += String.fromCharCode(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 0x3f),
        0x80 | ((point >> 6) & 0x3f),
        0x80 | (point & 0x3f)
      )
    }
  }
  return out.length > MAX_KEY_LENGTH ? { _tag: "KeyLength", length: out.length } : out as Key
}

// A lone surrogate counts as the three bytes of the replacement character; the length is only reported.
const utf8Length = (text: string): number => {
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) length += 1
    else if (code < 0x800) length += 2
    else if (code >= 0xd800 && code < 0xdc00 && text.codePointAt(i)! > 0xffff) {
      length += 4
      i++
    } else length += 3
  }
  return length
}

/**
 * The key that stands in `bytes` between `start` and `end`, or a fault whose index counts bytes from `start`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromWire = (bytes: Uint8Array, start: number, end: number): Key | KeyFault => {
  if (start === end || end - start > MAX_KEY_LENGTH) return { _tag: "KeyLength", length: end - start }
  for (let i = start; i < end; i++) {
    const code = bytes[i]
    if (code <= 0x20 || code === 0x7f) return { _tag: "KeyCharacter", index: i - start, code }
  }
  return byteString(bytes, start, end) as Key
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/**
 * The base64 text of a binary key, for the meta commands' `b` flag: standard alphabet, padded, at most 186 raw bytes
 * (measured: the text must fit into 250).
 *
 * @category encoding
 * @since 0.1.0
 */
export const toBase64 = (bytes: Uint8Array): Key | KeyFault => {
  if (bytes.length === 0 || bytes.length > MAX_BINARY_KEY_LENGTH) return { _tag: "KeyLength", length: bytes.length }
  let text = ""
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const word = (bytes[i] << 16) | ((left > 1 ? bytes[i + 1] : 0) << 8) | (left > 2 ? bytes[i + 2] : 0)
    text += ALPHABET[word >> 18] + ALPHABET[(word >> 12) & 63]
    text += left > 1 ? ALPHABET[(word >> 6) & 63] : "="
    text += left > 2 ? ALPHABET[word & 63] : "="
  }
  return text as Key
}

/**
 * The raw bytes of a base64 key, or `undefined` if the text is not padded standard base64 of at least one byte.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromBase64 = (text: string): Uint8Array | undefined => {
  if (text.length === 0 || text.length % 4 !== 0) return undefined
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0
  const out = new Uint8Array(text.length / 4 * 3 - padding)
  let o = 0
  for (let i = 0; i < text.length; i += 4) {
    let word = 0
    for (let j = 0; j < 4; j++) {
      const isPadding = i + j >= text.length - padding
      const digit = isPadding ? 0 : ALPHABET.indexOf(text[i + j])
      if (digit < 0) return undefined
      word = (word << 6) | digit
    }
    if (o < out.length) out[o++] = word >> 16
    if (o < out.length) out[o++] = (word >> 8) & 0xff
    if (o < out.length) out[o++] = word & 0xff
  }
  return out
}
