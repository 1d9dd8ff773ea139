/**
 * Several real memcached servers, one client under full load, and one server that dies and comes back: everything that
 * happened, for a test to judge.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client"
import * as Distribution from "@effect-memcache/client/Distribution"
import type { ServerEvent } from "@effect-memcache/client/ServerState"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Count } from "@effect-memcache/testing/Counters"
import { Ledger } from "@effect-memcache/testing/Ledger"
import type { LoopLag } from "@effect-memcache/testing/LoopLag"
import * as Lag from "@effect-memcache/testing/LoopLag"
import { RealMemcached } from "@effect-memcache/testing/RealMemcached"
import { Stamps } from "@effect-memcache/testing/Stamps"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { once } from "node:events"
import * as Net from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import * as CountingTransport from "./CountingTransport.ts"
import { Epochs } from "./Epochs.ts"
import { Failures } from "./Failures.ts"
import * as Load from "./Load.ts"
import * as Machine from "./Machine.ts"

export type Policy = "fail" | "miss" | "rehash" | "gutter"

export interface Scenario {
  readonly policy: Policy
  /** SIGKILL and another process on the same port, or SIGSTOP and SIGCONT. */
  readonly fault: "kill" | "freeze"
  /** Milliseconds without the server. */
  readonly outage: number
  readonly fibers: number
  readonly probeInterval: number
}

/**
 * Twice as long as in the tests without load: 200 fibers, three servers and a machine of two cores now and then leave a
 * server that is well without the processor for a quarter of a second.
 */
export const COMMAND_TIMEOUT = 500
export const CONNECT_TIMEOUT = 400

const WARM_UP = 1_000
const BASELINE = 2_000
const AFTERMATH = 900
const SERVERS = 3

/** The server that the fault happens to. */
export const VICTIM = 0

/** A counter, with what the servers hold of it in the end. */
export interface Counted extends Count {
  readonly stored: number
  readonly home: number
}

export interface Run {
  readonly scenario: Scenario
  readonly servers: ReadonlyArray<string>
  readonly ledger: Ledger
  readonly stamps: Stamps
  readonly failures: Failures
  readonly lag: LoopLag
  /** The share of the processors that others used meanwhile, 0 to 1. */
  readonly others: number
  /** What the client said of its servers, and when that was heard. */
  readonly events: ReadonlyArray<ServerEvent & { readonly heard: number }>
  /** When it happened, when the server was there again, and when the load ended; by `performance.now()`. */
  readonly times: {
    readonly baseline: number
    readonly fault: number
    readonly back: number
    readonly end: number
  }
  /** Attempts to connect to the victim. */
  readonly dials: ReadonlyArray<number>
  /** Counters of each phase: before the fault, while the client knew nothing of a return, afterwards. */
  readonly counters: Readonly<Record<"before" | "down" | "after", ReadonlyArray<Counted>>>
}

const client = (options: MemcacheOptions) =>
  Effect.map(
    Effect.orDie(Layer.build(Layer.fresh(Memcache.layer(options)))),
    (context) => Context.get(context, Memcache)
  )

/** A memcached that does not need a thread for each of its many cores. */
export const server = Effect.orDie(RealMemcached.make({ args: ["-t", "1"] }))

