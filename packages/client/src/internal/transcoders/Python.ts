/**
 * What the Python clients store: python-memcached, pymemcache with its serde, and pylibmc. They share flags and differ
 * in which of them they write.
 *
 * | flags | value |
 * | --- | --- |
 * | 0 | bytes; text too, in the older forms |
 * | 1 | pickle, which is never decoded |
 * | 2 | integer, in decimal |
 * | 4 | Python 2's `long`, and every integer of pylibmc, in decimal |
 * | 16 | text, in UTF-8 |
 * | +8 | compressed by zlib |
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Compression from "../../Compression.ts"
import type { Encoded, TranscodeFault } from "./Coding.ts"
import { fail, stored } from "./Coding.ts"
import type { Format } from "./Format.ts"
import { deflate } from "./Format.ts"
import { decodeInteger, isInt64, isInteger } from "./Numbers.ts"
import { ascii, decodeText, ownBytes, storeText } from "./Text.ts"

/**
 * What one client, or one range of its releases, does.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dialect {
  /** Of text: 16, or 0 where it cannot be told from bytes. */
  readonly text: 0 | 16
  readonly integer: 2 | 4
  /** Of integers beyond 64 bits. */
  readonly long: 2 | 4
  /** Whether booleans are integers; elsewhere they are pickled. */
  readonly hasBooleans: boolean
  /** The client compresses what has more bytes, if it is told to compress at all. */
  readonly threshold: number
}

const THRESHOLD = Compression.DEFAULT_THRESHOLD

/**
 * The dialects by name.
 *
 * @category constants
 * @since 0.1.0
 */
export const dialects = {
  "python-memcached": { text: 16, integer: 2, long: 2, hasBooleans: false, threshold: THRESHOLD },
  // It reads 0 as text, and cannot read bytes that are no UTF-8, its own included.
  "python-memcached/1.54-1.58": { text: 0, integer: 2, long: 2, hasBooleans: true, threshold: THRESHOLD },
  // A Python 2 program's `str` is bytes, and its `unicode` was pickled. Its `int` has the 64 bits of the machine.
  "python-memcached/1.43": { text: 0, integer: 2, long: 4, hasBooleans: true, threshold: THRESHOLD },
  pymemcache: { text: 16, integer: 2, long: 2, hasBooleans: false, threshold: 400 },
  // Compresses what has as many bytes as its min_compress_len.
  pylibmc: { text: 16, integer: 4, long: 4, hasBooleans: true, threshold: THRESHOLD - 1 }
} as const satisfies Record<string, Dialect>

const BYTES = 0
const PICKLE = 1
const INTEGER = 2
const LONG = 4
const COMPRESSED = 8
const TEXT = 16

const FORMATS: ReadonlyMap<number, string> = new Map([
  [BYTES, "bytes"],
  [PICKLE, "pickle"],
  [INTEGER, "integer"],
  [LONG, "integer"],
  [TEXT, "text"]
])

/**
 * A dialect's format. `strings` says what flags 0 are read as, where that is text or bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (dialect: Dialect, strings: "text" | "bytes"): Format<"zlib"> => ({
  counterFlags: dialect.integer,
  write: (value) => write(dialect, value),
  look: (flags) => {
    const kind = flags & ~COMPRESSED
    const format = FORMATS.get(kind)
    if (format === undefined) return undefined
    return { format, kind, codec: kind === flags ? undefined : "zlib", isForeign: kind === PICKLE }
  },
  read: (kind, bytes, isOwn) => {
    switch (kind) {
      case BYTES:
        return dialect.text === BYTES && strings === "text" ? decodeText(bytes) : Result.succeed(ownBytes(bytes, isOwn))
      case TEXT:
        return decodeText(bytes)
      default:
        return decodeInteger(bytes)
    }
  },
  packing: {
    codecs: ["zlib"],
    // All of them compress only what they are told to.
    isOn: false,
    threshold: dialect.threshold,
    flagsOf: () => COMPRESSED,
    isPackable: (flags) => flags === BYTES || flags === TEXT,
    deflate,
    inflate: Compression.inflate
  }
})

const write = (dialect: Dialect, value: unknown): Result.Result<Encoded, TranscodeFault> => {
  if (typeof value === "string") {
    return storeText(value, dialect.text)
  }
  if (value instanceof Uint8Array) return stored(value, BYTES)
  if (isInteger(value)) return stored(ascii(String(value)), isInt64(value) ? dialect.integer : dialect.long)
  if (typeof value === "boolean" && dialect.hasBooleans) return stored(ascii(value ? "1" : "0"), INTEGER)
  return fail("pickle", "Python pickles everything but text, bytes and integers; store it as JSON text")
}
