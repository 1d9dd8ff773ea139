/**
 * The client: the `Memcache` service, what each of its methods promises, and the layers that make one.
 *
 * What holds for all methods:
 *
 * - Absence is a value. A failure is an error and never looks like a miss.
 * - A wrong key or argument fails before a byte is written.
 * - Nothing but a command of which no byte was written is ever sent a second time, except reads with `readRetry`.
 * - Interruption is safe at any point, so `Effect.timeout` around a call is that call's deadline.
 *
 * @since 0.1.0
 */
import type { StatsReport } from "@effect-memcache/protocol/Command"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as NodeTransport from "@effect-memcache/transport/NodeTransport"
import type { Transport } from "@effect-memcache/transport/Transport"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ArgumentError } from "./ArgumentError.ts"
import * as Administration from "./internal/commands/Administration.ts"
import type * as Batch from "./internal/commands/Batch.ts"
import type { CounterOptions } from "./internal/commands/Counter.ts"
import * as Counter from "./internal/commands/Counter.ts"
import { ReadRetry } from "./internal/commands/ReadRetry.ts"
import * as Removal from "./internal/commands/Removal.ts"
import type { Item } from "./internal/commands/Retrieval.ts"
import * as Retrieval from "./internal/commands/Retrieval.ts"
import type { Session } from "./internal/commands/Session.ts"
import type { Entry, StoreOptions, Swap } from "./internal/commands/Storage.ts"
import * as Storage from "./internal/commands/Storage.ts"
import { WriteFailureHook } from "./internal/commands/WriteFailureHook.ts"
import * as ReadThroughMethods from "./internal/readthrough/Methods.ts"
import * as Pool from "./internal/servers/Pool.ts"
import * as Figures from "./internal/telemetry/Figures.ts"
import { Spans } from "./internal/telemetry/Spans.ts"
import type { KeyErrorOf, KeyInput } from "./Key.ts"
import type { MemcacheOptions, ResolvedOptions } from "./MemcacheOptions.ts"
import { resolve } from "./MemcacheOptions.ts"
import type { OptionsError } from "./OptionsError.ts"
import type { ReadThrough } from "./ReadThrough.ts"
import type { ServersInput } from "./ServerList.ts"
import * as ServerList from "./ServerList.ts"
import type { ServerEvent, ServerState } from "./ServerState.ts"
import type { TimeToLive } from "./TimeToLive.ts"

