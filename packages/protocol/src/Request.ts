/**
 * What a server finds on the wire: a command, or something that it must refuse.
 *
 * @since 0.1.0
 */
import type { Command } from "./Command.ts"

/**
 * A line as a server reads it. A command with a data block comes with its `blockSize` and an empty value, any other with
 * -1. `Refuse` says what to answer, which is nothing if `reply` is empty (a refused `noreply` command), and how many bytes
 * of value (with the CRLF behind them) follow that must not be read as commands, -1 for none. `Close` ends the connection
 * without a word.
 *
 * @category models
 * @since 0.1.0
 */
export type RequestLine =
  | { readonly _tag: "Command"; readonly command: Command; readonly blockSize: number }
  | { readonly _tag: "Refuse"; readonly reply: string; readonly swallow: number }
  | { readonly _tag: "Close" }

/**
 * Reads one command line, without its end.
 *
 * @category models
 * @since 0.1.0
 */
export type ParseRequestLine = (bytes: Uint8Array, start: number, end: number) => RequestLine

/**
 * A whole request. `TooLarge` is a storage command whose value was longer than the reader may hold and has been read
 * past; its `command` has an empty value.
 *
 * @category models
 * @since 0.1.0
 */
export type Request =
  | { readonly _tag: "Command"; readonly command: Command }
  | { readonly _tag: "TooLarge"; readonly command: Command; readonly size: number }
  | { readonly _tag: "Refuse"; readonly reply: string }
  | { readonly _tag: "Close" }
