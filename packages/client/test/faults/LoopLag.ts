/**
 * How late the event loop was, and when: what an operation lost to it was not lost to the client.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

const INTERVAL = 5

export interface LoopLag {
  /** Milliseconds that the loop was late between two times of `performance.now()`. */
  readonly between: (from: number, until: number) => number
  readonly worst: () => number
}

/** Measures as long as the scope lives. */
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
    worst: () => Math.max(0, ...delays.slice(-10_000).map(({ from, until }) => until - from))
  }
})
