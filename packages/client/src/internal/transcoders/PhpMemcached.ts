/**
 * What php-memcached stores: the type is in the low four bits of the flags, how it is compressed in the next four, and
 * the sixteen highest bits are the program's own (`OPT_USER_FLAGS`).
 *
 * | type | value |
 * | --- | --- |
 * | 0 | string, of any bytes |
 * | 1 | integer of 64 bits, in decimal |
 * | 2 | float |
 * | 3 | boolean: `1`, or nothing |
 * | 4, 5, 7 | PHP's serialize, igbinary, msgpack with PHP's classes: never decoded |
 * | 6 | JSON, where the pool has agreed on `Memcached::SERIALIZER_JSON` |
 *
 * Compressed is 1 << 4, with 2 << 4 for zlib, 4 << 4 for FastLZ and 8 << 4 for zstd. Before the compressed bytes stands
 * the size of what comes out, in four bytes from low to high.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { InflateFault } from "../../Compression.ts"
import * as Compression from "../../Compression.ts"
import type { Coding, Encoded, TranscodeFault } from "./Coding.ts"
import { fail, flatMap, stored } from "./Coding.ts"
import * as FastLz from "./FastLz.ts"
import type { Format } from "./Format.ts"
import { deflate as nodeDeflate } from "./Format.ts"
import { decodeExactJson, encodeJson } from "./Json.ts"
import { decodeFloat, decodeInteger, digitsOf, exponent, fixed, isInt64, isInteger } from "./Numbers.ts"
import { ascii, decodeText, ownBytes, storeText } from "./Text.ts"

type PhpCodec = "fastlz" | "zlib" | "zstd"

const STRING = 0
const INTEGER = 1
const FLOAT = 2
const BOOLEAN = 3
const JSON_TEXT = 6

const FORMATS: ReadonlyMap<number, string> = new Map([
  [STRING, "string"],
  [INTEGER, "integer"],
  [FLOAT, "float"],
  [BOOLEAN, "boolean"],
  [4, "php-serialize"],
  [5, "igbinary"],
  [JSON_TEXT, "json"],
  [7, "msgpack"]
])

const FOREIGN: ReadonlySet<number> = new Set([4, 5, 7])

const CODEC_FLAGS: Readonly<Record<PhpCodec, number>> = { zlib: 0x30, fastlz: 0x50, zstd: 0x90 }

const CODECS: ReadonlyMap<number, PhpCodec> = new Map([
  [CODEC_FLAGS.zlib, "zlib"],
  [CODEC_FLAGS.fastlz, "fastlz"],
  [CODEC_FLAGS.zstd, "zstd"]
])

/** `memcached.compression_threshold`: what has as many bytes is compressed. */
const MIN_SIZE = 2000

/** `memcached.compression_factor`: what does not shrink by it is stored as it is. */
const FACTOR = 1.3

const HEADER = 4

/**
 * The format. `strings` says what strings are read as; `userFlags`, 0 to 65,535, go into every item's flags.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (strings: "text" | "bytes", userFlags: number): Format<PhpCodec> => ({
  counterFlags: INTEGER + userFlags * 0x1_0000,
  write: (value) =>
    Result.map(write(value), ({ bytes, flags }): Encoded => ({ bytes, flags: flags + userFlags * 0x1_0000 })),
  look: (flags) => {
    const kind = flags & 0xf
    const packed = flags & 0xfff0
    const format = FORMATS.get(kind)
    const codec = CODECS.get(packed)
    if (format === undefined || (packed !== 0 && codec === undefined)) return undefined
    return { format, kind, codec, isForeign: FOREIGN.has(kind) }
  },
  read: (kind, bytes, isOwn) => {
    switch (kind) {
      case INTEGER:
        return decodeInteger(bytes)
      case FLOAT:
        return decodeFloat(bytes)
      case BOOLEAN:
        return decodeBoolean(bytes)
      case JSON_TEXT:
        return decodeExactJson(bytes, "integers")
      default:
        return strings === "text" ? decodeText(bytes) : Result.succeed(ownBytes(bytes, isOwn))
    }
  },
  packing: {
    codecs: ["fastlz", "zlib", "zstd"],
    isOn: true,
    threshold: MIN_SIZE - 1,
    flagsOf: (codec) => CODEC_FLAGS[codec],
    isPackable: (flags) => (flags & 0xf) === STRING || (flags & 0xf) === JSON_TEXT,
    deflate: (codec, bytes, level) =>
      flatMap(
        codec === "fastlz" ? Result.succeed(FastLz.deflate(bytes)) : nodeDeflate(codec, bytes, level),
        (out) => Result.succeed(out === undefined || bytes.length <= out.length * FACTOR ? undefined : pack(bytes, out))
      ),
    inflate
  }
})

const write = (value: unknown): Result.Result<Encoded, TranscodeFault> => {
  switch (typeof value) {
    case "string":
      return storeText(value, STRING)
    case "boolean":
      return stored(ascii(value ? "1" : ""), BOOLEAN)
    case "number":
      return isInteger(value) ? stored(ascii(String(value)), INTEGER) : stored(ascii(floatOf(value)), FLOAT)
    case "bigint":
      return isInt64(value)
        ? stored(ascii(String(value)), INTEGER)
        : fail("integer", "it does not fit into PHP's integer")
    default:
      if (value instanceof Uint8Array) return stored(value, STRING)
      return Result.map(encodeJson(value), (json): Encoded => ({ bytes: ascii(escape(json)), flags: JSON_TEXT }))
  }
}

/** A float as the client writes it, without a zero before the point. */
const floatOf = (value: number): string => {
  if (!Number.isFinite(value) || value === 0) return Object.is(value, -0) ? "-0" : String(value)
  const { digits, point, sign } = digitsOf(value)
  if (point > -4 && point <= digits.length + 5) return sign + fixed(digits, point, false)
  return `${sign}${digits[0]}${digits.length > 1 ? "." : ""}${digits.slice(1)}${exponent(point - 1)}`
}

/** PHP escapes slashes, and everything beyond ASCII. */
const escape = (json: string): string =>
  json.replace(
    /[/\u0080-\uffff]/g,
    (unit) => unit === "/" ? "\\/" : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

const decodeBoolean = (bytes: Uint8Array): Result.Result<boolean, TranscodeFault> =>
  bytes.length === 0 || (bytes.length === 1 && bytes[0] === 0x31)
    ? Result.succeed(bytes.length === 1)
    : fail("boolean", "its bytes are no boolean")

const pack = (bytes: Uint8Array, out: Uint8Array): Uint8Array => {
  const packed = new Uint8Array(HEADER + out.length)
  new DataView(packed.buffer).setUint32(0, bytes.length, true)
  packed.set(out, HEADER)
  return packed
}

const inflate = (codec: PhpCodec, bytes: Uint8Array, limit: number): Coding<Uint8Array, InflateFault> => {
  const fault = (detail: string) => Result.fail({ detail, issue: undefined })
  if (bytes.length < HEADER) return fault("its compressed bytes are damaged")
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  if (size > limit) return fault(`it inflates to more than ${limit} bytes`)
  const body = bytes.subarray(HEADER)
  if (codec === "fastlz") {
    const out = FastLz.inflate(body, size)
    return out === undefined ? fault("its compressed bytes are damaged") : Result.succeed(out)
  }
  return flatMap(
    Compression.inflate(codec, body, Math.max(size, 1)),
    (out) => out.length === size ? Result.succeed(out) : fault("its compressed bytes are damaged")
  )
}
