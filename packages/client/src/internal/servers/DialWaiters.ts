/**
 * Those who wait for a dial: an object each, and one timer for all of their deadlines. A fiber and a timer for each, as
 * `Effect.timeout` makes them, took so long for 100,000 commands on a new client that all of them were late.
 *
 * @since 0.1.0
 */
import type { Connection } from "@effect-memcache/transport/Connection"
import { DeadlineTimer } from "@effect-memcache/transport/DeadlineTimer"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/**
 * A command that waits.
 *
 * @category models
 * @since 0.1.0
 */
export interface Waiting {
  readonly verb: string
  /** What it counts against the bound on bytes. */
  readonly bytes: number
  /** On the monotonic clock, in milliseconds. */
  readonly deadline: number
}

interface Waiter extends Waiting {
  readonly resume: (outcome: Effect.Effect<Connection, MemcacheError>) => void
}

/**
 * The waiters of one server.
 *
 * @category models
 * @since 0.1.0
 */
export class DialWaiters {
  /** Commands that wait, and their bytes. */
  count = 0
  bytes = 0

  private members = new Set<Waiter>()
  private readonly now: () => number
  private readonly late: (waiting: Waiting) => MemcacheError
  private readonly timer: DeadlineTimer

  /** `late` makes the error for who has waited too long. */
  constructor(
    fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>,
    now: () => number,
    late: (waiting: Waiting) => MemcacheError
  ) {
    this.now = now
    this.late = late
    this.timer = new DeadlineTimer(fork, now, (firedAt) => this.sweep(firedAt))
  }

  /** Waits for the outcome of the dial. `begin` is called behind the waiter's taking its place: the outcome may be there. */
  wait(waiting: Waiting, begin: () => void): Effect.Effect<Connection, MemcacheError> {
    return Effect.callback<Connection, MemcacheError>((resume) => {
      const waiter: Waiter = { ...waiting, resume }
      this.members.add(waiter)
      this.count++
      this.bytes += waiter.bytes
      begin()
      if (this.members.has(waiter)) this.timer.arm(waiter.deadline, this.now())
      return Effect.sync(() => this.remove(waiter))
    })
  }

  /** The dial is over, for all who wait by now, in the order in which they came. */
  settle(outcome: Effect.Effect<Connection, MemcacheError>): void {
    const { members } = this
    // Whoever runs on may have to wait for the next dial.
    this.members = new Set()
    this.count = 0
    this.bytes = 0
    this.timer.stop()
    for (const { resume } of members) resume(outcome)
  }

  private remove(waiter: Waiter): boolean {
    if (!this.members.delete(waiter)) return false
    this.count--
    this.bytes -= waiter.bytes
    if (this.count === 0) this.timer.stop()
    return true
  }

  private sweep(firedAt: number): void {
    const late: Array<Waiter> = []
    let next = Infinity
    for (const waiter of this.members) {
      if (waiter.deadline <= firedAt) late.push(waiter)
      else if (waiter.deadline < next) next = waiter.deadline
    }
    if (next !== Infinity) this.timer.arm(next, this.now())
    // A caller that runs on here may end the wait of others.
    for (const waiter of late) if (this.remove(waiter)) waiter.resume(Effect.fail(this.late(waiter)))
  }
}
