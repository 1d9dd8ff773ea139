/**
 * Reply lines and reply streams, read as a client reads them: the two decoders, and the reader that cuts the stream.
 */
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import type { Key } from "@effect-memcache/protocol/Key"
import * as MetaEncoder from "@effect-memcache/protocol/meta/ResponseEncoder"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import type { Reply, Value } from "@effect-memcache/protocol/Reply"
import { ResponseReader } from "@effect-memcache/protocol/ResponseReader"
import * as TextEncoder from "@effect-memcache/protocol/text/ResponseEncoder"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import * as Corpus from "../Corpus.ts"
import { Random } from "../Random.ts"
import type { Target } from "../Target.ts"
import { check, checkSame } from "../Target.ts"
import { latin1, ofReply } from "./Text.ts"

/** Small, so that mutated lengths lie on both sides of it. */
const MAX_ITEM_SIZE = 256

const MAX_LINE = 2048
const CR = 0x0d
const LF = 0x0a

const seeds = (): Array<Uint8Array> => [...Corpus.recordedReplies(), ...Corpus.handmade("replies")]

/** The lines of all seeds, without their ends. */
const lines = (): Array<Uint8Array> => {
  const unique = new Set(seeds().flatMap((seed) => latin1(seed).split("\r\n")).filter((line) => line !== ""))
  return Array.from(unique, (line) => Uint8Array.from(line, (char) => char.charCodeAt(0)))
}

const isMetaReply = (reply: Reply): boolean =>
  reply._tag === "Noop" || reply._tag === "Debug" ||
  ("isText" in reply && !reply.isText)

const CODES: ReadonlyMap<string, MetaEncoder.MetaReply["code"]> = new Map([
  ["Value", "VA"],
  ["Header", "HD"],
  ["End", "EN"],
  ["NotStored", "NS"],
  ["Exists", "EX"],
  ["NotFound", "NF"],
  ["Noop", "MN"],
  ["Debug", "ME"]
])

/** Writes what was read. `null` where the encoder has nothing to write it with. */
const write = (reply: Reply): Uint8Array => {
  const buffer = new WriteBuffer()
  if (!isMetaReply(reply)) {
    check(TextEncoder.encode(buffer, reply), "a reply of the text dialect cannot be written")
    return buffer.take()
  }
  const code = CODES.get(reply._tag)!
  const text = reply._tag === "Debug" ? `${reply.key} ${reply.text}` : undefined
  MetaEncoder.encode(buffer, {
    code,
    flags: flagsOf(reply),
    text,
    value: "value" in reply ? (reply as Value).value : undefined
  })
  return buffer.take()
}

const flagsOf = (reply: Reply): ReadonlyArray<string> => {
  if (!("isBase64" in reply)) return []
  const flags: Array<string> = []
  if (reply.opaque !== -1) flags.push(`O${reply.opaque}`)
  if (reply.key !== undefined) flags.push(`k${reply.key}`)
  if (reply.isBase64) flags.push("b")
  if (reply.flags !== 0) flags.push(`f${reply.flags}`)
  if (reply.cas !== undefined) flags.push(`c${reply.cas}`)
  if (reply.size !== undefined) flags.push(`s${reply.size}`)
  if (reply.ttl !== undefined) flags.push(`t${reply.ttl}`)
  if (reply.lastAccess !== undefined) flags.push(`l${reply.lastAccess}`)
  if (reply.isHitBefore !== undefined) flags.push(`h${reply.isHitBefore ? 1 : 0}`)
  if (reply.isWin) flags.push("W")
  if (reply.isStale) flags.push("X")
  if (reply.isWinSent) flags.push("Z")
  return flags
}

const isWord = (key: string): boolean =>
  key.length > 0 && key.length <= 250 && Array.from(key).every((char) => char > " " && char !== "\x7f")

/** Every number in the range that its field has, no key that could not be one. */
const checkFields = (reply: Reply): void => {
  if (!("isBase64" in reply)) return
  const isCount = (n: number | undefined): boolean => n === undefined || (Number.isSafeInteger(n) && n >= 0)
  check(reply.opaque === -1 || isCount(reply.opaque), "an opaque is no safe integer")
  check(reply.flags >= 0 && reply.flags <= 2 ** 64, "flags are out of range")
  check(isCount(reply.size) && isCount(reply.lastAccess), "a size or an age is no safe integer")
  check(reply.ttl === undefined || reply.ttl === -1 || isCount(reply.ttl), "a time to live is out of range")
  check(reply.cas === undefined || (reply.cas >= 0n && reply.cas < 1n << 64n), "a cas unique is out of range")
  check(reply.key === undefined || isWord(reply.key), "a key is none")
  if (reply._tag === "Value") check(isCount(reply.length), "a length is no safe integer")
}

/** A decoder is told which key is likely. A wrong guess must change nothing, least of all the key. */
const checkGuesses = (dialect: Dialect, input: Uint8Array, reply: Reply): void => {
  if (!("isBase64" in reply) || reply.key === undefined) return
  const { key } = reply
  const said = ofReply(reply)
  for (const guess of [key, key.slice(0, -1), `${key}a`, `a${key.slice(1)}`, `${key.slice(0, -1)}a`, ""]) {
    checkSame([ofReply(dialect.parse(input, 0, input.length, guess as Key))], [said], `read with the guess ${guess}`)
  }
}

