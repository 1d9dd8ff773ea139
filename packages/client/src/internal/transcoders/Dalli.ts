/**
 * What Dalli stores: raw strings, and what its serializer makes of everything else, under one and the same flag. That is
 * Ruby's Marshal unless the pool has agreed on `serializer: JSON`, and nothing in an item tells which.
 *
 * | flags | value |
 * | --- | --- |
 * | 0 | a raw string |
 * | 1 | serialized: Marshal, which is never decoded, or JSON |
 * | 4 | text in UTF-8 that was not serialized, by Dalli 5.0.4 and later with `string_fastpath` |
 * | +2 | compressed by zlib, or by gzip with Dalli's other compressor |
 *
 * Dalli 4.0.0 to 5.0.3 wrote 2 for such text, which says that it is compressed, and could not read it again; here it is a
 * damaged item.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Compression from "../../Compression.ts"
import type { Encoded, TranscodeFault } from "./Coding.ts"
import { fail, stored } from "./Coding.ts"
import type { Format } from "./Format.ts"
import { decodeExactJson, encodeJson } from "./Json.ts"
import { digitsOf, exponent, fixed, isInteger } from "./Numbers.ts"
import { decodeText, ownBytes, storeText } from "./Text.ts"

const RAW = 0
const SERIALIZED = 1
const COMPRESSED = 2
const TEXT = 4

/** Dalli compresses from here on, and not only what is larger. */
const MIN_SIZE = 4096

/**
 * The format with either serializer. `strings` says what raw strings are read as.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (serializer: "Marshal" | "JSON", strings: "text" | "bytes"): Format<"zlib" | "gzip"> => {
  const formats: ReadonlyMap<number, string> = new Map([
    [RAW, strings],
    [SERIALIZED, serializer === "JSON" ? "json" : "marshal"],
    [TEXT, "text"]
  ])
  return {
    // Dalli's own counters are raw.
    counterFlags: RAW,
    write: serializer === "JSON" ? writeJson : writeRaw,
    look: (flags) => {
      const kind = flags & ~COMPRESSED
      const format = formats.get(kind)
      if (format === undefined) return undefined
      const codec = kind === flags ? undefined : "zlib"
      return { format, kind, codec, isForeign: kind === SERIALIZED && serializer === "Marshal" }
    },
    read: (kind, bytes, isOwn) => {
      if (kind === SERIALIZED) return decodeExactJson(bytes, "integers")
      return kind === TEXT || strings === "text" ? decodeText(bytes) : Result.succeed(ownBytes(bytes, isOwn))
    },
    packing: {
      codecs: ["zlib", "gzip"],
      isOn: true,
      threshold: MIN_SIZE - 1,
      flagsOf: () => COMPRESSED,
      isPackable: () => true,
      // Dalli keeps what has grown.
      deflate: (codec, bytes, level) =>
        Compression.deflate(codec, bytes, Compression.plan({ codec, level }).level, "always"),
      // The flags do not tell the compressors apart, but what they write does: zlib's first byte is never gzip's.
      inflate: (_, bytes, limit) => Compression.inflate(bytes[0] === 0x1f ? "gzip" : "zlib", bytes, limit)
    }
  }
}

const writeRaw = (value: unknown): Result.Result<Encoded, TranscodeFault> => {
  if (value instanceof Uint8Array) return stored(value, RAW)
  if (typeof value === "string") return storeText(value, RAW)
  return fail("marshal", "Dalli marshals everything but raw strings; store text, or agree on its serializer JSON")
}

/** Bytes are no JSON, so they are raw, as they are with Dalli's `raw: true`. */
const writeJson = (value: unknown): Result.Result<Encoded, TranscodeFault> =>
  value instanceof Uint8Array
    ? stored(value, RAW)
    : Result.map(jsonOf(value), (json): Encoded => ({ bytes: Buffer.from(json), flags: SERIALIZED }))

const jsonOf = (value: unknown): Result.Result<string, TranscodeFault> => {
  if (typeof value === "bigint") return Result.succeed(String(value))
  if (typeof value !== "number" || isInteger(value) || !Number.isFinite(value)) return encodeJson(value)
  return Result.succeed(floatOf(value))
}

/** A float as Ruby writes it, which always has a point. */
const floatOf = (value: number): string => {
  const { digits, point, sign } = digitsOf(value)
  if (point > -4 && (point <= 15 || (point === 16 && digits.length > 16))) {
    const plain = fixed(digits, point, true)
    return `${sign}${plain.includes(".") ? plain : `${plain}.0`}`
  }
  return `${sign}${digits[0]}.${digits.slice(1) || "0"}${exponent(point - 1)}`
}
