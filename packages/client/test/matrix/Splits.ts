/**
 * Rows of the fault matrix: where the system cuts the stream, in single bytes or not at all for ten thousand replies.
 */
import { bytes, byteString } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import type { Key } from "@effect-memcache/protocol/Key"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import { Pipeline } from "@effect-memcache/protocol/Pipeline"
import type { Slot } from "@effect-memcache/protocol/Pipeline"
import type { Reply } from "@effect-memcache/protocol/Reply"
import { ResponseReader } from "@effect-memcache/protocol/ResponseReader"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Fuzz from "./Fuzz.ts"
import * as GatheringTransport from "./GatheringTransport.ts"
import { collector } from "./Restarts.ts"
import type { Row } from "./Row.ts"

const key = (text: string): Key => text as Key

const get = (...keys: ReadonlyArray<string>): Command => ({ _tag: "Get", keys: keys.map(key), withCas: false })

const set: Command = {
  _tag: "Store",
  mode: "set",
  key: key("s"),
  flags: 0,
  exptime: 0,
  value: bytes("x"),
  noreply: false
}

const increment: Command = {
  _tag: "Arithmetic",
  mode: "incr",
  key: key("n"),
  delta: 1n,
  create: undefined,
  noreply: false
}

const remove: Command = { _tag: "Delete", key: key("d"), noreply: false }

const flush: Command = { _tag: "FlushAll", delay: undefined, noreply: false }

/** What was asked, and what came: right answers, wrong ones, and beginnings of either. The first opaque is 1. */
const STREAMS: ReadonlyArray<readonly [Dialect, ReadonlyArray<Command>, string]> = [
  [metaDialect, [get("a"), set], "EN O1\r\nHD O2\r\n"],
  [metaDialect, [get("a")], "VA 3 O1\r\na\r\n\r\n"],
  [metaDialect, [get("a")], "VA 2 O1 f1\r\n\r\n"],
  [metaDialect, [get("a")], "VA 1 O1\r\nab\r\n"],
  [metaDialect, [get("a")], "VA 0 O1\r\n\r\n"],
  [metaDialect, [get("a"), get("b")], "EN O1\nEN O2\r\n"],
  [metaDialect, [get("a"), get("b")], "EN O2\r\nEN O1\r\n"],
  [metaDialect, [get("a")], "EN O1\r\nEN O1\r\n"],
  [metaDialect, [get("a"), set], "SERVER_ERROR x\r\n"],
  [metaDialect, [set, get("a")], "CLIENT_ERROR x\r\n"],
  [metaDialect, [get("a")], "VA -5 O1\r\nhello"],
  [metaDialect, [get("a"), increment], "\x81\0\xffVA 0 O1\r\n\r\n"],
  [textDialect, [get("a")], "VALUE a 0 0\r\n\r\n"],
  [textDialect, [set, get("a")], "STORED\r\nEND\r\n"],
  [textDialect, [increment, flush], "18446744\r\nOK\r\n"],
  [textDialect, [{ _tag: "Stats", report: undefined }], "STAT a 1\r\nEND\r\n"],
  [textDialect, [remove, get("a")], "NOT_FOUND\r\nEND"],
  [textDialect, [get("a"), get("b")], "END\r\nEND\r\nEND\r\n"]
]

/** Longest stream that is split in every way: 2^15 of them. */
const LONGEST = 16

const show = (reply: Reply): string =>
  JSON.stringify(
    reply,
    (_, value: unknown) =>
      typeof value === "bigint"
        ? String(value)
        : value instanceof Uint8Array
        ? byteString(value, 0, value.length)
        : value
  )

const buffer = new WriteBuffer()

/** Everything that callers learn when the stream comes in these chunks. */
const outcome = (
  dialect: Dialect,
  commands: ReadonlyArray<Command>,
  chunks: Iterable<Uint8Array>,
  isAbandoned: boolean
): string => {
  let opaque = 0
  const pipeline = new Pipeline<number>({ dialect, maxItemSize: 64, nextOpaque: () => ++opaque })
  const slots = commands.map((command, i) => pipeline.enqueue(command, i))
  pipeline.stamp(1)
  pipeline.encode(buffer, Infinity, 0)
  buffer.take()
  if (isAbandoned) pipeline.abandon(slots[0])
  const settled: Array<Slot<number>> = []
  for (const chunk of chunks) {
    if (pipeline.poison !== undefined) break
    pipeline.push(chunk)
    for (let slot = pipeline.next(); slot !== undefined; slot = pipeline.next()) settled.push(slot)
  }
  const answers = settled.map((slot) => `${slot.owner} ${show(slot.reply)} ${slot.stats.length}`)
  // Of what nobody asked for, as much as came in one chunk is named: the reason is not the same, what follows from it is.
  const poison = pipeline.oldest === undefined ? pipeline.poison !== undefined : pipeline.poison
  return `${answers.join(" ")}, left ${pipeline.count}, poison ${poison}`
}

function* cut(stream: Uint8Array, places: number): Iterable<Uint8Array> {
  let start = 0
  for (let i = 1; i < stream.length; i++) {
    if ((places >> (i - 1) & 1) === 0) continue
    yield stream.subarray(start, i)
    start = i
  }
  yield stream.subarray(start)
}

