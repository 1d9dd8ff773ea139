/**
 * What every transcoder is made of: an item as it is stored, the fault of a value that cannot be, and answers that come
 * at once or later.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CompressionOptions, OptionFault } from "../../Compression.ts"

/**
 * A value as it is stored.
 *
 * @category models
 * @since 0.1.0
 */
export interface Encoded {
  /** May be the caller's own bytes: they must not change until they are written. */
  readonly bytes: Uint8Array
  /** Client flags, 0 to 2^32 - 1. */
  readonly flags: number
}

/**
 * Why a value cannot be written or read.
 *
 * @category errors
 * @since 0.1.0
 */
export interface TranscodeFault {
  readonly _tag: "TranscodeFault"
  /** The format's name: `"json"`, `"pickle"`, `"unknown"`. */
  readonly format: string
  /** A few words without a full stop that quote neither the value nor a part of it. */
  readonly detail: string
  /** The failure beneath, which may quote the value and is never printed. */
  readonly issue?: unknown
  /**
   * Whether it is another language's serialised code, which is never decoded: such an item is no damage, and the option
   * `onForeign` decides whether it counts as a miss.
   */
  readonly isForeign?: boolean | undefined
}

/**
 * What one call can ask of a transcoder.
 *
 * @category options
 * @since 0.1.0
 */
export interface EncodeOptions {
  /**
   * What it leaves out is as the transcoder does it otherwise; `false` for what append and prepend touch, and for those
   * who know better.
   */
  readonly compression?: CompressionOptions | false | undefined
}

/**
 * Writes and reads values. Both directions answer at once where they can, and with an effect where they must wait;
 * neither throws.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transcoder {
  /**
   * What is wrong with a call's compression, named and in a few words, or `undefined`: the call fails with an
   * `ArgumentError` before anything is encoded.
   */
  readonly check?:
    | ((compression: CompressionOptions) => OptionFault | undefined)
    | undefined
  /**
   * The flags of a counter that `increment` makes, whose item is decimal digits. Default 2, which is an integer to the
   * standard transcoder and to most Python clients.
   */
  readonly counterFlags?: number | undefined
  readonly encode: (
    value: unknown,
    options?: EncodeOptions | undefined
  ) => Result.Result<Encoded, TranscodeFault> | Effect.Effect<Encoded, TranscodeFault>
  /**
   * `bytes` are a view of the chunk they were received in. They are good until `decode` returns, so whatever outlives
   * it must be a copy, also in an effect that it answers.
   */
  readonly decode: (
    bytes: Uint8Array,
    flags: number
  ) => Result.Result<unknown, TranscodeFault> | Effect.Effect<unknown, TranscodeFault>
}

/**
 * An answer at once, or later.
 *
 * @category models
 * @since 0.1.0
 */
export type Coding<A, E = TranscodeFault> = Result.Result<A, E> | Effect.Effect<A, E>

/**
 * Goes on with what was answered, at once if it was answered at once.
 *
 * @category combinators
 * @since 0.1.0
 */
export const flatMap = <A, B, E>(coding: Coding<A, E>, use: (value: A) => Result.Result<B, E>): Coding<B, E> =>
  Effect.isEffect(coding)
    ? Effect.flatMap(coding, (value) => Effect.fromResult(use(value)))
    : Result.flatMap(coding, use)

/**
 * The same with another fault.
 *
 * @category combinators
 * @since 0.1.0
 */
export const mapFault = <A, E, F>(coding: Coding<A, E>, change: (fault: E) => F): Coding<A, F> =>
  Effect.isEffect(coding) ? Effect.mapError(coding, change) : Result.mapError(coding, change)

/**
 * A fault of the format of this name: a few words without a full stop that quote nothing of the value, and the failure
 * beneath, which may.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fault = (format: string, detail: string, issue?: unknown): TranscodeFault => ({
  _tag: "TranscodeFault",
  format,
  detail,
  issue
})

/**
 * The fault of an item that only its own language can read. The option `onForeign` makes a miss of it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const foreign = (format: string): TranscodeFault => ({
  _tag: "TranscodeFault",
  format,
  detail: "it is another language's serialised code, which is never decoded",
  isForeign: true
})

/**
 * An answer with a fault.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fail = (format: string, detail: string, issue?: unknown): Result.Result<never, TranscodeFault> =>
  Result.fail(fault(format, detail, issue))

/**
 * The answer for flags that mean nothing in a format.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unknownFlags: Result.Result<never, TranscodeFault> = fail("unknown", "nothing here reads such flags")

/**
 * A value as it is stored.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stored = (bytes: Uint8Array, flags: number): Result.Result<Encoded, TranscodeFault> =>
  Result.succeed({ bytes, flags })
