/**
 * Reads the reply lines of the classic text protocol.
 *
 * What decides is the first byte and then the whole word, never a pattern: a line that only resembles a reply is
 * malformed, because a reader that guesses hands one caller's bytes to another.
 *
 * @since 0.1.0
 */
import { byteString, digits, equals, excerpt, startsWith, uint64, wordEnd } from "../Ascii.ts"
import * as Key from "../Key.ts"
import type { ErrorReply, Malformed, Reply, Stat, Word } from "../Reply.ts"
import { malformed, status, value } from "../Reply.ts"

const STORED: Word = { _tag: "Stored" }
const DELETED: Word = { _tag: "Deleted" }
const TOUCHED: Word = { _tag: "Touched" }
const OK: Word = { _tag: "Ok" }
const RESET: Word = { _tag: "Reset" }

/**
 * The reply that the line between `start` and `end` (without its CRLF) says. A `VALUE` comes with its length and an
 * empty value. The lines `STAT`, `ITEM` and `PREFIX` become a `Stat` whose value is the rest of the line.
 *
 * A line that starts with ERROR, CLIENT_ERROR or SERVER_ERROR is an error whatever follows: memcached itself writes
 * `ERROR: shutdown not enabled` and `ERROR Too many open connections`.
 *
 * `likely` is the key that a value probably has; see `Dialect.parse`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (bytes: Uint8Array, start: number, end: number, likely?: Key.Key): Reply => {
  switch (start < end ? bytes[start] : -1) {
    case 0x56: // V
      if (startsWith(bytes, start, end, "VALUE ")) return parseValue(bytes, start, end, likely)
      if (end - start > 8 && startsWith(bytes, start, end, "VERSION ")) {
        return { _tag: "Version", version: byteString(bytes, start + 8, end) }
      }
      break
    case 0x45: // E
      if (equals(bytes, start, end, "END")) return status("End", true)
      if (equals(bytes, start, end, "EXISTS")) return status("Exists", true)
      if (startsWith(bytes, start, end, "ERROR")) return parseError("Error", bytes, start + 5, end)
      break
    case 0x53: // S
      if (equals(bytes, start, end, "STORED")) return STORED
      if (startsWith(bytes, start, end, "STAT ")) return parseStat(bytes, start, start + 5, end)
      if (startsWith(bytes, start, end, "SERVER_ERROR")) return parseError("ServerError", bytes, start + 12, end)
      break
    case 0x4e: // N
      if (equals(bytes, start, end, "NOT_STORED")) return status("NotStored", true)
      if (equals(bytes, start, end, "NOT_FOUND")) return status("NotFound", true)
      break
    case 0x44: // D
      if (equals(bytes, start, end, "DELETED")) return DELETED
      break
    case 0x54: // T
      if (equals(bytes, start, end, "TOUCHED")) return TOUCHED
      break
    case 0x4f: // O
      if (equals(bytes, start, end, "OK")) return OK
      break
    case 0x52: // R
      if (equals(bytes, start, end, "RESET")) return RESET
      break
    case 0x43: // C
      if (startsWith(bytes, start, end, "CLIENT_ERROR")) return parseError("ClientError", bytes, start + 12, end)
      break
    case 0x49: // I
      if (startsWith(bytes, start, end, "ITEM ")) return parseStat(bytes, start, start + 5, end)
      break
    case 0x50: // P
      if (startsWith(bytes, start, end, "PREFIX ")) return parseStat(bytes, start, start + 7, end)
      break
    case 0x30:
    case 0x31:
    case 0x32:
    case 0x33:
    case 0x34:
    case 0x35:
    case 0x36:
    case 0x37:
    case 0x38:
    case 0x39: {
      const counter = uint64(bytes, start, end)
      if (counter !== undefined) return { _tag: "Counter", value: counter }
    }
  }
  return refuse("not a reply of the text protocol", bytes, start, end)
}

// VALUE <key> <flags> <bytes> [<cas unique>]
const parseValue = (bytes: Uint8Array, start: number, end: number, likely: Key.Key | undefined): Reply => {
  const keyStart = start + 6
  const keyEnd = wordEnd(bytes, keyStart, end)
  const flagsEnd = wordEnd(bytes, keyEnd + 1, end)
  const lengthEnd = wordEnd(bytes, flagsEnd + 1, end)
  // To compare takes less time than to make a string that would then be compared.
  const isLikely = likely !== undefined && equals(bytes, keyStart, keyEnd, likely)
  const key = isLikely ? likely : Key.fromWire(bytes, keyStart, keyEnd)
  if (!Key.isKey(key)) return refuse("VALUE with a key that no item can have", bytes, start, end)
  const flags = digits(bytes, keyEnd + 1, flagsEnd)
  if (flags < 0) return refuse("VALUE with bad flags", bytes, start, end)
  const length = digits(bytes, flagsEnd + 1, lengthEnd)
  if (length < 0) return refuse("VALUE with a bad length", bytes, start, end)
  const reply = value(true)
  reply.key = key
  reply.flags = flags
  reply.length = length
  if (lengthEnd < end) {
    reply.cas = uint64(bytes, lengthEnd + 1, end)
    if (reply.cas === undefined) return refuse("VALUE with a bad cas unique", bytes, start, end)
  }
  return reply
}

const parseStat = (bytes: Uint8Array, start: number, nameStart: number, end: number): Stat | Malformed => {
  const nameEnd = wordEnd(bytes, nameStart, end)
  if (nameEnd === nameStart) return refuse("a statistic without a name", bytes, start, end)
  return {
    _tag: "Stat",
    name: byteString(bytes, nameStart, nameEnd),
    value: nameEnd < end ? byteString(bytes, nameEnd + 1, end) : ""
  }
}

// `from` is where the word ends: a colon may stand right behind it, and one blank belongs to neither.
const parseError = (_tag: ErrorReply["_tag"], bytes: Uint8Array, from: number, end: number): ErrorReply => {
  let start = from
  if (start < end && bytes[start] === 0x3a) start++
  if (start < end && bytes[start] === 0x20) start++
  return { _tag, message: byteString(bytes, start, end) }
}

const refuse = (what: string, bytes: Uint8Array, start: number, end: number): Malformed =>
  malformed(`${what}: ${excerpt(bytes, start, end)}`)