export const run = Effect.fnUntraced(function*(scenario: Scenario): Effect.fn.Return<Run, never, Scope.Scope> {
  const processes = yield* Effect.replicateEffect(server, SERVERS)
  const spare = scenario.policy === "gutter" ? yield* server : undefined
  const servers = processes.map(({ address }) => address)
  const victim = processes[VICTIM]
  const dials = CountingTransport.make()
  const layer = Memcache.layerTransport({
    servers,
    commandTimeout: COMMAND_TIMEOUT,
    connectTimeout: CONNECT_TIMEOUT,
    deadHost: {
      policy: scenario.policy,
      schedule: Schedule.spaced(scenario.probeInterval),
      ...spare === undefined ? {} : { gutter: { servers: spare.address } }
    }
  })
  const cache = Context.get(
    yield* Effect.orDie(Layer.build(Layer.fresh(Layer.provide(layer, dials.layer)))),
    Memcache
  )

  const events: Array<ServerEvent & { readonly heard: number }> = []
  const counters = new Epochs()
  let hasReturned = false
  yield* Effect.forkScoped(
    Stream.runForEach(cache.events, (event) =>
      Effect.sync(() => {
        events.push({ ...event, heard: performance.now() })
        if (event._tag !== "ServerReturned" || event.server !== victim.address || hasReturned) return
        hasReturned = true
        counters.enter("after")
      }))
  )
  const placement = Result.getOrThrow(Distribution.make({ servers }))
  const homes = new Map<string, number>()
  const homeOf = (key: string): number => {
    let home = homes.get(key)
    if (home === undefined) homes.set(key, home = placement.indexOf(key as Key, undefined))
    return home
  }
  const lag = yield* Lag.make
  const ledger = new Ledger()
  const stamps = new Stamps()
  const failures = new Failures()
  let isOver = false
  const load: Load.Load = {
    cache,
    fibers: scenario.fibers,
    ledger,
    stamps,
    counters,
    failures,
    homeOf,
    isOver: () => isOver
  }

  yield* Effect.orDie(Load.prefill(load))
  ledger.enter("warm-up")
  counters.enter("before")
  const fiber = yield* Effect.forkScoped(Load.run(load))
  yield* Effect.sleep(WARM_UP)
  ledger.enter("before")
  const pids = () => (spare === undefined ? processes : [...processes, spare]).map(({ pid }) => pid)
  const others = Machine.usedByOthers(pids)
  const baseline = performance.now()
  yield* Effect.sleep(BASELINE)
  ledger.enter("down")
  counters.enter("down")
  const fault = performance.now()
  yield* scenario.fault === "kill" ? victim.kill : victim.stop
  yield* Effect.sleep(scenario.outage)
  let back = 0
  if (scenario.fault === "kill") {
    // The restart is over some time after the server has begun to listen.
    const watch = yield* Effect.forkScoped(listening(victim.port), { startImmediately: true })
    yield* Effect.orDie(victim.restart)
    back = yield* Fiber.join(watch)
  } else {
    yield* victim.resume
    back = performance.now()
  }
  // Late enough for it to be found out if the server does not come back in time.
  yield* Effect.sleep(scenario.probeInterval + (scenario.fault === "freeze" ? CONNECT_TIMEOUT : 0) + 100)
  ledger.enter("after")
  yield* Effect.sleep(AFTERMATH)
  const end = performance.now()
  const share = others()
  isOver = true
  yield* Effect.timeoutOption(Fiber.await(fiber), 2 * COMMAND_TIMEOUT + 1000)

  const stored = yield* sums(spare === undefined ? servers : [...servers, spare.address], counters)
  const counted = (epoch: "before" | "down" | "after") =>
    counters.of(epoch).map((count) => ({ ...count, stored: stored.get(count.key) ?? 0, home: homeOf(count.key) }))
  return {
    scenario,
    servers,
    ledger,
    stamps,
    failures,
    lag,
    others: share,
    events,
    times: { baseline, fault, back, end },
    dials: dials.of(victim.address),
    counters: { before: counted("before"), down: counted("down"), after: counted("after") }
  }
})

/** Tries a port every few milliseconds; answers when somebody first listened there. */
const listening = (port: number): Effect.Effect<number> =>
  Effect.promise(async () => {
    while (true) {
      const socket = Net.connect({ port, host: "127.0.0.1" })
      const isOpen = await once(socket, "connect").then(() => true, () => false)
      socket.destroy()
      if (isOpen) return performance.now()
      await delay(5)
    }
  })

/** What all servers together hold of each counter: under some policies it was counted on several. */
const sums = Effect.fnUntraced(function*(servers: ReadonlyArray<string>, counters: Epochs) {
  const stored = new Map<string, number>()
  const keys = ["before", "down", "after"].flatMap((epoch) => counters.keys(epoch))
  for (const address of servers) {
    const one = yield* client({ servers: address, commandTimeout: "5 seconds" })
    for (const [key, value] of yield* Effect.orDie(one.getMany(keys))) {
      stored.set(key, (stored.get(key) ?? 0) + Number(value))
    }
  }
  return stored
}, Effect.scoped)
