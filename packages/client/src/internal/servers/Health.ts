/**
 * Whether a server is alive, judged from what happened on its connections. No clock and no socket: times are passed in.
 *
 * A server is dead when it cannot be reached, or when `failureLimit` commands in a row got no answer, on however many
 * connections, without an answer on any of them in between. Errors about one item, or about the caller's own load, say
 * nothing about the server; neither does a connection that we closed, or one that has been replaced.
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
 * What is looked at of a connection.
 *
 * @category models
 * @since 0.1.0
 */
export interface Witness {
  /** Commands that were answered while somebody waited for them. */
  readonly answered: number
}

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
  private readonly open = new Set<Witness>()
  /** Those that may say something: all since the last time that none was open, as far as we did not close them. */
  private known = new WeakSet<Witness>()
  private isLossCounted = false
  private answeredByLost = 0
  private answeredBefore = 0
  private answeredAtFailure = 0
  private returnedAt = 0
  private lastDelay = 0

  constructor(failureLimit: number) {
    this.failureLimit = failureLimit
  }

  /** A new connection is in use. What it has answered so far was the handshake, which is no command of anybody's. */
  connected(connection: Witness): void {
    if (this.open.size === 0) {
      this.known = new WeakSet()
      this.answeredBefore = this.answered
    }
    this.answeredByLost -= connection.answered
    this.open.add(connection)
    this.known.add(connection)
    this.isLossCounted = false
  }

  /** A connection is gone; what fails with it may still say something. Answers whether it was in use until then. */
  lost(connection: Witness): boolean {
    const wasOpen = this.open.delete(connection)
    if (wasOpen) this.answeredByLost += connection.answered
    return wasOpen
  }

  /** All connections were replaced, or we are about to close them: what fails with them is our own doing. */
  disconnecting(): void {
    for (const connection of this.open) this.lost(connection)
    this.known = new WeakSet()
  }

  /** A command failed on a connection. `isFresh`: it had waited for it, so that the connection was never idle. */
  failed(error: MemcacheError, connection: Witness, isFresh: boolean): Verdict {
    if (!this.known.has(connection)) return "alive"
    switch (error.reason._tag) {
      case "ConnectionLostError":
      case "ProtocolError":
        this.lost(connection)
        // Connections that all end before they have answered anything are no better than none, and must not be dialed
        // again for every command. One that was idle may be closed by the server at any time.
        if (
          this.open.size === 0 && this.answered === this.answeredBefore && (isFresh || error.outcome === "unknown")
        ) return "unreachable"
        // All commands in flight fail with their connection, and all connections with their server, which is one
        // failure; and what was not sent does not count, since it can be sent again.
        this.forgetFailuresBeforeAnswer()
        if (this.isLossCounted || error.outcome === "not-sent") return "alive"
        this.isLossCounted = true
        return this.count()
      case "TimeoutError":
        return this.count()
      default:
        return "alive"
    }
  }

  /** Commands that were answered so far, on all connections that there were. */
  private get answered(): number {
    let answered = this.answeredByLost
    for (const connection of this.open) answered += connection.answered
    return answered
  }

  private count(): Verdict {
    this.forgetFailuresBeforeAnswer()
    this.failures++
    return this.failures >= this.failureLimit ? "failing" : "alive"
  }

  private forgetFailuresBeforeAnswer(): void {
    const { answered } = this
    if (answered === this.answeredAtFailure) return
    this.answeredAtFailure = answered
    this.failures = 0
    this.isLossCounted = false
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
  return failing + 1 <= Math.floor(deaths.length / 2)
}
