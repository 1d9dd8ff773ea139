/**
 * zlib for values, with a bound on what may come out: the only use of `node:zlib`.
 *
 * A few hundred bytes from a server can inflate to gigabytes, so nothing is inflated without a limit, and nothing is
 * written that this limit would refuse to read. Small values are done at once, since handing them to another thread
 * takes longer; large ones leave the event loop free.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { deflate as deflateAsync, deflateSync, inflate as inflateAsync, inflateSync } from "node:zlib"

/**
 * When and how hard values are compressed.
 *
 * @category options
 * @since 0.1.0
 */
export interface CompressionOptions {
  /** Values of more bytes than this are compressed. Default 2,000. */
  readonly threshold?: number | undefined
  /** zlib's level, 1 (fast) to 9 (small). Default 6. */
  readonly level?: number | undefined
}

/**
 * Default of `threshold`, in bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const DEFAULT_THRESHOLD = 2000

/**
 * Default of `level`, which is zlib's own.
 *
 * @category constants
 * @since 0.1.0
 */
export const DEFAULT_LEVEL = 6

/**
 * Up to here work is done at once: about 0.3 ms of deflating, or of inflating into four times as much.
 *
 * @category constants
 * @since 0.1.0
 */
export const SYNC_LIMIT = 16_384

/**
 * What is wrong with the options, named and in a few words, or `undefined`. For option and argument errors.
 *
 * @category guards
 * @since 0.1.0
 */
export const check = (
  options: CompressionOptions | false | undefined
): { readonly option: "threshold" | "level"; readonly detail: string } | undefined => {
  if (options === undefined || options === false) return undefined
  const { level, threshold } = options
  if (threshold !== undefined && !(Number.isSafeInteger(threshold) && threshold >= 0)) {
    return { option: "threshold", detail: "must be a whole number of bytes, 0 or more" }
  }
  if (level !== undefined && !isLevel(level)) {
    return { option: "level", detail: "must be a whole number from 1 to 9" }
  }
  return undefined
}

const isLevel = (level: number): boolean => Number.isInteger(level) && level >= 1 && level <= 9

/**
 * Compresses, and answers `undefined` where that makes nothing smaller.
 *
 * @category encoding
 * @since 0.1.0
 */
export const deflate = (
  bytes: Uint8Array,
  level: number
): Result.Result<Uint8Array | undefined> | Effect.Effect<Uint8Array | undefined> => {
  const options = { level: isLevel(level) ? level : DEFAULT_LEVEL }
  const smaller = (out: Uint8Array): Uint8Array | undefined => out.length < bytes.length ? out : undefined
  if (bytes.length <= SYNC_LIMIT) return Result.succeed(smaller(deflateSync(bytes, options)))
  return Effect.callback((resume) => {
    deflateAsync(bytes, options, (error, out) => {
      // Only a lack of memory makes zlib fail here, and then the value is stored as it is.
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
  bytes: Uint8Array,
  limit: number
): Result.Result<Uint8Array, InflateFault> | Effect.Effect<Uint8Array, InflateFault> => {
  if (bytes.length <= SYNC_LIMIT) {
    const syncLimit = Math.min(limit, 4 * SYNC_LIMIT)
    try {
      return Result.succeed(inflateSync(bytes, { maxOutputLength: syncLimit }))
    } catch (issue) {
      if (!isTooLarge(issue) || syncLimit === limit) return Result.fail(fault(issue, limit))
    }
  }
  const copy = new Uint8Array(bytes)
  return Effect.callback((resume) => {
    inflateAsync(copy, { maxOutputLength: limit }, (error, out) => {
      resume(error === null ? Effect.succeed(out) : Effect.fail(fault(error, limit)))
    })
  })
}

const isTooLarge = (issue: unknown): boolean =>
  issue instanceof RangeError && "code" in issue && issue.code === "ERR_BUFFER_TOO_LARGE"

const fault = (issue: unknown, limit: number): InflateFault => ({
  detail: isTooLarge(issue) ? `it inflates to more than ${limit} bytes` : "its compressed bytes are damaged",
  issue
})
