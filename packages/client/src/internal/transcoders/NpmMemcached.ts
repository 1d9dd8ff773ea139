/**
 * What npm's `memcached` stores. It reads replies line by line, so it puts a backslash before every CR and LF of a
 * value; and it writes bytes as the characters of the same numbers, in UTF-8.
 *
 * | flags | value |
 * | --- | --- |
 * | 0 | text |
 * | 2 | JSON: objects, booleans and null |
 * | 4 | bytes |
 * | 8 | number, as JavaScript writes it |
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { Encoded, TranscodeFault } from "./Coding.ts"
import { fail } from "./Coding.ts"
import type { Format } from "./Format.ts"
import { decodeExactJson, encodeJson } from "./Json.ts"
import { decodeFloat, decodeInteger } from "./Numbers.ts"
import { decodeText, latin1, storeText } from "./Text.ts"

const TEXT = 0
const JSON_TEXT = 2
const BYTES = 4
const NUMBER = 8

const FORMATS: ReadonlyMap<number, string> = new Map([
  [TEXT, "text"],
  [JSON_TEXT, "json"],
  [BYTES, "bytes"],
  [NUMBER, "float"]
])

/**
 * The format.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Format => ({
  counterFlags: NUMBER,
  write,
  look: (kind) => {
    const format = FORMATS.get(kind)
    return format === undefined ? undefined : { format, kind }
  },
  read: (kind, bytes) => {
    switch (kind) {
      case JSON_TEXT:
        return decodeExactJson(bytes, "script")
      case NUMBER:
        return decodeNumber(bytes)
      case BYTES:
        return Result.flatMap(decodeText(bytes), (text) => bytesOf(unescape(text)))
      default:
        return Result.map(decodeText(bytes), unescape)
    }
  }
})

const write = (value: unknown): Result.Result<Encoded, TranscodeFault> => {
  if (typeof value === "string") return encode(value, TEXT)
  if (typeof value === "number") return encode(String(value), NUMBER)
  if (value instanceof Uint8Array) return encode(latin1(value), BYTES)
  return Result.flatMap(encodeJson(value), (json) => encode(json, JSON_TEXT))
}

const encode = (text: string, flags: number): Result.Result<Encoded, TranscodeFault> =>
  storeText(text.replace(/[\r\n]/g, "\\$&"), flags)

const unescape = (text: string): string => text.replace(/\\([\r\n])/g, "$1")

/** A counter is a bigint where a number would round it, and may have blanks behind it, which `decr` leaves. */
const decodeNumber = (bytes: Uint8Array): Result.Result<number | bigint, TranscodeFault> => {
  let { length } = bytes
  while (length > 0 && bytes[length - 1] === 0x20) length--
  const digits = bytes.subarray(0, length)
  return Result.flatMap(decodeFloat(digits), (number) => {
    const isExact = Number.isSafeInteger(number) || String(number) === latin1(digits)
    return isExact || !/^-?[0-9]+$/.test(latin1(digits)) ? Result.succeed(number) : decodeInteger(digits)
  })
}

const bytesOf = (text: string): Result.Result<Uint8Array, TranscodeFault> => {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0xff) return fail("bytes", "its characters are no bytes")
    bytes[i] = unit
  }
  return Result.succeed(bytes)
}
