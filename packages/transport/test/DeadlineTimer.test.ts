/**
 * That the earliest deadline is heard of, once, and in time.
 */
import { DeadlineTimer } from "@effect-memcache/transport/DeadlineTimer"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"

const make = Effect.gen(function*() {
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const fired: Array<number> = []
  const control = { onTime: () => {} }
  const timer = new DeadlineTimer(Effect.runForkWith(yield* Effect.context<never>()), now, (firedAt) => {
    fired.push(firedAt)
    control.onTime()
  })
  return { timer, fired, control, now }
})

it.effect("the earliest deadline counts, whichever was armed first", () =>
  Effect.gen(function*() {
    for (const deadlines of [[100, 300], [300, 100]]) {
      const { fired, now, timer } = yield* make
      const start = now()
      for (const deadline of deadlines) timer.arm(start + deadline, start)
      yield* TestClock.adjust(99)
      assert.deepStrictEqual(fired, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(fired, [start + 100])
      yield* TestClock.adjust(1000)
      assert.strictEqual(fired.length, 1)
    }
  }))

it.effect("a deadline that has passed is heard of soon", () =>
  Effect.gen(function*() {
    const { fired, timer } = yield* make
    timer.arm(-50, 0)
    yield* TestClock.adjust(5)
    assert.deepStrictEqual(fired, [5])
  }))

it.effect("a timer that is stopped says nothing, and can be armed again", () =>
  Effect.gen(function*() {
    const { fired, timer } = yield* make
    timer.arm(100, 0)
    timer.stop()
    yield* TestClock.adjust(200)
    assert.deepStrictEqual(fired, [])
    timer.arm(300, 200)
    yield* TestClock.adjust(100)
    assert.deepStrictEqual(fired, [300])
  }))

it.effect("it can be armed, and stopped, by who hears of it", () =>
  Effect.gen(function*() {
    const { control, fired, now, timer } = yield* make
    control.onTime = () => {
      timer.stop()
      if (fired.length < 3) timer.arm(now() + 100, now())
    }
    timer.arm(100, 0)
    for (let i = 0; i < 5; i++) yield* TestClock.adjust(100)
    assert.deepStrictEqual(fired, [100, 200, 300])
  }))
