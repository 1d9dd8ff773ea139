/**
 * Whether a server is alive, judged from what happened on its connections. No clock and no socket: times are passed in.
 *
 * A server is dead when it cannot be reached, or when `failureLimit` commands in a row got no answer. Errors about one
 * item, or about the caller's own load, say nothing about the server.
 *
 * @since 0.1.0
 */
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"

/**
 * A server's death. The times of the next probe are milliseconds of Unix time and of the monotonic clock.
 *
 * @category models
 * @since 0.1.0
 */
export interface Death {
  readonly error: MemcacheError
  /** The server could not be reached, rather than only failing. */
  readonly isUnreachable: boolean
  probeAt: number
  probeAtMonotonic: number
}

/**
 * What a failed command says about its server.
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict = "alive" | "failing" | "unreachable"

/**
 * The health of one server.
 *
 * @category models
 * @since 0.1.0
 */
export class Health {
  death: Death | undefined = undefined

  private readonly failureLimit: number
  private failures = 0
  private isLossCounted = false
  private answeredBefore = 0
  private answeredAtFailure = 0
  private returnedAt = 0
  private lastDelay = 0

  constructor(failureLimit: number) {
    this.failureLimit = failureLimit
  }

  /** A new connection is in use, which has answered so many commands, the handshake's, so far. */
  connected(answered: number): void {
    this.failures = 0
    this.isLossCounted = false
    this.answeredBefore = answered
    this.answeredAtFailure = answered
  }

  /** A command failed on a connection that has answered so many. */
  failed(error: MemcacheError, answered: number): Verdict {
    switch (error.reason._tag) {
      case "ConnectionLostError":
      case "ProtocolError":
        // A connection that ends before it has answered anything is no better than none, and must not be dialed again
        // for every command.
        if (answered === this.answeredBefore && error.outcome === "unknown") return "unreachable"
        // All commands in flight fail with their connection, which is one failure of the server.
        if (this.isLossCounted) return "alive"
        this.isLossCounted = true
        return this.count(answered)
      case "TimeoutError":
        return this.count(answered)
      default:
        return "alive"
    }
  }

  private count(answered: number): Verdict {
    if (answered !== this.answeredAtFailure) this.failures = 0
    this.answeredAtFailure = answered
    this.failures++
    return this.failures >= this.failureLimit ? "failing" : "alive"
  }

  /** Whether a server that dies now has lived long enough since its return for the schedule to begin anew. */
  hasRecovered(now: number): boolean {
    return now - this.returnedAt >= this.lastDelay
  }

  /** The next probe comes after so many milliseconds. */
  probeAfter(death: Death, delay: number, now: number, nowUnix: number): void {
    this.lastDelay = delay
    death.probeAt = nowUnix + delay
    death.probeAtMonotonic = now + delay
  }

  /** A probe was answered. */
  returned(now: number): void {
    this.death = undefined
    this.failures = 0
    this.returnedAt = now
  }

  /** The user wants it to be tried at once. */
  forget(): void {
    this.death = undefined
    this.failures = 0
    this.lastDelay = 0
  }
}

/**
 * Whether one more server may be marked dead for failing while it still accepts connections. At most half may be, and
 * never the only one: when most of a pool seems to fail, the fault is more likely on our side.
 *
 * @category guards
 * @since 0.1.0
 */
export const mayMarkDead = (deaths: ReadonlyArray<Death | undefined>): boolean => {
  const failing = deaths.filter((death) => death !== undefined && !death.isUnreachable).length
  return deaths.length > 1 && failing + 1 <= Math.floor(deaths.length / 2)
}
