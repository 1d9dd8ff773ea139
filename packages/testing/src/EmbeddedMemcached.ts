/**
 * A memcached for tests: in this process, over real TCP, gone with its scope.
 *
 * Items expire by Effect's `Clock`, so `TestClock` decides when. A test can look into the store, count what was sent,
 * and let the server die and come back on the same port.
 *
 * ```ts
 * it.effect("stores", () =>
 *   Effect.gen(function*() {
 *     const server = yield* EmbeddedMemcached
 *     // connect to server.address
 *   }).pipe(Effect.provide(EmbeddedMemcached.layer())))
 * ```
 *
 * Without Effect: `const server = await EmbeddedMemcached.start()`, and `await server.stop()` in the end.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ItemStore } from "./ItemStore.ts"
import type { Counters, Options as ServerOptions } from "./MemcachedServer.ts"
import { MemcachedServer } from "./MemcachedServer.ts"

/**
 * How the server is set up. All of it may be left out: 127.0.0.1, a free port, 64 MiB, items of up to 1 MiB, nobody
 * has to say who they are, no TLS.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends Omit<ServerOptions, "now"> {}

/**
 * The server could not listen.
 *
 * @category errors
 * @since 0.1.0
 */
export class ListenError
  extends Schema.TaggedError<ListenError>("@effect-memcache/testing/ListenError")("ListenError", {
    address: Schema.String,
    cause: Schema.Defect()
  })
{
  override get message(): string {
    const reason = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `The embedded memcached cannot listen on ${this.address}: ${reason}`
  }
}

/**
 * A running embedded memcached.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly host: string
  readonly port: number
  /** `127.0.0.1:11211`, as a list of servers takes it; `unix:/path` for a unix socket. */
  readonly address: string
  /** What is stored now. A start after a stop begins with another, empty one, unless `keepItems` was chosen. */
  readonly store: ItemStore
  /** What the server has seen since it was made. */
  readonly counters: Readonly<Counters>
  /** Ends every connection at once and stops listening, as if the process had been killed. */
  readonly stop: Effect.Effect<void>
  /** Listens again, on the same port. */
  readonly start: Effect.Effect<void, ListenError>
}

/**
 * Starts a server that ends with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<Service, ListenError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const server = new MemcachedServer({ ...options, now: () => clock.currentTimeMillisUnsafe() })
  const listen = Effect.tryPromise({
    try: () => server.start(),
    catch: (cause) => new ListenError({ address: server.address, cause })
  })
  const stop = Effect.promise(() => server.stop())
  yield* Effect.acquireRelease(listen, () => stop)
  return {
    host: server.host,
    port: server.port,
    address: server.address,
    get store() {
      return server.engine.store
    },
    counters: server.counters,
    stop,
    start: listen
  }
})

/**
 * A running server, for people without Effect.
 *
 * @category models
 * @since 0.1.0
 */
export interface Handle {
  readonly host: string
  readonly port: number
  /** `127.0.0.1:11211`, as a list of servers takes it; `unix:/path` for a unix socket. */
  readonly address: string
  /** Ends every connection at once and stops listening. */
  readonly stop: () => Promise<void>
}

/**
 * Starts a server that runs until it is stopped. Items expire by the machine's clock, or by `now`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const start = async (options: ServerOptions = {}): Promise<Handle> => {
  const server = new MemcachedServer(options)
  await server.start()
  return { host: server.host, port: server.port, address: server.address, stop: () => server.stop() }
}

/**
 * The service of an embedded memcached.
 *
 * @category services
 * @since 0.1.0
 */
export class EmbeddedMemcached extends Context.Service<EmbeddedMemcached, Service>()(
  "@effect-memcache/testing/EmbeddedMemcached"
) {
  /** Starts a server that ends with the scope. */
  static readonly make = make

  /** Starts a server that runs until it is stopped, without Effect. */
  static readonly start = start

  /** A server that lives as long as the layer. */
  static readonly layer = (options?: Options): Layer.Layer<EmbeddedMemcached, ListenError> => layer(options)
}

/**
 * A server that lives as long as the layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<EmbeddedMemcached, ListenError> =>
  Layer.effect(EmbeddedMemcached, make(options))
