/**
 * How values become the bytes and flags of an item, and come back.
 *
 * `StandardTranscoder` is what everybody uses who shares no pool with programs in other languages. For those who do there
 * is one transcoder for each of their clients, chosen by name, and the interface for one of your own.
 *
 * ```ts
 * const transcoder = Transcoder.make("php-memcached", { compression: { codec: "zlib" } })
 * ```
 *
 * @since 0.1.0
 */
import { DEFAULT_MAX_ITEM_SIZE } from "@effect-memcache/protocol/Limits"
import * as Result from "effect/Result"
import { show } from "./ArgumentError.ts"
import type { Encoded, EncodeOptions, TranscodeFault, Transcoder } from "./internal/transcoders/Coding.ts"
import type { Family, Name } from "./internal/transcoders/Families.ts"
import { families } from "./internal/transcoders/Families.ts"
import type { Packer } from "./internal/transcoders/Format.ts"
import * as Format from "./internal/transcoders/Format.ts"
import { OptionsError } from "./OptionsError.ts"

export type {
  /**
   * A value as it is stored.
   *
   * @category models
   * @since 0.1.0
   */
  Encoded,
  /**
   * What one call can ask of a transcoder.
   *
   * @category options
   * @since 0.1.0
   */
  EncodeOptions,
  /**
   * Every name: `client/variant`, or the client alone for what its newest release does by itself.
   *
   * @category models
   * @since 0.1.0
   */
  Name,
  /**
   * Why a value cannot be written or read.
   *
   * @category errors
   * @since 0.1.0
   */
  TranscodeFault,
  /**
   * Writes and reads values.
   *
   * @category models
   * @since 0.1.0
   */
  Transcoder
}

export {
  /**
   * A fault of the format of this name: a few words without a full stop that quote nothing of the value, and the failure
   * beneath, which may.
   *
   * @category constructors
   * @since 0.1.0
   */
  fault,
  /**
   * The fault of an item that only its own language can read. The option `onForeign` makes a miss of it.
   *
   * @category constructors
   * @since 0.1.0
   */
  foreign
} from "./internal/transcoders/Coding.ts"

/**
 * Options of the transcoders that are chosen by name. One that a transcoder has not is an error.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * As the client does it by default, which for the Python clients is not at all. `threshold` is in bytes, and what has
   * more is compressed; the codec is one that the client reads. `npm-memcached`, `memjs`, `pymemcache/no-serde`,
   * `bytes`, `text` and `json` have none.
   */
  readonly compression?:
    | {
      readonly codec?: Packer | undefined
      readonly threshold?: number | undefined
      readonly level?: number | undefined
    }
    | false
    | undefined
  /** Largest value in bytes that is made of a compressed item. Default 8 MiB, eight times the server's item limit. */
  readonly maxInflatedSize?: number | undefined
  /**
   * What strings are read as, where the client does not tell text from bytes. Text that is no UTF-8 is an error then.
   * Default `"text"` for `php-memcached`, `dalli` and the older forms of `python-memcached`, and `"bytes"` for
   * `dalli/json`, `pymemcache/no-serde` and `memjs`. The others tell them apart.
   */
  readonly strings?: "text" | "bytes" | undefined
  /** For `bytes`, `text` and `json`: the flags of every item. Default 0. */
  readonly flags?: number | undefined
  /** For `php-memcached`: its `OPT_USER_FLAGS`, 0 to 65,535. Default 0; those of others are read whatever they are. */
  readonly userFlags?: number | undefined
}

/**
 * A transcoder's name with its options.
 *
 * @category options
 * @since 0.1.0
 */
export interface Named extends Options {
  readonly name: Name
}

/**
 * All names.
 *
 * @category constants
 * @since 0.1.0
 */
export const names = Object.keys(families) as unknown as readonly [Name, ...ReadonlyArray<Name>]

