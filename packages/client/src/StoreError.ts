/**
 * What can go wrong between a store and its schemas, and between two who change one value.
 *
 * Keys and values are the program's data. They are in the errors for the program that handles them, and in no text that
 * is made of the errors: a schema's issue may quote what it finds wrong.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"

/**
 * A stored value that is not what the store's schema describes.
 *
 * @category errors
 * @since 0.1.0
 */
export class StoreDecodeError extends Schema.TaggedError<StoreDecodeError>("effect-memcache/StoreDecodeError")(
  "StoreDecodeError",
  {
    /** What the store puts before its keys, the version included. */
    prefix: Schema.String
  }
) {
  /** The key as the caller gave it. Not enumerable, never printed. */
  get key(): unknown {
    return details.get(this)?.key
  }
  /** The schema's own account, which may quote the value; `new Schema.SchemaError(issue).message` is its text. Not enumerable, never printed. */
  get issue(): SchemaIssue.Issue | undefined {
    return details.get(this)?.issue
  }
  override get message(): string {
    return `A value of the store ${
      JSON.stringify(this.prefix)
    } is not what its schema describes; "issue" says where. ` +
      "If the schema has changed, give the store another version; if others write these keys, agree with them."
  }
}

/**
 * A key or a value that the store's schema cannot write, because it does not pass its checks. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class StoreEncodeError extends Schema.TaggedError<StoreEncodeError>("effect-memcache/StoreEncodeError")(
  "StoreEncodeError",
  {
    /** What the store puts before its keys, the version included. */
    prefix: Schema.String,
    /** What it was that could not be written. */
    part: Schema.Literals(["key", "value"])
  }
) {
  /** The key as the caller gave it. Not enumerable, never printed. */
  get key(): unknown {
    return details.get(this)?.key
  }
  /** The schema's own account, which may quote the value; `new Schema.SchemaError(issue).message` is its text. Not enumerable, never printed. */
  get issue(): SchemaIssue.Issue | undefined {
    return details.get(this)?.issue
  }
  override get message(): string {
    return `The store ${JSON.stringify(this.prefix)} cannot write a ${this.part} that its schema does not allow; ` +
      "\"issue\" says where. Nothing was sent."
  }
}

/**
 * Others changed the value at every attempt to modify it. It has not been modified.
 *
 * @category errors
 * @since 0.1.0
 */
export class StoreConflictError extends Schema.TaggedError<StoreConflictError>("effect-memcache/StoreConflictError")(
  "StoreConflictError",
  {
    /** What the store puts before its keys, the version included. */
    prefix: Schema.String,
    /** How often the value was read and could not be replaced. */
    attempts: Schema.Int
  }
) {
  /** The key as the caller gave it. Not enumerable, never printed. */
  get key(): unknown {
    return details.get(this)?.key
  }
  override get message(): string {
    return `A value of the store ${JSON.stringify(this.prefix)} was changed by others at each of ${this.attempts} ` +
      "attempts to modify it. Try again later, or give modify a longer schedule."
  }
}

/**
 * Every error of a store that is about its schemas and not about memcached.
 *
 * @category errors
 * @since 0.1.0
 */
export type StoreError = StoreDecodeError | StoreEncodeError | StoreConflictError

// A side table, since whatever prints an error prints its own properties, some of them hidden ones too.
const details = new WeakMap<StoreError, { readonly key: unknown; readonly issue: SchemaIssue.Issue | undefined }>()

/**
 * The error with what it keeps to itself.
 *
 * @internal
 */
export const withDetails = <E extends StoreError>(error: E, key: unknown, issue?: SchemaIssue.Issue | undefined): E => {
  details.set(error, { key, issue })
  return error
}