/**
 * What a client can do. The methods that compute what is missing are those of `ReadThrough`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemcacheMethods extends ReadThrough {
  /** Reads a value; none if there is no such item. */
  readonly get: <K extends KeyInput>(
    key: K
  ) => Effect.Effect<Option.Option<unknown>, MemcacheError | KeyErrorOf<K>>

  /** Reads a value together with its flags and the `cas` that `compareAndSwap` takes. */
  readonly gets: <K extends KeyInput>(
    key: K
  ) => Effect.Effect<Option.Option<Item>, MemcacheError | KeyErrorOf<K>>

  /**
   * Reads many values: one batch per server, all servers at once. The map has the values that were found, under the
   * caller's own key objects, in the caller's order and without the prefix.
   *
   * Fails if a server failed or a value cannot be read, because a missing entry means a miss; `getManyPartial` answers
   * what there is. A bare string is refused by the type: its characters would be the keys.
   */
  readonly getMany: <K extends KeyInput>(
    keys: Iterable<K> & object,
    options?: Batch.Options<K>
  ) => Effect.Effect<Map<K, unknown>, MemcacheError | KeyErrorOf<K>>

  /** `getMany` that answers what is known: a key is in `values`, or in `failed` with the reason, or was not found. */
  readonly getManyPartial: <K extends KeyInput>(
    keys: Iterable<K> & object,
    options?: Batch.Options<K>
  ) => Effect.Effect<
    { readonly values: Map<K, unknown>; readonly failed: Map<K, MemcacheError> },
    KeyErrorOf<K>
  >

  /** Reads a value and gives the item a new time to live (memcached 1.5.3 and later). */
  readonly getAndTouch: <K extends KeyInput>(
    key: K,
    ttl: TimeToLive
  ) => Effect.Effect<Option.Option<unknown>, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /**
   * Stores a value, whatever was there; `true` when stored. A memcached always stores or fails; some proxies answer
   * `false`.
   *
   * A value that the server itself refuses as too large also removes what was stored before: memcached does so.
   */
  readonly set: <K extends KeyInput>(
    key: K,
    value: unknown,
    options?: StoreOptions
  ) => Effect.Effect<boolean, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /** Stores a value if there is none; `false` if there is. */
  readonly add: <K extends KeyInput>(
    key: K,
    value: unknown,
    options?: StoreOptions
  ) => Effect.Effect<boolean, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /** Stores a value if there is one already; `false` if there is none. */
  readonly replace: <K extends KeyInput>(
    key: K,
    value: unknown,
    options?: StoreOptions
  ) => Effect.Effect<boolean, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /**
   * Adds text or bytes behind the stored value; `false` if there is none. The item keeps its flags and its time to live.
   * Use it on text and bytes that were stored with `compression: false`: a compressed value cannot be read any more with
   * something behind it.
   */
  readonly append: <K extends KeyInput>(
    key: K,
    value: string | Uint8Array
  ) => Effect.Effect<boolean, MemcacheError | KeyErrorOf<K>>

  /** Adds text or bytes before the stored value; otherwise as `append`. */
  readonly prepend: <K extends KeyInput>(
    key: K,
    value: string | Uint8Array
  ) => Effect.Effect<boolean, MemcacheError | KeyErrorOf<K>>

  /**
   * Stores a value if the item is still the one that `gets` answered `cas` with: `"exists"` if it has changed since,
   * `"notFound"` if it is gone.
   */
  readonly compareAndSwap: <K extends KeyInput>(
    key: K,
    value: unknown,
    cas: bigint,
    options?: StoreOptions
  ) => Effect.Effect<Swap, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /**
   * Stores many values: one batch per server, all servers at once. Answers the keys that were **not** stored because
   * their items were refused, for example as too large; empty when all is well.
   *
   * Fails if a server failed, or before a byte is sent if a value cannot be written; `setManyPartial` answers what is
   * known.
   */
  readonly setMany: <E extends Entry>(
    entries: Iterable<E>,
    options?: StoreOptions & Batch.Options<E[0]>
  ) => Effect.Effect<Array<E[0]>, MemcacheError | KeyErrorOf<E[0]> | ArgumentError>

  /**
   * `setMany` that answers what is known: `failed` has every key whose value is not known to be stored, with the reason;
   * `notStored` has those that were refused without one, which only proxies do.
   */
  readonly setManyPartial: <E extends Entry>(
    entries: Iterable<E>,
    options?: StoreOptions & Batch.Options<E[0]>
  ) => Effect.Effect<
    { readonly notStored: Array<E[0]>; readonly failed: Map<E[0], MemcacheError> },
    KeyErrorOf<E[0]> | ArgumentError
  >

  /**
   * Adds `delta` to a stored decimal number and answers the new one; none if there is no such item and no `initial` is
   * given. The sum wraps at 2^64.
   *
   * Counting is atomic. With `initial`, a counter that is absent is made with `add`, so that of many callers one makes
   * it and the others count. A command is sent at most once: if the connection is lost before the reply, the error's
   * outcome is `"unknown"`, because the server may have counted.
   */
  readonly increment: <K extends KeyInput>(
    key: K,
    options?: CounterOptions
  ) => Effect.Effect<Option.Option<bigint>, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /** Takes `delta` from a stored decimal number, and stops at 0; otherwise as `increment`. */
  readonly decrement: <K extends KeyInput>(
    key: K,
    options?: CounterOptions
  ) => Effect.Effect<Option.Option<bigint>, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /** Removes an item; `false` if there was none. */
  readonly delete: <K extends KeyInput>(key: K) => Effect.Effect<boolean, MemcacheError | KeyErrorOf<K>>

  /**
   * Removes many items: one batch per server, all servers at once. Answers the keys that had no item.
   *
   * Fails if a server failed; `deleteManyPartial` answers what is known.
   */
  readonly deleteMany: <K extends KeyInput>(
    keys: Iterable<K> & object,
    options?: Batch.Options<K>
  ) => Effect.Effect<Array<K>, MemcacheError | KeyErrorOf<K>>

  /** `deleteMany` that answers what is known: a key in neither list had an item, which is removed. */
  readonly deleteManyPartial: <K extends KeyInput>(
    keys: Iterable<K> & object,
    options?: Batch.Options<K>
  ) => Effect.Effect<
    { readonly notFound: Array<K>; readonly failed: Map<K, MemcacheError> },
    KeyErrorOf<K>
  >

  /** Gives an item a new time to live without reading it; `false` if there is none. */
  readonly touch: <K extends KeyInput>(
    key: K,
    ttl: TimeToLive
  ) => Effect.Effect<boolean, MemcacheError | KeyErrorOf<K> | ArgumentError>

  /**
   * Asks every server for its statistics, or for one report: name/value pairs as the server writes them. A server that
   * cannot answer is an entry with its error, not a gap.
   */
  readonly stats: (
    section?: StatsReport
  ) => Effect.Effect<Map<string, Result.Result<Map<string, string>, MemcacheError>>, ArgumentError>

  /** Asks every server for its version. */
  readonly version: Effect.Effect<Map<string, Result.Result<string, MemcacheError>>>

  /**
   * Invalidates everything on every server, at once or after `delay`, whoever stored it. Every server is tried; if some
   * fail, this fails with the error of the first.
   */
  readonly flushAll: (options?: {
    /** Says its unit, as a time to live does; zero is at once. */
    readonly delay?: Exclude<TimeToLive, "Infinity"> | undefined
  }) => Effect.Effect<void, MemcacheError | ArgumentError>

  /** Sets how much every server writes to its own log. Every server is tried, as by `flushAll`. */
  readonly verbosity: (level: number) => Effect.Effect<void, MemcacheError | ArgumentError>

  /**
   * Replaces the list of servers, also while commands are in flight: those settle as if nothing had happened. Servers
   * that stay in the list keep their connections.
   */
  readonly setServers: (servers: ServersInput) => Effect.Effect<void, OptionsError>

  /** What is known of each server at the moment. */
  readonly servers: Effect.Effect<ReadonlyArray<ServerState>>

  /** The changes of the servers' states, as they happen. */
  readonly events: Stream.Stream<ServerEvent>

  /** Takes every server for alive again, so that the next command tries it at once. */
  readonly forgetDeadHosts: Effect.Effect<void>

  /** Closes all sockets; the next command connects again. */
  readonly disconnectAll: Effect.Effect<void>
}

