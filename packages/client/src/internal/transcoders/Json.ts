/**
 * JSON that loses nothing in silence: what it would write as another value is refused, and an integer that a number
 * cannot hold is read as a bigint.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { TranscodeFault } from "./Coding.ts"
import { fail } from "./Coding.ts"
import { integerOf, MAX_DIGITS } from "./Numbers.ts"
import { utf8 } from "./Text.ts"

/**
 * The JSON of a value, as text.
 *
 * `undefined`, functions, symbols, bigints, `NaN`, infinities and bytes are refused, and so is what JSON would write as
 * `{}`: a `Map`, a `Set`, an `Error`. Inside an object or array the rules of `JSON.stringify` hold.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeJson = (value: unknown): Result.Result<string, TranscodeFault> => {
  try {
    if (typeof value === "number" && !Number.isFinite(value)) return fail("json", "JSON cannot write such a number")
    if (value instanceof Uint8Array) return fail("json", "JSON cannot write bytes")
    if (typeof value === "object" && value !== null && !("toJSON" in value)) {
      const tag = Object.prototype.toString.call(value).slice(8, -1)
      if (EMPTY_IN_JSON.has(tag) || ArrayBuffer.isView(value)) return fail("json", `JSON cannot write a ${tag}`)
    }
    const text: string | undefined = JSON.stringify(value)
    if (text !== undefined) return Result.succeed(text)
    return fail(
      "json",
      typeof value === "object" ? "its toJSON answers undefined" : `JSON cannot write ${article(value)}`
    )
  } catch (issue) {
    return fail("json", explain(issue), issue)
  }
}

const article = (value: unknown): string => typeof value === "undefined" ? "undefined" : `a ${typeof value}`

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

/**
 * The value that JSON writes, its numbers as doubles: what `JSON.stringify` wrote comes back.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeJson = (bytes: Uint8Array): Result.Result<unknown, TranscodeFault> => parse(bytes, undefined)

/**
 * The same for JSON of languages that have integers: one that a double cannot hold is a bigint. Of `script`, whose own
 * numbers are doubles, only what it would not have written itself.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeExactJson = (
  bytes: Uint8Array,
  origin: "integers" | "script"
): Result.Result<unknown, TranscodeFault> => parse(bytes, origin)

const parse = (
  bytes: Uint8Array,
  origin: "integers" | "script" | undefined
): Result.Result<unknown, TranscodeFault> => {
  const text = utf8(bytes)
  if (text === undefined) return fail("json", "its bytes are no UTF-8")
  try {
    // The reviver costs several times the parsing, so it runs only where an integer may be too long for a number.
    const isExact = origin !== undefined && LONG_DIGITS.test(text)
    return Result.succeed(isExact ? JSON.parse(text, exactly(origin === "script")) : JSON.parse(text))
  } catch (issue) {
    return fail("json", "its bytes are no JSON", issue)
  }
}

/** Every integer of fewer digits is a safe one. */
const LONG_DIGITS = /[0-9]{16}/

const exactly =
  (isScript: boolean) => (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const source = context?.source
    if (typeof value !== "number" || Number.isSafeInteger(value) || source === undefined) return value
    if (!/^-?[0-9]+$/.test(source) || (isScript && String(value) === source)) return value
    if (source.length > MAX_DIGITS) throw new RangeError("too many digits")
    return integerOf(source)
  }
