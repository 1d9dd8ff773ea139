import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as LoopLag from "../src/LoopLag.ts"

it.live("a loop that stood still was late for about as long, and only then", () =>
  Effect.gen(function*() {
    const lag = yield* LoopLag.make
    yield* Effect.sleep(20)
    const from = performance.now()
    while (performance.now() < from + 60);
    const until = performance.now()
    // Also before the timer had its turn.
    assert.isAtLeast(lag.between(from, until), 40)
    yield* Effect.sleep(20)
    assert.isAtLeast(lag.between(from, until), 40)
    assert.isAtMost(lag.between(from, until), until - from)
    assert.isAtLeast(lag.worst(), 40)
    assert.strictEqual(lag.between(from - 1000, from - 900), 0)
  }))
