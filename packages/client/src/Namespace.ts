/**
 * A group of keys that can be dropped at once, as memcached's own documentation simulates it: a generation stands in
 * every key of a namespace, and `clear` makes it another one. What lies under the old generation is never read again and
 * leaves the servers by eviction or by its time to live.
 *
 * A generation is the time of its making and a random part, and is used once. So it does not matter whether the item
 * that holds it is evicted, two processes clear at once, a server restarts or clocks disagree: whatever is made anew was
 * never there before, and brings nothing back.
 *
 * @since 0.1.0
 */
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ArgumentError, show } from "./ArgumentError.ts"
import type * as Batch from "./internal/commands/Batch.ts"
import type { CounterOptions } from "./internal/commands/Counter.ts"
import type { Item } from "./internal/commands/Retrieval.ts"
import type { StoreOptions, Swap } from "./internal/commands/Storage.ts"
import * as Generations from "./internal/namespace/Generations.ts"
import type { PlainKey, PrefixableKeyInput } from "./Key.ts"
import * as Key from "./Key.ts"
import type { KeyError } from "./KeyError.ts"
import { Memcache } from "./Memcache.ts"
import type { GetOrSetOptions, OnErrorOf, ValueCodec, VivifyOptions } from "./ReadThrough.ts"
import type { TimeToLive } from "./TimeToLive.ts"

/**
 * What `make` takes.
 *
 * @category options
 * @since 0.1.0
 */
export interface NamespaceOptions {
  /**
   * Stands in every key, and must not have a `|`, which ends it there. With the generation behind it, it takes its length
   * and 19 bytes of the 250 that a key may have.
   */
  readonly name: string
  /**
   * How long a generation that was read is taken for the current one. A number is milliseconds. Default 0: it is read
   * with every call, beside the call's own command, so that what another process has cleared is gone at once.
   *
   * More saves that reading, and for so long this process goes on seeing what another one has cleared. What it has
   * cleared itself it never sees again.
   */
  readonly checkEvery?: Duration.Input | undefined
}

