/**
 * Typed stores: a program's own keys and values, checked by their schemas when they come back.
 *
 * A store is a prefix, a schema for its keys, a schema for its values and a time to live. What it writes is what the
 * client's transcoder makes of the schema's JSON form, so a program in another language reads it as its own JSON: a
 * struct is an object under the flags of JSON, a string is text, an integer is an integer.
 *
 * @since 0.1.0
 */
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ArgumentError } from "./ArgumentError.ts"
import { show } from "./ArgumentError.ts"
import type { StoreOptions } from "./internal/commands/Storage.ts"
import * as Policy from "./internal/readthrough/Policy.ts"
import * as Codec from "./internal/store/Codec.ts"
import type { ModifyOptions } from "./internal/store/Store.ts"
import * as Store from "./internal/store/Store.ts"
import type { PlainKey } from "./Key.ts"
import * as Key from "./Key.ts"
import type { KeyError } from "./KeyError.ts"
import { isKeyError } from "./KeyError.ts"
import { Memcache } from "./Memcache.ts"
import { OptionsError } from "./OptionsError.ts"
import type { GetOrSetOptions, OnErrorOf, VivifyOptions } from "./ReadThrough.ts"
import type { StoreConflictError, StoreDecodeError, StoreEncodeError } from "./StoreError.ts"
import type { TimeToLive } from "./TimeToLive.ts"

export type { ModifyOptions }

/**
 * What `make` takes. The options that `getOrSet` has as well are its defaults.
 *
 * @category options
 * @since 0.1.0
 */
export interface MemcacheStoreOptions<K extends KeySchema, V extends Schema.Constraint>
  extends VivifyOptions, Pick<GetOrSetOptions, "refresh" | "wait" | "compression">
{
  /** Stands before every key, behind the client's own prefix, as it is: `"user:"` makes `user:7` of the key 7. */
  readonly prefix: string
  /** Of which the encoded side is a string, a number or a bigint, as `Schema.String`, `Schema.Int` or a branded one. */
  readonly key: K
  readonly value: V
  /** How long values are fresh; `"Infinity"` is for ever. */
  readonly ttl: TimeToLive
  /**
   * Stands behind the prefix as `v2:`. Give a changed schema another version, and what was stored under the old one is
   * not read any more. Absent for none.
   */
  readonly version?: number | string | undefined
  /**
   * Makes of the value's schema one that encodes to what the transcoder writes: default `Schema.toCodecJson`. Effect's
   * `SchemaBinary.toCodec` fits as it is, and makes bytes that only programs with the same schema read.
   */
  readonly codec?:
    | ((schema: V) => Schema.ConstraintCodec<V["Type"], unknown, V["DecodingServices"], V["EncodingServices"]>)
    | undefined
}

/**
 * A schema for keys.
 *
 * @category models
 * @since 0.1.0
 */
export type KeySchema = Schema.ConstraintEncoder<PlainKey, unknown>