/**
 * memcached, as an Effect service.
 *
 * ```ts
 * const program = Effect.gen(function*() {
 *   const cache = yield* Memcache
 *   yield* cache.set("user:1", { name: "Ada" }, { ttl: "5 minutes" })
 *   return yield* cache.get("user:1")
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class Memcache extends Context.Service<Memcache, MemcacheMethods>()("@effect-memcache/client/Memcache") {
  /**
   * A client on Node's sockets. Fails only with options that cannot be; a server that is down is found out by the first
   * command that needs it.
   */
  static readonly layer = (options?: MemcacheOptions): Layer.Layer<Memcache, OptionsError> =>
    withOptions(
      options,
      (resolved) => Layer.provide(Layer.effect(Memcache, make(resolved)), NodeTransport.layer(resolved.transport))
    )

  /** The same with options from Effect's `Config`: one config, or an object of them. */
  static readonly layerConfig = (
    options: Config.Wrap<MemcacheOptions>
  ): Layer.Layer<Memcache, OptionsError | Config.ConfigError> =>
    Layer.unwrap(Effect.map(Config.unwrap(options), Memcache.layer))

  /** A client on any other `Transport`; `tls`, `noDelay` and `keepAlive` are that one's matter. */
  static readonly layerTransport = (options?: MemcacheOptions): Layer.Layer<Memcache, OptionsError, Transport> =>
    withOptions(options, (resolved) => Layer.effect(Memcache, make(resolved)))
}

const withOptions = <R>(
  options: MemcacheOptions | undefined,
  use: (resolved: ResolvedOptions) => Layer.Layer<Memcache, OptionsError, R>
): Layer.Layer<Memcache, OptionsError, R> => Layer.unwrap(Effect.map(Effect.fromResult(resolve(options)), use))

const make = Effect.fnUntraced(function*(
  options: ResolvedOptions
): Effect.fn.Return<Memcache["Service"], OptionsError, Transport | Scope.Scope> {
  const { defaultTtl, maxItemSize, onForeign, onWriteFailure, prefix, readSchedule, telemetry, transcoder } = options
  const figures = yield* Figures.make(telemetry)
  const readRetry = readSchedule === undefined ? undefined : new ReadRetry(readSchedule, figures.retried)
  // Made before the pool, so that it still hears of what fails when the pool closes.
  const writeFailures = onWriteFailure === undefined ? undefined : yield* WriteFailureHook.make(onWriteFailure)
  const pool = yield* Pool.make(options.pool, figures)
  const session: Session = {
    pool,
    prefix,
    defaultTtl,
    transcoder,
    onForeign,
    maxItemSize,
    readRetry,
    writeFailures,
    spans: telemetry.spans ? new Spans(telemetry.name) : undefined
  }
  return Memcache.of({
    ...(yield* ReadThroughMethods.make(session)),
    get: Retrieval.get(session),
    gets: Retrieval.gets(session),
    getMany: Retrieval.getMany(session),
    getManyPartial: Retrieval.getManyPartial(session),
    getAndTouch: Retrieval.getAndTouch(session),
    set: Storage.store(session, "set"),
    add: Storage.store(session, "add"),
    replace: Storage.store(session, "replace"),
    append: Storage.extend(session, "append"),
    prepend: Storage.extend(session, "prepend"),
    compareAndSwap: Storage.compareAndSwap(session),
    setMany: Storage.storeMany(session),
    setManyPartial: Storage.storeManyPartial(session),
    increment: Counter.count(session, "incr"),
    decrement: Counter.count(session, "decr"),
    delete: Removal.remove(session),
    deleteMany: Removal.removeMany(session),
    deleteManyPartial: Removal.removeManyPartial(session),
    touch: Removal.touch(session),
    stats: Administration.stats(session),
    version: Administration.version(session),
    flushAll: Administration.flushAll(session),
    verbosity: Administration.verbosity(session),
    setServers: (servers) => Effect.flatMap(Effect.fromResult(ServerList.parse(servers)), pool.setServers),
    servers: pool.servers,
    events: pool.events,
    forgetDeadHosts: pool.forgetDeadHosts,
    disconnectAll: pool.disconnectAll
  })
})
