/**
 * The methods of a typed store, made of those of the client and the store's codec.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { MemcacheMethods } from "../../Memcache.ts"
import type { GetOrSetOptions, ValueCodec, VivifyOptions } from "../../ReadThrough.ts"
import { StoreConflictError, withDetails } from "../../StoreError.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import type { StoreOptions } from "../commands/Storage.ts"
import type { Codec } from "./Codec.ts"
import * as Lifetime from "./Lifetime.ts"

/**
 * What a store has beside its codec.
 *
 * @category options
 * @since 0.1.0
 */
export interface Settings extends GetOrSetOptions {
  readonly prefix: string
  readonly ttl: TimeToLive
}

/**
 * Options of `modify`.
 *
 * @category options
 * @since 0.1.0
 */
export interface ModifyOptions extends StoreOptions {
  /**
   * When a lost race is run again; when it ends, `modify` fails. Default: ten times, from 5 ms on, each time twice as long
   * up to 200 ms, jittered.
   */
  readonly schedule?: Schedule.Schedule<unknown> | undefined
}

/**
 * @category constructors
 * @since 0.1.0
 */
export const make = <K, A>(
  cache: MemcacheMethods,
  codec: Codec<K, A>,
  { prefix, ...defaults }: Settings
) => {
  const { compression, staleFor, ttl } = defaults
  const writing: StoreOptions = { ttl: Lifetime.of(ttl, staleFor), compression }
  const written = (options: StoreOptions | undefined): StoreOptions =>
    options === undefined ? writing : {
      ttl: options.ttl === undefined ? writing.ttl : Lifetime.of(options.ttl, staleFor),
      compression: options.compression ?? compression
    }
  const reading = { ...defaults, codec: codec.values }

  /** The value, unless nothing is there but the claim of a winner, which the text dialect cannot tell from empty bytes. */
  const decode = (key: K, stored: Option.Option<unknown>) =>
    Option.isNone(stored) || isEmpty(stored.value)
      ? Effect.succeedNone
      : Effect.asSome(codec.decode(key, stored.value))

  const keysOf = (keys: Iterable<K>) =>
    Effect.map(
      Effect.forEach(keys, (key) => Effect.map(codec.keyOf(key), (item) => [key, item] as const)),
      (pairs) => ({
        keys: pairs.map(([key]) => key),
        items: pairs.map(([, item]) => item)
      })
    )

  const get = (key: K) =>
    Effect.suspend(() =>
      Effect.flatMap(codec.keyOf(key), (item) => Effect.flatMap(cache.get(item), (stored) => decode(key, stored)))
    )

  const getMany = Effect.fnUntraced(function*(keys: Iterable<K>) {
    const { items, keys: asked } = yield* keysOf(keys)
    const found = yield* cache.getMany(items)
    const values = new Map<K, A>()
    for (let i = 0; i < items.length; i++) {
      const stored = found.get(items[i])
      if (stored !== undefined && !isEmpty(stored)) values.set(asked[i], yield* codec.decode(asked[i], stored))
    }
    return values
  })

  const set = (key: K, value: A, options?: StoreOptions) =>
    Effect.flatMap(
      codec.keyOf(key),
      (item) => Effect.flatMap(codec.encode(key, value), (stored) => cache.set(item, stored, written(options)))
    )

  const setMany = Effect.fnUntraced(function*(
    entries: Iterable<readonly [key: K, value: A]>,
    options?: StoreOptions
  ) {
    const keys = new Map<string, K>()
    const items = new Map<string, unknown>()
    for (const [key, value] of entries) {
      const item = yield* codec.keyOf(key)
      keys.set(item, key)
      items.set(item, yield* codec.encode(key, value))
    }
    const refused = yield* cache.setMany(items, written(options))
    return refused.map((item) => keys.get(item)!)
  })

  const deleteMany = Effect.fnUntraced(function*(keys: Iterable<K>) {
    const { items, keys: asked } = yield* keysOf(keys)
    const absent = new Set(yield* cache.deleteMany(items))
    return asked.filter((_, i) => absent.has(items[i]))
  })

  const modify = Effect.fnUntraced(function*(
    key: K,
    f: (value: Option.Option<A>) => Option.Option<A>,
    options?: ModifyOptions
  ) {
    const item = yield* codec.keyOf(key)
    const step = yield* Schedule.toStepWithSleep(options?.schedule ?? races)
    for (let attempts = 1;; attempts++) {
      const found = yield* cache.gets(item)
      const before = yield* decode(key, Option.map(found, ({ value }) => value))
      const after = f(before)
      if (Option.isNone(after)) return before
      const stored = yield* codec.encode(key, after.value)
      const hasWon = Option.isSome(found)
        ? (yield* cache.compareAndSwap(item, stored, found.value.cas, written(options))) === "stored"
        : yield* cache.add(item, stored, written(options))
      if (hasWon) return after
      const again = yield* step(undefined).pipe(Effect.as(true), Pull.catchDone(() => Effect.succeed(false)))
      if (!again) return yield* withDetails(new StoreConflictError({ prefix, attempts }), key)
    }
  })

  const getOrSet = <E, R, const O extends GetOrSetOptions>(key: K, compute: Effect.Effect<A, E, R>, options?: O) =>
    Effect.flatMap(codec.keyOf(key), (item) => {
      if (options === undefined) return cache.getOrSet(item, compute, reading)
      const values: ValueCodec<A, unknown> = options.onError === "fail"
        ? { encode: codec.values.encode, decode: (stored) => codec.decode(key, stored) }
        : codec.values
      return cache.getOrSet(item, compute, { ...defaults, ...options, codec: values })
    })

  return {
    prefix,
    get,
    getMany,
    set,
    setMany,
    delete: (key: K) => Effect.flatMap(codec.keyOf(key), cache.delete),
    deleteMany,
    touch: (key: K, ttl?: TimeToLive) =>
      Effect.flatMap(
        codec.keyOf(key),
        (item) => cache.touch(item, ttl === undefined ? writing.ttl! : Lifetime.of(ttl, staleFor))
      ),
    modify,
    getOrSet,
    invalidate: (key: K, options?: Pick<VivifyOptions, "staleFor">) =>
      Effect.flatMap(codec.keyOf(key), (item) => cache.invalidate(item, options ?? { staleFor }))
  }
}

const isEmpty = (stored: unknown): boolean => stored instanceof Uint8Array && stored.length === 0

const races = Schedule.max([
  Schedule.jittered(Schedule.min([Schedule.exponential("5 millis"), Schedule.spaced("200 millis")])),
  Schedule.recurs(10)
])
