/**
 * The format in which values are stored unless a program says otherwise.
 *
 * Stored data outlives any correction, so the flags below are fixed: bytes, integers and text are those of
 * python-memcached since 1.59 and of pymemcache. What is not in the table is refused, in both directions: a value that
 * would come back as another one is not written, and bytes of unknown flags are not guessed at.
 *
 * | flags | value |
 * | --- | --- |
 * | 0 | bytes |
 * | 2 | integer, in decimal; read as a number where that is exact and as a bigint elsewhere |
 * | 16 | text, in UTF-8 |
 * | 32 | JSON |
 * | 64 | any other number, as JavaScript writes it: `0.1`, `1e+21`, `NaN`, `Infinity`, `-0` |
 * | 128 | `true`, `false`, `null` |
 * | 32768 | where the parts of a large value are: `LargeValues` reads it, and nothing else does |
 * | +8 | compressed by zlib |
 * | +264 | compressed by gzip |
 * | +520 | compressed by brotli |
 * | +776 | compressed by zstd |
 *
 * Bit 8 says that an item is compressed, and bits 256 and 512 by what; without bit 8 they mean nothing here. So a client
 * that knows only python-memcached's 8 takes all of them for zlib and fails, instead of handing out compressed bytes as
 * text, and no type flag of spymemcached or Whalin's client, which lie in the same byte, has 8 beside it. All four are
 * always read, whichever is written: what comes out is bounded, and so is the memory that it takes on the way.
 *
 * @since 0.1.0
 */
import { DEFAULT_MAX_ITEM_SIZE } from "@effect-memcache/protocol/Limits"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CompressionOptions, InflateFault } from "./Compression.ts"
import * as Compression from "./Compression.ts"
import { MANIFEST_FLAGS, Written } from "./internal/large/Written.ts"
import type { Encoded, EncodeOptions, TranscodeFault, Transcoder } from "./internal/transcoders/Coding.ts"
import { fail, fault, foreign, stored } from "./internal/transcoders/Coding.ts"
import { decodeJson, encodeJson } from "./internal/transcoders/Json.ts"
import { decodeFloat, decodeInteger, isInteger } from "./internal/transcoders/Numbers.ts"
import { ascii, decodeText, latin1, ownBytes, storeText } from "./internal/transcoders/Text.ts"

/**
 * The flags by name.
 *
 * @category constants
 * @since 0.1.0
 */
export const FLAGS = { bytes: 0, integer: 2, compressed: 8, text: 16, json: 32, float: 64, literal: 128 } as const

/**
 * What is added to the flags of a compressed item.
 *
 * @category constants
 * @since 0.1.0
 */
export const CODEC_FLAGS = { zlib: 8, gzip: 264, brotli: 520, zstd: 776 } as const

/**
 * Options of the standard transcoder.
 *
 * @category options
 * @since 0.1.0
 */
export interface StandardTranscoderOptions {
  /** Default `{ codec: "zlib", threshold: 2000, level: 6 }`; `false` stores everything as it is. */
  readonly compression?: CompressionOptions | false | undefined
  /** Largest value in bytes that is made of a compressed item. Default 8 MiB, eight times the server's item limit. */
  readonly maxInflatedSize?: number | undefined
}

