/**
 * How values become the bytes and flags of an item, and come back.
 *
 * The interface is for those who share a pool with a program that writes another format. `StandardTranscoder` is what
 * everybody else uses.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { CompressionOptions, OptionFault } from "./Compression.ts"

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
