import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as ProbeDelays from "../../../src/internal/servers/ProbeDelays.ts"

const take = (schedule: ProbeDelays.ProbeSchedule, count: number) =>
  Effect.gen(function*() {
    const next = yield* ProbeDelays.make(schedule)
    const delays: Array<number> = []
    for (let i = 0; i < count; i++) delays.push(Duration.toMillis(yield* next))
    return delays
  })

describe("ProbeDelays", () => {
  it.effect("by default they double from one second to thirty, each shifted by up to a fifth", () =>
    Effect.gen(function*() {
      const rounds = yield* Effect.all(Array.from({ length: 20 }, () => take(ProbeDelays.defaultSchedule, 8)))
      const plain = [1, 2, 4, 8, 16, 30, 30, 30]
      for (const delays of rounds) {
        delays.forEach((delay, i) => {
          assert.isAtLeast(delay, plain[i] * 800)
          assert.isAtMost(delay, plain[i] * 1200)
        })
      }
      assert.isAbove(new Set(rounds.map(([first]) => first)).size, 1)
    }))

  it.effect("a schedule that ends repeats its last delay", () =>
    Effect.gen(function*() {
      const schedule = Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 3 }))
      assert.deepStrictEqual(yield* take(schedule, 6), [1000, 2000, 4000, 4000, 4000, 4000])
    }))

  it.effect("a schedule that ends at once waits a second", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* take(Schedule.recurs(0), 3), [1000, 1000, 1000])
    }))

  it.effect("a schedule without pauses does not become a loop, and does not end as one", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* take(Schedule.forever, 3), [10, 10, 10])
      assert.deepStrictEqual(yield* take(Schedule.recurs(2), 4), [10, 10, 1000, 1000])
    }))

  it.effect("nobody waits for longer than a day", () =>
    Effect.gen(function*() {
      const day = 24 * 60 * 60 * 1000
      assert.deepStrictEqual(yield* take(Schedule.spaced(Duration.infinity), 2), [day, day])
      const schedule = Schedule.exponential("1 hour", 10)
      assert.deepStrictEqual((yield* take(schedule, 400)).at(-1), day)
    }))

  it.effect("a schedule that throws repeats its last delay", () =>
    Effect.gen(function*() {
      let runs = 0
      const schedule = Schedule.modifyDelay(Schedule.spaced("3 seconds"), ({ duration }) => {
        if (++runs > 1) throw new Error("broken schedule")
        return Effect.succeed(duration)
      })
      assert.deepStrictEqual(yield* take(schedule, 3), [3000, 3000, 3000])
    }))

  it.effect("each run of the schedule begins anew", () =>
    Effect.gen(function*() {
      const schedule = Schedule.exponential("1 second")
      assert.deepStrictEqual(yield* take(schedule, 2), [1000, 2000])
      assert.deepStrictEqual(yield* take(schedule, 2), [1000, 2000])
    }))
})
