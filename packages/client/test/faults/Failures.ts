/**
 * What a failure may be: one of our errors, alone, with an outcome that its reason can have.
 */
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Cause from "effect/Cause"

/** The outcomes that each reason can have in these runs; of other reasons there must be none. */
const OUTCOMES: Record<string, ReadonlyArray<string>> = {
  ConnectError: ["not-sent"],
  ServerDeadError: ["not-sent"],
  NoServerError: ["not-sent"],
  OverloadedError: ["not-sent"],
  ConnectionLostError: ["not-sent", "unknown"],
  TimeoutError: ["not-sent", "unknown"]
}

export class Failures {
  /** Sentences about failures that must not be, the first few. */
  readonly untyped: Array<string> = []
  untypedCount = 0

  /** The error of a cause, if that is all there is in it. */
  ofCause<E>(cause: Cause.Cause<E>): MemcacheError | undefined {
    const [reason, ...others] = cause.reasons
    if (reason !== undefined && others.length === 0 && Cause.isFailReason(reason) && isMemcacheError(reason.error)) {
      return reason.error
    }
    this.note(Cause.pretty(cause))
    return undefined
  }

  /** `reason outcome`, as it stands in tables. */
  name(error: MemcacheError): string {
    const { outcome, reason } = error
    if (OUTCOMES[reason._tag]?.includes(outcome) !== true) this.note(`${reason._tag} ${outcome}: ${error.message}`)
    return `${reason._tag} ${outcome}`
  }

  private note(sentence: string): void {
    this.untypedCount++
    if (this.untyped.length < 5) this.untyped.push(sentence)
  }
}
