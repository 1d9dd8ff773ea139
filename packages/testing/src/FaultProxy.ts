/**
 * Stands between a client and a real server and makes the network between them bad, on demand and at once.
 *
 * It forwards what comes until it is told what is wrong: bytes late, few at a time, cut off or lost, a port that refuses.
 * It also reads along and counts, so that a test can say what a client has really sent.
 *
 * ```ts
 * it.live("a server that answers late costs a timeout and no connection", () =>
 *   Effect.gen(function*() {
 *     const server = yield* RealMemcached.make()
 *     const proxy = yield* FaultProxy.make({ target: server })
 *     // connect to proxy.address
 *     yield* proxy.set([{ _tag: "Latency", direction: "down", delay: "400 millis" }])
 *     // ...
 *     yield* proxy.clear
 *   }))
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { ProxyListener } from "./internal/ProxyListener.ts"
import type { OpaqueSet } from "./OpaqueSet.ts"
import type { Admission, Ending, Toxic } from "./Toxic.ts"
import type { Traffic } from "./Traffic.ts"
import { TrafficLog } from "./Traffic.ts"

/**
 * Where the server is: a running embedded or real memcached, or any other place.
 *
 * @category options
 * @since 0.1.0
 */
export interface Target {
  /** 127.0.0.1 if left out. */
  readonly host?: string | undefined
  readonly port: number
  /** A unix socket, instead of host and port. */
  readonly path?: string | undefined
}

/**
 * How the proxy is set up.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  readonly target: Target
  /** Where it listens (default 127.0.0.1). */
  readonly host?: string | undefined
  /** A free one if left out. */
  readonly port?: number | undefined
  /** Reads along with the clients and counts (default true). Not for TLS. */
  readonly watch?: boolean | undefined
  /** Where to note opaques, for several proxies of one client; one of its own if left out. */
  readonly opaques?: OpaqueSet | undefined
  /** From 0 to 1, for the jitter of latencies (default `Math.random`). */
  readonly random?: (() => number) | undefined
}

/**
 * The proxy could not listen.
 *
 * @category errors
 * @since 0.1.0
 */
export class ListenError
  extends Schema.TaggedError<ListenError>("@effect-memcache/testing/ProxyListenError")("ProxyListenError", {
    address: Schema.String,
    cause: Schema.Defect()
  })
{
  override get message(): string {
    const reason = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `The fault proxy cannot listen on ${this.address}: ${reason}`
  }
}

/**
 * A running proxy. Everything but `admit` happens at once, before the effect ends.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly host: string
  readonly port: number
  /** `127.0.0.1:11211`, as a list of servers takes it. */
  readonly address: string
  /** What is wrong now. */
  readonly toxics: ReadonlyArray<Toxic>
  /** Lets exactly this be wrong, for the connections that exist too. A number that means nothing is a defect. */
  readonly set: (toxics: ReadonlyArray<Toxic>) => Effect.Effect<void>
  /** Lets nothing be wrong. */
  readonly clear: Effect.Effect<void>
  /** Says what happens to new connections; those that exist go on. */
  readonly admit: (admission: Admission) => Effect.Effect<void, ListenError>
  /** Ends the connections that exist, on both sides, and answers how many there were. */
  readonly cut: (ending: Ending) => Effect.Effect<number>
  /** What has passed so far; it goes on changing. */
  readonly traffic: Traffic
}

/**
 * Starts a proxy; it ends with the scope, and its connections with it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Service, ListenError, Scope.Scope> {
  const { host = "127.0.0.1", random = Math.random, target } = options
  const traffic = new TrafficLog(options.opaques)
  const listener = new ProxyListener({
    host,
    port: options.port ?? 0,
    target: target.path === undefined ? { host: target.host ?? "127.0.0.1", port: target.port } : { path: target.path },
    log: traffic,
    isWatching: options.watch ?? true,
    random
  })
  const address = (): string => `${host.includes(":") ? `[${host}]` : host}:${listener.port}`
  const admit = (admission: Admission): Effect.Effect<void, ListenError> =>
    Effect.tryPromise({
      try: () => listener.admit(admission),
      catch: (cause) => new ListenError({ address: address(), cause })
    })
  const set = (toxics: ReadonlyArray<Toxic>): Effect.Effect<void> => Effect.sync(() => listener.set(toxics))
  yield* Effect.acquireRelease(admit("forward"), () => Effect.promise(() => listener.close()))
  return {
    host,
    port: listener.port,
    address: address(),
    get toxics() {
      return listener.toxics
    },
    set,
    clear: set([]),
    admit,
    cut: (ending) => Effect.sync(() => listener.cut(ending)),
    traffic
  }
})
