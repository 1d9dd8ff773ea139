/**
 * Reading through the cache: what is missing, old or invalid is computed by one caller in the whole fleet, while the
 * others are given the old value or wait.
 *
 * memcached decides who that is. A read of a missing item makes an empty one (it vivifies it), and whoever was the first
 * has won: its reply says `W`, and all others read `Z`, win sent. A read of an item that is about to expire, or was
 * marked stale (`X`), hands out one win in the same way. A win is a claim: to compute the value and to store it over the
 * very item that it was won on (by its cas), so that a late winner overwrites nothing that is newer, and `delete` makes
 * a claim void.
 *
 * `getOrSet` is all of it in one call; `getOrVivify`, `fulfil` and `release` are the parts.
 *
 * @since 0.1.0
 */
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type { ArgumentError } from "./ArgumentError.ts"
import type { StoreOptions, Swap } from "./internal/commands/Storage.ts"
import type { Claim } from "./internal/readthrough/Claim.ts"
import type { KeyErrorOf, KeyInput } from "./Key.ts"
import type { TimeToLive } from "./TimeToLive.ts"

export type { Claim }

/**
 * A length of time that says its unit, as a time to live does, and has an end. Rounded up to whole seconds, which is
 * what memcached counts in.
 *
 * @category models
 * @since 0.1.0
 */
export type Period = Exclude<TimeToLive, "Infinity" | DateTime.DateTime>

/**
 * When a value is due, and how long a claim lasts.
 *
 * @category options
 * @since 0.1.0
 */
export interface VivifyOptions {
  /**
   * How long a value may still be given out after its time to live is over, or after it was invalidated, while one
   * caller computes the next one. Absent means not at all. The item itself lives for `ttl` and `staleFor` together.
   */
  readonly staleFor?: Period | undefined
  /** How long before the end of its time to live a value is computed anew. Absent means not before. */
  readonly earlyRefresh?: Period | undefined
  /**
   * How long a winner has. If it has not stored a value by then, for instance because its process died, another caller
   * wins. Default 10 seconds.
   */
  readonly claimFor?: Period | undefined
  /**
   * Where the claim on a missing item is. `"item"`, the default: in the item itself, which is empty until the winner
   * has stored its value. This client reads it as a miss; programs of other languages read an empty value, and to
   * whoever writes it is an item: `append`, `prepend`, `replace` and `touch` find it, and what they make of it stays, so
   * use those on other keys. `"key"`: in an item beside it, which only this client looks for, so that others see nothing.
   * It takes another round trip on a miss, and `delete` does not make it void. Through the text dialect it is always
   * `"key"`.
   */
  readonly claim?: "item" | "key" | undefined
}

/**
 * What a read finds that may win, in memcached's own words.
 *
 * - `Hit`: a value that is fresh.
 * - `Stale`: a value past its time, or invalidated, and another caller has won the right to replace it.
 * - `Win`: this caller has won. `value` is what is there until then: none after a miss. It should `fulfil` the claim, or
 *   `release` it.
 * - `Pending`: there is no value, and another caller has won.
 *
 * @category models
 * @since 0.1.0
 */
export type Lookup<A> =
  | { readonly _tag: "Hit"; readonly value: A }
  | { readonly _tag: "Stale"; readonly value: A }
  | { readonly _tag: "Win"; readonly claim: Claim; readonly value: Option.Option<A> }
  | { readonly _tag: "Pending" }

/**
 * Options of `fulfil`.
 *
 * @category options
 * @since 0.1.0
 */
export interface FulfilOptions extends StoreOptions, Pick<VivifyOptions, "staleFor"> {}

/**
 * How a program's values become what the client's transcoder writes, and come back.
 *
 * @category models
 * @since 0.1.0
 */
export interface ValueCodec<in out A, out E = never> {
  readonly encode: (value: A) => Effect.Effect<unknown, unknown>
  readonly decode: (stored: unknown) => Effect.Effect<A, E>
}

/**
 * Options of `getOrSet`.
 *
 * @category options
 * @since 0.1.0
 */
export interface GetOrSetOptions extends StoreOptions, VivifyOptions {
  /**
   * What happens when the cache fails, or a value in it cannot be read. `"compute"`, the default: the value is computed
   * as if it were missing, and the failure is counted. `"fail"`: the caller gets the error.
   */
  readonly onError?: "compute" | "fail" | undefined
  /**
   * What a winner does that has an old value. `"background"`, the default: it answers the old value and computes the
   * next one in a fiber of the client's, with the caller's services, whose failure is logged. `"wait"`: it computes
   * first and answers the new value, or fails with the error of `compute`.
   */
  readonly refresh?: "background" | "wait" | undefined
  /**
   * When those look again who wait for another process. If it ends, they compute themselves. Default: from 10 ms on, each
   * time half as long again up to 250 ms, jittered, until two seconds after the claim is over.
   */
  readonly wait?: Schedule.Schedule<unknown> | undefined
}

