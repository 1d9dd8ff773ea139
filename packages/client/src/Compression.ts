/**
 * Compression of values, with a bound on what may come out: the only use of `node:zlib`.
 *
 * A few hundred bytes from a server can inflate to gigabytes, so nothing is inflated without a limit, and nothing is
 * written that this limit would refuse to read. Small values are done at once, since handing them to another thread
 * takes longer; large ones leave the event loop free.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as zlib from "node:zlib"

/**
 * What compresses: `"zlib"` is read by most other clients, `"gzip"` by some, `"zstd"` is the fastest and `"brotli"` the
 * smallest for text. All of them are Node's own.
 *
 * @category models
 * @since 0.1.0
 */
export type Codec = "zlib" | "gzip" | "brotli" | "zstd"

/**
 * All codecs.
 *
 * @category constants
 * @since 0.1.0
 */
export const CODECS: readonly [Codec, ...ReadonlyArray<Codec>] = ["zlib", "gzip", "brotli", "zstd"]

/**
 * What is compressed, by what and how hard.
 *
 * @category options
 * @since 0.1.0
 */
export interface CompressionOptions {
  /** Default `"zlib"`. Whatever is chosen, all of them are read. */
  readonly codec?: Codec | undefined
  /** Values of more bytes than this are compressed. Default 2,000. */
  readonly threshold?: number | undefined
  /**
   * From fast to small: 1 to 9 for zlib and gzip (default 6), 0 to 11 for brotli (default 5), 1 to 22 for zstd (default
   * 3). From 7 on, brotli takes milliseconds for a few kilobytes, as zstd does from 10 on.
   */
  readonly level?: number | undefined
}

/**
 * Options with nothing left out.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plan {
  readonly codec: Codec
  readonly threshold: number
  readonly level: number
}

/**
 * Default of `threshold`, in bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const DEFAULT_THRESHOLD = 2000

/**
 * Up to here work is done at once: about 0.3 ms of deflating, or of inflating into four times as much.
 *
 * @category constants
 * @since 0.1.0
 */
export const SYNC_LIMIT = 16_384

type Done = (error: Error | null, out: Uint8Array) => void

interface Engine {
  readonly lowest: number
  readonly highest: number
  readonly otherwise: number
  /** The highest level of which `SYNC_LIMIT` holds. */
  readonly light: number
  readonly deflateSync: (bytes: Uint8Array, level: number) => Uint8Array
  readonly deflate: (bytes: Uint8Array, level: number, done: Done) => void
  readonly inflateSync: (bytes: Uint8Array, limit: number, window: number) => Uint8Array
  readonly inflate: (bytes: Uint8Array, limit: number, window: number, done: Done) => void
}

const { constants } = zlib

const brotliOptions = (bytes: Uint8Array, level: number): zlib.BrotliOptions => ({
  params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
})

// Of all codecs zstd alone writes no checksum unless told to, at four bytes. Brotli has none at all.
const zstdOptions = (bytes: Uint8Array, level: number): zlib.ZstdOptions => ({
  pledgedSrcSize: bytes.length,
  params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 }
})

const unzstdOptions = (limit: number, window: number): zlib.ZstdOptions => ({
  maxOutputLength: limit,
  params: { [constants.ZSTD_d_windowLogMax]: Math.min(31, Math.ceil(Math.log2(window))) }
})

