/**
 * An option with which no client can be built: the only way in which a layer fails.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * An option that cannot be. It names the option, what is allowed and what was given; a password is never shown.
 *
 * @category errors
 * @since 0.1.0
 */
export class OptionsError extends Schema.TaggedError<OptionsError>("effect-memcache/OptionsError")("OptionsError", {
  /** The option's name as it is written, with a path where it is nested: `"servers[1]"`, `"maxInFlight.bytes"`. */
  option: Schema.String,
  /** What it must be and what was given; completes a sentence that begins with the name, without a full stop. */
  detail: Schema.String
}) {
  override get message(): string {
    return `The option ${this.option} ${this.detail}.`
  }
}
