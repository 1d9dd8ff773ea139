/**
 * Reads command lines of the classic text protocol as memcached 1.6.45 does (its proto_parser.c and proto_text.c), for
 * the embedded server.
 *
 * Three of its habits are left out: `delete` takes no surplus words but `0` (memccapable insists), `delete noreply`
 * removes a key of that name and says so, and report names are whole words rather than prefixes. Keys are held to what a
 * `Key` may be, so one with a control byte is refused, which the original takes.
 *
 * @since 0.1.0
 */
import { byteString, digits, equals, startsWith, uint64, wordEnd } from "../Ascii.ts"
import type { Command, StatsReport, StoreMode } from "../Command.ts"
import { STATS_REPORTS } from "../Command.ts"
import * as Key from "../Key.ts"
import { MAX_EXPTIME, MAX_UINT64 } from "../Limits.ts"
import type { RequestLine } from "../Request.ts"

const BAD_FORMAT = "CLIENT_ERROR bad command line format"
const BAD_EXPTIME = "CLIENT_ERROR invalid exptime argument"
const BAD_DELTA = "CLIENT_ERROR invalid numeric delta argument"

// The value's CRLF is counted in the same 32 bits.
const MAX_BLOCK_SIZE = MAX_EXPTIME - 2

const MAX_INT64 = 9_223_372_036_854_775_807n

const SLAB_CLASSES = 64

const EMPTY = new Uint8Array(0)

/**
 * The command that the line between `start` and `end` asks for, or how to refuse it.
 *
 * `noreply` counts only as the last word. It hides the refusal of a line that has enough words and, in storage commands,
 * a readable length; before that point the server has not looked for it. A storage line that is refused takes its value
 * with it if the length can be read; otherwise the value is read as commands, which is what the original does.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (bytes: Uint8Array, start: number, end: number): RequestLine => {
  if (end - start < 2) return refuse(BAD_FORMAT)
  const line = split(bytes, start, end)
  const verb = byteString(bytes, start, Math.min(wordEnd(bytes, start, end), start + MAX_VERB_LENGTH))
  switch (verb) {
    case "get":
    case "gets":
      return parseGet(line, verb === "gets")
    case "gat":
    case "gats":
      return parseGetAndTouch(line, verb === "gats")
    case "set":
    case "add":
    case "replace":
    case "append":
    case "prepend":
    case "cas":
      return parseStorage(line, verb)
    case "incr":
    case "decr":
      return parseArithmetic(line, verb)
    case "delete":
      return parseDelete(line)
    case "touch":
      return parseTouch(line)
    case "stats":
      return parseStats(line)
    case "version":
      return accept({ _tag: "Version" })
    case "quit":
      return accept({ _tag: "Quit" })
    case "flush_all":
      return parseFlushAll(line)
    case "verbosity":
      return parseVerbosity(line)
    case "shutdown":
      return refuseUnlessQuiet(line, "SERVER_ERROR: shutdown not enabled")
    default:
      return parseUnknown(line)
  }
}

// One more than the longest, so that a word which merely begins like a command is not cut down to one.
const MAX_VERB_LENGTH = 10

/** The words of a line: where the n-th begins and ends stands at `offsets[2 * n]` and behind it. */
interface Line {
  readonly bytes: Uint8Array
  readonly offsets: ReadonlyArray<number>
  readonly words: number
  readonly isNoreply: boolean
}

const split = (bytes: Uint8Array, start: number, end: number): Line => {
  const offsets: Array<number> = []
  let position = start
  while (position < end) {
    const wordStart = position
    position = wordEnd(bytes, wordStart, end)
    if (position > wordStart) offsets.push(wordStart, position)
    position++
  }
  const words = offsets.length / 2
  const isNoreply = words > 1 && equals(bytes, offsets[2 * words - 2], offsets[2 * words - 1], "noreply")
  return { bytes, offsets, words, isNoreply }
}

const parseGet = (line: Line, withCas: boolean): RequestLine => {
  if (line.words < 2) return refuse(BAD_FORMAT)
  const keys = keysFrom(line, 1)
  return keys === undefined ? refuse(BAD_FORMAT) : accept({ _tag: "Get", keys, withCas })
}

