/**
 * The flags of a meta command as what they ask for.
 *
 * The request parser has refused what is unknown, repeated or no number; here the rest gets a name. The list itself
 * stays with the command, because replies repeat its order.
 *
 * @since 0.1.0
 */
import { byteString } from "@effect-memcache/protocol/Ascii"
import type { MetaFlag } from "@effect-memcache/protocol/Command"
import * as Key from "@effect-memcache/protocol/Key"

/**
 * What the flags of one command say. Exptimes are as they came; `undefined` is a flag that is not there.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetaOptions {
  /** The raw key. */
  readonly key: string
  /** `b`. */
  readonly isBase64: boolean
  /** `v`. */
  readonly wantsValue: boolean
  /** `q`. */
  readonly isQuiet: boolean
  /** `u`. */
  readonly isUncounted: boolean
  /** `I`. */
  readonly isInvalidating: boolean
  /** `x`. */
  readonly isEmptying: boolean
  /** `F`. */
  readonly flags: number
  /** `C`. */
  readonly compare: bigint | undefined
  /** `E`. */
  readonly newCas: bigint | undefined
  /** `T`. */
  readonly exptime: number | undefined
  /** `N`. */
  readonly vivify: number | undefined
  /** `R`. */
  readonly recache: number | undefined
  /** `M`: the letter behind it, or nothing. */
  readonly mode: string | undefined
  /** `D`. */
  readonly delta: bigint
  /** `J`. */
  readonly initial: bigint
}

/**
 * Reads the flags. A key that is marked `b` and is no base64 is taken as it is; the request parser lets none through.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (key: Key.Key, flags: ReadonlyArray<MetaFlag>): MetaOptions => {
  const token = (letter: string): string | undefined => flags.find((flag) => flag[0] === letter)?.slice(1)
  const has = (letter: string): boolean => token(letter) !== undefined
  const number = (letter: string): number | undefined => map(token(letter), Number)
  const unsigned = (letter: string): bigint | undefined => map(token(letter), BigInt)
  const isBase64 = has("b")
  const raw = isBase64 ? Key.fromBase64(key) : undefined
  return {
    key: raw === undefined ? key : byteString(raw, 0, raw.length),
    isBase64,
    wantsValue: has("v"),
    isQuiet: has("q"),
    isUncounted: has("u"),
    isInvalidating: has("I"),
    isEmptying: has("x"),
    flags: (number("F") ?? 0) >>> 0,
    compare: unsigned("C"),
    newCas: unsigned("E"),
    exptime: number("T"),
    vivify: number("N"),
    recache: number("R"),
    mode: map(token("M"), (text) => text[0] ?? ""),
    delta: unsigned("D") ?? 1n,
    initial: unsigned("J") ?? 0n
  }
}

const map = <A>(text: string | undefined, f: (text: string) => A): A | undefined =>
  text === undefined ? undefined : f(text)
