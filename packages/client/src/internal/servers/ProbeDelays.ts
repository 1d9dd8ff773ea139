/**
 * When a dead server is tried again: a user's schedule, read as a sequence of delays that never ends.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"

/**
 * A schedule that only says when: it needs nothing and cannot fail.
 *
 * @category models
 * @since 0.1.0
 */
export type ProbeSchedule = Schedule.Schedule<unknown, unknown>

/**
 * 1 s, doubling up to 30 s, each shifted by up to a fifth so that many clients do not probe in step.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultSchedule: ProbeSchedule = Schedule.jittered(
  Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")])
)

// A schedule without pauses must not become a loop of dials, and a server must not be given up by a pause without end.
const MIN_DELAY = Duration.millis(10)
const MAX_DELAY = Duration.days(1)

/**
 * The delays of one run of the schedule, of 10 milliseconds to a day each. A schedule that ends, or throws, repeats its
 * last delay, because giving a server up for ever is nobody's wish; one that has had no delay until then waits a second.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (schedule: ProbeSchedule): Effect.Effect<Effect.Effect<Duration.Duration>> =>
  Effect.map(Schedule.toStep(schedule), (step) => {
    let last = Duration.seconds(1)
    return Clock.currentTimeMillis.pipe(
      Effect.flatMap((now) => step(now, undefined)),
      Effect.map(([, delay]) => {
        const bounded = Duration.clamp(delay, { minimum: MIN_DELAY, maximum: MAX_DELAY })
        if (!Duration.isZero(delay)) last = bounded
        return bounded
      }),
      Pull.catchDone(() => Effect.sync(() => last)),
      Effect.catchDefect(() => Effect.sync(() => last))
    )
  })
