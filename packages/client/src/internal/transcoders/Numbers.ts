/**
 * Numbers as decimal text. An integer that a JavaScript number cannot hold is a bigint, never a rounded one.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { TranscodeFault } from "./Coding.ts"
import { fail } from "./Coding.ts"
import { latin1 } from "./Text.ts"

/**
 * Whether a number is one that integers are written as. Negative zero is none: it would lose its sign.
 *
 * @category guards
 * @since 0.1.0
 */
export const isInteger = (value: unknown): value is number | bigint =>
  typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value) && !Object.is(value, -0))

/**
 * Whether an integer fits into 64 bits with a sign.
 *
 * @category guards
 * @since 0.1.0
 */
export const isInt64 = (value: number | bigint): boolean =>
  typeof value === "number" || BigInt.asIntN(64, value) === value

/**
 * Reading a decimal takes time that grows with its square: 6 ms for this many digits.
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_DIGITS = 100_000

const MAX_FLOAT_LENGTH = 64

/**
 * An integer of decimal digits.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeInteger = (bytes: Uint8Array): Result.Result<number | bigint, TranscodeFault> => {
  // `decr` pads the item with blanks when the number gets shorter.
  const text = latin1(bytes, MAX_DIGITS).replace(/ +$/, "")
  return /^[+-]?[0-9]+$/.test(text)
    ? Result.succeed(integerOf(text))
    : fail("integer", "its bytes are no decimal integer")
}

/**
 * The number, or the bigint, that decimal digits write.
 *
 * @category decoding
 * @since 0.1.0
 */
export const integerOf = (text: string): number | bigint => {
  const number = Number(text)
  if (Number.isSafeInteger(number)) return number === 0 ? 0 : number
  return text[0] === "-" ? -BigInt(text.slice(1)) : BigInt(text[0] === "+" ? text.slice(1) : text)
}

/**
 * A number with a fraction or an exponent, `NaN` or an infinity, as C and JavaScript write it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeFloat = (bytes: Uint8Array): Result.Result<number, TranscodeFault> => {
  const text = latin1(bytes, MAX_FLOAT_LENGTH)
  if (text === "NaN") return Result.succeed(Number.NaN)
  return /^[+-]?(Infinity|([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?)$/i.test(text)
    ? Result.succeed(Number(text))
    : fail("float", "its bytes are no number")
}

/**
 * The shortest digits that make a finite number, and the place of its decimal point among them: 0.05 is `"5"` with -1,
 * 120 is `"12"` with 3. What C calls `dtoa`.
 *
 * @category encoding
 * @since 0.1.0
 */
export const digitsOf = (value: number): { readonly sign: string; readonly digits: string; readonly point: number } => {
  const [mantissa, exponent] = Math.abs(value).toExponential().split("e")
  return {
    sign: value < 0 || Object.is(value, -0) ? "-" : "",
    digits: mantissa.replace(".", ""),
    point: Number(exponent) + 1
  }
}

/**
 * Digits with the point in its place and at least one of them before it, if `isPadded`: `"0.05"`, else `".05"`.
 *
 * @category encoding
 * @since 0.1.0
 */
export const fixed = (digits: string, point: number, isPadded: boolean): string => {
  if (point <= 0) return `${isPadded ? "0" : ""}.${"0".repeat(-point)}${digits}`
  if (point >= digits.length) return digits + "0".repeat(point - digits.length)
  return `${digits.slice(0, point)}.${digits.slice(point)}`
}

/**
 * An exponent of at least two digits with its sign, as C's `%+.2d` has it.
 *
 * @category encoding
 * @since 0.1.0
 */
export const exponent = (power: number): string =>
  `e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`