const readAll = (dialect: Dialect, chunks: Iterable<Uint8Array>): string => {
  const reader = new ResponseReader({ parse: dialect.parse, maxItemSize: 1_048_576 })
  const replies: Array<string> = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let reply = reader.next(true); reply !== undefined; reply = reader.next(true)) {
      replies.push(show(reply))
      if (reply._tag === "Malformed") return replies.join("\n")
    }
  }
  return replies.join("\n")
}

const everySplit: Row = {
  number: 36,
  title: "a stream that is cut at every byte",
  expected: "the same for all 2ⁿ⁻¹ splits for n ≤ 16; for longer ones in chunks of one byte",
  quick: true,
  run: Effect.fnUntraced(function*(row) {
    const recorded = yield* Effect.promise(Fuzz.load)
    let splits = 0
    const different: Array<string> = []
    for (const [dialect, commands, text] of STREAMS) {
      const stream = bytes(text)
      for (const isAbandoned of text.startsWith("VA") && text.length < LONGEST ? [false, true] : [false]) {
        const whole = outcome(dialect, commands, [stream], isAbandoned)
        for (let places = 1; places < 2 ** (stream.length - 1); places++) {
          splits++
          if (outcome(dialect, commands, cut(stream, places), isAbandoned) === whole) continue
          different.push(`${JSON.stringify(text)} at ${places.toString(2)}`)
          break
        }
      }
    }
    const longest = Math.max(...STREAMS.map(([, , text]) => text.length))
    row.expect("streams, the longest of bytes", longest === LONGEST, `${STREAMS.length}, ${longest}`)
    row.expect("splits", different.length === 0 && splits > 2 ** LONGEST, different[0] ?? splits)
    const long = [...recorded.recordedReplies(), ...recorded.handmade("replies")]
    const torn = long.flatMap((stream) =>
      [metaDialect, textDialect].filter((dialect) =>
        readAll(dialect, [stream]) !== readAll(dialect, Array.from(stream, (byte) => Uint8Array.of(byte)))
      )
    )
    row.expect("recorded streams, byte by byte", torn.length === 0 && long.length > 100, torn.length || long.length)
  })
}

const MANY = 10_000
const PAUSE = 50

/** A miss without an opaque, as memcached sends it before 1.6.18: of those, ten thousand fit one read of Node's. */
const BARE = "EN\r\n"

const manyInOne: Row = {
  number: 37,
  title: "10,000 replies in one chunk",
  expected: "ok; no overflow of the stack; the loop pauses ≤ 50 ms",
  quick: false,
  deadline: 5000,
  // The server's side of ten thousand requests at once is in this process, too.
  memory: 112,
  limit: 60,
  run: Effect.fnUntraced(function*(row) {
    const gc = collector()
    const last = FaultScript.on({ key: `key:${MANY - 1}` }, FaultScript.replyBytes(BARE.repeat(MANY)))
    const old = yield* row.faultServer({
      version: "1.6.12",
      rules: [last, FaultScript.on({}, FaultScript.replyBytes(""))],
      log: { maxEntries: 1000, maxOpaques: 2 * MANY }
    })
    const server = yield* row.faultServer({ log: { maxEntries: 1000, maxOpaques: 2 * MANY } })
    const keys = Array.from({ length: MANY }, (_, i) => `key:${i}`)
    for (const [name, { address, stop }, lines] of [["hits", server, 2 * MANY], ["misses", old, MANY]] as const) {
      const gathering = GatheringTransport.make()
      const options = { servers: address, connections: 1, maxInFlight: { commands: MANY }, connectTimeout: 5000 }
      const { cache, checked, close } = yield* row.client(options, gathering.layer)
      if (name === "misses") yield* cache.version
      else yield* Effect.forEach(keys, (key) => checked.set(key, 1), { concurrency: 100, discard: true })
      // What was before it is not what it takes.
      gc()
      const pauses: Array<number> = []
      for (const round of [1, 2]) {
        const seen = gathering.gather(lines)
        const found = yield* Effect.forEach(keys, (key) => cache.get(key), { concurrency: "unbounded" })
        // The loop has not gone on yet.
        yield* Effect.sleep(1)
        // Judged now, because that takes longer than reading.
        const right = found.filter((value, i) =>
          name === "misses"
            ? Option.isNone(value)
            : row.checker.stamps.judge(keys[i], Option.getOrNull(value)) === "right"
        ).length
        row.expect(`${name} ${round}`, right === MANY, right)
        row.expect(`${name} ${round} in one chunk of bytes`, seen.lines === lines, seen.bytes)
        row.fact(`${name} ${round}: ms`, seen.millis())
        pauses.push(seen.processor())
      }
      // The first compiles, and whoever shares a core makes any of them longer: the shortest is the client's own.
      row.expect(`${name}: ms of the processor`, Math.min(...pauses) <= PAUSE, pauses.map(Math.round).join(" "))
      yield* close
      yield* stop
    }
  })
}

export const rows: ReadonlyArray<Row> = [everySplit, manyInOne]
