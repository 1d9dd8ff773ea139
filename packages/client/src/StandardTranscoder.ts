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
      const packed = flags & CODEC_FLAGS.zstd
      const kind = flags - packed
      const format = FORMATS.get(kind)
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

/** Formats that are recognised, of which pickle, Python 2's long and large values are never read here. */
const FORMATS: ReadonlyMap<number, string> = new Map([
  [FLAGS.bytes, "bytes"],
  [1, "pickle"],
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

const isReadable = (kind: number): boolean => kind !== 1 && kind !== 4 && kind !== MANIFEST_FLAGS

const fault = (format: string, detail: string, issue?: unknown): TranscodeFault => ({
  _tag: "TranscodeFault",
  format,
  detail,
  issue
})

const fail = (format: string, detail: string, issue?: unknown): Result.Result<never, TranscodeFault> =>
  Result.fail(fault(format, detail, issue))

const stored = (bytes: Uint8Array, flags: number): Result.Result<Encoded, TranscodeFault> =>
  Result.succeed({ bytes, flags })

const ascii = (text: string): Uint8Array => Buffer.from(text, "latin1")

const encodePlain = (value: unknown): Result.Result<Encoded, TranscodeFault> => {
  switch (typeof value) {
    case "string":
      return value.isWellFormed()
        ? stored(Buffer.from(value, "utf8"), FLAGS.text)
        : fail("text", "it has half a surrogate pair, which UTF-8 cannot write")
    case "number":
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return stored(ascii(String(value)), FLAGS.integer)
      return stored(ascii(Object.is(value, -0) ? "-0" : String(value)), FLAGS.float)
    case "bigint":
      return stored(ascii(String(value)), FLAGS.integer)
    case "boolean":
      return stored(ascii(String(value)), FLAGS.literal)
    case "object":
      if (value === null) return stored(ascii("null"), FLAGS.literal)
      return value instanceof Uint8Array ? stored(value, FLAGS.bytes) : encodeJson(value)
    default:
      return fail("unknown", `${typeof value === "undefined" ? "undefined" : `a ${typeof value}`} is no value to store`)
  }
}

const encodeJson = (value: object): Result.Result<Encoded, TranscodeFault> => {
  if (value instanceof Written) return stored(value.bytes, value.flags)
  try {
    const tag = Object.prototype.toString.call(value).slice(8, -1)
    if (!("toJSON" in value) && (EMPTY_IN_JSON.has(tag) || ArrayBuffer.isView(value))) {
      return fail("json", `JSON cannot write a ${tag}`)
    }
    const text: string | undefined = JSON.stringify(value)
    return text === undefined ? fail("json", "its toJSON answers undefined") : stored(Buffer.from(text), FLAGS.json)
  } catch (issue) {
    return fail("json", explain(issue), issue)
  }
}

/** What `JSON.stringify` writes as `{}`, so that it would be lost without a word. */
const EMPTY_IN_JSON: ReadonlySet<string> = new Set([
  "ArrayBuffer",
  "SharedArrayBuffer",
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "Promise",
  "RegExp",
  "Error"
])

// V8's own messages quote constructors and property names, which are the caller's data.
const explain = (issue: unknown): string => {
  if (issue instanceof RangeError) return "it is nested too deeply, or too long, for JSON"
  const message = issue instanceof TypeError ? issue.message : ""
  if (message.includes("BigInt")) return "it holds a bigint, which JSON cannot write"
  if (message.includes("circular")) return "it refers to itself, which JSON cannot write"
  return "its toJSON or a getter threw"
}

const decodePlain = (kind: number, bytes: Uint8Array): Result.Result<unknown, TranscodeFault> => {
  switch (kind) {
    // What was inflated is nobody else's; the view only hides that it is a Buffer.
    case FLAGS.bytes:
      return Result.succeed(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))
    case FLAGS.text: {
      const text = utf8(bytes)
      return text === undefined ? fail("text", "its bytes are no UTF-8") : Result.succeed(text)
    }
    case FLAGS.integer:
      return decodeInteger(bytes)
    case FLAGS.json:
      return decodeJson(bytes)
    case FLAGS.float:
      return decodeFloat(latin1(bytes, MAX_FLOAT_LENGTH))
    default:
      return decodeLiteral(latin1(bytes, MAX_FLOAT_LENGTH))
  }
}

// A value that came in one chunk is a Buffer already, and another one would cost as much as reading its text.
const buffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const latin1 = (bytes: Uint8Array, limit: number): string =>
  bytes.length > limit ? "" : buffer(bytes).toString("latin1")

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

// Much faster than the strict decoder, which is asked only where a replacement character may be the stored one.
const utf8 = (bytes: Uint8Array): string | undefined => {
  const text = buffer(bytes).toString()
  if (!text.includes("\ufffd")) return text
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** Reading a decimal takes time that grows with its square: 6 ms for this many digits. */
const MAX_DIGITS = 100_000

const MAX_FLOAT_LENGTH = 64

const decodeInteger = (bytes: Uint8Array): Result.Result<unknown, TranscodeFault> => {
  // `decr` pads the item with blanks when the number gets shorter.
  const text = latin1(bytes, MAX_DIGITS).replace(/ +$/, "")
  if (!/^[+-]?[0-9]+$/.test(text)) return fail("integer", "its bytes are no decimal integer")
  const number = Number(text)
  if (Number.isSafeInteger(number)) return Result.succeed(number === 0 ? 0 : number)
  return Result.succeed(text[0] === "-" ? -BigInt(text.slice(1)) : BigInt(text[0] === "+" ? text.slice(1) : text))
}

const decodeFloat = (text: string): Result.Result<unknown, TranscodeFault> => {
  if (text === "NaN") return Result.succeed(Number.NaN)
  return /^-?(Infinity|[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?)$/i.test(text)
    ? Result.succeed(Number(text))
    : fail("float", "its bytes are no number")
}

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

const decodeJson = (bytes: Uint8Array): Result.Result<unknown, TranscodeFault> => {
  const text = utf8(bytes)
  if (text === undefined) return fail("json", "its bytes are no UTF-8")
  try {
    return Result.succeed(JSON.parse(text))
  } catch (issue) {
    return fail("json", "its bytes are no JSON", issue)
  }
}
