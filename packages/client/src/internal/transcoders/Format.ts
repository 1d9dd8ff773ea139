/**
 * How the format of a client is described, and what makes a transcoder of the description: compression above a size, a
 * bound on what comes out of it, and the rule that foreign and unknown items are refused before a byte of them is read.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { Codec, CompressionOptions, InflateFault, OptionFault } from "../../Compression.ts"
import * as Compression from "../../Compression.ts"
import type { Coding, Encoded, TranscodeFault, Transcoder } from "./Coding.ts"
import { fault, flatMap, foreign, mapFault, unknownFlags } from "./Coding.ts"

/**
 * What a client compresses with. FastLZ is php-memcached's alone.
 *
 * @category models
 * @since 0.1.0
 */
export type Packer = Codec | "fastlz"

/**
 * The format of one client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Format<C extends Packer = never> {
  /** The flags of decimal digits that the server counts with. */
  readonly counterFlags: number
  /** A value as it is stored if nothing is compressed. */
  readonly write: (value: unknown) => Result.Result<Encoded, TranscodeFault>
  /** What the flags mean; `undefined` if the client knows no such flags. */
  readonly look: (flags: number) => Look<C> | undefined
  /** `isOwn` if nobody else has the bytes, so that they need not be copied. */
  readonly read: (kind: number, bytes: Uint8Array, isOwn: boolean) => Result.Result<unknown, TranscodeFault>
  readonly packing?: Packing<C> | undefined
}

/**
 * What flags say of an item.
 *
 * @category models
 * @since 0.1.0
 */
export interface Look<C extends Packer> {
  /** The format's name. */
  readonly format: string
  /** What `read` tells values apart by. */
  readonly kind: number
  readonly codec?: C | undefined
  /** Whether only its own language can read it. */
  readonly isForeign?: boolean | undefined
}

/**
 * How a client compresses.
 *
 * @category models
 * @since 0.1.0
 */
export interface Packing<C extends Packer> {
  /** The first is the client's own choice. */
  readonly codecs: readonly [C, ...ReadonlyArray<C>]
  /** Whether the client compresses without being asked to. */
  readonly isOn: boolean
  /** The client compresses what has more bytes. */
  readonly threshold: number
  /** Added to the flags of what is compressed. */
  readonly flagsOf: (codec: C) => number
  /** Whether what was written with these flags may be compressed. What a server counts with may not. */
  readonly isPackable: (flags: number) => boolean
  /** Compresses; answers `undefined` for what the client would rather store as it is. */
  readonly deflate: (codec: C, bytes: Uint8Array, level: number | undefined) => Coding<Uint8Array | undefined, never>
  readonly inflate: (codec: C, bytes: Uint8Array, limit: number) => Coding<Uint8Array, InflateFault>
}

/**
 * Compression options of one transcoder. Which codecs there are is the transcoder's own affair.
 *
 * @category options
 * @since 0.1.0
 */
export interface PackingOptions {
  readonly codec?: Packer | undefined
  readonly threshold?: number | undefined
  readonly level?: number | undefined
}

interface Plan<C> {
  readonly codec: C
  readonly threshold: number
  readonly level: number | undefined
}

/**
 * Makes a transcoder of a format. The options are checked already.
 *
 * @category constructors
 * @since 0.1.0
 */
export const toTranscoder = <C extends Packer>(
  name: string,
  format: Format<C>,
  compression: PackingOptions | false | undefined,
  maxInflatedSize: number
): Transcoder => {
  const { counterFlags, look, packing, read, write } = format
  const plan = packing === undefined ? undefined : planner(packing, compression)
  return {
    counterFlags,
    check: (called) => check(name, packing?.codecs ?? [], called),
    encode: (value, options) => {
      const plain = write(value)
      if (Result.isFailure(plain) || packing === undefined || plan === undefined) return plain
      const { bytes, flags } = plain.success
      const chosen = plan(options?.compression)
      // What the bound would refuse to read again is not compressed.
      if (chosen === false || bytes.length <= chosen.threshold || bytes.length > maxInflatedSize) return plain
      if (!packing.isPackable(flags)) return plain
      return flatMap(
        packing.deflate(chosen.codec, bytes, chosen.level),
        (out) =>
          out === undefined ? plain : Result.succeed({ bytes: out, flags: flags | packing.flagsOf(chosen.codec) })
      )
    },
    decode: (bytes, flags) => {
      const item = look(flags)
      if (item === undefined) return unknownFlags
      if (item.isForeign === true) return Result.fail(foreign(item.format))
      if (item.codec === undefined || packing === undefined) return read(item.kind, bytes, false)
      const inflated = mapFault(
        packing.inflate(item.codec, bytes, maxInflatedSize),
        ({ detail, issue }) => fault(item.format, detail, issue)
      )
      return flatMap(inflated, (own) => read(item.kind, own, true))
    }
  }
}

/** What a call leaves out is as the transcoder does it, and what that leaves out as the client does. */
const planner = <C extends Packer>(packing: Packing<C>, compression: PackingOptions | false | undefined) => {
  const merge = (given: PackingOptions, base: Plan<C>): Plan<C> => {
    const codec = packing.codecs.find((known) => known === given.codec) ?? base.codec
    // A level goes with its codec.
    const level = given.level ?? (codec === base.codec ? base.level : undefined)
    return { codec, level, threshold: given.threshold ?? base.threshold }
  }
  const client: Plan<C> = { codec: packing.codecs[0], threshold: packing.threshold, level: undefined }
  const base = compression === undefined || compression === false ? client : merge(compression, client)
  const own = compression === false || (compression === undefined && !packing.isOn) ? false : base
  return (given: CompressionOptions | false | undefined): Plan<C> | false =>
    given === undefined ? own : given === false ? false : merge(given, base)
}

/**
 * What is wrong with compression options for a transcoder of that name, which knows `codecs`.
 *
 * @category guards
 * @since 0.1.0
 */
export const check = (
  name: string,
  codecs: ReadonlyArray<Packer>,
  { codec = codecs[0], level, threshold }: PackingOptions
): OptionFault | undefined => {
  if (codec === undefined) return { option: "codec", detail: `must be left out for ${name}, which compresses nothing` }
  if (!codecs.includes(codec)) {
    return { option: "codec", detail: `must be ${codecs.map((word) => `"${word}"`).join(" or ")} for ${name}` }
  }
  // FastLZ has two forms, and the size of the value decides between them.
  if (codec !== "fastlz") return Compression.check({ codec, level, threshold })
  if (level !== undefined) return { option: "level", detail: "must be left out for fastlz, which has no levels" }
  return Compression.check({ threshold })
}

/**
 * Compresses with one of Node's codecs, on another thread if that takes long.
 *
 * @category encoding
 * @since 0.1.0
 */
export const deflate = (
  codec: Codec,
  bytes: Uint8Array,
  level: number | undefined
): Coding<Uint8Array | undefined, never> => Compression.deflate(codec, bytes, Compression.plan({ codec, level }).level)