/**
 * What every method of a store may fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export type CommonError = MemcacheError | KeyError | StoreEncodeError

/**
 * A typed store. All its keys begin with its prefix; two stores with one prefix are one store.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemcacheStore<in out K, in out A> {
  /** What stands before the keys, the version included. */
  readonly prefix: string

  /** Reads a value; none if there is none. With `staleFor`, it may be stale. */
  readonly get: (key: K) => Effect.Effect<Option.Option<A>, CommonError | StoreDecodeError>

  /** Reads many values: one batch per server. The map has those that were found, under the caller's own keys. */
  readonly getMany: (
    keys: Iterable<K> & object
  ) => Effect.Effect<Map<K, A>, CommonError | StoreDecodeError>

  /** Stores a value, whatever was there; `true` when stored. */
  readonly set: (key: K, value: A, options?: StoreOptions) => Effect.Effect<boolean, CommonError | ArgumentError>

  /** Stores many values: one batch per server. Answers the keys whose items were refused, for example as too large. */
  readonly setMany: (
    entries: Iterable<readonly [key: K, value: A]>,
    options?: StoreOptions
  ) => Effect.Effect<Array<K>, CommonError | ArgumentError>

  /** Removes a value; `false` if there was none. */
  readonly delete: (key: K) => Effect.Effect<boolean, CommonError>

  /** Removes many values: one batch per server. Answers the keys that had none. */
  readonly deleteMany: (keys: Iterable<K> & object) => Effect.Effect<Array<K>, CommonError>

  /** Gives a value the store's time to live, or another, from now on; `false` if there is none. */
  readonly touch: (key: K, ttl?: TimeToLive) => Effect.Effect<boolean, CommonError | ArgumentError>

  /**
   * Replaces a value by what `f` makes of it, unless another has changed it in the meantime: then `f` is called again
   * with the new one, by a schedule. `f` is given none if there is no value, and answers none to leave everything as it
   * is. Answers the value that is stored then.
   *
   * ```ts
   * yield* scores.modify("ada", Option.map((score) => score + 1))
   * ```
   */
  readonly modify: (
    key: K,
    f: (value: Option.Option<A>) => Option.Option<A>,
    options?: ModifyOptions
  ) => Effect.Effect<
    Option.Option<A>,
    CommonError | StoreDecodeError | StoreConflictError | ArgumentError
  >

  /**
   * Reads a value, and computes and stores it if there is none: once for all callers in all processes, with old values
   * for the others if `staleFor` says so, and without the cache if that is down. See `ReadThrough.getOrSet`.
   *
   * A value that cannot be decoded is computed anew, and one that cannot be encoded is answered and not stored.
   */
  readonly getOrSet: <E, R, const O extends GetOrSetOptions = {}>(
    key: K,
    compute: Effect.Effect<A, E, R>,
    options?: O
  ) => Effect.Effect<
    A,
    E | KeyError | StoreEncodeError | ArgumentError | OnErrorOf<O, MemcacheError | StoreDecodeError>,
    R
  >

  /**
   * Makes a value invalid, so that the next `getOrSet` computes it: with `staleFor`, here or of the store, others still
   * get the old one meanwhile. `false` if there was none. See `ReadThrough.invalidate`.
   */
  readonly invalidate: (
    key: K,
    options?: Pick<VivifyOptions, "staleFor">
  ) => Effect.Effect<boolean, CommonError | ArgumentError>
}

/**
 * Makes a store on the `Memcache` of its surroundings. Services that the schemas need are taken here, and not at every
 * call. Nothing is sent.
 *
 * ```ts
 * class Users extends Context.Service<Users, MemcacheStore.MemcacheStore<number, User>>()("app/Users") {
 *   static readonly layer = Layer.effect(Users, MemcacheStore.make({
 *     prefix: "user:",
 *     key: Schema.Int,
 *     value: User,
 *     ttl: "5 minutes"
 *   }))
 * }
 * ```
 *
 * A store decodes about twice as fast in programs that import `effect/schema/SchemaJITCompiler/enable`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*<K extends KeySchema, V extends Schema.Constraint>(
  options: MemcacheStoreOptions<K, V>
): Effect.fn.Return<
  MemcacheStore<K["Type"], V["Type"]>,
  OptionsError,
  Memcache | K["EncodingServices"] | V["DecodingServices"] | V["EncodingServices"]
> {
  const wrong = check(options, yield* Clock.currentTimeMillis)
  if (wrong !== undefined) return yield* wrong
  const cache = yield* Memcache
  const context = yield* Effect.context<K["EncodingServices"] | V["DecodingServices"] | V["EncodingServices"]>()
  const { codec, key, prefix, value, version, ...rest } = options
  const whole = version === undefined ? prefix : `${prefix}v${version}:`
  const coding = codec === undefined ? Schema.toCodecJson(value) : codec(value)
  const store = Store.make<K["Type"], V["Type"]>(
    cache,
    Codec.make({ prefix: whole, key, value: coding, context }),
    { ...rest, prefix: whole }
  )
  // What it fails with follows from the options of each call.
  return { ...store, getOrSet: store.getOrSet as MemcacheStore<K["Type"], V["Type"]>["getOrSet"] }
})

const check = (
  { prefix, ttl, version, ...times }: Pick<MemcacheStoreOptions<KeySchema, Schema.Constraint>, "prefix" | "version"> & {
    readonly ttl: TimeToLive
  } & VivifyOptions,
  nowMillis: number
): OptionsError | undefined => {
  const option = version === undefined ? "prefix" : "version"
  const sample = Key.wireOf("0", `${prefix}${version ?? ""}`)
  if (isKeyError(sample)) {
    return new OptionsError({ option, detail: `cannot begin a key. ${sample.message.replace(/\.$/, "")}` })
  }
  if (typeof prefix !== "string" || prefix === "") {
    return new OptionsError({ option: "prefix", detail: `must be a text that is not empty, not ${show(prefix)}` })
  }
  const policy = Policy.resolve(times)
  if ("_tag" in policy) return new OptionsError({ option: policy.argument, detail: policy.detail })
  const exptime = Policy.exptimeOf(ttl, 0, nowMillis)
  return typeof exptime === "number" ? undefined : new OptionsError({ option: "ttl", detail: exptime.detail })
}
