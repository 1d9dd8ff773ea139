/**
 * The whole of a soak: three servers behind three proxies, one client, operations at a steady pace, and trouble.
 */
import { Memcache } from "@effect-memcache/client"
import * as FaultProxy from "@effect-memcache/testing/FaultProxy"
import { OpaqueSet } from "@effect-memcache/testing/OpaqueSet"
import { RealMemcached } from "@effect-memcache/testing/RealMemcached"
import * as Resources from "@effect-memcache/testing/Resources"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { Chance } from "./Chance.ts"
import { DEADLINE } from "./Generation.ts"
import { Generations } from "./Generations.ts"
import * as Lag from "./Lag.ts"
import * as Mixture from "./Mixture.ts"
import { Tally } from "./Tally.ts"
import * as Ticks from "./Ticks.ts"
import { Troubles } from "./Trouble.ts"

export interface Options {
  readonly seconds: number
  readonly seed: number
  /** Operations a second. */
  readonly rate: number
  /** Told how things are, every ten seconds. */
  readonly progress: (now: Progress) => void
}

export interface Progress {
  readonly seconds: number
  readonly operations: number
  readonly trouble: string
  readonly tally: Tally
}

/** What a soak has shown. */
export interface Result {
  readonly tally: Tally
  readonly troubles: ReadonlyMap<string, number>
  readonly seconds: number
  /** Requests that went through the proxies, and the connections that they took. */
  readonly requests: number
  readonly connections: number
  readonly opaques: OpaqueSet
  readonly malformed: ReadonlyArray<string>
  readonly malformedCount: number
  /** Sockets of the client's that were open a quarter of a second after its scope was closed. */
  readonly socketsLeft: number
  /** Servers that did not answer in the end, when nothing was wrong any more. */
  readonly serversLost: number
  readonly worstLag: number
  readonly memcached: string
}

const SERVERS = 3
const TICK_MILLISECONDS = 5
const GENERATION_MILLISECONDS = 20_000
const PROGRESS_MILLISECONDS = 10_000
const SAMPLE_MILLISECONDS = 3000

/** Operations that may be running; beyond it none are started. */
const MAX_RUNNING = 4000

/** After a loop that was late for longer than so many ticks, what was missed is not made up for. */
const MAX_TICKS = 4

/** Milliseconds in which all servers answer again when nothing is wrong, and in which sockets are gone. */
const RETURN_MILLISECONDS = 3000
const CLOSING_MILLISECONDS = 250

/** As in the rows of the fault matrix. */
const clientOptions = (servers: ReadonlyArray<string>) => ({
  servers,
  commandTimeout: DEADLINE,
  connectTimeout: 200,
  connections: 4,
  maxInFlight: { commands: 1000 },
  compression: false as const,
  deadHost: { policy: "fail" as const, schedule: Schedule.spaced(500) }
})

/** Starts operations, however many of those before have not ended. */
class Pace {
  isPaused = false
  running = 0

  private last = performance.now()
  private due = 0
  private readonly rate: number
  private readonly start: (ended: () => void) => void
  private readonly tally: Tally

  constructor(rate: number, tally: Tally, start: (ended: () => void) => void) {
    this.rate = rate
    this.start = start
    this.tally = tally
  }

  tick(): void {
    const now = performance.now()
    const most = this.rate * TICK_MILLISECONDS / 1000 * MAX_TICKS
    this.due += this.rate * (now - this.last) / 1000
    this.last = now
    if (this.due > most) this.skip(this.due - most)
    for (; this.due >= 1; this.due--) {
      if (this.isPaused || this.running >= MAX_RUNNING) return this.skip(Math.floor(this.due))
      this.running++
      this.start(() => this.running--)
    }
  }

  private skip(count: number): void {
    this.due -= count
    this.tally.skipped += count
  }
}

/** The client's ends of connections to the proxies. */
const socketsTo = (ports: ReadonlyArray<number>): number => {
  const remotes = ports.map((port) => `:${port.toString(16).toUpperCase().padStart(4, "0")}`)
  const isOne = (socket: string): boolean => remotes.some((remote) => socket.split(" ")[1].endsWith(remote))
  return Resources.systemSockets().filter(isOne).length
}

