/**
 * One generation of keys after the other, and the end of each: when all of its operations have ended, what was counted
 * is compared with what the servers hold.
 */
import type { LoopLag } from "@effect-memcache/testing/LoopLag"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { Generation } from "./Generation.ts"
import * as Stock from "./Stock.ts"
import type { Tally } from "./Tally.ts"

/** Milliseconds in which the last operation of a generation must have ended, the longest one taking four seconds. */
const PATIENCE_MILLISECONDS = 15_000

/** For servers that are frozen or dead at the moment. */
const asking = Schedule.spaced("500 millis").pipe(Schedule.upTo({ times: 30 }))

export class Generations {
  current: Generation

  private readonly ports: ReadonlyArray<number>
  private readonly kills: ReadonlyArray<number>
  private readonly lag: LoopLag
  private readonly tally: Tally
  private readonly endings = new Set<Fiber.Fiber<void>>()
  private count = 0

  /** `ports` are those of the servers themselves, `kills` how often each was killed, in the same order. */
  constructor(ports: ReadonlyArray<number>, kills: ReadonlyArray<number>, lag: LoopLag, tally: Tally) {
    this.ports = ports
    this.kills = kills
    this.lag = lag
    this.tally = tally
    this.current = this.make()
  }

  /** From now on other keys are used. What becomes of the old ones is found out in the background. */
  turn(): void {
    const fiber = Effect.runFork(this.end(this.current))
    this.endings.add(fiber)
    fiber.addObserver(() => this.endings.delete(fiber))
    this.current = this.make()
  }

  /** Ends the last one, and waits for all of them. */
  readonly finish: Effect.Effect<void> = Effect.suspend(() => {
    this.turn()
    return Fiber.joinAll([...this.endings])
  })

  private make(): Generation {
    return new Generation(++this.count, this.kills, this.lag, () => this.tally.failures++)
  }

  private end(generation: Generation): Effect.Effect<void> {
    const { kills, ports, tally } = this
    const stock = (port: number) =>
      Effect.tryPromise(() => Stock.read(port, generation.counted)).pipe(Effect.retry(asking))
    return Effect.gen(function*() {
      const until = performance.now() + PATIENCE_MILLISECONDS
      while (generation.running > 0 && performance.now() < until) yield* Effect.sleep(50)
      tally.add(generation)
      const stocks = yield* Effect.forEach(ports, stock, { concurrency: "unbounded" })
      const faults = generation.faults(stocks, kills)
      tally.compared++
      tally.sums.add(faults.length, faults)
    }).pipe(Effect.catch(() => Effect.sync(() => tally.notCompared++)), Effect.asVoid)
  }
}