const ENGINES: { readonly [C in Codec]: Engine } = {
  zlib: {
    lowest: 1,
    highest: 9,
    otherwise: 6,
    light: 9,
    deflateSync: (bytes, level) => zlib.deflateSync(bytes, { level }),
    deflate: (bytes, level, done) => zlib.deflate(bytes, { level }, done),
    inflateSync: (bytes, limit) => zlib.inflateSync(bytes, { maxOutputLength: limit }),
    inflate: (bytes, limit, _, done) => zlib.inflate(bytes, { maxOutputLength: limit }, done)
  },
  gzip: {
    lowest: 1,
    highest: 9,
    otherwise: 6,
    light: 9,
    deflateSync: (bytes, level) => zlib.gzipSync(bytes, { level }),
    deflate: (bytes, level, done) => zlib.gzip(bytes, { level }, done),
    inflateSync: (bytes, limit) => zlib.gunzipSync(bytes, { maxOutputLength: limit }),
    inflate: (bytes, limit, _, done) => zlib.gunzip(bytes, { maxOutputLength: limit }, done)
  },
  brotli: {
    lowest: 0,
    highest: 11,
    otherwise: 5,
    light: 6,
    deflateSync: (bytes, level) => zlib.brotliCompressSync(bytes, brotliOptions(bytes, level)),
    deflate: (bytes, level, done) => zlib.brotliCompress(bytes, brotliOptions(bytes, level), done),
    inflateSync: (bytes, limit) => zlib.brotliDecompressSync(bytes, { maxOutputLength: limit }),
    inflate: (bytes, limit, _, done) => zlib.brotliDecompress(bytes, { maxOutputLength: limit }, done)
  },
  zstd: {
    lowest: 1,
    highest: 22,
    otherwise: 3,
    light: 9,
    deflateSync: (bytes, level) => zlib.zstdCompressSync(bytes, zstdOptions(bytes, level)),
    deflate: (bytes, level, done) => zlib.zstdCompress(bytes, zstdOptions(bytes, level), done),
    inflateSync: (bytes, limit, window) => zlib.zstdDecompressSync(bytes, unzstdOptions(limit, window)),
    inflate: (bytes, limit, window, done) => zlib.zstdDecompress(bytes, unzstdOptions(limit, window), done)
  }
}

/**
 * An option that cannot be.
 *
 * @category errors
 * @since 0.1.0
 */
export interface OptionFault {
  readonly option: keyof CompressionOptions
  /** What it must be, without a full stop. */
  readonly detail: string
}

/**
 * What is wrong with the options, named and in a few words, or `undefined`. For option and argument errors. `otherwise`
 * is the codec where none is named.
 *
 * @category guards
 * @since 0.1.0
 */
export const check = (
  options: CompressionOptions | false | undefined,
  otherwise: Codec = "zlib"
): OptionFault | undefined => {
  if (options === undefined || options === false) return undefined
  const { codec = otherwise, level, threshold } = options
  if (!CODECS.includes(codec)) {
    return { option: "codec", detail: `must be ${CODECS.map((name) => `"${name}"`).join(" or ")}` }
  }
  if (threshold !== undefined && !(Number.isSafeInteger(threshold) && threshold >= 0)) {
    return { option: "threshold", detail: "must be a whole number of bytes, 0 or more" }
  }
  const { highest, lowest } = ENGINES[codec]
  if (level !== undefined && !isLevel(codec, level)) {
    return { option: "level", detail: `must be a whole number from ${lowest} to ${highest} for ${codec}` }
  }
  return undefined
}

const isLevel = (codec: Codec, level: number): boolean =>
  Number.isInteger(level) && level >= ENGINES[codec].lowest && level <= ENGINES[codec].highest

/**
 * What `options` leave out is as in `own`, and what that leaves out is the default. A level goes with its codec, and a
 * codec that a cast let in is zlib.
 *
 * @category constructors
 * @since 0.1.0
 */
export const plan = (options: CompressionOptions, own?: CompressionOptions | false | undefined): Plan => {
  const base = own === undefined || own === false ? {} : own
  const usual = known(base.codec ?? "zlib")
  const codec = known(options.codec ?? usual)
  const level = options.level ?? (codec === usual ? base.level : undefined)
  const threshold = options.threshold ?? base.threshold ?? DEFAULT_THRESHOLD
  return { codec, threshold, level: level ?? ENGINES[codec].otherwise }
}

const known = (codec: Codec): Codec => CODECS.includes(codec) ? codec : "zlib"

/**
 * CRC-32 of `bytes`, or of all that `before` is the checksum of and then `bytes`.
 *
 * @category encoding
 * @since 0.1.0
 */
