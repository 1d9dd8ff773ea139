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

/**
 * The delays of one run of the schedule. A schedule that ends repeats its last delay, because giving a server up for
 * ever is nobody's wish; one that ends before its first delay waits a second.
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
        last = delay
        return delay
      }),
      Pull.catchDone(() => Effect.sync(() => last))
    )
  })
