/**
 * What a failure may be: one of the errors that a client promises, alone; neither a defect nor an interruption that
 * nobody asked for.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"

const SHOWN = 5

/**
 * @category models
 * @since 0.1.0
 */
export class Failures<E> {
  /** Sentences about failures that must not be, the first few. */
  readonly untyped: Array<string> = []
  untypedCount = 0

  private readonly isExpected: (error: unknown) => error is E

  constructor(isExpected: (error: unknown) => error is E) {
    this.isExpected = isExpected
  }

  /** The error of a failed exit, if that is all there is in it; anything else is noted. None of a success. */
  ofExit<A>(exit: Exit.Exit<A, unknown>): E | undefined {
    return exit._tag === "Success" ? undefined : this.ofCause(exit.cause)
  }

  /** The error of a cause, if that is all there is in it; anything else is noted. */
  ofCause(cause: Cause.Cause<unknown>): E | undefined {
    const [reason, ...others] = cause.reasons
    if (reason !== undefined && others.length === 0 && Cause.isFailReason(reason) && this.isExpected(reason.error)) {
      return reason.error
    }
    this.note(Cause.pretty(cause))
    return undefined
  }

  /** Takes a failure for one that must not be. */
  note(sentence: string): void {
    this.untypedCount++
    if (this.untyped.length < SHOWN) this.untyped.push(sentence)
  }
}
