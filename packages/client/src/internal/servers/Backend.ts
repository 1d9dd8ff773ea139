/**
 * Whoever can be sent commands: a server, or a rule that chooses among servers. One method and its batch form, so that
 * what wraps it stays as simple as what it wraps.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Connection } from "@effect-memcache/transport/Connection"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type * as Effect from "effect/Effect"

/**
 * @category models
 * @since 0.1.0
 */
export interface Backend {
  /** The server's name, as in errors. */
  readonly name: string
  /** When the time of a command that begins now is over, on the monotonic clock. */
  readonly deadline: number
  /** Waits for the answer, which may be an error line. Without a deadline it has a time of its own. */
  readonly send: (command: Command, deadline?: number) => Effect.Effect<Answer, MemcacheError>
  /**
   * The open connection that a command for one key may be submitted to at this very moment, if there is one: the short
   * way of `send`. Whoever takes it hands what fails there to `recover`.
   */
  readonly open: () => Connection | undefined
  /** Goes on in the place of a command that failed on a connection that `open` had answered, until its deadline. */
  readonly recover: (
    error: MemcacheError,
    command: Command,
    connection: Connection,
    deadline: number
  ) => Effect.Effect<Answer, MemcacheError>
  /** Sends in one go and never fails; outcomes are in the order of the commands. */
  readonly sendMany: (commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<Answer | MemcacheError>>
}