const parseGetAndTouch = (line: Line, withCas: boolean): RequestLine => {
  if (line.words < 3) return refuse(BAD_FORMAT)
  const exptime = int32(line, 1)
  if (exptime === undefined) return refuse(BAD_EXPTIME)
  const keys = keysFrom(line, 2)
  return keys === undefined ? refuse(BAD_FORMAT) : accept({ _tag: "GetAndTouch", keys, withCas, exptime })
}

// <verb> <key> <flags> <exptime> <bytes> [<cas unique>] [noreply]
const parseStorage = (line: Line, mode: StoreMode | "cas"): RequestLine => {
  if (line.words < 5) return refuse(BAD_FORMAT)
  const blockSize = int32(line, 4)
  if (blockSize === undefined || blockSize < 0 || blockSize > MAX_BLOCK_SIZE) return refuse(BAD_FORMAT)
  const key = keyAt(line, 1)
  const flags = isNegative(line, 2) ? undefined : wrapped(line, 2, MAX_UINT64)
  const exptime = wrapped(line, 3, MAX_INT64)
  const noreply = line.isNoreply
  if (key === undefined || flags === undefined || exptime === undefined) {
    return refuseUnlessQuiet(line, BAD_FORMAT, blockSize)
  }
  const item = { key, flags: flags >>> 0, exptime }
  if (mode !== "cas") return accept({ _tag: "Store", mode, ...item, value: EMPTY, noreply }, blockSize)
  const cas = uint64At(line, 5)
  if (cas === undefined) return refuseUnlessQuiet(line, BAD_FORMAT, blockSize)
  return accept({ _tag: "Cas", ...item, value: EMPTY, cas, noreply }, blockSize)
}

const parseArithmetic = (line: Line, mode: "incr" | "decr"): RequestLine => {
  if (line.words < 3) return refuse(BAD_FORMAT)
  const key = keyAt(line, 1)
  if (key === undefined) return refuseUnlessQuiet(line, BAD_FORMAT)
  const delta = uint64At(line, 2)
  if (delta === undefined) return refuseUnlessQuiet(line, BAD_DELTA)
  return accept({ _tag: "Arithmetic", mode, key, delta, create: undefined, noreply: line.isNoreply })
}

// A 0 before `noreply` is what is left of a delay that old PHP clients still send.
const parseDelete = (line: Line): RequestLine => {
  if (line.words < 2) return refuse(BAD_FORMAT)
  const noreply = line.isNoreply && line.words > 2
  const surplus = line.words - 2 - (noreply ? 1 : 0)
  const key = keyAt(line, 1)
  if (key !== undefined && (surplus === 0 || surplus === 1 && is(line, 2, "0"))) {
    return accept({ _tag: "Delete", key, noreply })
  }
  return refuse(noreply ? "" : BAD_FORMAT)
}

const parseTouch = (line: Line): RequestLine => {
  if (line.words < 3) return refuse(BAD_FORMAT)
  const key = keyAt(line, 1)
  if (key === undefined) return refuseUnlessQuiet(line, BAD_FORMAT)
  const exptime = int32(line, 2)
  if (exptime === undefined) return refuseUnlessQuiet(line, BAD_EXPTIME)
  return accept({ _tag: "Touch", key, exptime, noreply: line.isNoreply })
}

const parseFlushAll = (line: Line): RequestLine => {
  const noreply = line.isNoreply
  if (line.words === (noreply ? 2 : 1)) return accept({ _tag: "FlushAll", delay: undefined, noreply })
  const delay = int32(line, 1)
  if (delay === undefined) return refuseUnlessQuiet(line, BAD_EXPTIME)
  return accept({ _tag: "FlushAll", delay, noreply })
}

const parseVerbosity = (line: Line): RequestLine => {
  const level = uint32(line, 1)
  if (level === undefined) return refuseUnlessQuiet(line, BAD_FORMAT)
  return accept({ _tag: "Verbosity", level, noreply: line.isNoreply })
}

