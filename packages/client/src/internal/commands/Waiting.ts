/**
 * A command for one key, from its caller's side: what it asks, what the answers mean, and the wait for one.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Connection, Ticket, Waiter } from "@effect-memcache/transport/Connection"
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Backend } from "../servers/Backend.ts"

/**
 * What the answers to one kind of command mean. `input` is what the call was given.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reading<I, A> {
  /** Makes of an answer what the caller gets. It may throw what a transcoder throws. */
  readonly read: (answer: Answer, server: string, input: I) => Effect.Effect<A, MemcacheError>
  /**
   * Hears of an answer that came when its caller was gone. It runs in no fiber. With it, an interrupted command is not
   * dropped: what it has done, somebody may have to undo.
   */
  readonly late?: ((answer: Answer, server: string, input: I) => void) | undefined
}

/**
 * The same where a failure need not be the end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ending<I, A, E> extends Reading<I, A> {
  /** With it, no error is the caller's, and what succeeds at once pays nothing for that. */
  readonly goOn?: ((problem: unknown, input: I) => Effect.Effect<A, E>) | undefined
}

/**
 * How one kind of command is asked. There is one for each method of a client, so that a call needs to make nothing but its input.
 *
 * @category models
 * @since 0.1.0
 */
export interface Form<I, A, E = never> extends Ending<I, A, E> {
  /** The command, or an effect where it cannot be made at once. */
  readonly commandOf: (key: WireKey, input: I) => Command | Effect.Effect<Command, E>
}

/**
 * Resumes the fiber that waits.
 *
 * @category models
 * @since 0.1.0
 */
export type Resume<A, E> = (effect: Effect.Effect<A, E>) => void

/**
 * A command under way: hears the outcome, and is the effect that abandons it. One object for all of that: closures in its
 * place took 7 % more of a `get` with 1,000 in flight.
 *
 * @category models
 * @since 0.1.0
 */
export class Waiting<I, A, E> extends Effectable.Class<void> implements Waiter {
  ticket: Ticket | undefined = undefined
  private isGone = false
  private readonly backend: Backend
  private readonly connection: Connection
  private readonly command: Command
  private readonly form: Ending<I, A, E>
  private readonly input: I
  private readonly resume: Resume<A, MemcacheError | E>

  constructor(
    backend: Backend,
    connection: Connection,
    command: Command,
    form: Ending<I, A, E>,
    input: I,
    resume: Resume<A, MemcacheError | E>
  ) {
    super()
    this.backend = backend
    this.connection = connection
    this.command = command
    this.form = form
    this.input = input
    this.resume = resume
  }

  settle(outcome: Answer | MemcacheError, deadline: number): void {
    const { backend, form, input } = this
    if (this.isGone) {
      if (!isMemcacheError(outcome)) form.late?.(outcome, backend.name, input)
      return
    }
    const read = isMemcacheError(outcome)
      ? theLongWay(backend, backend.recover(outcome, this.command, this.connection, deadline), form, input)
      : readAnswer(form, outcome, backend.name, input)
    this.resume(form.goOn === undefined ? read : goingOn(form, input, read))
  }

  asEffect(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.isGone = true
      if (this.form.late === undefined && this.ticket !== undefined) this.connection.abandon(this.ticket)
    })
  }
}

/**
 * Whether what was to be made must be waited for, or cannot be made. `Effect.isEffect` asks by `in`, which is slow where as
 * many shapes pass as there are commands and values.
 *
 * @category guards
 * @since 0.1.0
 */
export const isLater = <Made, A, E>(made: Made | Effect.Effect<A, E>): made is Effect.Effect<A, E> =>
  (made as { readonly [Effect.TypeId]?: unknown })[Effect.TypeId] !== undefined

/**
 * Waits for an answer that is not asked for on a connection directly, and reads it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const theLongWay = <I, A>(
  backend: Backend,
  sent: Effect.Effect<Answer, MemcacheError>,
  { late, read }: Reading<I, A>,
  input: I
): Effect.Effect<A, MemcacheError> => {
  const { name } = backend
  const answered = late === undefined ? sent : outliving(sent, (answer) => late(answer, name, input))
  return Effect.flatMap(answered, (answer) => read(answer, name, input))
}

/**
 * Hands what fails to the form, if it takes that.
 *
 * @category combinators
 * @since 0.1.0
 */
export const goingOn = <I, A, E, F>(
  { goOn }: Ending<I, A, E>,
  input: I,
  effect: Effect.Effect<A, F>
): Effect.Effect<A, E | F> => goOn === undefined || isSuccess(effect) ? effect : catching(effect, goOn, input)

const catching = <I, A, E, F>(
  effect: Effect.Effect<A, F>,
  goOn: (problem: unknown, input: I) => Effect.Effect<A, E>,
  input: I
): Effect.Effect<A, E> => Effect.catch(effect, (problem) => goOn(problem, input))

const isSuccess = (effect: Effect.Effect<unknown, unknown>): boolean => Exit.isExit(effect) && Exit.isSuccess(effect)

/** A command that waits for a connection first, and is answered whether or not anybody waits for it. */
const outliving = (
  sent: Effect.Effect<Answer, MemcacheError>,
  late: (answer: Answer) => void
): Effect.Effect<Answer, MemcacheError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDetach(sent, { startImmediately: true }),
      (fiber) =>
        Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
          Effect.sync(() => {
            fiber.addObserver((exit) => {
              if (Exit.isSuccess(exit)) late(exit.value)
            })
          }))
    )
  )

// Here is no fiber that would make a defect of what a transcoder throws.
const readAnswer = <I, A>(
  { read }: Reading<I, A>,
  answer: Answer,
  server: string,
  input: I
): Effect.Effect<A, MemcacheError> => {
  try {
    return read(answer, server, input)
  } catch (defect) {
    return Effect.die(defect)
  }
}
