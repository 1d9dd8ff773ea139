/**
 * One timer for all deadlines of a connection, or of those who wait for one: a timer for each command would cost more than
 * the command.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** Passed deadlines are looked for at most this often, in milliseconds. */
const RESOLUTION = 5

/**
 * A timer that is armed for the earliest of many deadlines.
 *
 * @category models
 * @since 0.1.0
 */
export class DeadlineTimer {
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private readonly afterwards: Effect.Effect<void>
  private armed: { readonly at: number; readonly fiber: Fiber.Fiber<void> } | undefined = undefined

  /**
   * Runs on the clock of `fork`, so that `TestClock` drives it. `onTime` is given the time at which the timer went off,
   * and arms it again for what is left.
   *
   * A reply may lie in the kernel already when a stalled event loop gets to run its timers: the socket has its turn before
   * anything is judged late. For what passes its deadline in that turn, because the loop stalls again in it, the socket
   * has had none yet, so the time from before it is the one to judge by.
   */
  constructor(
    fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>,
    now: () => number,
    onTime: (firedAt: number) => void
  ) {
    this.fork = fork
    this.afterwards = Effect.suspend(() => {
      const firedAt = now()
      return Effect.andThen(
        Effect.yieldNow,
        Effect.sync(() => {
          this.armed = undefined
          onTime(firedAt)
        })
      )
    })
  }

  /** Calls back at `at`, or earlier if it was armed for earlier. Both times are milliseconds of one clock. */
  arm(at: number, now: number): void {
    if (this.armed !== undefined) {
      if (this.armed.at <= at + RESOLUTION) return
      this.stop()
    }
    const delay = Duration.millis(Math.max(Math.ceil(at - now), RESOLUTION))
    this.armed = { at, fiber: this.fork(Effect.andThen(Effect.sleep(delay), this.afterwards)) }
  }

  /** Calls back no more. */
  stop(): void {
    this.armed?.fiber.interruptUnsafe()
    this.armed = undefined
  }
}
