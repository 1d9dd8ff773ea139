/**
 * How late the event loop was, and when: what an operation lost to it was not lost to the client.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** In milliseconds; a loop that is late by less than one more is on time. */
const INTERVAL = 5

/**
 * A running measurement. Times are those of `performance.now()`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoopLag {
  /** Milliseconds that the loop was late between two times. */
  readonly between: (from: number, until: number) => number
  /** The longest time in milliseconds that it was late at once, since `from` if that is given. */
  readonly worst: (from?: number) => number
}

/**
 * Measures with a timer of five milliseconds, as long as the scope lives.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<LoopLag, never, Scope.Scope> = Effect.gen(function*() {
  const delays: Array<{ readonly from: number; readonly until: number }> = []
  let due = performance.now() + INTERVAL
  const timer = setInterval(() => {
    const now = performance.now()
    if (now - due > 1) delays.push({ from: due, until: now })
    due = now + INTERVAL
  }, INTERVAL)
  yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(timer)))
  return {
    between: (from, until) => {
      let lag = 0
      for (const delay of delays) {
        if (delay.until > from && delay.from < until) lag += Math.min(delay.until, until) - Math.max(delay.from, from)
      }
      // A loop that is late right now has not been written down yet.
      return lag + Math.max(Math.min(until, performance.now()) - Math.max(due, from), 0)
    },
    worst: (from = -Infinity) => {
      let worst = 0
      for (const delay of delays) if (delay.from >= from) worst = Math.max(worst, delay.until - delay.from)
      return worst
    }
  }
})
