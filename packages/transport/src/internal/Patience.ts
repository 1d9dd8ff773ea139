/**
 * A limit in time that does not blame the peer for our own event loop.
 *
 * When the loop stands still, its timers come before what has arrived meanwhile: the server may have answered long ago,
 * and would be taken for dead. So a timer that is late gives as much time again as it was late.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** A timer that is late by less, in milliseconds, is as punctual as timers are. */
const PUNCTUAL = 5

const NANOS = 1_000_000

/**
 * Waits for `millis` milliseconds; after that, if the event loop was late, for as long again as it was late, and at most
 * for `millis`.
 */
const wait = (millis: number): Effect.Effect<void> =>
  Effect.flatMap(Clock.Clock, (clock) =>
    Effect.suspend(() => {
      const due = Number(clock.monotonicTimeNanosUnsafe()) / NANOS + millis
      return Effect.andThen(
        Effect.sleep(Duration.millis(millis)),
        Effect.suspend(() => {
          const late = Number(clock.monotonicTimeNanosUnsafe()) / NANOS - due
          return late < PUNCTUAL ? Effect.void : Effect.sleep(Duration.millis(Math.min(late, millis)))
        })
      )
    }))

/**
 * Runs an effect within a limit of milliseconds; beyond it the effect is interrupted and `orElse` runs in its place.
 *
 * @category combinators
 * @since 0.1.0
 */
export const within = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  millis: number,
  orElse: () => Effect.Effect<A, E2>
): Effect.Effect<A, E | E2, R> =>
  Effect.flatMap(
    Effect.raceFirst(
      Effect.map(effect, (value) => () => Effect.succeed(value)),
      Effect.as(wait(millis), orElse)
    ),
    (next: () => Effect.Effect<A, E2>) => next()
  )
