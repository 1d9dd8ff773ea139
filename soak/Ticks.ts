/**
 * A steady beat, at most one in each turn of the event loop and at the end of it.
 *
 * Node runs timers that are due again before it looks at any socket. With an interval, work that takes longer than the
 * interval would so keep all replies waiting, and a measurement of the loop would not see it.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Acts every so many milliseconds, or as soon as it can, as long as the scope lives. */
export const every = (milliseconds: number, act: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      let immediate: NodeJS.Immediate
      const timer = setTimeout(() => {
        immediate = setImmediate(() => {
          act()
          timer.refresh()
        })
      }, milliseconds)
      return () => {
        clearTimeout(timer)
        clearImmediate(immediate)
      }
    }),
    (stop) => Effect.sync(stop)
  ).pipe(Effect.asVoid)
