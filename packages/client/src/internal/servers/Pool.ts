/**
 * All servers of a client: which of them a key belongs to, and what the list of them is.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { ConnectOptions } from "@effect-memcache/transport/Transport"
import { Transport } from "@effect-memcache/transport/Transport"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { Distribution } from "../../Distribution.ts"
import type { HashInput } from "../../Key.ts"
import type { OptionsError } from "../../OptionsError.ts"
import type { ServerEvent, ServerState } from "../../ServerState.ts"
import type { Figures } from "../telemetry/Figures.ts"
import type { Backend } from "./Backend.ts"
import * as Detour from "./Detour.ts"
import * as Gutter from "./Gutter.ts"
import * as Miss from "./Miss.ts"
import type { ProbeSchedule } from "./ProbeDelays.ts"
import type { ServerRingOptions } from "./ServerRing.ts"
import { ServerRing } from "./ServerRing.ts"

/**
 * Options of a pool, checked and complete.
 *
 * @category options
 * @since 0.1.0
 */
export interface PoolOptions {
  readonly servers: ReadonlyArray<Weighted>
  readonly distribution: Distribution
  /** What stands before every plain key. */
  readonly prefix: string
  readonly connect: ConnectOptions
  /** Connections to each server, at most. */
  readonly connections: number
  readonly schedule: ProbeSchedule
  readonly policy: "fail" | "miss" | "rehash" | "gutter"
  /** For the policy "gutter": spare servers, and for how many seconds at most they keep anything. */
  readonly gutter?: { readonly servers: ReadonlyArray<Weighted>; readonly ttl: number } | undefined
  readonly failureLimit: number
}

/**
 * Where commands are sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pool {
  /**
   * The server for a key; `hash` routes in the key's place. Under "rehash" the next one that is alive, and an error when
   * none is.
   */
  readonly pick: (key: Key, hash?: HashInput | undefined) => Backend | MemcacheError
  /** Every server once, in the order of the list, and the spare ones behind them. */
  readonly backends: () => ReadonlyArray<Backend>
  /**
   * Replaces the list. Servers that stay keep their connection; commands in flight settle as if nothing had happened. A
   * server that is listed twice is one server, with the weight that is listed last, in two places of the ring.
   */
  readonly setServers: (servers: ReadonlyArray<Weighted>) => Effect.Effect<void, OptionsError>
  readonly servers: Effect.Effect<ReadonlyArray<ServerState>>
  readonly events: Stream.Stream<ServerEvent>
  readonly forgetDeadHosts: Effect.Effect<void>
  readonly disconnectAll: Effect.Effect<void>
}

/** A subscriber that does not listen loses the oldest events; it never holds up a command. */
const EVENT_BUFFER = 256

/**
 * A pool that lives as long as the scope. Nothing is dialed before a command needs it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: PoolOptions,
  figures: Figures
): Effect.fn.Return<Pool, OptionsError, Transport | Scope.Scope> {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const events = yield* PubSub.sliding<ServerEvent>(EVENT_BUFFER)
  yield* Effect.addFinalizer(() => PubSub.shutdown(events))
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const publish = (event: ServerEvent) => {
    // Only the effect makes room for what is new; it never waits.
    if (!PubSub.publishUnsafe(events, event)) fork(PubSub.publish(events, event))
  }
  const ringOptions: ServerRingOptions = {
    distribution: options.distribution,
    prefix: options.prefix,
    server: {
      transport: yield* Transport,
      connect: options.connect,
      connections: options.connections,
      schedule: options.schedule,
      failureLimit: options.failureLimit,
      publish,
      figures
    },
    scope,
    onChange: (_tag, server) => publish({ _tag, server, at: DateTime.makeUnsafe(clock.currentTimeMillisUnsafe()) })
  }
  const main = new ServerRing(ringOptions)
  const gutter = new ServerRing(ringOptions)
  yield* main.replace(options.servers)
  if (options.policy === "gutter") yield* gutter.replace(options.gutter?.servers ?? [])
  const all = () => [...main.servers, ...gutter.servers]
  // One change at a time: each begins with the list that the one before it left.
  const turn = Semaphore.makeUnsafe(1)

  return {
    pick: pickBy(options, main, gutter, () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)),
    backends: all,
    setServers: (next) => turn.withPermit(main.replace(next)),
    servers: Effect.sync(() => [
      ...main.servers.map((server) => server.state()),
      ...gutter.servers.map((server): ServerState => ({ ...server.state(), pool: "gutter" }))
    ]),
    events: Stream.fromPubSub(events),
    forgetDeadHosts: Effect.sync(() => {
      for (const server of all()) server.revive()
    }),
    disconnectAll: Effect.suspend(() =>
      Effect.forEach(all(), (server) => server.disconnect, { concurrency: "unbounded", discard: true })
    )
  }
})

/** What the policy makes of a dead server's keys. */
const pickBy = (options: PoolOptions, main: ServerRing, gutter: ServerRing, now: () => number): Pool["pick"] => {
  const timeout = options.connect.commandTimeout
  switch (options.policy) {
    case "fail":
      return (key, hash) => main.home(key, hash) ?? MemcacheError.noServer({})
    case "miss": {
      const missing = Miss.make()
      return (key, hash) => {
        const home = main.home(key, hash)
        return home === undefined ? MemcacheError.noServer({}) : missing(home)
      }
    }
    case "rehash": {
      const detour = Detour.make({ timeout, next: (key, hash) => main.alive(key, hash), rewrite: (command) => command })
      return (key, hash) => {
        const server = main.alive(key, hash)
        return server === undefined ? MemcacheError.noServer({}) : detour(server, hash)
      }
    }
    case "gutter": {
      const ttl = options.gutter?.ttl ?? 0
      const detour = Detour.make({
        timeout,
        next: (key, hash) => gutter.alive(key, hash),
        rewrite: (command) => Gutter.capCommand(command, ttl, now())
      })
      return (key, hash) => {
        const home = main.home(key, hash)
        return home === undefined ? MemcacheError.noServer({}) : detour(home, hash)
      }
    }
  }
}
