import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { within } from "../../src/internal/Patience.ts"

const late = () => Effect.fail("late")

describe("within", () => {
  it.effect("answers what comes in time, and what fails in time", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* within(Effect.succeed(1), 100, late), 1)
      assert.strictEqual(yield* Effect.flip(within(Effect.fail("early"), 100, late)), "early")
    }))

  it.effect("ends what takes longer at the limit, and interrupts it", () =>
    Effect.gen(function*() {
      let isInterrupted = false
      const work = Effect.onInterrupt(Effect.never, () => Effect.sync(() => isInterrupted = true))
      const fiber = yield* Effect.forkChild(Effect.flip(within(work, 100, late)), { startImmediately: true })
      yield* TestClock.adjust(99)
      assert.isFalse(isInterrupted)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(fiber), "late")
      assert.isTrue(isInterrupted)
    }))

  it.live("gives the time again that the event loop was late, and not more than the limit", () =>
    Effect.gen(function*() {
      const start = performance.now()
      setImmediate(() => {
        while (performance.now() < start + 400);
      })
      assert.strictEqual(yield* Effect.flip(within(Effect.never, 100, late)), "late")
      const took = performance.now() - start
      assert.isAtLeast(took, 495)
      assert.isBelow(took, 1500)
    }))
})