/** Servers that do not answer although nothing is wrong any more, after a while in which they may come back. */
const lost = (cache: Memcache["Service"]): Effect.Effect<number> =>
  Effect.gen(function*() {
    const until = performance.now() + RETURN_MILLISECONDS
    while (true) {
      const answers = [...(yield* cache.version).values()]
      const silent = answers.filter(({ _tag }) => _tag === "Failure").length
      if (silent === 0 || performance.now() > until) return silent
      yield* Effect.sleep(100)
    }
  })

/** Runs a soak to its end. */
export const run = ({ progress, rate, seconds, seed }: Options): Effect.Effect<Result, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const lag = yield* Lag.make
    const tally = new Tally()
    const opaques = new OpaqueSet()
    const jitter = new Chance(seed, "jitter")
    const places = yield* Effect.replicateEffect(
      Effect.gen(function*() {
        const server = yield* RealMemcached.make({ memoryLimit: 256, args: ["-t", "1"] })
        return { server, proxy: yield* FaultProxy.make({ target: server, opaques, random: () => jitter.share() }) }
      }),
      SERVERS
    )
    const proxies = places.map(({ proxy }) => proxy)
    const kills = places.map(() => 0)
    const scope = yield* Scope.fork(yield* Effect.scope)
    const layer = Memcache.layer(clientOptions(proxies.map(({ address }) => address)))
    const cache = Context.get(yield* Scope.provide(Layer.build(layer), scope), Memcache)
    const generations = new Generations(places.map(({ server }) => server.port), kills, lag, tally)

    const chance = new Chance(seed, "mixture")
    const start = (ended: () => void): void => {
      const generation = generations.current
      generation.running++
      const kind = Mixture.start(
        {
          cache,
          chance,
          generation,
          keyFailed: (name) => tally.keyFailed(name),
          fault: (sentence) => tally.sums.add(1, [sentence])
        },
        () => {
          generation.running--
          ended()
        }
      )
      tally.start(kind)
    }
    const pace = new Pace(rate, tally, start)
    const troubles = new Troubles({
      places,
      kills,
      chance: new Chance(seed, "trouble"),
      // No key may belong to one server before and to another one after.
      setServers: (addresses) =>
        Effect.suspend(() => {
          pace.isPaused = true
          return Effect.andThen(
            Effect.orDie(cache.setServers(addresses)),
            Effect.sync(() => {
              generations.turn()
              pace.isPaused = false
            })
          )
        })
    })

    const begun = performance.now()
    const elapsed = (): number => (performance.now() - begun) / 1000
    yield* Effect.scoped(Effect.gen(function*() {
      yield* Ticks.every(TICK_MILLISECONDS, () => pace.tick())
      yield* Ticks.every(GENERATION_MILLISECONDS, () => generations.turn())
      yield* Ticks.every(SAMPLE_MILLISECONDS, () => tally.sample())
      yield* Ticks.every(
        PROGRESS_MILLISECONDS,
        () => progress({ seconds: elapsed(), operations: tally.operations, trouble: troubles.now, tally })
      )
      const trouble = yield* Effect.forkScoped(troubles.run)
      yield* Effect.timeoutOption(Fiber.join(trouble), seconds * 1000)
      // Puts right what is wrong, while the work goes on.
      yield* Fiber.interrupt(trouble)
    }))
    const duration = elapsed()
    const serversLost = yield* lost(cache)
    // Closed while one server is silent, so that nobody helps the client to get rid of its sockets.
    yield* proxies[0].set([{ _tag: "BlackHole", direction: "both" }])
    yield* Scope.close(scope, Exit.void)
    const until = performance.now() + CLOSING_MILLISECONDS
    const ports = proxies.map(({ port }) => port)
    let socketsLeft = socketsTo(ports)
    while (socketsLeft > 0 && performance.now() < until) {
      yield* Effect.sleep(10)
      socketsLeft = socketsTo(ports)
    }
    yield* proxies[0].clear
    yield* generations.finish
    const traffics = proxies.map(({ traffic }) => traffic)
    const sum = (counts: ReadonlyArray<number>): number => counts.reduce((total, count) => total + count, 0)
    return {
      tally,
      troubles: troubles.counts,
      seconds: duration,
      requests: sum(traffics.flatMap(({ commands }) => [...commands.values()])),
      connections: sum(traffics.map(({ accepts }) => accepts.length)),
      opaques,
      malformed: traffics.flatMap(({ malformedLines }) => malformedLines),
      malformedCount: sum(traffics.map(({ malformed }) => malformed)),
      socketsLeft,
      serversLost,
      worstLag: lag.worst(),
      memcached: places[0].server.version
    }
  })
