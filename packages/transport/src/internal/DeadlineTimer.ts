/**
 * One timer for all deadlines of a connection, armed while something is in flight: a timer for each command would cost
 * more than the command.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** Passed deadlines are looked for at most this often, in milliseconds. */
const RESOLUTION = 5

/**
 * @category models
 * @since 0.1.0
 */
export class DeadlineTimer {
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private readonly onTime: Effect.Effect<void>
  private armed: { readonly at: number; readonly fiber: Fiber.Fiber<void> } | undefined = undefined

  /** Runs on the clock of `fork`, so that `TestClock` drives it. `onTime` arms it again for what is left. */
  constructor(fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>, onTime: () => void) {
    this.fork = fork
    this.onTime = Effect.sync(() => {
      this.armed = undefined
      onTime()
    })
  }

  /** Calls back at `at`, or earlier if it was armed for earlier. Both times are milliseconds of one clock. */
  arm(at: number, now: number): void {
    if (this.armed !== undefined) {
      if (this.armed.at <= at + RESOLUTION) return
      this.stop()
    }
    const delay = Duration.millis(Math.max(Math.ceil(at - now), RESOLUTION))
    // A reply may lie in the kernel already when a stalled event loop gets to run its timers: the socket has its turn
    // before anything is judged late.
    const wait = Effect.andThen(Effect.sleep(delay), Effect.yieldNow)
    this.armed = { at, fiber: this.fork(Effect.andThen(wait, this.onTime)) }
  }

  /** Calls back no more. */
  stop(): void {
    this.armed?.fiber.interruptUnsafe()
    this.armed = undefined
  }
}
