/**
 * What is known of a command that failed: the one thing that decides whether it may be sent again.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What is known of a failed command: `"not-sent"` (safe to send again), `"rejected"` (the server said no), `"unknown"`
 * (it may have happened), `"done"` (it happened, and what came back cannot be read).
 *
 * @category schemas
 * @since 0.1.0
 */
export const Outcome = Schema.Literals(["not-sent", "rejected", "unknown", "done"])

/**
 * One of the four words of the schema of the same name.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = typeof Outcome.Type

/**
 * The outcome as a sentence about "it", the command.
 *
 * @category accessors
 * @since 0.1.0
 */
export const sentence = (outcome: Outcome): string => {
  switch (outcome) {
    case "not-sent":
      return "It was not sent."
    case "rejected":
      return "It was not carried out."
    case "unknown":
      return "The server may have carried it out."
    case "done":
      return "The server has carried it out."
  }
}
