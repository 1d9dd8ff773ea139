/**
 * A memcached that breaks on command: it answers as the embedded one does, except where its script says otherwise.
 *
 * It answers the question what a program does when its cache stalls, dies in the middle of a value, or answers nonsense.
 * Scripts are plain data (`FaultScript`), and what was accepted, read and written is in a log (`FaultLog`).
 *
 * ```ts
 * it.live("a lost reply is a timeout", () =>
 *   Effect.gen(function*() {
 *     const server = yield* FaultServer.make({ rules: [FaultScript.on({ verb: "mg", nth: 1 }, FaultScript.drop)] })
 *     // connect to server.address, ask, and look at server.log
 *   }))
 * ```
 *
 * Without Effect: `const server = await FaultServer.start()`, and `await server.stop()` in the end.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { ListenError } from "./EmbeddedMemcached.ts"
import type { FaultLog } from "./FaultLog.ts"
import type { Rule } from "./FaultScript.ts"
import type { Options as ListenerOptions, Time } from "./internal/FaultListener.ts"
import { FaultListener, machineTime } from "./internal/FaultListener.ts"
import type { ItemStore } from "./ItemStore.ts"

/**
 * How the server is set up. All of it may be left out: 127.0.0.1, a free port, no rules, which is a memcached.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends ListenerOptions {}

/**
 * A running fault server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly host: string
  /** 0 with a unix socket. */
  readonly port: number
  /** `127.0.0.1:11211`, as a list of servers takes it; `unix:/path` for a unix socket. */
  readonly address: string
  /** What is stored now. A start after a stop begins with another, empty one, unless `keepItems` was chosen. */
  readonly store: ItemStore
  /** What was accepted, read and written, restarts included. */
  readonly log: FaultLog
  /** Exchanges the rules. Requests that were read before keep theirs. */
  readonly script: (rules: ReadonlyArray<Rule>) => Effect.Effect<void>
  /** Sends bytes that nobody asked for, at once, on every connection or on one. */
  readonly push: (bytes: string, connection?: number) => Effect.Effect<void>
  /** Ends or resets every connection, and goes on listening. */
  readonly cutAll: (how: "fin" | "rst") => Effect.Effect<void>
  /** Waits until the log shows something. It has no limit of its own. */
  readonly until: (isSo: (log: FaultLog) => boolean) => Effect.Effect<void>
  /** Ends every connection at once and stops listening, as if the process had been killed. */
  readonly stop: Effect.Effect<void>
  /** Listens again, on the same port, with the same rules. */
  readonly start: Effect.Effect<void, ListenError>
}

/**
 * Starts a server that ends with the scope. Items expire, and delays pass, by Effect's `Clock`; the log has the machine's
 * monotonic time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<Service, ListenError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const runFork = Effect.runForkWith(context)
  const time: Time = {
    now: () => clock.currentTimeMillisUnsafe(),
    after: (millis, run) => {
      const fiber = runFork(Effect.andThen(clock.sleep(Duration.millis(millis)), Effect.sync(run)))
      return () => fiber.interruptUnsafe()
    }
  }
  const server = new FaultListener(options, time)
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
    log: server.log,
    script: (rules) => Effect.sync(() => server.script(rules)),
    push: (bytes, connection) => Effect.sync(() => server.push(bytes, connection)),
    cutAll: (how) => Effect.sync(() => server.cutAll(how)),
    until: (isSo) => Effect.promise((signal) => server.log.until(isSo, signal)),
    stop,
    start: listen
  }
})

/**
 * A running fault server, for people without Effect.
 *
 * @category models
 * @since 0.1.0
 */
export interface Handle {
  readonly host: string
  /** 0 with a unix socket. */
  readonly port: number
  /** `127.0.0.1:11211`, as a list of servers takes it; `unix:/path` for a unix socket. */
  readonly address: string
  /** What is stored now. */
  readonly store: ItemStore
  /** What was accepted, read and written; `log.until` waits for something. */
  readonly log: FaultLog
  /** Exchanges the rules. Requests that were read before keep theirs. */
  readonly script: (rules: ReadonlyArray<Rule>) => void
  /** Sends bytes that nobody asked for, at once, on every connection or on one. */
  readonly push: (bytes: string, connection?: number) => void
  /** Ends or resets every connection, and goes on listening. */
  readonly cutAll: (how: "fin" | "rst") => void
  /** Ends every connection at once and stops listening. */
  readonly stop: () => Promise<void>
  /** Listens again, on the same port. */
  readonly restart: () => Promise<void>
}

/**
 * Starts a server that runs until it is stopped, by the machine's clock.
 *
 * @category constructors
 * @since 0.1.0
 */
export const start = async (options: Options = {}): Promise<Handle> => {
  const server = new FaultListener(options, machineTime)
  await server.start()
  return {
    host: server.host,
    port: server.port,
    address: server.address,
    get store() {
      return server.engine.store
    },
    log: server.log,
    script: (rules) => server.script(rules),
    push: (bytes, connection) => server.push(bytes, connection),
    cutAll: (how) => server.cutAll(how),
    stop: () => server.stop(),
    restart: () => server.stop().then(() => server.start())
  }
}

/**
 * The service of a fault server.
 *
 * @category services
 * @since 0.1.0
 */
export class FaultServer extends Context.Service<FaultServer, Service>()("@effect-memcache/testing/FaultServer") {
  /** Starts a server that ends with the scope. */
  static readonly make = make

  /** Starts a server that runs until it is stopped, without Effect. */
  static readonly start = start

  /** A server that lives as long as the layer. */
  static readonly layer = (options?: Options): Layer.Layer<FaultServer, ListenError> => layer(options)
}

/**
 * A server that lives as long as the layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<FaultServer, ListenError> =>
  Layer.effect(FaultServer, make(options))
