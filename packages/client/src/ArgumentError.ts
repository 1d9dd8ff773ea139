/**
 * The caller's mistake in an argument of one call: a ttl, a delta, flags or an option that cannot be.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * An argument that cannot be. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class ArgumentError extends Schema.TaggedError<ArgumentError>("effect-memcache/ArgumentError")("ArgumentError", {
  /** The argument's name as the caller writes it: `"ttl"`, `"delta"`. */
  argument: Schema.String,
  /** What it must be and what was given; completes a sentence that begins with the name, without a full stop. */
  detail: Schema.String
}) {
  override get message(): string {
    return `The argument ${this.argument} ${this.detail}. Nothing was sent.`
  }
}

const MAX_SHOWN = 40

/**
 * A wrong argument as it may stand in a message: short, on one line, and never an exception, whatever was given.
 *
 * @category accessors
 * @since 0.1.0
 */
export const show = (value: unknown): string => {
  switch (typeof value) {
    case "string": {
      const short = value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}...` : value
      return JSON.stringify(short)
    }
    case "number":
      return Object.is(value, -0) ? "-0" : String(value)
    case "bigint": {
      const text = String(value)
      return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text
    }
    case "boolean":
    case "undefined":
      return String(value)
    case "object":
      return value === null ? "null" : Array.isArray(value) ? "an array" : "an object"
    default:
      return `a ${typeof value}`
  }
}

/**
 * Whether `u` is an `ArgumentError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isArgumentError = (u: unknown): u is ArgumentError => u instanceof ArgumentError
