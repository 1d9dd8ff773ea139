/**
 * The way of commands that find no open connection, or whose connection was lost before a byte of them was written: they
 * wait for the dial, and are sent once more, once.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { sizeEstimate, verb } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Connection } from "@effect-memcache/transport/Connection"
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type { SharedDial } from "./SharedDial.ts"

/**
 * Notes what a command that failed on a connection says about the server. `isFresh`: it had waited for the connection.
 *
 * @category models
 * @since 0.1.0
 */
export type NoteFailure = (error: MemcacheError, connection: Connection, isFresh: boolean) => void

/**
 * What the cold path needs of its server.
 *
 * @category options
 * @since 0.1.0
 */
export interface ColdPathOptions {
  readonly shared: SharedDial
  /** Why the server takes no command now, or `undefined` if it does. */
  readonly refusal: (command: string) => MemcacheError | undefined
  readonly noteFailure: NoteFailure
}

/**
 * @category models
 * @since 0.1.0
 */
export class ColdPath {
  private readonly options: ColdPathOptions

  constructor(options: ColdPathOptions) {
    this.options = options
  }

  /** `mayRepeat`: the command has not been on a connection yet. The deadline is on the monotonic clock. */
  send(command: Command, deadline: number | undefined, mayRepeat: boolean): Effect.Effect<Answer, MemcacheError> {
    const { noteFailure, shared } = this.options
    const about = { verb: verb(command), bytes: sizeEstimate(command) }
    return this.unlessRefused(
      about.verb,
      shared.whenConnected(
        about,
        deadline,
        (connection, deadline) =>
          Effect.catch(connection.send(command, deadline), (error) => {
            noteFailure(error, connection, true)
            return mayRepeat && isUnsent(error) ? this.send(command, deadline, false) : Effect.fail(error)
          })
      )
    )
  }

  /** The same for many commands in one go. */
  sendMany(
    commands: ReadonlyArray<Command>,
    deadline: number | undefined,
    mayRepeat: boolean
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    if (commands.length === 0) return Effect.succeed([])
    const { noteFailure, shared } = this.options
    const about = {
      verb: verb(commands[0]),
      bytes: commands.reduce((sum, command) => sum + sizeEstimate(command), 0)
    }
    return this.unlessRefused(
      about.verb,
      shared.whenConnected(
        about,
        deadline,
        (connection, deadline) =>
          Effect.flatMap(connection.sendMany(commands, deadline), (outcomes) => {
            noteFailures(outcomes, connection, true, noteFailure)
            return mayRepeat ? this.sendUnsent(commands, outcomes, deadline) : Effect.succeed(outcomes)
          })
      )
    ).pipe(Effect.catch((error) => Effect.succeed(commands.map(() => error))))
  }

  /** Sends those of a batch once more that were not sent, and answers the outcomes of all. */
  sendUnsent(
    commands: ReadonlyArray<Command>,
    outcomes: ReadonlyArray<Answer | MemcacheError>,
    deadline: number
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    const unsent = commands.filter((_, i) => isUnsent(outcomes[i]))
    if (unsent.length === 0) return Effect.succeed(outcomes)
    return Effect.map(this.sendMany(unsent, deadline, false), (again) => {
      let next = 0
      return outcomes.map((outcome) => isUnsent(outcome) ? again[next++] : outcome)
    })
  }

  private unlessRefused<A>(command: string, use: Effect.Effect<A, MemcacheError>): Effect.Effect<A, MemcacheError> {
    return Effect.suspend(() => {
      const refusal = this.options.refusal(command)
      return refusal === undefined ? use : Effect.fail(refusal)
    })
  }
}

/**
 * Whether a command may go out on another connection: no byte of it was written, and its connection is gone. A reply to
 * another command that cannot be trusted ends a connection as well.
 *
 * @category guards
 * @since 0.1.0
 */
export const isUnsent = (outcome: Answer | MemcacheError): boolean =>
  isMemcacheError(outcome) && outcome.outcome === "not-sent" &&
  (outcome.reason._tag === "ConnectionLostError" || outcome.reason._tag === "ProtocolError")

/**
 * Notes a batch as one failure, however many of its commands failed: rather one that was sent than one that was not.
 *
 * @category combinators
 * @since 0.1.0
 */
export const noteFailures = (
  outcomes: ReadonlyArray<Answer | MemcacheError>,
  connection: Connection,
  isFresh: boolean,
  noteFailure: NoteFailure
): void => {
  const errors = outcomes.filter(isMemcacheError)
  const failed = errors.find(({ outcome }) => outcome === "unknown") ?? errors.find(isAboutServer)
  if (failed !== undefined) noteFailure(failed, connection, isFresh)
}

/** Whether an error may be about the server, rather than about the command. */
const isAboutServer = ({ reason }: MemcacheError): boolean =>
  reason._tag === "ConnectionLostError" || reason._tag === "ProtocolError" || reason._tag === "TimeoutError"
