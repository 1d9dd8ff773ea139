/**
 * Reads the reply lines of a meta connection: two letters and return flags, or a classic line.
 *
 * A connection that is out of step shows it here first, so a token that does not read as it must is malformed rather
 * than skipped. Only a single unknown letter is skipped: later servers may add marks such as `W`.
 *
 * @since 0.1.0
 */
import { byteString, digits, excerpt, uint64, wordEnd } from "../Ascii.ts"
import * as Key from "../Key.ts"
import type { Debug, Malformed, Reply, Status, Value } from "../Reply.ts"
import { malformed, status, value } from "../Reply.ts"
import * as Text from "../text/ResponseDecoder.ts"

const BLANK = 0x20
const ONE = 0x31
const MINUS = 0x2d

// The codes as 16-bit numbers, big endian.
const VA = 0x5641
const HD = 0x4844
const EN = 0x454e
const NS = 0x4e53
const EX = 0x4558
const NF = 0x4e46
const MN = 0x4d4e
const ME = 0x4d45

// A negative exptime makes memcached print the remaining time as an unsigned number.
const FIRST_WRAPPED_TTL = 2_147_483_648

/**
 * Reads the reply line that lies between `start` and `end`, without its end.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (bytes: Uint8Array, start: number, end: number, likely?: Key.Key): Reply => {
  const length = end - start
  if (length < 2 || (length > 2 && bytes[start + 2] !== BLANK)) return Text.parse(bytes, start, end, likely)
  switch ((bytes[start] << 8) | bytes[start + 1]) {
    case VA:
      return parseValue(bytes, start + 3, end)
    case HD:
      return readFlags(status("Header", false), bytes, start + 2, end)
    case EN:
      return readFlags(status("End", false), bytes, start + 2, end)
    case NS:
      return readFlags(status("NotStored", false), bytes, start + 2, end)
    case EX:
      return readFlags(status("Exists", false), bytes, start + 2, end)
    case NF:
      return readFlags(status("NotFound", false), bytes, start + 2, end)
    case MN:
      return length === 2 ? { _tag: "Noop" } : refuse("MN with something behind it", bytes, start, end)
    case ME:
      return parseDebug(bytes, start + 3, end)
    default:
      return Text.parse(bytes, start, end)
  }
}

const parseValue = (bytes: Uint8Array, start: number, end: number): Value | Malformed => {
  const sizeEnd = wordEnd(bytes, start, end)
  const size = digits(bytes, start, sizeEnd)
  if (size < 0) return refuse("VA without a size", bytes, start, end)
  const reply = value(false)
  reply.length = size
  return readFlags(reply, bytes, sizeEnd, end)
}

const parseDebug = (bytes: Uint8Array, start: number, end: number): Debug | Malformed => {
  const keyEnd = wordEnd(bytes, start, end)
  const key = Key.fromWire(bytes, start, keyEnd)
  if (!Key.isKey(key)) return refuse("ME without a key", bytes, start, end)
  return { _tag: "Debug", key, text: byteString(bytes, Math.min(keyEnd + 1, end), end) }
}

// `from` is where the code or the size ends: the end of the line, or the blank before the first flag.
const readFlags = <R extends Value | Status>(reply: R, bytes: Uint8Array, from: number, end: number): R | Malformed => {
  let position = from
  while (position < end) {
    const start = position + 1
    // memcached before 1.6.18 says `NF ` with nothing behind the blank.
    if (start === end) return reply
    position = wordEnd(bytes, start, end)
    if (!readFlag(reply, bytes, start, position)) {
      return refuse("a broken return flag", bytes, start, position)
    }
  }
  return reply
}

const readFlag = (reply: Value | Status, bytes: Uint8Array, start: number, end: number): boolean => {
  const token = start + 1
  switch (bytes[start]) {
    case 0x4f: { // O
      // Two of them would leave open which request is answered.
      if (reply.opaque !== -1) return false
      reply.opaque = digits(bytes, token, end)
      return reply.opaque !== -1
    }
    case 0x66: { // f
      reply.flags = clientFlags(bytes, token, end)
      return reply.flags !== -1
    }
    case 0x63: { // c
      reply.cas = uint64(bytes, token, end)
      return reply.cas !== undefined
    }
    case 0x73: { // s
      reply.size = digits(bytes, token, end)
      return reply.size !== -1
    }
    case 0x74: { // t
      if (bytes[token] === MINUS) {
        reply.ttl = -1
        return end - token === 2 && bytes[token + 1] === ONE
      }
      const ttl = digits(bytes, token, end)
      reply.ttl = ttl < FIRST_WRAPPED_TTL ? ttl : 0
      return ttl !== -1
    }
    case 0x6c: { // l
      reply.lastAccess = digits(bytes, token, end)
      return reply.lastAccess !== -1
    }
    case 0x68: { // h
      reply.isHitBefore = bytes[token] === ONE
      return end - token === 1 && (bytes[token] === ONE || bytes[token] === 0x30)
    }
    case 0x6b: { // k
      const key = Key.fromWire(bytes, token, end)
      if (!Key.isKey(key)) return false
      reply.key = key
      return true
    }
    case 0x62: // b
      reply.isBase64 = true
      return end === token
    case 0x57: // W
      reply.isWin = true
      return end === token
    case 0x58: // X
      reply.isStale = true
      return end === token
    case 0x5a: // Z
      reply.isWinSent = true
      return end === token
    default:
      return end === token && isLetter(bytes[start])
  }
}

// A server built with 64-bit client flags may hold more than a double shows exactly. Such flags are nobody's of ours,
// and no reason to give up the connection.
const clientFlags = (bytes: Uint8Array, start: number, end: number): number => {
  if (end - start <= 15) return digits(bytes, start, end)
  const flags = uint64(bytes, start, end)
  return flags === undefined ? -1 : Number(flags)
}

const refuse = (what: string, bytes: Uint8Array, start: number, end: number): Malformed =>
  malformed(`${what}: ${excerpt(bytes, start, end)}`)

const isLetter = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)