const parseStats = (line: Line): RequestLine => {
  if (line.words === 1) return accept({ _tag: "Stats", report: undefined })
  const name = text(line, 1)
  if (name === "detail") {
    const report = line.words > 2 ? `detail ${text(line, 2)}` : ""
    return isReport(report)
      ? accept({ _tag: "Stats", report })
      : refuse("CLIENT_ERROR usage: stats detail on|off|dump")
  }
  if (name === "cachedump") {
    if (line.words < 4) return refuse("CLIENT_ERROR bad command line")
    const slabClass = uint32(line, 2)
    const limit = uint32(line, 3)
    if (slabClass === undefined || limit === undefined) return refuse(BAD_FORMAT)
    if (slabClass >= SLAB_CLASSES) return refuse("CLIENT_ERROR Illegal slab id")
    return accept({ _tag: "Stats", report: `cachedump ${slabClass} ${limit}` })
  }
  return isReport(name) ? accept({ _tag: "Stats", report: name }) : refuse("ERROR")
}

// A browser or a forged request is cut off before its headers are read as commands.
const parseUnknown = (line: Line): RequestLine => {
  const { bytes, offsets, words } = line
  if (words > 1 && startsWith(bytes, offsets[2 * words - 2], offsets[2 * words - 1], "HTTP/")) return { _tag: "Close" }
  return refuseUnlessQuiet(line, "ERROR")
}

const accept = (command: Command, blockSize = -1): RequestLine => ({ _tag: "Command", command, blockSize })

const refuse = (reply: string, swallow = -1): RequestLine => ({ _tag: "Refuse", reply, swallow })

const refuseUnlessQuiet = (line: Line, reply: string, swallow = -1): RequestLine =>
  refuse(line.isNoreply ? "" : reply, swallow)

const isReport = (text: string): text is StatsReport => (STATS_REPORTS as ReadonlyArray<string>).includes(text)

const text = ({ bytes, offsets }: Line, word: number): string =>
  byteString(bytes, offsets[2 * word], offsets[2 * word + 1])

const is = ({ bytes, offsets }: Line, word: number, text: string): boolean =>
  equals(bytes, offsets[2 * word], offsets[2 * word + 1], text)

const isNegative = ({ bytes, offsets }: Line, word: number): boolean => bytes[offsets[2 * word]] === 0x2d

const keyAt = ({ bytes, offsets }: Line, word: number): Key.Key | undefined => {
  const key = Key.fromWire(bytes, offsets[2 * word], offsets[2 * word + 1])
  return Key.isKey(key) ? key : undefined
}

// One bad key spoils the whole line, the good ones before it included.
const keysFrom = (line: Line, first: number): ReadonlyArray<Key.Key> | undefined => {
  const keys: Array<Key.Key> = []
  for (let word = first; word < line.words; word++) {
    const key = keyAt(line, word)
    if (key === undefined) return undefined
    keys.push(key)
  }
  return keys
}

const uint64At = ({ bytes, offsets, words }: Line, word: number): bigint | undefined =>
  word < words ? uint64(bytes, offsets[2 * word], offsets[2 * word + 1]) : undefined

const uint32 = (line: Line, word: number): number | undefined => {
  const n = uint64At(line, word)
  return n === undefined || n > 0xffff_ffffn ? undefined : Number(n)
}

// Strict: a minus is the only sign, and what does not fit is refused.
const int32 = (line: Line, word: number): number | undefined => {
  if (word >= line.words) return undefined
  const { bytes, offsets } = line
  const negative = isNegative(line, word)
  const n = digits(bytes, offsets[2 * word] + (negative ? 1 : 0), offsets[2 * word + 1])
  if (n < 0 || n > MAX_EXPTIME + (negative ? 1 : 0)) return undefined
  return negative ? 0 - n : n
}

// Flags and exptime of storage lines are still read with strtoul and strtol: a plus is taken, 64 bits fit, and then all
// but 32 of them are dropped, which is how 2^32 becomes 0.
const wrapped = ({ bytes, offsets }: Line, word: number, max: bigint): number | undefined => {
  const start = offsets[2 * word]
  const end = offsets[2 * word + 1]
  const hasSign = bytes[start] === 0x2d || bytes[start] === 0x2b
  const n = uint64(bytes, hasSign ? start + 1 : start, end)
  if (n === undefined || n > max) return undefined
  return Number(BigInt.asIntN(32, bytes[start] === 0x2d ? -n : n))
}
