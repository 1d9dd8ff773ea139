/**
 * Writes commands as lines of the classic text protocol.
 *
 * @since 0.1.0
 */
import type { Command } from "../Command.ts"
import { STATS_REPORTS } from "../Command.ts"
import type { Key } from "../Key.ts"
import type { WriteBuffer } from "../WriteBuffer.ts"

// memcached closes on an unfinished line of more than 2048 bytes unless it begins with `get ` or `gets `.
const MAX_TOUCH_LINE = 2000

/**
 * Whether a client may send this command as text: one that text can say, that is answered, and whose line is not cut off
 * by the server.
 *
 * @category guards
 * @since 0.1.0
 */
export const supports = (command: Command): boolean => {
  switch (command._tag) {
    case "Get":
      return command.keys.length > 0
    case "GetAndTouch":
      return command.keys.length > 0 && touchLineLength(command.keys) < MAX_TOUCH_LINE
    case "Arithmetic":
      return !command.noreply && command.create === undefined
    case "Store":
    case "Cas":
    case "Delete":
    case "Touch":
    case "FlushAll":
    case "Verbosity":
      return !command.noreply
    case "Stats":
      return command.report === undefined || isReport(command.report)
    case "Version":
      return true
    default:
      return false
  }
}

/**
 * Appends the command, with its value if it has one. `noreply` and `quit` are written too, for whoever does not wait for
 * a reply. The flags and the exptime of `append` and `prepend` are written as 0, because the server ignores them.
 *
 * Meta commands write nothing and `create` is left out: `supports` refuses both.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (buffer: WriteBuffer, command: Command): void => {
  switch (command._tag) {
    case "Get":
      buffer.text(command.withCas ? "gets" : "get")
      keys(buffer, command.keys)
      return
    case "GetAndTouch":
      buffer.text(command.withCas ? "gats " : "gat ")
      integer(buffer, command.exptime)
      keys(buffer, command.keys)
      return
    case "Store": {
      const isJoined = command.mode === "append" || command.mode === "prepend"
      buffer.text(command.mode).blank().text(command.key).blank().number(isJoined ? 0 : command.flags).blank()
      integer(buffer, isJoined ? 0 : command.exptime)
      buffer.blank().number(command.value.length)
      lineEnd(buffer, command.noreply)
      buffer.bytes(command.value).crlf()
      return
    }
    case "Cas":
      buffer.text("cas ").text(command.key).blank().number(command.flags).blank()
      integer(buffer, command.exptime)
      buffer.blank().number(command.value.length).blank().text(String(command.cas))
      lineEnd(buffer, command.noreply)
      buffer.bytes(command.value).crlf()
      return
    case "Arithmetic":
      buffer.text(command.mode).blank().text(command.key).blank().text(String(command.delta))
      return lineEnd(buffer, command.noreply)
    case "Delete":
      buffer.text("delete ").text(command.key)
      return lineEnd(buffer, command.noreply)
    case "Touch":
      buffer.text("touch ").text(command.key).blank()
      integer(buffer, command.exptime)
      return lineEnd(buffer, command.noreply)
    case "FlushAll":
      buffer.text("flush_all")
      if (command.delay !== undefined) integer(buffer.blank(), command.delay)
      return lineEnd(buffer, command.noreply)
    case "Stats":
      buffer.text("stats")
      if (command.report !== undefined) buffer.blank().text(command.report)
      buffer.crlf()
      return
    case "Version":
      buffer.text("version").crlf()
      return
    case "Verbosity":
      buffer.text("verbosity ").number(command.level)
      return lineEnd(buffer, command.noreply)
    case "Quit":
      buffer.text("quit").crlf()
  }
}

const keys = (buffer: WriteBuffer, keys: ReadonlyArray<Key>): void => {
  for (let i = 0; i < keys.length; i++) buffer.blank().text(keys[i])
  buffer.crlf()
}

// An exptime may be negative, which means expired at once.
const integer = (buffer: WriteBuffer, n: number): void => {
  if (n < 0) buffer.text(String(n))
  else buffer.number(n)
}

const lineEnd = (buffer: WriteBuffer, noreply: boolean): void => {
  if (noreply) buffer.text(" noreply")
  buffer.crlf()
}

// `gats`, a blank and the longest exptime, then a blank before each key, then CRLF.
const touchLineLength = (keys: ReadonlyArray<Key>): number => {
  let length = 4 + 1 + 11 + 2
  for (const key of keys) length += 1 + key.length
  return length
}

// A report can come from code that the compiler has not seen, and a word of a user's must not reach the line.
const isReport = (report: string): boolean => {
  if ((STATS_REPORTS as ReadonlyArray<string>).includes(report)) return true
  const words = report.split(" ")
  return words.length === 3 && words[0] === "cachedump" && isDecimal(words[1]) && isDecimal(words[2])
}

const isDecimal = (text: string): boolean => text === String(Number(text) >>> 0)
