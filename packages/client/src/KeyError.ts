/**
 * The caller's mistake in a key, one class for each rule, raised before a byte is written.
 *
 * The key itself is in the error for the program that handles it, and in no text that is made of the error: keys hold
 * user names, sessions and worse, and errors are logged.
 *
 * @since 0.1.0
 */
import type { KeyFault } from "@effect-memcache/protocol/Key"
import { MAX_KEY_LENGTH } from "@effect-memcache/protocol/Limits"
import * as Schema from "effect/Schema"

/**
 * A key that is empty, or longer than 250 bytes in UTF-8 with its prefix.
 *
 * @category errors
 * @since 0.1.0
 */
export class KeyLengthError extends Schema.TaggedError<KeyLengthError>("effect-memcache/KeyLengthError")(
  "KeyLengthError",
  {
    /** In bytes, prefix included. */
    length: Schema.Int
  }
) {
  /** The key as the caller gave it. Not enumerable, never printed. */
  get key(): unknown {
    return keys.get(this)
  }
  override get message(): string {
    return this.length === 0
      ? "The key is empty. Use a key of 1 to 250 bytes."
      : `The key has ${this.length} bytes in UTF-8, prefix included; memcached takes at most ${MAX_KEY_LENGTH}. ` +
        "Shorten it, for example by a hash of its longest part."
  }
}

/**
 * A key with a blank or a control character (at or below U+0020, or U+007F), with which it could end the command.
 *
 * @category errors
 * @since 0.1.0
 */
export class KeyCharacterError extends Schema.TaggedError<KeyCharacterError>("effect-memcache/KeyCharacterError")(
  "KeyCharacterError",
  {
    /** Where the character stands, in UTF-16 units of the whole key, prefix included. */
    index: Schema.Int,
    /** Its code. */
    code: Schema.Int
  }
) {
  /** The key as the caller gave it. Not enumerable, never printed. */
  get key(): unknown {
    return keys.get(this)
  }
  override get message(): string {
    const code = this.code.toString(16).toUpperCase().padStart(4, "0")
    return `The key has a blank or control character (U+${code}) at index ${this.index}, prefix included. ` +
      "Replace it, or write the key with encodeURIComponent."
  }
}

/**
 * A key that has no bytes of its own: a text with half a surrogate pair, a number that is not a safe integer, or
 * something that is no key at all. Writing it anyway would make different keys the same.
 *
 * @category errors
 * @since 0.1.0
 */
export class KeyEncodingError extends Schema.TaggedError<KeyEncodingError>("effect-memcache/KeyEncodingError")(
  "KeyEncodingError",
  {
    /** Where the lone surrogate stands, in UTF-16 units of the whole key, prefix included; 0 if the key is no text. */
    index: Schema.Int,
    kind: Schema.Literals(["lone-surrogate", "unsafe-number", "not-a-key"])
  }
) {
  /** The key as the caller gave it. Not enumerable, never printed. */
  get key(): unknown {
    return keys.get(this)
  }
  override get message(): string {
    switch (this.kind) {
      case "lone-surrogate":
        return `The key has half a surrogate pair at index ${this.index}, prefix included, which UTF-8 cannot write. ` +
          "The text was probably cut in the middle of a character."
      case "unsafe-number":
        return "The key is a number that is not a safe integer, so its digits are not certain. " +
          "Use a string, a bigint or an integer up to 2^53 - 1."
      case "not-a-key":
        return "The key is neither a string nor a number nor a Key. Pass one of these, or [hash, key]."
    }
  }
}

/**
 * Every way in which a key can be wrong. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export type KeyError = KeyLengthError | KeyCharacterError | KeyEncodingError

/**
 * The same, as a schema.
 *
 * @category schemas
 * @since 0.1.0
 */
export const KeyError = Schema.Union([KeyLengthError, KeyCharacterError, KeyEncodingError])

// A side table, since whatever prints an error prints its own properties, some of them hidden ones too.
const keys = new WeakMap<KeyError, unknown>()

const remember = (error: KeyError, key: unknown): KeyError => {
  keys.set(error, key)
  return error
}

/**
 * The error for a fault that the protocol found in `key`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromFault = (fault: KeyFault, key: unknown): KeyError => {
  switch (fault._tag) {
    case "KeyLength":
      return remember(new KeyLengthError({ length: fault.length }), key)
    case "KeyCharacter":
      return remember(new KeyCharacterError({ index: fault.index, code: fault.code }), key)
    case "KeyEncoding":
      return remember(new KeyEncodingError({ index: fault.index, kind: "lone-surrogate" }), key)
  }
}

/**
 * The error for something that is not text and cannot be made text without a guess.
 *
 * @category constructors
 * @since 0.1.0
 */
export const notText = (key: unknown): KeyError =>
  remember(new KeyEncodingError({ index: 0, kind: typeof key === "number" ? "unsafe-number" : "not-a-key" }), key)

/**
 * Whether `u` is one of the three.
 *
 * @category guards
 * @since 0.1.0
 */
export const isKeyError = (u: unknown): u is KeyError =>
  u instanceof KeyLengthError || u instanceof KeyCharacterError || u instanceof KeyEncodingError
