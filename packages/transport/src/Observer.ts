/**
 * Whoever counts what happens on connections: a few calls, and no more about a command than a connection knows.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"

/**
 * Counts what happens on a connection. It is called for every command, before whoever waits for it runs on: it must be
 * quick, and must not throw.
 *
 * @category models
 * @since 0.1.0
 */
export interface Observer {
  /**
   * An answer has come for somebody who waits for it. `millis` is the time from the end of the tick in which the command
   * was sent, or from one `commandTimeout` before the deadline that it was given, to the arrival of the bytes.
   */
  readonly answered: (answer: Answer, millis: number) => void
  /** Nobody waits for the command any more. */
  readonly interrupted: (command: Command, millis: number) => void
  readonly wrote: (bytes: number) => void
  readonly read: (bytes: number) => void
}

/**
 * How many milliseconds a command has been under way: a deadline is always one command timeout after the beginning. In
 * its first tick a command has no deadline yet.
 *
 * @category accessors
 * @since 0.1.0
 */
export const ageOf = (slot: { readonly deadline: number }, now: number, commandTimeout: number): number =>
  slot.deadline === 0 ? 0 : now - slot.deadline + commandTimeout