/**
 * Makes a transcoder. Fails with the option that cannot be; of an unknown name it says which names there are.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (name: Name, options: Options = {}): Result.Result<Transcoder, OptionsError> =>
  build(name, options, "transcoder", "transcoder.compression")

/**
 * The transcoder of a client's options: a name, a name with options, or one of your own; the standard one if there is
 * none. `compression` is the client's option, for a transcoder that is chosen by name.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromOptions = (
  given: Name | Named | Transcoder | undefined,
  compression: Options["compression"],
  maxInflatedSize: number
): Result.Result<Transcoder, OptionsError> => {
  if (given === undefined || typeof given === "string") {
    return build(given ?? "standard", { compression, maxInflatedSize }, "transcoder", "compression")
  }
  if (typeof given !== "object" || given === null) return refuse("transcoder", RULE, given)
  if ("encode" in given && typeof given.encode === "function" && typeof given.decode === "function") {
    return compression === undefined
      ? Result.succeed(given)
      : fail("compression", "is for transcoders that are chosen by name; configure your own where you make it")
  }
  if (!("name" in given)) return refuse("transcoder", RULE, given)
  if (given.compression !== undefined && compression !== undefined) {
    return fail("compression", "must be left out where the transcoder has one of its own")
  }
  const path = given.compression === undefined ? "compression" : "transcoder.compression"
  return build(
    given.name,
    {
      ...given,
      compression: given.compression ?? compression,
      maxInflatedSize: given.maxInflatedSize ?? maxInflatedSize
    },
    "transcoder.name",
    path
  )
}

const RULE = "must be a name, an object with a name, or one with encode and decode"

const build = (
  name: Name,
  options: Options,
  namePath: string,
  compressionPath: string
): Result.Result<Transcoder, OptionsError> =>
  Result.gen(function*() {
    if (typeof name !== "string" || !Object.hasOwn(families, name)) {
      return yield* refuse(namePath, `must be one of ${names.map((word) => `"${word}"`).join(", ")}`, name)
    }
    if (typeof options !== "object" || options === null) {
      return yield* refuse("transcoder", "must have options that are an object", options)
    }
    const family: Family = families[name]
    const { compression, maxInflatedSize = 8 * DEFAULT_MAX_ITEM_SIZE, strings } = options
    for (const option of ["strings", "flags", "userFlags"] as const) {
      if (options[option] === undefined || family.own.includes(option)) continue
      return yield* fail(`transcoder.${option}`, `is not for ${name}`)
    }
    if (strings !== undefined && strings !== "text" && strings !== "bytes") {
      return yield* refuse("transcoder.strings", "must be \"text\" or \"bytes\"", strings)
    }
    yield* whole("transcoder.flags", options.flags, 0, 0xffff_ffff)
    yield* whole("transcoder.userFlags", options.userFlags, 0, 0xffff)
    yield* whole("transcoder.maxInflatedSize", maxInflatedSize, 1, Number.MAX_SAFE_INTEGER)
    yield* checkCompression(name, family, compression, compressionPath)
    return family.make(options, compression, maxInflatedSize)
  })

const fail = (option: string, detail: string): Result.Result<never, OptionsError> =>
  Result.fail(new OptionsError({ option, detail }))

const refuse = (option: string, rule: string, given: unknown): Result.Result<never, OptionsError> =>
  fail(option, `${rule}, not ${show(given)}`)

const whole = (
  option: string,
  value: number | undefined,
  least: number,
  most: number
): Result.Result<void, OptionsError> =>
  value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)
    ? Result.void
    : refuse(option, `must be a whole number from ${least} to ${most}`, value)

const checkCompression = (
  name: Name,
  { codecs }: Family,
  compression: Options["compression"],
  path: string
): Result.Result<void, OptionsError> => {
  if (compression === undefined || compression === false) return Result.void
  if (typeof compression !== "object" || compression === null) {
    return refuse(path, "must be false or an object with codec, threshold and level", compression)
  }
  if (codecs.length === 0) return fail(path, `must be left out for ${name}, which compresses nothing`)
  const wrong = Format.check(name, codecs, compression)
  return wrong === undefined ? Result.void : refuse(`${path}.${wrong.option}`, wrong.detail, compression[wrong.option])
}
