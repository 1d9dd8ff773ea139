/**
 * Reads meta command lines as memcached 1.6.45 does: what it takes, what it answers to the rest, and whether the value
 * behind a refused `ms` is read past.
 *
 * Three things are stricter than the real server: a key must be one that a `Key` can hold, so no control bytes, a base64
 * key may hold nothing but base64, and a lone minus is no number.
 *
 * @since 0.1.0
 */
import { byteString, digits, wordEnd } from "../Ascii.ts"
import type { MetaFlag } from "../Command.ts"
import * as Key from "../Key.ts"
import { MAX_OPAQUE_LENGTH } from "../Limits.ts"
import type { RequestLine } from "../Request.ts"
import * as Text from "../text/RequestDecoder.ts"
import { isInt32, isUint32, isUint64 } from "./FlagToken.ts"

const BLANK = 0x20
const M = 0x6d

// Command, key and size count too (proto_parser.h, MFLAG_MAX_OPT_LENGTH).
const MAX_WORDS = 20

// INT_MAX - 2: the server adds the CRLF to it.
const MAX_SIZE = 2_147_483_645

const BAD_FORMAT = "CLIENT_ERROR bad command line format"
const BAD_TOKEN = "CLIENT_ERROR bad token in command line format"

/**
 * Reads one command line, without its end. Lines that are no meta command are read as classic ones.
 *
 * A command keeps its flags as they came and in their order, `O`, `q`, `k` and `b` among them; flags that mean nothing
 * for it are kept too, since the server takes them in silence.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (bytes: Uint8Array, start: number, end: number): RequestLine => {
  if (bytes[start] !== M || wordEnd(bytes, start, end) !== start + 2) return Text.parse(bytes, start, end)
  const from = start + 2
  switch (String.fromCharCode(bytes[start + 1])) {
    case "g":
      return parseFlagged("MetaGet", bytes, from, end)
    case "s":
      return parseSet(bytes, from, end)
    case "d":
      return parseFlagged("MetaDelete", bytes, from, end)
    case "a":
      return parseFlagged("MetaArithmetic", bytes, from, end)
    case "n":
      return { _tag: "Command", command: { _tag: "MetaNoop" }, blockSize: -1 }
    case "e":
      return parseDebug(bytes, from, end)
    default:
      return Text.parse(bytes, start, end)
  }
}

const refuse = (reply: string, swallow = -1): RequestLine => ({ _tag: "Refuse", reply, swallow })

const parseFlagged = (
  _tag: "MetaGet" | "MetaDelete" | "MetaArithmetic",
  bytes: Uint8Array,
  from: number,
  end: number
): RequestLine => {
  const keyStart = skipBlanks(bytes, from, end)
  const keyEnd = wordEnd(bytes, keyStart, end)
  const key = Key.fromWire(bytes, keyStart, keyEnd)
  const flags = readFlags(bytes, keyEnd, end)
  if (flags === undefined || keyEnd === keyStart) return refuse(BAD_FORMAT)
  const isCounting = _tag === "MetaArithmetic"
  const fault = Key.isKey(key) ? flagsFault(key, flags, 2) : BAD_FORMAT
  if (!Key.isKey(key) || fault !== undefined) {
    return refuse(isCounting ? "CLIENT_ERROR invalid or duplicate flag" : fault ?? BAD_FORMAT)
  }
  if (isCounting && !isModeLegal(flags, "I+D-")) return refuse("CLIENT_ERROR invalid mode for ma M token")
  if (!isOpaqueLegal(flags)) return refuse("CLIENT_ERROR opaque token too long")
  return { _tag: "Command", command: { _tag, key, flags }, blockSize: -1 }
}

const parseSet = (bytes: Uint8Array, from: number, end: number): RequestLine => {
  const keyStart = skipBlanks(bytes, from, end)
  const keyEnd = wordEnd(bytes, keyStart, end)
  const sizeStart = skipBlanks(bytes, keyEnd, end)
  const sizeEnd = wordEnd(bytes, sizeStart, end)
  const size = digits(bytes, sizeStart, sizeEnd)
  const flags = readFlags(bytes, sizeEnd, end)
  // The server has not looked at the size yet, or cannot read it, so the value will be read as commands.
  if (flags === undefined || size < 0 || size > MAX_SIZE) return refuse(BAD_FORMAT)
  const key = Key.fromWire(bytes, keyStart, keyEnd)
  if (!Key.isKey(key)) return refuse(BAD_FORMAT, size)
  const fault = flagsFault(key, flags, 3)
  if (fault !== undefined) return refuse(fault, size)
  if (!isModeLegal(flags, "EAPRS")) return refuse("CLIENT_ERROR invalid mode for ms M token", size)
  if (!isOpaqueLegal(flags)) return refuse("CLIENT_ERROR opaque token too long", size)
  return { _tag: "Command", command: { _tag: "MetaSet", key, value: new Uint8Array(0), flags }, blockSize: size }
}

// `me` looks at no flag but a `b` right behind the key.
const parseDebug = (bytes: Uint8Array, from: number, end: number): RequestLine => {
  const keyStart = skipBlanks(bytes, from, end)
  const keyEnd = wordEnd(bytes, keyStart, end)
  const key = Key.fromWire(bytes, keyStart, keyEnd)
  const flags = readFlags(bytes, keyEnd, end)
  if (flags === undefined || !Key.isKey(key)) return refuse(BAD_FORMAT)
  if (flags[0] === "b" && Key.fromBase64(key) === undefined) return refuse(BAD_FORMAT)
  return { _tag: "Command", command: { _tag: "MetaDebug", key, flags }, blockSize: -1 }
}

const skipBlanks = (bytes: Uint8Array, from: number, end: number): number => {
  let i = from
  while (i < end && bytes[i] === BLANK) i++
  return i
}

// `undefined` if a word begins with what can be no flag: the server's tokenizer stops there and keeps nothing.
const readFlags = (bytes: Uint8Array, from: number, end: number): Array<MetaFlag> | undefined => {
  const flags: Array<MetaFlag> = []
  let start = skipBlanks(bytes, from, end)
  while (start < end) {
    const stop = wordEnd(bytes, start, end)
    if (!canBeginFlag(bytes[start])) return undefined
    flags.push(byteString(bytes, start, stop))
    start = skipBlanks(bytes, stop, end)
  }
  return flags
}

// From A to z, with what ASCII has between the two cases, and the digits.
const canBeginFlag = (byte: number): boolean => (byte > 0x40 && byte < 0x7b) || (byte > 0x2f && byte < 0x3a)

// As `_meta_flag_preparse` of memcached: an unknown or repeated flag ends the search, of other faults the last one
// counts, and a bad `F` has no message of its own.
const flagsFault = (key: Key.Key, flags: ReadonlyArray<MetaFlag>, otherWords: number): string | undefined => {
  if (flags.length + otherWords > MAX_WORDS) return "CLIENT_ERROR options flags are too long"
  let fault: string | undefined = undefined
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]
    for (let j = 0; j < i; j++) {
      if (flags[j][0] === flag[0]) return "CLIENT_ERROR duplicate flag"
    }
    switch (flag[0]) {
      case "b":
        if (Key.fromBase64(key) === undefined) fault = "CLIENT_ERROR error decoding key"
        break
      case "N":
      case "T":
      case "R":
        if (!isInt32(flag)) fault = BAD_TOKEN
        break
      case "C":
      case "E":
        if (!isUint64(flag)) fault = BAD_TOKEN
        break
      case "F":
        if (!isUint32(flag)) fault ??= BAD_FORMAT
        break
      case "J":
        if (!isUint64(flag)) fault = "CLIENT_ERROR invalid numeric initial value"
        break
      case "D":
        if (!isUint64(flag)) fault = "CLIENT_ERROR invalid numeric delta value"
        break
      default:
        if (!"cfhIkLlMOPqstuvx".includes(flag[0])) return "CLIENT_ERROR invalid flag"
    }
  }
  return fault
}

// The server reads one character behind the M and no further.
const isModeLegal = (flags: ReadonlyArray<MetaFlag>, modes: string): boolean => {
  const flag = flags.find((flag) => flag[0] === "M")
  return flag === undefined || (flag.length > 1 && modes.includes(flag[1]))
}

const isOpaqueLegal = (flags: ReadonlyArray<MetaFlag>): boolean => {
  const flag = flags.find((flag) => flag[0] === "O")
  return flag === undefined || flag.length - 1 <= MAX_OPAQUE_LENGTH
}