/**
 * A namespace. Its methods are those of `Memcache`, for the keys of the current generation. What they fail with is also
 * what kept them from knowing that generation: a failure is never taken for an empty namespace.
 *
 * A key is a plain one, alone or behind its hash. A `Key` has its final bytes, and no place for a generation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Namespace {
  readonly name: string

  /** Drops all keys, for every process. What is being written while it runs is dropped, or not. */
  readonly clear: Effect.Effect<void, MemcacheError | KeyError>

  /**
   * What stands before every key at the moment, for the `prefix` of a batch, or to do several things in one generation:
   * what is stored behind it after a `clear` is never read.
   */
  readonly prefix: Effect.Effect<string, MemcacheError | KeyError>

  readonly get: (key: PrefixableKeyInput) => Effect.Effect<Option.Option<unknown>, MemcacheError | KeyError>

  readonly gets: (key: PrefixableKeyInput) => Effect.Effect<Option.Option<Item>, MemcacheError | KeyError>

  readonly getMany: <K extends PrefixableKeyInput>(
    keys: Iterable<K> & object
  ) => Effect.Effect<Map<K, unknown>, MemcacheError | KeyError>

  readonly getAndTouch: (
    key: PrefixableKeyInput,
    ttl: TimeToLive
  ) => Effect.Effect<Option.Option<unknown>, MemcacheError | KeyError | ArgumentError>

  readonly set: Store

  readonly add: Store

  readonly replace: Store

  readonly append: Extend

  readonly prepend: Extend

  /** A `cas` of an earlier generation is one of an item that is gone. */
  readonly compareAndSwap: (
    key: PrefixableKeyInput,
    value: unknown,
    cas: bigint,
    options?: StoreOptions
  ) => Effect.Effect<Swap, MemcacheError | KeyError | ArgumentError>

  readonly setMany: <E extends readonly [key: PrefixableKeyInput, value: unknown]>(
    entries: Iterable<E>,
    options?: StoreOptions
  ) => Effect.Effect<Array<E[0]>, MemcacheError | KeyError | ArgumentError>

  /**
   * Reads a value, and computes and stores it if there is none, as `Memcache` does it. The generation is the one at the
   * beginning: what was computed while another process cleared the namespace is answered, and is never read again. If
   * no generation can be known, the value is computed, or that failure is the error, as `onError` says.
   */
  readonly getOrSet: {
    <A, E, R, DE, const O extends GetOrSetOptions>(
      key: PrefixableKeyInput,
      compute: Effect.Effect<A, E, R>,
      options: O & { readonly codec: ValueCodec<A, DE> }
    ): Effect.Effect<A, E | KeyError | ArgumentError | OnErrorOf<O, MemcacheError | DE>, R>
    <E, R, const O extends GetOrSetOptions = {}>(
      key: PrefixableKeyInput,
      compute: Effect.Effect<unknown, E, R>,
      options?: O & { readonly codec?: undefined }
    ): Effect.Effect<unknown, E | KeyError | ArgumentError | OnErrorOf<O, MemcacheError>, R>
  }

  readonly invalidate: (
    key: PrefixableKeyInput,
    options?: Pick<VivifyOptions, "staleFor">
  ) => Effect.Effect<boolean, MemcacheError | KeyError | ArgumentError>

  readonly increment: Count

  readonly decrement: Count

  readonly delete: (key: PrefixableKeyInput) => Effect.Effect<boolean, MemcacheError | KeyError>

  readonly deleteMany: <K extends PrefixableKeyInput>(
    keys: Iterable<K> & object
  ) => Effect.Effect<Array<K>, MemcacheError | KeyError>

  readonly touch: (
    key: PrefixableKeyInput,
    ttl: TimeToLive
  ) => Effect.Effect<boolean, MemcacheError | KeyError | ArgumentError>
}

type Store = (
  key: PrefixableKeyInput,
  value: unknown,
  options?: StoreOptions
) => Effect.Effect<boolean, MemcacheError | KeyError | ArgumentError>

type Extend = (key: PrefixableKeyInput, value: string | Uint8Array) => Effect.Effect<boolean, MemcacheError | KeyError>

type Count = (
  key: PrefixableKeyInput,
  options?: CounterOptions
) => Effect.Effect<Option.Option<bigint>, MemcacheError | KeyError | ArgumentError>

