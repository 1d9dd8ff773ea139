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
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { ServerObserver } from "../telemetry/Observer.ts"
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
  /** On the monotonic clock, in milliseconds. */
  readonly now: () => number
  /** Milliseconds that a command may take in all. */
  readonly commandTimeout: number
  readonly observer: () => ServerObserver
}

/** A command, or a batch, that waits for a connection until it has got one. */
interface Wait {
  readonly since: number
  isOver: boolean
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
    return Effect.suspend(() => {
      const wait = this.begin(deadline)
      return Effect.onExit(this.attempt(command, deadline, mayRepeat, wait), (exit) => {
        if (Exit.isFailure(exit)) {
          this.noteEnd(command, Option.getOrUndefined(Exit.findErrorOption(exit)), wait)
        }
        return Effect.void
      })
    })
  }

  private attempt(
    command: Command,
    deadline: number | undefined,
    mayRepeat: boolean,
    wait: Wait
  ): Effect.Effect<Answer, MemcacheError> {
    const { noteFailure, observer, shared } = this.options
    const about = { verb: verb(command), bytes: sizeEstimate(command) }
    wait.isOver = false
    return this.unlessRefused(
      about.verb,
      shared.whenConnected(
        about,
        deadline,
        (connection, deadline) => {
          wait.isOver = true
          return Effect.catch(connection.send(command, deadline), (error) => {
            noteFailure(error, connection, true)
            if (!mayRepeat || !isUnsent(error)) return Effect.fail(error)
            observer().retried(1)
            return this.attempt(command, deadline, false, wait)
          })
        }
      )
    )
  }

  /** The same for many commands in one go. */
  sendMany(
    commands: ReadonlyArray<Command>,
    deadline: number | undefined,
    mayRepeat: boolean
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    return commands.length === 0
      ? Effect.succeed([])
      : Effect.suspend(() => this.attemptMany(commands, deadline, mayRepeat, this.begin(deadline)))
  }

  private attemptMany(
    commands: ReadonlyArray<Command>,
    deadline: number | undefined,
    mayRepeat: boolean,
    wait: Wait
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
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
        (connection, deadline) => {
          wait.isOver = true
          return Effect.flatMap(connection.sendMany(commands, deadline), (outcomes) => {
            noteFailures(outcomes, connection, true, noteFailure)
            return this.settle(commands, outcomes, deadline, mayRepeat)
          })
        }
      )
    ).pipe(
      Effect.catch((error) => {
        for (const command of commands) this.noteEnd(command, error, wait)
        return Effect.succeed(commands.map(() => error))
      }),
      Effect.onInterrupt(() => {
        for (const command of commands) this.noteEnd(command, undefined, wait)
        return Effect.void
      })
    )
  }

  /** Sends those of a batch once more that were not sent, if they may be, and answers the outcomes of all. */
  settle(
    commands: ReadonlyArray<Command>,
    outcomes: ReadonlyArray<Answer | MemcacheError>,
    deadline: number,
    mayRepeat: boolean
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    const unsent: Array<Command> = []
    for (let i = 0; i < outcomes.length; i++) {
      const outcome = outcomes[i]
      if (!isMemcacheError(outcome)) continue
      if (mayRepeat && isUnsent(outcome)) unsent.push(commands[i])
      else this.noteEnd(commands[i], outcome, this.begin(deadline))
    }
    if (unsent.length === 0) return Effect.succeed(outcomes)
    this.options.observer().retried(unsent.length)
    return Effect.map(this.sendMany(unsent, deadline, false), (again) => {
      let next = 0
      return outcomes.map((outcome) => isUnsent(outcome) ? again[next++] : outcome)
    })
  }

  private begin(deadline: number | undefined): Wait {
    const { commandTimeout, now } = this.options
    return { since: deadline === undefined ? now() : deadline - commandTimeout, isOver: false }
  }

  /** Counts a command that has failed for good, or was interrupted; on a connection, that one counts the latter. */
  private noteEnd(command: Command, error: MemcacheError | undefined, { isOver, since }: Wait): void {
    const { now, observer } = this.options
    if (error !== undefined) observer().failed(command, error, now() - since)
    else if (!isOver) observer().interrupted(command, now() - since)
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
