/**
 * When a server that has open connections is dialed for one more. No clock and no socket: times are passed in.
 *
 * A server that takes no more connections is no dead server, and must not be dialed at every command either: each dial
 * that fails doubles the pause before the next.
 *
 * @since 0.1.0
 */

/**
 * A further connection is worth its dial when the least busy one has more commands in flight than this.
 *
 * Up to here one connection is the faster way: twenty short commands fit one packet and one write, and memcached answers
 * twenty commands of a connection in one go (its `-R`) before it looks at the next connection. Beyond that the rest
 * waits for its turn anyway, and a second connection has a turn of its own, on another thread of the server.
 *
 * Sharing a write is most of what makes many commands cheap: measured on loopback, a `get` costs 17 µs of CPU alone,
 * 2.1 µs among twenty and 1.8 µs among a hundred. So connections that are kept to twenty and more lose little of it.
 *
 * @category constants
 * @since 0.1.0
 */
export const BUSY = 20

/** The pause in milliseconds after a first failure, which is about as long as a restart takes. */
const FIRST_PAUSE = 1000

/** One dial a minute harms nobody, and finds out soon enough that there is room again. */
const LONGEST_PAUSE = 60_000

/**
 * The pauses between dials of one server that failed.
 *
 * @category models
 * @since 0.1.0
 */
export class Growth {
  private pause = 0
  private pausedUntil = -Infinity
  private openedAt = Infinity

  mayDial(now: number): boolean {
    return now >= this.pausedUntil
  }

  /** A connection was opened. Whether that ends the pauses shows when it has lived longer than the last one. */
  opened(now: number): void {
    this.openedAt = now
  }

  /** A dial failed, or its connection was lost before it was of any use. */
  failed(now: number): void {
    const hasRecovered = now - this.openedAt > this.pause
    this.openedAt = Infinity
    this.pause = hasRecovered ? FIRST_PAUSE : Math.min(Math.max(2 * this.pause, FIRST_PAUSE), LONGEST_PAUSE)
    this.pausedUntil = now + this.pause
  }
}
