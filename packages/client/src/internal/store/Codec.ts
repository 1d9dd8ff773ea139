/**
 * A store's schemas as functions from its keys and values to what the client takes, and back.
 *
 * Most schemas answer at once, and what they answer is then an `Exit`: that is looked at and not run.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import type { PlainKey } from "../../Key.ts"
import { notText } from "../../KeyError.ts"
import type { KeyError } from "../../KeyError.ts"
import type { ValueCodec } from "../../ReadThrough.ts"
import { StoreDecodeError, StoreEncodeError, withDetails } from "../../StoreError.ts"

/**
 * What the schemas of a store come to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Codec<in out K, in out A> {
  /** The key of the item, the store's prefix included. */
  readonly keyOf: (key: K) => Effect.Effect<string, StoreEncodeError | KeyError>
  readonly encode: (key: K, value: A) => Effect.Effect<unknown, StoreEncodeError>
  readonly decode: (key: K, stored: unknown) => Effect.Effect<A, StoreDecodeError>
  /** The same for values whose key is not known, or does not matter: failures are the schema's own. */
  readonly values: ValueCodec<A, unknown>
}

/**
 * Options of a codec. Schemas that need services find them in `context`.
 *
 * @category options
 * @since 0.1.0
 */
export interface CodecOptions {
  readonly prefix: string
  readonly key: Schema.Constraint
  /** What its encoded side is, the client's transcoder writes. */
  readonly value: Schema.Constraint
  readonly context: Context.Context<never>
}

/**
 * @category constructors
 * @since 0.1.0
 */
export const make = <K, A>({ context, key, prefix, value }: CodecOptions): Codec<K, A> => {
  // The types of the schemas are those of the store; what they need is in the context.
  const encodeKey = Schema.encodeUnknownEffect(key as Schema.ConstraintCodec<K, PlainKey>)
  const encodeValue = Schema.encodeUnknownEffect(value as Schema.ConstraintCodec<A, unknown>)
  const decodeValue = Schema.decodeUnknownEffect(value as Schema.ConstraintCodec<A, unknown>)
  const provided = <X, E>(effect: Effect.Effect<X, E>): Effect.Effect<X, E> =>
    Exit.isExit(effect) ? effect : Effect.provideContext(effect, context)

  const itemKey = (key: K, encoded: PlainKey): Effect.Effect<string, KeyError> => {
    // Behind a prefix nobody would see any more that these are no digits.
    if (typeof encoded === "number" && !Number.isSafeInteger(encoded)) return Effect.fail(notText(key))
    return Effect.succeed(`${prefix}${encoded}`)
  }
  const values: ValueCodec<A, unknown> = {
    encode: (value) => {
      const encoded = encodeValue(value)
      return isDone(encoded) ? own(encoded.value) : Effect.flatMap(provided(encoded), own)
    },
    decode: (stored) => provided(decodeValue(stored))
  }
  return {
    values,
    keyOf: (key) => {
      const encoded = encodeKey(key)
      if (isDone(encoded)) return itemKey(key, encoded.value)
      return Effect.matchEffect(provided(encoded), {
        onSuccess: (encoded) => itemKey(key, encoded),
        onFailure: ({ issue }) => Effect.fail(withDetails(new StoreEncodeError({ prefix, part: "key" }), key, issue))
      })
    },
    encode: (key, value) => {
      const encoded = values.encode(value)
      return isDone(encoded) ? encoded : Effect.mapError(
        encoded,
        (error) => withDetails(new StoreEncodeError({ prefix, part: "value" }), key, issueOf(error))
      )
    },
    decode: (key, stored) => {
      const decoded = values.decode(stored)
      return isDone(decoded) ? decoded : Effect.mapError(
        decoded,
        (error) => withDetails(new StoreDecodeError({ prefix }), key, issueOf(error))
      )
    }
  }
}

// A binary codec writes into memory that its next call writes over.
const own = (encoded: unknown): Exit.Exit<unknown> =>
  Exit.succeed(encoded instanceof Uint8Array ? encoded.slice() : encoded)

const isDone = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Success<A, never> =>
  Exit.isExit(effect) && Exit.isSuccess(effect)

const issueOf = (error: unknown): SchemaIssue.Issue | undefined => Schema.isSchemaError(error) ? error.issue : undefined
