/**
 * What a connection needs to know of a dialect: how a command is written and how a reply line is read.
 *
 * @since 0.1.0
 */
import type { Command } from "./Command.ts"
import type { Key } from "./Key.ts"
import type { Reply } from "./Reply.ts"
import type { WriteBuffer } from "./WriteBuffer.ts"

/**
 * One dialect, as seen by a client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dialect {
  readonly name: "meta" | "text"
  /** Whether `encode` can write this command. */
  readonly supports: (command: Command) => boolean
  /** Why it cannot, in a few words for an error; if absent, because the dialect has no such command. */
  readonly refusal?: string | undefined
  /**
   * Whether a `get` of several keys must be sent as one for each key. An error line is then all that comes back for a
   * key; elsewhere an `END` may follow it.
   */
  readonly isPerKey?: boolean | undefined
  /**
   * Writes one request. Answers whether it carries the opaque, which its reply must then echo. The command must be one
   * that is supported and answered: no `noreply`, no `q`, no `O`.
   */
  readonly encode: (buffer: WriteBuffer, command: Command, opaque: number) => boolean
  /**
   * Reads the reply line that lies between `start` and `end`, without its end. `likely` is the key that a value probably
   * has: one that has it is given this very string instead of another.
   */
  readonly parse: (bytes: Uint8Array, start: number, end: number, likely?: Key) => Reply
}
