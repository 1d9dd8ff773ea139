/**
 * How late the event loop was in the last two minutes. What `@effect-memcache/testing` measures it with keeps every
 * delay, which over a soak of hours would be the memory that grows.
 */
import type { LoopLag } from "@effect-memcache/testing/LoopLag"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Ticks from "./Ticks.ts"

const INTERVAL_MILLISECONDS = 5

/** Two minutes, if every one of them is late. */
const KEPT = 120_000 / INTERVAL_MILLISECONDS

/** Measures as long as the scope lives. */
export const make: Effect.Effect<LoopLag, never, Scope.Scope> = Effect.gen(function*() {
  const from = new Float64Array(KEPT)
  const until = new Float64Array(KEPT)
  let count = 0
  let worst = 0
  let due = performance.now() + INTERVAL_MILLISECONDS
  yield* Ticks.every(INTERVAL_MILLISECONDS, () => {
    const now = performance.now()
    if (now - due > 1) {
      from[count % KEPT] = due
      until[count % KEPT] = now
      count++
      worst = Math.max(worst, now - due)
    }
    due = now + INTERVAL_MILLISECONDS
  })
  return {
    between: (begin, end) => {
      let lag = 0
      // From the latest on, until one is too old to matter.
      for (let i = count - 1; i >= Math.max(count - KEPT, 0) && until[i % KEPT] > begin; i--) {
        lag += Math.max(Math.min(until[i % KEPT], end) - Math.max(from[i % KEPT], begin), 0)
      }
      return lag + Math.max(Math.min(end, performance.now()) - Math.max(due, begin), 0)
    },
    worst: () => worst
  }
})