/**
 * A namespace of that name, the same for all programs that name it so. Nothing is sent before it is used.
 *
 * ```ts
 * const user = yield* Namespace.make({ name: "user:7" })
 * yield* user.set("cart", ["tea"], { ttl: "1 hour" })
 * yield* user.clear
 * yield* user.get("cart") // none
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: NamespaceOptions): Effect.Effect<Namespace, KeyError | ArgumentError, Memcache> =>
  Effect.gen(function*() {
    const { name } = options
    if (typeof name !== "string" || name === "" || name.includes(Generations.END)) {
      const detail = `must be a text that is not empty and has no "${Generations.END}", not ${show(name)}`
      return yield* new ArgumentError({ argument: "name", detail })
    }
    yield* Effect.fromResult(Key.make(Generations.prefixOf(name, Generations.NONE)))
    const checkEvery = toMillis(options.checkEvery ?? 0)
    if (!(checkEvery >= 0 && checkEvery < Infinity)) {
      return yield* new ArgumentError({
        argument: "checkEvery",
        detail: "must be a duration that ends, such as \"1 second\""
      })
    }
    const cache = yield* Memcache
    return scoped(cache, name, Generations.make(cache, name, checkEvery))
  })

const toMillis = (value: Duration.Input): number => {
  // A duration would take both for zero.
  if (typeof value === "number" && !(value >= 0)) return Number.NaN
  try {
    return Duration.toMillis(Duration.fromInputUnsafe(value))
  } catch {
    return Number.NaN
  }
}

const scoped = (cache: Memcache["Service"], name: string, generations: Generations.Generations): Namespace => {
  const { change, use } = generations
  const none = (): Option.Option<never> => Option.none()
  const no = (): boolean => false
  return {
    name,
    clear: generations.clear,
    prefix: generations.prefix,
    get: (key) => use((prefix) => cache.get(behind(prefix, key)), none),
    gets: (key) => use((prefix) => cache.gets(behind(prefix, key)), none),
    getMany: <K extends PrefixableKeyInput>(keys: Iterable<K>) => {
      const all = Array.from(keys)
      return use((prefix) => cache.getMany(all, { prefix } as Batch.Options<K>), () => new Map())
    },
    getAndTouch: (key, ttl) => change((prefix) => cache.getAndTouch(behind(prefix, key), ttl), none),
    set: (key, value, options) => change((prefix) => cache.set(behind(prefix, key), value, options), no),
    add: (key, value, options) => change((prefix) => cache.add(behind(prefix, key), value, options), no),
    replace: (key, value, options) => change((prefix) => cache.replace(behind(prefix, key), value, options), no),
    append: (key, value) => change((prefix) => cache.append(behind(prefix, key), value), no),
    prepend: (key, value) => change((prefix) => cache.prepend(behind(prefix, key), value), no),
    compareAndSwap: (key, value, cas, options) =>
      change(
        (prefix) => cache.compareAndSwap(behind(prefix, key), value, cas, options),
        () => "notFound"
      ),
    setMany: <E extends readonly [key: PrefixableKeyInput, value: unknown]>(
      entries: Iterable<E>,
      options?: StoreOptions
    ) => {
      const all = Array.from(entries)
      return change(
        (prefix) => cache.setMany(all, { ...options, prefix } as StoreOptions & Batch.Options<E[0]>),
        () => all.map(([key]): E[0] => key)
      )
    },
    // A codec is handed on as it is, and its types with it.
    getOrSet:
      (<E, R>(key: PrefixableKeyInput, compute: Effect.Effect<unknown, E, R>, options?: Uncoded) =>
        Effect.matchEffect(generations.prefix, {
          onSuccess: (prefix): Effect.Effect<unknown, unknown, R> =>
            cache.getOrSet(behind(prefix, key), compute, options),
          onFailure: (error): Effect.Effect<unknown, unknown, R> =>
            isMemcacheError(error) && options?.onError !== "fail" ? compute : Effect.fail(error)
        })) as Namespace["getOrSet"],
    invalidate: (key, options) => change((prefix) => cache.invalidate(behind(prefix, key), options), no),
    increment: (key, options) => change((prefix) => cache.increment(behind(prefix, key), options), none),
    decrement: (key, options) => change((prefix) => cache.decrement(behind(prefix, key), options), none),
    delete: (key) => change((prefix) => cache.delete(behind(prefix, key)), no),
    deleteMany: <K extends PrefixableKeyInput>(keys: Iterable<K>) => {
      const all = Array.from(keys)
      return change((prefix) => cache.deleteMany(all, { prefix } as Batch.Options<K>), () => all)
    },
    touch: (key, ttl) => change((prefix) => cache.touch(behind(prefix, key), ttl), no)
  }
}

type Uncoded = GetOrSetOptions & { readonly codec?: undefined }

const behind = (prefix: string, key: PrefixableKeyInput): PrefixableKeyInput =>
  Array.isArray(key) && key.length === 2 ? [key[0], plain(prefix, key[1])] : plain(prefix, key as PlainKey)

// What is no key remains what it is, and is refused where keys are checked.
const plain = (prefix: string, key: PlainKey): PlainKey =>
  typeof key === "string" || typeof key === "bigint" || Number.isSafeInteger(key) ? prefix + key : key
