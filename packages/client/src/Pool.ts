/**
 * All servers of a client: which of them a key belongs to, and what the list of them is.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import * as AddressModule from "@effect-memcache/transport/Address"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { ConnectOptions } from "@effect-memcache/transport/Transport"
import { Transport } from "@effect-memcache/transport/Transport"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { Backend } from "./Backend.ts"
import * as Ketama from "./distribution/Ketama.ts"
import { mayMarkDead } from "./Health.ts"
import type { HashInput } from "./Key.ts"
import type { ProbeSchedule } from "./ProbeDelays.ts"
import * as Rehash from "./Rehash.ts"
import type { ServerOptions } from "./Server.ts"
import { Server } from "./Server.ts"
import type { ServerEvent, ServerState } from "./ServerState.ts"

/**
 * Options of a pool, checked and complete.
 *
 * @category options
 * @since 0.1.0
 */
export interface PoolOptions {
  readonly servers: ReadonlyArray<Weighted>
  readonly connect: ConnectOptions
  /** Connections to each server, at most. */
  readonly connections: number
  readonly schedule: ProbeSchedule
  readonly policy: "fail" | "rehash"
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
   * The server for a key; `hash` routes in the key's place. Under "rehash" the next one on the ring that is alive, and an
   * error when none is.
   */
  readonly pick: (key: Key, hash?: HashInput | undefined) => Backend | MemcacheError
  /** Every server once, in the order of the list. */
  readonly backends: () => ReadonlyArray<Backend>
  /**
   * Replaces the list. Servers that stay keep their connection; commands in flight settle as if nothing had happened. A
   * server that is listed twice is one server, with the weight that is listed last, in two places of the ring.
   */
  readonly setServers: (servers: ReadonlyArray<Weighted>) => Effect.Effect<void>
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
  options: PoolOptions
): Effect.fn.Return<Pool, never, Transport | Scope.Scope> {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const events = yield* PubSub.sliding<ServerEvent>(EVENT_BUFFER)
  yield* Effect.addFinalizer(() => PubSub.shutdown(events))
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const publish = (event: ServerEvent) => {
    // Only the effect makes room for what is new; it never waits.
    if (!PubSub.publishUnsafe(events, event)) fork(PubSub.publish(events, event))
  }

  /** Each server once. */
  let servers: ReadonlyArray<Server> = []
  /** The servers as they are listed, which is what the ring counts. */
  let listed: ReadonlyArray<Server> = []
  let ring = Ketama.make([])

  const serverOptions: ServerOptions = {
    transport: yield* Transport,
    connect: options.connect,
    schedule: options.schedule,
    failureLimit: options.failureLimit,
    mayMarkDead: () => mayMarkDead(servers.map((server) => server.death)),
    publish
  }

  const setServers = Effect.fnUntraced(function*(next: ReadonlyArray<Weighted>) {
    const before = new Map(servers.map((server) => [server.name, server]))
    const after = new Map<string, Server>()
    for (const { address, weight } of next) {
      const name = AddressModule.format(address)
      const server = after.get(name) ?? before.get(name) ??
        (yield* Scope.provide(Server.make(address, weight, serverOptions), scope))
      server.weight = weight
      after.set(name, server)
    }
    // From here on in one step: a command sees either the old list or the new one.
    servers = [...after.values()]
    listed = next.map(({ address }) => after.get(AddressModule.format(address)) as Server)
    ring = Ketama.make(next)
    const at = DateTime.makeUnsafe(clock.currentTimeMillisUnsafe())
    for (const [name, server] of before) {
      if (after.has(name)) continue
      server.retire()
      publish({ _tag: "ServerRemoved", server: name, at })
    }
    for (const name of after.keys()) if (!before.has(name)) publish({ _tag: "ServerAdded", server: name, at })
  }, Effect.uninterruptible)

  yield* setServers(options.servers)

  const alive = function*(key: Key, hash: HashInput | undefined) {
    for (const index of ring.sequence(key, hash)) if (listed[index].death === undefined) yield listed[index]
  }
  const rehash = Rehash.make({ timeout: options.connect.commandTimeout, alive })

  const pick: Pool["pick"] = (key, hash) => {
    const index = ring.indexOf(key, hash)
    if (index === -1) return MemcacheError.noServer({})
    const home = listed[index]
    if (options.policy === "fail") return home
    if (home.death === undefined) return rehash(home, hash)
    for (const server of alive(key, hash)) return rehash(server, hash)
    return MemcacheError.noServer({})
  }

  // One change at a time: each begins with the list that the one before it left.
  const turn = Semaphore.makeUnsafe(1)

  return {
    pick,
    backends: () => servers,
    setServers: (next) => turn.withPermit(setServers(next)),
    servers: Effect.sync(() => servers.map((server) => server.state())),
    events: Stream.fromPubSub(events),
    forgetDeadHosts: Effect.sync(() => {
      for (const server of servers) server.revive()
    }),
    disconnectAll: Effect.suspend(() =>
      Effect.forEach(servers, (server) => server.disconnect, { concurrency: "unbounded", discard: true })
    )
  }
})