export const checksum = (bytes: Uint8Array, before = 0): number => zlib.crc32(bytes, before)

/**
 * Compresses, and answers `undefined` where that makes nothing smaller. A level that the codec has not is its default.
 * `keep` is for the formats of those who store also what has grown.
 *
 * Answers with an effect where it takes more than about 0.3 ms, which happens on another thread.
 *
 * @category encoding
 * @since 0.1.0
 */
export const deflate = (
  codec: Codec,
  bytes: Uint8Array,
  level: number,
  keep: "smaller" | "always" = "smaller"
): Result.Result<Uint8Array | undefined> | Effect.Effect<Uint8Array | undefined> => {
  const engine = ENGINES[codec]
  const effort = isLevel(codec, level) ? level : engine.otherwise
  const smaller = (out: Uint8Array): Uint8Array | undefined =>
    keep === "always" || out.length < bytes.length ? out : undefined
  if (bytes.length <= SYNC_LIMIT && effort <= engine.light) {
    return Result.succeed(smaller(engine.deflateSync(bytes, effort)))
  }
  return Effect.callback((resume) => {
    engine.deflate(bytes, effort, (error, out) => {
      // Only a lack of memory makes a codec fail here, and then the value is stored as it is.
      resume(Effect.succeed(error === null ? smaller(out) : undefined))
    })
  })
}

/**
 * Why compressed bytes could not be read.
 *
 * @category errors
 * @since 0.1.0
 */
export interface InflateFault {
  /** A few words without a full stop. */
  readonly detail: string
  readonly issue: unknown
}

/**
 * Decompresses at most `limit` bytes. `bytes` are copied where they are needed after the call.
 *
 * @category decoding
 * @since 0.1.0
 */
export const inflate = (
  codec: Codec,
  bytes: Uint8Array,
  limit: number
): Result.Result<Uint8Array, InflateFault> | Effect.Effect<Uint8Array, InflateFault> => {
  const engine = ENGINES[codec]
  const window = Math.max(limit, LEAST_WINDOW)
  if (codec === "brotli" && window < BROTLI_LARGEST_WINDOW && hasLargestWindow(bytes)) {
    return Result.fail({ detail: `it needs a window of more than ${window} bytes`, issue: undefined })
  }
  if (bytes.length <= SYNC_LIMIT) {
    const syncLimit = Math.min(limit, 4 * SYNC_LIMIT)
    try {
      return Result.succeed(engine.inflateSync(bytes, syncLimit, window))
    } catch (issue) {
      if (!isTooLarge(issue) || syncLimit === limit) return Result.fail(fault(issue, limit))
    }
  }
  const copy = new Uint8Array(bytes)
  return Effect.callback((resume) => {
    engine.inflate(copy, limit, window, (error, out) => {
      resume(error === null ? Effect.succeed(out) : Effect.fail(fault(error, limit)))
    })
  })
}

/**
 * The memory that brotli and zstd keep of what they have written, and which the item itself asks for, 2 GiB if it likes.
 * Every decoder of zstd should be ready for 8 MiB (RFC 8878, 3.1.1.1.2); nobody needs more than comes out.
 */
const LEAST_WINDOW = 8_388_608

const BROTLI_LARGEST_WINDOW = 16_777_216

// Node cannot bound brotli's window. All ones in the header's first four bits are 2^24 - 16 (RFC 7932, 9.1).
const hasLargestWindow = (bytes: Uint8Array): boolean => bytes.length > 0 && (bytes[0] & 0x0f) === 0x0f

const isTooLarge = (issue: unknown): boolean =>
  issue instanceof RangeError && "code" in issue && issue.code === "ERR_BUFFER_TOO_LARGE"

const fault = (issue: unknown, limit: number): InflateFault => ({
  detail: isTooLarge(issue) ? `it inflates to more than ${limit} bytes` : "its compressed bytes are damaged",
  issue
})
