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
import * as Stream from "effect/Stream"
import type { Backend } from "./Backend.ts"
import { mayMarkDead } from "./Health.ts"
import * as Ketama from "./Ketama.ts"
import type { HashInput } from "./Key.ts"
import type { ProbeSchedule } from "./ProbeDelays.ts"
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
  /** The server for a key; `hash` routes in the key's place. Fails when every candidate is dead. */
  readonly pick: (key: Key, hash?: HashInput | undefined) => Backend | MemcacheError
  /** Every server, in the order of the list. */
  readonly backends: () => ReadonlyArray<Backend>
  /** Replaces the list. Servers that stay keep their connection; commands in flight settle as if nothing had happened. */
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
  const publish = (event: ServerEvent) => {
    PubSub.publishUnsafe(events, event)
  }

  let servers: ReadonlyArray<Server> = []
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
    const after: Array<Server> = []
    const added: Array<Server> = []
    for (const { address, weight } of next) {
      const name = AddressModule.format(address)
      const known = before.get(name)
      if (known === undefined) {
        const server = yield* Scope.provide(Server.make(address, weight, serverOptions), scope)
        after.push(server)
        added.push(server)
      } else {
        before.delete(name)
        known.weight = weight
        after.push(known)
      }
    }
    // From here on in one step: a command sees either the old list or the new one.
    servers = after
    ring = Ketama.make(next)
    const at = DateTime.makeUnsafe(clock.currentTimeMillisUnsafe())
    for (const server of before.values()) {
      server.retire()
      publish({ _tag: "ServerRemoved", server: server.name, at })
    }
    for (const server of added) publish({ _tag: "ServerAdded", server: server.name, at })
  }, Effect.uninterruptible)

  yield* setServers(options.servers)

  const pick: Pool["pick"] = (key, hash) => {
    const server = servers[ring.indexOf(key, hash)]
    if (options.policy === "fail" || server.death === undefined) return server
    for (const index of ring.sequence(key, hash)) if (servers[index].death === undefined) return servers[index]
    return MemcacheError.noServer({})
  }

  return {
    pick,
    backends: () => servers,
    setServers,
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
