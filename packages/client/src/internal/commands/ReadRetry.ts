/**
 * Trying reads again, when the user wants it: which may be, when, and how often at most.
 *
 * Only what `Command.isRepeatable` calls a pure read is ever tried again here. Nothing else may be: the server may have
 * carried the first copy out, and a late second one could overwrite what is newer.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { isRepeatable } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { Backend } from "../servers/Backend.ts"
import { isRefusal, refusal } from "./Answers.ts"
import { RetryBudget } from "./RetryBudget.ts"

/**
 * Says when a read is tried again, and when no more. Its input is the error.
 *
 * @category models
 * @since 0.1.0
 */
export type ReadSchedule = Schedule.Schedule<unknown, unknown>

/**
 * Whether a read that failed so may get its answer at another try. The outcome does not matter, because reading twice
 * changes nothing; the reason does.
 *
 * @category guards
 * @since 0.1.0
 */
export const canHelp = (error: MemcacheError): boolean => {
  switch (error.reason._tag) {
    // The next connection, or the next moment, may be better.
    case "ConnectError":
    case "ConnectionLostError":
    case "TimeoutError":
    case "ProtocolError":
    // Of a server, or of the one behind a proxy, and not of the item.
    case "ServerError":
      return true
    // Fails at once so that callers do not wait for a dead server; it is probed by its own schedule.
    case "ServerDeadError":
    case "NoServerError":
    // The load is our own, and would only grow.
    case "OverloadedError":
    // Will be said again.
    case "ValueTooLargeError":
    case "OutOfMemoryError":
    case "NotNumberError":
    case "UnsupportedError":
    case "ClientError":
    case "AuthenticationError":
    case "TlsError":
    case "EncodeError":
    case "DecodeError":
      return false
  }
}

/** Answers how long to wait, or `undefined` when there shall be no other try. */
type Step = (error: MemcacheError) => Effect.Effect<Duration.Duration | undefined>

/**
 * Hears that so many reads which failed on a server, if one was asked, are tried again.
 *
 * @category models
 * @since 0.1.0
 */
export type OnRetry = (server: string | undefined, reads: number) => void

/**
 * One client's retries: its schedule, run anew for every read that fails, and its budget.
 *
 * @category models
 * @since 0.1.0
 */
export class ReadRetry {
  private readonly schedule: ReadSchedule
  private readonly onRetry: OnRetry
  private readonly budget = new RetryBudget()

  constructor(schedule: ReadSchedule, onRetry: OnRetry = () => {}) {
    this.schedule = schedule
    this.onRetry = onRetry
  }

  /**
   * The attempt at a command, tried again if it fails and the command is a read. To be called once for each run. What
   * succeeds at once pays for one `Effect.catch`.
   */
  around<A>(command: Command, attempt: Effect.Effect<A, MemcacheError>): Effect.Effect<A, MemcacheError> {
    if (!isRepeatable(command)) return attempt
    this.budget.deposit(1)
    return Effect.catch(attempt, (error) => this.retry(error, attempt))
  }

  /**
   * `backend.sendMany`, after which the commands that failed are tried again, together. If the budget is not enough for
   * all of them, it is kept for others.
   */
  sendMany(
    backend: Backend,
    commands: ReadonlyArray<Command>
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    return Effect.flatMap(backend.sendMany(commands), (outcomes) => {
      this.budget.deposit(commands.filter(isRepeatable).length)
      return this.failuresOf(backend, commands, outcomes).length === 0
        ? Effect.succeed(outcomes)
        : Effect.flatMap(this.begin, (step) => this.nextMany(step, backend, commands, outcomes))
    })
  }

  private retry<A>(error: MemcacheError, again: Effect.Effect<A, MemcacheError>): Effect.Effect<A, MemcacheError> {
    return canHelp(error)
      ? Effect.flatMap(this.begin, (step) => this.next(step, error, again))
      : Effect.fail(error)
  }

  private next<A>(step: Step, error: MemcacheError, again: Effect.Effect<A, MemcacheError>): Effect.Effect<
    A,
    MemcacheError
  > {
    return Effect.flatMap(step(error), (delay) => {
      if (delay === undefined || !this.budget.withdraw(1)) return Effect.fail(error)
      this.onRetry(Option.getOrUndefined(error.server), 1)
      return Effect.catchIf(after(delay, again), canHelp, (error) => this.next(step, error, again))
    })
  }

  private nextMany(
    step: Step,
    backend: Backend,
    commands: ReadonlyArray<Command>,
    outcomes: ReadonlyArray<Answer | MemcacheError>
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    const failures = this.failuresOf(backend, commands, outcomes)
    if (failures.length === 0) return Effect.succeed(outcomes)
    return Effect.flatMap(step(failures[0].error), (delay) => {
      if (delay === undefined || !this.budget.withdraw(failures.length)) return Effect.succeed(outcomes)
      this.onRetry(backend.name, failures.length)
      const again = backend.sendMany(failures.map(({ index }) => commands[index]))
      return Effect.flatMap(after(delay, again), (answers) => {
        const merged = [...outcomes]
        failures.forEach(({ index }, i) => {
          // An answer with some of its values is more than an error.
          if (!isMemcacheError(answers[i]) || isMemcacheError(merged[index])) merged[index] = answers[i]
        })
        return this.nextMany(step, backend, commands, merged)
      })
    })
  }

  private failuresOf(
    backend: Backend,
    commands: ReadonlyArray<Command>,
    outcomes: ReadonlyArray<Answer | MemcacheError>
  ): ReadonlyArray<{ readonly index: number; readonly error: MemcacheError }> {
    return outcomes.flatMap((outcome, index) => {
      if (!isRepeatable(commands[index])) return []
      const error = isMemcacheError(outcome)
        ? outcome
        : isRefusal(outcome)
        ? refusal(outcome, backend.name)
        : undefined
      return error !== undefined && canHelp(error) ? [{ index, error }] : []
    })
  }

  private get begin(): Effect.Effect<Step> {
    return Effect.map(Schedule.toStep(this.schedule), (step): Step => (error) =>
      Clock.currentTimeMillis.pipe(
        Effect.flatMap((now) => step(now, error)),
        // A pause without end is none: its caller would never hear.
        Effect.map(([, delay]) => Duration.isFinite(delay) ? delay : undefined),
        Pull.catchDone(() => Effect.undefined)
      ))
  }
}

const after = <A, E>(delay: Duration.Duration, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Duration.isZero(delay) ? effect : Effect.delay(effect, delay)
