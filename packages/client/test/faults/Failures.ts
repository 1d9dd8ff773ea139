/**
 * What a failure may be: one of our errors, alone, with an outcome that its reason can have.
 */
import * as Checked from "@effect-memcache/testing/Failures"
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"

/** The outcomes that each reason can have in these runs; of other reasons there must be none. */
const OUTCOMES: Record<string, ReadonlyArray<string>> = {
  ConnectError: ["not-sent"],
  ServerDeadError: ["not-sent"],
  NoServerError: ["not-sent"],
  OverloadedError: ["not-sent"],
  ConnectionLostError: ["not-sent", "unknown"],
  TimeoutError: ["not-sent", "unknown"]
}

export class Failures extends Checked.Failures<MemcacheError> {
  constructor() {
    super(isMemcacheError)
  }

  /** `reason outcome`, as it stands in tables. */
  name(error: MemcacheError): string {
    const { outcome, reason } = error
    if (OUTCOMES[reason._tag]?.includes(outcome) !== true) this.note(`${reason._tag} ${outcome}: ${error.message}`)
    return `${reason._tag} ${outcome}`
  }
}