/**
 * The standard transcoder.
 *
 * `undefined`, functions, symbols, bytes of other types than `Uint8Array`, and what JSON would write as `{}` (a `Map`, a
 * `Set`, an `Error`) are refused. Inside an object or array the rules of `JSON.stringify` hold.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: StandardTranscoderOptions): Transcoder => {
  const maxInflatedSize = options?.maxInflatedSize ?? 8 * DEFAULT_MAX_ITEM_SIZE
  const own = options?.compression ?? {}
  const ownPlan = own === false ? false : Compression.plan(own)
  const planOf = (called: EncodeOptions["compression"]): Compression.Plan | false =>
    called === undefined ? ownPlan : called === false ? false : Compression.plan(called, own)
  return {
    check: (compression) => Compression.check(compression, ownPlan === false ? undefined : ownPlan.codec),
    encode: (value, callOptions) => {
      const plain = encodePlain(value)
      if (Result.isFailure(plain)) return plain
      const { bytes, flags } = plain.success
      const compression = planOf(callOptions?.compression)
      // Integers must stay what the server can count with.
      if (compression === false || flags === FLAGS.integer) return plain
      if (bytes.length <= compression.threshold || bytes.length > maxInflatedSize) return plain
      const choose = (compressed: Uint8Array | undefined): Encoded =>
        compressed === undefined ? plain.success : { bytes: compressed, flags: flags | CODEC_FLAGS[compression.codec] }
      const deflated = Compression.deflate(compression.codec, bytes, compression.level)
      return Effect.isEffect(deflated) ? Effect.map(deflated, choose) : Result.map(deflated, choose)
    },
    decode: (bytes, flags) => {
      if (flags === FLAGS.text) return decodeText(bytes)
      const packed = flags & CODEC_FLAGS.zstd
      const kind = flags - packed
      const format = FORMATS.get(kind)
      if (kind === PICKLE) return Result.fail(foreign("pickle"))
      if (format === undefined || !isReadable(kind)) {
        return fail(
          format ?? "unknown",
          kind === MANIFEST_FLAGS ? "LargeValues reads it" : "nothing here reads such flags"
        )
      }
      if (packed === 0) return kind === FLAGS.bytes ? Result.succeed(new Uint8Array(bytes)) : decodePlain(kind, bytes)
      const codec = CODECS.get(packed)
      if (codec === undefined) return fail("unknown", "nothing here reads such flags")
      const damaged = ({ detail, issue }: InflateFault): TranscodeFault => fault(format, detail, issue)
      const inflated = Compression.inflate(codec, bytes, maxInflatedSize)
      return Effect.isEffect(inflated)
        ? Effect.flatMap(Effect.mapError(inflated, damaged), (own) => Effect.fromResult(decodePlain(kind, own)))
        : Result.flatMap(Result.mapError(inflated, damaged), (own) => decodePlain(kind, own))
    }
  }
}

/**
 * The standard transcoder with its default options.
 *
 * @category instances
 * @since 0.1.0
 */
export const standard: Transcoder = make()

/** Of python-memcached and pymemcache, for everything that is neither bytes, nor text, nor an integer. */
const PICKLE = 1

/** Formats that are recognised, of which Python 2's long and large values are not read here. */
const FORMATS: ReadonlyMap<number, string> = new Map([
  [FLAGS.bytes, "bytes"],
  [FLAGS.integer, "integer"],
  [4, "python-long"],
  [FLAGS.text, "text"],
  [FLAGS.json, "json"],
  [FLAGS.float, "float"],
  [FLAGS.literal, "literal"],
  [MANIFEST_FLAGS, "large-value"]
])

const CODECS: ReadonlyMap<number, Compression.Codec> = new Map(
  Compression.CODECS.map((codec) => [CODEC_FLAGS[codec], codec])
)

const isReadable = (kind: number): boolean => kind !== 4 && kind !== MANIFEST_FLAGS

const encodePlain = (value: unknown): Result.Result<Encoded, TranscodeFault> => {
  switch (typeof value) {
    case "string":
      return storeText(value, FLAGS.text)
    case "number":
      if (isInteger(value)) return stored(ascii(String(value)), FLAGS.integer)
      return stored(ascii(Object.is(value, -0) ? "-0" : String(value)), FLAGS.float)
    case "bigint":
      return stored(ascii(String(value)), FLAGS.integer)
    case "boolean":
      return stored(ascii(String(value)), FLAGS.literal)
    case "object":
      if (value === null) return stored(ascii("null"), FLAGS.literal)
      return value instanceof Uint8Array ? stored(value, FLAGS.bytes) : writeJson(value)
    default:
      return fail("unknown", `${typeof value === "undefined" ? "undefined" : `a ${typeof value}`} is no value to store`)
  }
}

const writeJson = (value: object): Result.Result<Encoded, TranscodeFault> => {
  if (value instanceof Written) return stored(value.bytes, value.flags)
  return Result.map(encodeJson(value), (json): Encoded => ({ bytes: Buffer.from(json), flags: FLAGS.json }))
}

const decodePlain = (kind: number, bytes: Uint8Array): Result.Result<unknown, TranscodeFault> => {
  switch (kind) {
    case FLAGS.bytes:
      return Result.succeed(ownBytes(bytes, true))
    case FLAGS.text:
      return decodeText(bytes)
    case FLAGS.integer:
      return decodeInteger(bytes)
    case FLAGS.json:
      return decodeJson(bytes)
    case FLAGS.float:
      return decodeFloat(bytes)
    default:
      return decodeLiteral(latin1(bytes, LONGEST_LITERAL))
  }
}

const LONGEST_LITERAL = 5

const decodeLiteral = (text: string): Result.Result<unknown, TranscodeFault> => {
  switch (text) {
    case "true":
      return Result.succeed(true)
    case "false":
      return Result.succeed(false)
    case "null":
      return Result.succeed(null)
    default:
      return fail("literal", "its bytes are neither true nor false nor null")
  }
}
