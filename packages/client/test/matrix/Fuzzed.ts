/**
 * Row of the fault matrix: a million streams that are nearly right.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import type { Key } from "@effect-memcache/protocol/Key"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import { Pipeline } from "@effect-memcache/protocol/Pipeline"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import * as Checker from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Effect from "effect/Effect"
import * as Fuzz from "./Fuzz.ts"
import type { Row, Run } from "./Row.ts"

const STREAMS = 1_000_000

/** Made before they are read, so that only reading is measured. */
const BATCH = 1000

/** Errors that are shown. */
const SHOWN = 5

const MICROSECONDS_PER_BYTE = 1

const MAX_ITEM_SIZE = 4096

const name = (text: string): Key => text as Key

/** Enough of each kind for any beginning of a transcript. */
const COMMANDS: ReadonlyArray<Command> = [
  { _tag: "Get", keys: [name("foo")], withCas: false },
  { _tag: "Store", mode: "set", key: name("foo"), flags: 0, exptime: 0, value: new Uint8Array(3), noreply: false },
  { _tag: "Get", keys: [name("foo"), name("a"), name("key")], withCas: true },
  { _tag: "Arithmetic", mode: "incr", key: name("n"), delta: 1n, create: undefined, noreply: false },
  { _tag: "Delete", key: name("foo"), noreply: false },
  { _tag: "Touch", key: name("foo"), exptime: 1, noreply: false },
  { _tag: "MetaNoop" },
  { _tag: "Stats", report: undefined }
]

interface Counts {
  answered: number
  poisoned: number
  waiting: number
}

const buffer = new WriteBuffer()

/** One stream for commands that are owed; what cannot be is thrown. */
const feed = (dialect: Dialect, stream: Uint8Array, first: number, cut: number, counts: Counts): void => {
  // Of a recorded meta stream the opaques are small numbers, so that some of them fit.
  let opaque = first
  const pipeline = new Pipeline<number>({ dialect, maxItemSize: MAX_ITEM_SIZE, nextOpaque: () => ++opaque })
  for (let i = 0; i < COMMANDS.length; i++) pipeline.enqueue(COMMANDS[(i + first) % COMMANDS.length], i)
  pipeline.stamp(1)
  pipeline.encode(buffer, Infinity, 0)
  buffer.take()
  let settled = 0
  for (const chunk of [stream.subarray(0, cut), stream.subarray(cut)]) {
    if (pipeline.poison !== undefined) break
    pipeline.push(chunk)
    for (let slot = pipeline.next(); slot !== undefined; slot = pipeline.next()) {
      if (slot.owner !== settled++) throw new Error("a command was settled out of turn")
      if (slot.reply._tag === "Malformed") throw new Error("a malformed reply was handed on")
    }
  }
  counts.answered += settled
  if (pipeline.poison !== undefined) counts.poisoned++
  else if (pipeline.oldest !== undefined) counts.waiting++
}

const feedAll = (streams: ReadonlyArray<Uint8Array>, counts: Counts, thrown: Array<string>): void => {
  streams.forEach((stream, i) => {
    try {
      feed(i % 2 === 0 ? metaDialect : textDialect, stream, i % 7, (i * 31) % (stream.length + 1), counts)
    } catch (error) {
      if (thrown.length < SHOWN) thrown.push(String(error))
    }
  })
}

const milliseconds = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (system + user) / 1000
}

const fuzzed: Row = {
  number: 46,
  title: "a million mutated transcripts",
  expected: "a value or a typed error; 0 throws; ≤ 1 µs a byte",
  quick: false,
  limit: 120,
  deadline: 2000,
  connects: 2 * 300 + 2,
  run: Effect.fnUntraced(function*(row) {
    const fuzz = yield* Effect.promise(Fuzz.load)
    const seeds = [...fuzz.recordedReplies(), ...fuzz.handmade("replies")]
    const random = new fuzz.Random(46)
    const mutator = new fuzz.Mutator(random, "lines", seeds)
    const counts: Counts = { answered: 0, poisoned: 0, waiting: 0 }
    const thrown: Array<string> = []
    let bytes = 0
    let took = 0
    let slowest = 0
    for (let done = 0; done < STREAMS; done += BATCH) {
      const batch = Array.from({ length: BATCH }, () => mutator.next())
      const size = batch.reduce((sum, { length }) => sum + length, 0)
      const from = milliseconds()
      feedAll(batch, counts, thrown)
      const passed = milliseconds() - from
      bytes += size
      took += passed
      slowest = Math.max(slowest, passed * 1000 / size)
      // The loop must go on, or lag and timers are not what they seem.
      if (done % (100 * BATCH) === 0) yield* Effect.sleep(0)
    }
    row.expect("thrown", thrown.length === 0, thrown.length === 0 ? 0 : thrown.join(" | "))
    row.expect("answered", counts.answered > STREAMS / 10, counts.answered)
    row.expect("poisoned", counts.poisoned > STREAMS / 10, counts.poisoned)
    row.fact("still waiting", counts.waiting)
    const microseconds = took * 1000 / bytes
    row.expect("µs a byte", microseconds <= MICROSECONDS_PER_BYTE, microseconds.toFixed(3))
    row.expect("in the slowest thousand", slowest <= MICROSECONDS_PER_BYTE, slowest.toFixed(3))
    row.fact("MB", bytes / 1e6)
    yield* throughTheClient(row, mutator)
  })
}

const SOME = 300

/** Some of them through all of the client: every operation ends, with what it promised to end with. */
const throughTheClient = Effect.fnUntraced(function*(row: Run, mutator: { readonly next: () => Uint8Array }) {
  for (const protocol of ["meta", "text"] as const) {
    const server = yield* row.faultServer()
    const options = { servers: server.address, protocol, connectTimeout: 2000, deadHost: { failureLimit: 1_000_000 } }
    const { cache, checked } = yield* row.client(options)
    const settled: Array<{ readonly ended: string }> = []
    const right: Array<{ readonly ended: string }> = []
    for (let i = 0; i < SOME; i++) {
      // A server whose connections are of no use at all would be given up.
      yield* server.script([])
      const before = yield* checked.operation(cache.version)
      right.push(before)
      // With an end, so that nothing waits for the deadline.
      const steps = [FaultScript.replyBytes(mutator.next()), FaultScript.fin]
      yield* server.script([FaultScript.on({ times: 1 }, ...steps)])
      const some = [
        checked.operation(cache.get("foo"), (value) => value._tag),
        checked.operation(cache.set("foo", "bar"), String),
        checked.operation(cache.increment("n"), (value) => value._tag)
      ]
      settled.push(...yield* Effect.all(some, { concurrency: "unbounded" }))
    }
    row.expect(`${protocol}: before each`, right.every(({ ended }) => ended === "ok"), Checker.endings(right))
    const endings = Checker.endings(settled)
    const isDecided = settled.every(({ ended }) => !/^(TimeoutError|ServerDeadError)/.test(ended))
    row.expect(`${protocol}: through the client`, isDecided && endings["ProtocolError unknown"] > SOME, endings)
  }
})

export const rows: ReadonlyArray<Row> = [fuzzed]
