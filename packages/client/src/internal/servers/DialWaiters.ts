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
export interface Wait {
  readonly verb: string
  /** What it counts against the bound on bytes. */
  readonly bytes: number
  /** On the monotonic clock, in milliseconds. */
  readonly deadline: number
}

interface Member extends Wait {
  readonly resume: (outcome: Effect.Effect<Connection, MemcacheError>) => void
  /** Unknown while the dial is being begun, in which it may end. */
  dial: symbol | undefined
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

  private readonly members = new Set<Member>()
  private readonly now: () => number
  private readonly late: (wait: Wait) => MemcacheError
  private readonly timer: DeadlineTimer

  /** `late` makes the error for who has waited too long. */
  constructor(
    fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>,
    now: () => number,
    late: (wait: Wait) => MemcacheError
  ) {
    this.now = now
    this.late = late
    this.timer = new DeadlineTimer(fork, now, (firedAt) => this.sweep(firedAt))
  }

  /** Waits for the outcome of the dial that `dial` begins or joins, which may be over when that returns. */
  wait(wait: Wait, dial: () => symbol | undefined): Effect.Effect<Connection, MemcacheError> {
    return Effect.callback<Connection, MemcacheError>((resume) => {
      const member: Member = { ...wait, resume, dial: undefined }
      this.members.add(member)
      this.count++
      this.bytes += member.bytes
      member.dial = dial()
      if (this.members.has(member)) this.timer.arm(member.deadline, this.now())
      return Effect.sync(() => this.remove(member))
    })
  }

  /**
   * A dial is over, for all who wait for it, in the order in which they came. Who has heard of its end before them, and sent
   * something, waits for the next dial already.
   */
  settle(dial: symbol, outcome: Effect.Effect<Connection, MemcacheError>): void {
    const settled: Array<Member> = []
    for (const member of this.members) {
      if (member.dial === undefined || member.dial === dial) settled.push(member)
    }
    for (const member of settled) this.remove(member)
    for (const { resume } of settled) resume(outcome)
  }

  private remove(member: Member): boolean {
    if (!this.members.delete(member)) return false
    this.count--
    this.bytes -= member.bytes
    if (this.count === 0) this.timer.stop()
    return true
  }

  private sweep(firedAt: number): void {
    const late: Array<Member> = []
    let next = Infinity
    for (const member of this.members) {
      if (member.deadline <= firedAt) late.push(member)
      else if (member.deadline < next) next = member.deadline
    }
    if (next !== Infinity) this.timer.arm(next, this.now())
    // A caller that runs on here may end the wait of others.
    for (const member of late) if (this.remove(member)) member.resume(Effect.fail(this.late(member)))
  }
}