const NOTHING = new Uint8Array(0)

const lineTarget = (dialect: Dialect): Target => ({
  name: `${dialect.name}-reply-line`,
  about: "one line to the decoder; fields in range, and what was read and written again reads the same",
  kind: "lines",
  share: 16,
  seeds: lines,
  run: (input) => {
    const reply = dialect.parse(input, 0, input.length)
    if (reply._tag === "Malformed") {
      check(reply.reason.length < 300, "the reason quotes more than 40 bytes")
      return input.length
    }
    checkFields(reply)
    checkGuesses(dialect, input, reply)
    // Flags above 2^53 are not shown exactly, and nobody writes such ones.
    if ("flags" in reply && !Number.isSafeInteger(reply.flags)) return input.length
    if (reply._tag === "Value") {
      if (reply.length > 4096) return input.length
      reply.value = reply.length === 0 ? NOTHING : new Uint8Array(reply.length)
    }
    const line = write(reply)
    const end = line.length - 2 - (reply._tag === "Value" ? reply.length + 2 : 0)
    const again = dialect.parse(line, 0, end)
    if (again._tag === "Value" && reply._tag === "Value") again.value = reply.value
    checkSame([ofReply(again)], [ofReply(reply)], "read, written and read again")
    return input.length + line.length
  }
})

/** Every reply of either dialect begins with a capital or a digit. */
const STARTS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/** What the reader must find, by the most obvious means: all bytes are there, and a line is searched from its start. */
const reference = (dialect: Dialect, input: Uint8Array): ReadonlyArray<string> => {
  const replies: Array<string> = []
  const broken = (): ReadonlyArray<string> => [...replies, "Malformed"]
  for (let at = 0;;) {
    // No line end makes a reply of what begins with such a byte, so it is not waited for.
    if (at < input.length && !STARTS.includes(String.fromCharCode(input[at]))) return broken()
    const found = input.indexOf(LF, at)
    const end = found < 0 ? input.length : found
    if (end - at > MAX_LINE + 1) return broken()
    if (found < 0) return replies
    if (end === at || input[end - 1] !== CR) return broken()
    const reply = dialect.parse(input, at, end - 1)
    at = end + 1
    if (reply._tag === "Value") {
      const { length } = reply
      if (length > MAX_ITEM_SIZE) return broken()
      if (at + length + 2 > input.length) return replies
      if (input[at + length] !== CR || input[at + length + 1] !== LF) return broken()
      reply.value = input.subarray(at, at + length)
      at += length + 2
    }
    replies.push(ofReply(reply))
    if (reply._tag === "Malformed") return replies
  }
}

const readAll = (dialect: Dialect, input: Uint8Array, sizeOf: () => number, keep: boolean): ReadonlyArray<string> => {
  const reader = new ResponseReader({ parse: dialect.parse, maxItemSize: MAX_ITEM_SIZE })
  const replies: Array<string> = []
  for (let at = 0; at < input.length;) {
    const end = Math.min(at + sizeOf(), input.length)
    reader.push(input.subarray(at, end))
    at = end
    for (let reply = reader.next(keep); reply !== undefined; reply = reader.next(keep)) {
      replies.push(ofReply(reply, keep))
      check(replies.length <= input.length, "more replies than bytes")
      if (reply._tag !== "Malformed") {
        check(
          keep || !("value" in reply) || reply._tag === "Counter" || reply._tag === "Stat" ||
            reply.value.length === 0,
          "a value that nobody waits for was kept"
        )
        continue
      }
      check(reader.next(keep) === reply, "a reader goes on after a malformed reply")
      return replies
    }
  }
  return replies
}

/** A reply without its value, as a reader that skips shows it. */
const withoutValue = (dialect: Dialect, input: Uint8Array): ReadonlyArray<string> =>
  readAll(dialect, input, () => Infinity, false)

const streamTarget = (dialect: Dialect): Target => ({
  name: `${dialect.name}-reply-stream`,
  about: "a stream to the reader, whole, in random chunks and byte by byte, kept and skipped; all readings the same",
  kind: "lines",
  share: 8,
  seeds,
  run: (input) => {
    const whole = readAll(dialect, input, () => Infinity, true)
    checkSame(whole, reference(dialect, input), "read in one chunk")
    // The chunks follow from the bytes, so that the input alone repeats a failure.
    const random = new Random(input.length * 65_537 + (input[0] ?? 0) * 257 + (input[input.length >> 1] ?? 0))
    checkSame(readAll(dialect, input, () => 1 + random.below(24), true), whole, "read in random chunks")
    checkSame(readAll(dialect, input, () => 1, true), whole, "read byte by byte")
    const skipped = withoutValue(dialect, input)
    check(skipped.length === whole.length, "a reader that skips values finds another number of replies")
    checkSame(readAll(dialect, input, () => 1 + random.below(24), false), skipped, "skipped in random chunks")
    return input.length * 5
  }
})

/** The decoders and the reader of both dialects. */
export const targets: ReadonlyArray<Target> = [
  lineTarget(metaDialect),
  lineTarget(textDialect),
  streamTarget(metaDialect),
  streamTarget(textDialect)
]
