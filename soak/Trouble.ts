/**
 * What goes wrong: every few seconds one thing, with one server or two, for some tenths of a second up to three.
 */
import type * as FaultProxy from "@effect-memcache/testing/FaultProxy"
import type * as RealMemcached from "@effect-memcache/testing/RealMemcached"
import type { Toxic } from "@effect-memcache/testing/Toxic"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Chance } from "./Chance.ts"

/** A server and the way to it. */
export interface Place {
  readonly server: RealMemcached.Service
  readonly proxy: FaultProxy.Service
}

/** What trouble is made with. */
export interface Given {
  readonly places: ReadonlyArray<Place>
  readonly chance: Chance
  /** How often each server was killed. */
  readonly kills: Array<number>
  /** Lets the client know these servers and no others. */
  readonly setServers: (addresses: ReadonlyArray<string>) => Effect.Effect<void>
}

interface Trouble {
  readonly name: string
  readonly begin: (given: Given, index: number) => Effect.Effect<unknown>
  readonly end: (given: Given, index: number) => Effect.Effect<unknown>
}

const directions = ["up", "down", "both"] as const
const endings = ["fin", "rst"] as const

const toxic = (name: string, make: (chance: Chance) => Toxic): Trouble => ({
  name,
  begin: ({ chance, places }, index) => places[index].proxy.set([make(chance)]),
  end: ({ places }, index) => places[index].proxy.clear
})

const admit = (admission: "refuse" | "fin" | "rst" | "hold"): Trouble => ({
  name: `new connections: ${admission}`,
  begin: ({ chance, places }, index) =>
    Effect.andThen(
      Effect.orDie(places[index].proxy.admit(admission)),
      // Nobody notices while the old ones last.
      places[index].proxy.cut(chance.of(endings))
    ),
  end: ({ places }, index) => Effect.orDie(places[index].proxy.admit("forward"))
})

/** The port may be taken for a moment by a socket that is closing. */
const restartSchedule = Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 20 }))

const troubles: ReadonlyArray<Trouble> = [
  toxic("400 ms late", (chance) => ({
    _tag: "Latency",
    direction: chance.of(["up", "down"]),
    delay: 400,
    jitter: chance.of([0, 50])
  })),
  toxic("a little late", (chance) => ({
    _tag: "Latency",
    direction: chance.of(directions),
    delay: chance.between(5, 60),
    jitter: chance.of([0, 5])
  })),
  toxic("slow line", (chance) => ({
    _tag: "Bandwidth",
    direction: chance.of(directions),
    bytesPerSecond: Math.round(chance.between(20_000, 500_000))
  })),
  toxic("small pieces", (chance) => ({
    _tag: "Slicer",
    direction: chance.of(directions),
    bytes: 1 + chance.below(200),
    every: chance.between(1, 20)
  })),
  ...directions.map((direction) =>
    toxic(direction === "both" ? "black hole" : `black hole ${direction}`, () => ({ _tag: "BlackHole", direction }))
  ),
  toxic("cut after some bytes", (chance) => ({
    _tag: "LimitBytes",
    direction: chance.of(directions),
    bytes: chance.below(5000),
    ending: chance.of(endings)
  })),
  toxic("cut after a request", (chance) => ({
    _tag: "CutAfterForward",
    ending: chance.of(endings),
    verb: chance.of([undefined, "mg", "ms", "ma", "md"]),
    after: 1 + chance.below(200)
  })),
  ...endings.map((ending): Trouble => ({
    name: `cut: ${ending}`,
    begin: ({ places }, index) => places[index].proxy.cut(ending),
    end: () => Effect.void
  })),
  ...(["refuse", "fin", "rst", "hold"] as const).map(admit),
  {
    name: "frozen",
    begin: ({ places }, index) => places[index].server.stop,
    end: ({ places }, index) => places[index].server.resume
  },
  {
    name: "killed",
    begin: ({ kills, places }, index) =>
      Effect.suspend(() => {
        kills[index]++
        return places[index].server.kill
      }),
    end: ({ places }, index) => Effect.orDie(Effect.retry(places[index].server.restart, restartSchedule))
  }
]

const oneServerLess = "one server less"

const addressesBut = (places: ReadonlyArray<Place>, index?: number): ReadonlyArray<string> =>
  places.filter((_, i) => i !== index).map(({ proxy }) => proxy.address)

/** How often two servers are in trouble at once. */
const TWO = 0.15

/** How often the list of servers changes; the others have the rest among them. */
const LIST = 0.06

/** Milliseconds: how long one lasts, from one to the next, and without any. */
const PAUSE = [300, 3000] as const
const INTERVAL = [1000, 5000] as const
const REST = 300

/** Trouble without end, until it is interrupted; then nothing is wrong any more. */
export class Troubles {
  /** How often each was made. */
  readonly counts = new Map<string, number>()
  /** What is wrong at the moment. */
  now = ""

  private readonly given: Given

  constructor(given: Given) {
    this.given = given
  }

  readonly run: Effect.Effect<never> = Effect.forever(Effect.suspend(() => {
    const { chance } = this.given
    const pause = chance.between(...PAUSE)
    // From one beginning to the next, and some time without trouble in between.
    const rest = Math.max(chance.between(...INTERVAL) - pause, REST)
    return Effect.andThen(Effect.sleep(rest), Effect.suspend(() => this.one(pause)))
  }))

  private one(pause: number): Effect.Effect<void> {
    const { chance, places, setServers } = this.given
    const index = chance.below(places.length)
    if (chance.share() < LIST) {
      return this.during(oneServerLess, [index], {
        begin: setServers(addressesBut(places, index)),
        pause,
        end: setServers(addressesBut(places))
      })
    }
    const trouble = chance.of(troubles)
    const other = (index + 1 + chance.below(places.length - 1)) % places.length
    const indices = chance.share() < TWO ? [index, other] : [index]
    const all = (act: "begin" | "end") =>
      Effect.forEach(indices, (place) => trouble[act](this.given, place), { discard: true })
    return this.during(trouble.name, indices, { begin: all("begin"), pause, end: all("end") })
  }

  private during(
    name: string,
    indices: ReadonlyArray<number>,
    { begin, end, pause }: {
      readonly begin: Effect.Effect<void>
      readonly pause: number
      readonly end: Effect.Effect<void>
    }
  ): Effect.Effect<void> {
    const enter = Effect.suspend(() => {
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
      this.now = `${name} (server ${indices.map((index) => index + 1).join(", ")})`
      return begin
    })
    const leave = Effect.andThen(end, Effect.sync(() => this.now = ""))
    return Effect.acquireUseRelease(enter, () => Effect.sleep(pause), () => leave)
  }
}