/**
 * The error that an option adds: none, because a cache that is down is no error, unless `onError` is `"fail"`.
 *
 * @category utility types
 * @since 0.1.0
 */
export type OnErrorOf<O, E> = O extends { readonly onError: "fail" } ? E : never

/**
 * How often what happened, since the client was made. Every one only grows.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadThroughCounts {
  /** Values that were fresh. */
  readonly hits: number
  /** Values that were given out past their time. */
  readonly stale: number
  /** Claims won on a missing item. */
  readonly wins: number
  /** Claims won on a value that was due, so that it was computed again. */
  readonly refreshes: number
  /** Claims taken from a winner whose time was over. */
  readonly takeovers: number
  /** Lookups that found that another process has won, and no value. */
  readonly pending: number
  /** Callers that were given the computation of another caller of this process. */
  readonly shared: number
  /** Computations that were begun. */
  readonly computed: number
  /** Computations that failed or were interrupted. */
  readonly failed: number
  /** Failures of the cache, and values that could not be read, which no caller was told of. */
  readonly errors: number
  /** Computed values that were given to the caller and are not in the cache: refused, too late, or the cache failed. */
  readonly unstored: number
}

/**
 * The methods of `Memcache` that read through.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadThrough {
  /**
   * Reads a value, and computes and stores it if there is none.
   *
   * Of all callers in all processes that miss at once, one computes; those of the same process share its result, those
   * of others wait for it. Interrupting one caller leaves the computation to the others; when nobody waits any more it
   * is interrupted, and the claim is released, as it is when the computation fails. Callers of one key must mean the
   * same value: the computation of the first is the one that runs.
   *
   * A cache that is down never takes the program down: the value is computed (`onError`). Neither does a value that is
   * too large or cannot be written: it is answered all the same. What is read answers `unknown`, unless there is a
   * `codec`; `MemcacheStore` has one.
   *
   * With `staleFor` or `earlyRefresh`, plain `get`s of the same key answer old values too.
   */
  readonly getOrSet: {
    <K extends KeyInput, A, E, R, DE, const O extends GetOrSetOptions>(
      key: K,
      compute: Effect.Effect<A, E, R>,
      options: O & { readonly codec: ValueCodec<A, DE> }
    ): Effect.Effect<A, E | KeyErrorOf<K> | ArgumentError | OnErrorOf<O, MemcacheError | DE>, R>
    <K extends KeyInput, E, R, const O extends GetOrSetOptions = {}>(
      key: K,
      compute: Effect.Effect<unknown, E, R>,
      options?: O & { readonly codec?: undefined }
    ): Effect.Effect<unknown, E | KeyErrorOf<K> | ArgumentError | OnErrorOf<O, MemcacheError>, R>
  }

  /**
   * Reads a value, and competes for the right to compute it if it is missing or due (`mg` with `N` and `R`; in the text
   * dialect by `add` of a claim key).
   *
   * In the text dialect values are never due: the server does not say how long they will live. With the policy "miss" a
   * dead server lets everybody win.
   */
  readonly getOrVivify: <K extends KeyInput>(
    key: K,
    options?: VivifyOptions
  ) => Effect.Effect<Lookup<unknown>, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /**
   * Stores the value that a claim was won for. `"exists"`: another value was stored since, or the claim passed to another
   * winner; `"notFound"`: the item was deleted, or the claim's time is over. Neither stores anything.
   */
  readonly fulfil: (
    claim: Claim,
    value: unknown,
    options?: FulfilOptions
  ) => Effect.Effect<Swap, MemcacheError | ArgumentError>

  /**
   * Gives a claim up, so that the next reader wins; `false` if it was over already. A value that is there stays, marked
   * stale. Nothing that another caller has stored or claimed is touched.
   */
  readonly release: (claim: Claim) => Effect.Effect<boolean, MemcacheError>

  /**
   * Makes a value invalid: removes it, as `delete` does, or with `staleFor` marks it stale (`md` with `I`), so that the
   * next `getOrSet` wins and computes while others still get the old value, for that long at most. `false` if there was
   * none. A claim on the key is void: what its winner computed before is not stored.
   *
   * Plain reads answer a stale value until it is replaced. Through the text dialect it is removed.
   */
  readonly invalidate: <K extends KeyInput>(
    key: K,
    options?: Pick<VivifyOptions, "staleFor">
  ) => Effect.Effect<boolean, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /** What `getOrSet` has done so far. */
  readonly readThroughCounts: Effect.Effect<ReadThroughCounts>
}
