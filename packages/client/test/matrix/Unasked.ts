/**
 * Rows of the fault matrix: replies that nobody asked for, and errors after which the next reply may be one.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import type { Key } from "@effect-memcache/protocol/Key"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import { itemAt } from "@effect-memcache/protocol/Pipeline"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import * as Checker from "@effect-memcache/testing/Checker"
import type { Settled } from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import { quantile } from "@effect-memcache/testing/Ledger"
import * as Address from "@effect-memcache/transport/Address"
import type { Connection } from "@effect-memcache/transport/Connection"
import * as NodeTransport from "@effect-memcache/transport/NodeTransport"
import { Transport } from "@effect-memcache/transport/Transport"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Promised, Row, Run } from "./Row.ts"
import { SLACK } from "./Row.ts"

/** Rows about what happens, not when: a processor that others use must not decide them. */
const PATIENT = 2000
const patient = { connectTimeout: PATIENT, deadHost: { failureLimit: 1000 } } as const

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

const areAll = (settled: ReadonlyArray<{ readonly ended: string }>, ended: string): boolean =>
  settled.every((one) => one.ended === ended)

const ROUNDS = 100

const replyTwice: Row = {
  number: 30,
  title: "a reply twice",
  expected: "destroyed before another operation is paired; the next one ok on a new connection",
  quick: true,
  deadline: PATIENT,
  connects: ROUNDS + 1,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer()
    const { checked } = yield* row.client({ ...patient, servers: server.address })
    const keys = ["a", "b", "c", "d"]
    yield* Effect.forEach(keys, (key) => checked.set(key))
    const first: Array<string> = []
    const others: Array<{ readonly ended: string }> = []
    const next: Array<string> = []
    for (let i = 0; i < ROUNDS; i++) {
      yield* server.script([FaultScript.on({ times: 1 }, FaultScript.duplicate)])
      const together = yield* Effect.forEach(keys, checked.get, { concurrency: "unbounded" })
      first.push(together[0].ended)
      others.push(...together.slice(1))
      next.push((yield* checked.get("b")).ended)
    }
    row.expect("the one with two replies", first.every((ended) => ended === "hit"), new Set(first))
    const endings = Checker.endings(others)
    row.expect("those behind it", endings["hit"] === undefined, endings)
    row.expect("the next", next.every((ended) => ended === "hit"), new Set(next))
    const { accepted } = server.log.counters
    row.expect("connections", accepted === ROUNDS + 1, accepted)
  })
}

/** What nobody asked for: replies, errors, halves of lines, and no protocol at all. */
const PUSHED = [
  "EN\r\n",
  "HD O1\r\n",
  "VA 5 f0 O1\r\nwrong\r\n",
  "VALUE a 0 5\r\nwrong\r\nEND\r\n",
  "SERVER_ERROR out of memory\r\n",
  "ERROR Too many open connections\r\n",
  "\r\n",
  "V",
  "\x81".padEnd(24, "\0")
]

const ERROR_OR_RIGHT = /^(hit|OutOfMemoryError rejected|ConnectError not-sent|ProtocolError unknown)$/

const PUSHES = 10 * PUSHED.length
const PAIRS = 60

/** So many reads at once make the client open a second connection. */
const BURST = 60

const unasked: Row = {
  number: 32,
  title: "bytes that nobody asked for, on an idle connection",
  expected: "destroyed at once; the next ok; it takes < 0.1 ms longer",
  quick: true,
  deadline: PATIENT,
  connects: 2 * PUSHES + 1 + PAIRS + 2,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer()
    const { checked } = yield* row.client({ ...patient, servers: server.address, connections: 1 })
    yield* checked.set("a")
    const destroyed: Array<number> = []
    const next: Array<Settled<unknown, Promised>> = []
    const racing: Array<Settled<unknown, Promised>> = []
    const misled: Array<Settled<unknown, Promised>> = []
    for (let i = 0; i < PUSHES; i++) {
      const { closed } = server.log.counters
      const pushed = PUSHED[i % PUSHED.length]
      const from = performance.now()
      yield* server.push(pushed)
      yield* Effect.timeoutOption(server.until((log) => log.counters.closed > closed), PATIENT)
      const until = performance.now()
      destroyed.push(until - from - row.checker.lag.between(from, until))
      next.push(yield* checked.get("a"))
      // In the same turn of the loop: the bytes lie in the kernel when the request is written.
      yield* server.push(pushed)
      if (pushed.includes("ERROR")) misled.push(yield* checked.get("a"), yield* checked.get("a"))
      else racing.push(yield* checked.get("a"))
      next.push(yield* checked.get("a"))
    }
    row.expect("destroyed after ms, at most", Math.max(...destroyed) <= SLACK, Math.max(...destroyed))
    row.fact("median", quantile(Float64Array.from(destroyed), 0.5))
    row.expect("the next", areAll(next, "hit"), Checker.endings(next))
    const race = Checker.endings(racing)
    row.expect("in a race with a request", areAll(racing, "ProtocolError unknown"), race)
    // An error line carries no opaque and may answer anything: that operation fails, and what is behind it is destroyed.
    const isTyped = misled.every(({ ended }) => ERROR_OR_RIGHT.test(ended))
    row.expect("with an error line", isTyped, Checker.endings(misled))
    const { before, longer } = yield* latencies(row)
    row.fact("a read takes ms", before)
    row.expect("longer by ms", longer < 0.1, longer.toFixed(3))
  })
}

/** Reads before and after the connection that they would have taken was destroyed, while a second one is open. */
const latencies = Effect.fnUntraced(function*(row: Run) {
  const server = yield* row.faultServer()
  const { checked } = yield* row.client({ ...patient, servers: server.address, connections: 2 })
  yield* checked.set("a")
  const timed = Effect.map(
    // As long a pause before each, because a processor that has slept is slower.
    Effect.andThen(Effect.sleep(2), checked.get("a")),
    ({ settle, start }) => settle - start
  )
  const before: Array<number> = []
  const after: Array<number> = []
  for (let i = 0; i < PAIRS; i++) {
    while (server.log.open < 2) {
      yield* Effect.forEach(numbers(BURST), () => checked.get("a"), { concurrency: "unbounded", discard: true })
      yield* Effect.sleep(1)
    }
    before.push(yield* timed)
    const { closed } = server.log.counters
    // The second is open since this round, so the first, which single commands go to, is the one with the last index but one.
    yield* server.push("EN\r\n", server.log.counters.accepted - 1)
    yield* server.until((log) => log.counters.closed > closed)
    after.push(yield* timed)
  }
  const median = (times: ReadonlyArray<number>) => quantile(Float64Array.from(times), 0.5)
  return { before: median(before), longer: median(after) - median(before) }
})

const MANY = 10_000

/** For a memcached with `-I 512k`; with much less 1.6.18 crashes at the first item. */
const TOO_LARGE = 530_000

/** One in so many is too large, because half a megabyte is sent for each. */
const SELDOM = 500

/** Which kind of operation it is the turn of. */
const kindOf = (i: number): "clash" | "too large" | "read" =>
  i % SELDOM === 1 ? "too large" : i % 4 === 0 ? "clash" : "read"

const COUNTS = numbers(MANY).reduce(
  (counts, i) => ({ ...counts, [kindOf(i)]: counts[kindOf(i)] + 1 }),
  { clash: 0, "too large": 0, read: 0 }
)

/** What a connection below the client, which checks nothing, needs to know. */
const connect = (address: string): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function*() {
    const [host, port] = address.split(":")
    const transport = yield* Transport
    return yield* transport.connect(Address.tcp(host, Number(port)), {
      protocol: "auto",
      connectTimeout: PATIENT,
      commandTimeout: PATIENT,
      stallTimeout: 2 * PATIENT,
      maxInFlight: { commands: MANY, bytes: 1e9 },
      maxItemSize: 1_048_576
    })
  }).pipe(Effect.provide(NodeTransport.layer()), Effect.orDie)

const isTag = (tag: string) => ({ reply }: Answer): string => reply._tag === tag ? "right" : reply._tag

const get = (key: string): Command => ({ _tag: "Get", keys: [key as Key], withCas: false })

/** The meta dialect without the rule that nothing quiet is sent. */
const quietDialect: Dialect = { ...metaDialect, supports: () => true }

const VALUE = new Uint8Array(TOO_LARGE).fill(0x78)

const quiet = (key: string, size: number, ...flags: ReadonlyArray<string>): Command => ({
  _tag: "MetaSet",
  key: key as Key,
  value: VALUE.subarray(0, size),
  flags: ["q", ...flags]
})

const quietErrors: Row = {
  number: 34,
  title: "errors to commands that are quiet when all is well",
  expected: "each counted and where it belongs, 10⁴ operations; nothing quiet is ever sent",
  quick: false,
  needs: "memcached",
  deadline: PATIENT,
  limit: 60,
  connects: 1,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached({ maxItemSize: "512k" })
    const proxy = yield* row.faultProxy({ target: server })
    const client = yield* row.client({ ...patient, servers: proxy.address, connections: 1 })
    const { cache, checked } = client
    yield* Effect.forEach(numbers(10), (i) => checked.set(`read:${i}`))
    yield* checked.set("clash")
    const { cas } = Option.getOrThrow(yield* cache.gets("clash"))
    yield* checked.set("clash")
    const clashes: Array<Settled<string, Promised>> = []
    const refusals: Array<Settled<boolean, Promised>> = []
    const reads: Array<Settled<unknown, Promised>> = []
    yield* Effect.forEach(
      numbers(MANY),
      (i): Effect.Effect<unknown> => {
        switch (kindOf(i)) {
          case "clash": {
            const swap = checked.operation(cache.compareAndSwap("clash", "never", cas), (answer) => answer)
            return Effect.map(swap, (one) => clashes.push(one))
          }
          case "too large":
            return Effect.map(checked.set(`large:${i % 10}`, TOO_LARGE), (one) => refusals.push(one))
          case "read":
            return Effect.map(checked.get(`read:${i % 10}`), (one) => reads.push(one))
        }
      },
      { concurrency: 200, discard: true }
    )
    row.expect("clashes", areAll(clashes, "exists") && clashes.length === COUNTS.clash, Checker.endings(clashes))
    const areRefused = areAll(refusals, "ValueTooLargeError rejected") && refusals.length === COUNTS["too large"]
    row.expect("too large", areRefused, Checker.endings(refusals))
    row.expect("reads", areAll(reads, "hit") && reads.length === COUNTS.read, Checker.endings(reads))
    yield* belowTheClient(row, server.address)
  })
}

/** The client sends nothing that is quiet, so this goes below it: what if there were such a command in the pipeline? */
const belowTheClient = Effect.fnUntraced(function*(row: Run, address: string) {
  const connection = yield* connect(address)
  const { operation } = row.checker
  const ask = (command: Command, word: (answer: Answer) => string) =>
    operation.call(row.checker, connection.send(command), (answer) => word(answer as Answer))
  const refused = yield* ask(quiet("clash", 1), isTag("nothing"))
  row.expect("a quiet command", refused.ended === "UnsupportedError not-sent", refused.ended)
  const known = bytes("what lies under this key")
  yield* connection.send({ _tag: "MetaSet", key: "known" as Key, value: known, flags: [] })
  connection.speak(quietDialect, { version: connection.version, hasBareMisses: false })
  const isKnown = (answer: Answer) =>
    Buffer.compare(itemAt(answer, 0)?.value ?? bytes(""), known) === 0 ? "right" : "wrong"
  const settled = yield* Effect.forEach(
    numbers(MANY),
    (i) => {
      switch (kindOf(i)) {
        case "clash":
          return ask(quiet("known", 5, "C1"), isTag("Exists"))
        case "too large":
          return ask(quiet("large", TOO_LARGE), isTag("ServerError"))
        case "read":
          return ask(get("known"), isKnown)
      }
    },
    { concurrency: 200 }
  )
  const isOpen = connection.closed === undefined
  row.expect("quiet ones below the client", areAll(settled, "right") && isOpen, Checker.endings(settled))
  // One that is carried out is not answered, so that the reply of the next is one too early.
  const stored = { _tag: "MetaSet", key: "stored" as Key, value: bytes("value"), flags: [] } as const
  const silent = yield* Effect.forEach(
    [quiet("other", 5), stored, get("known")],
    (command) => ask(command, isTag("nothing")),
    { concurrency: "unbounded" }
  )
  row.expect("one that succeeds in silence", areAll(silent, "ProtocolError unknown"), Checker.endings(silent))
})

const REFUSAL = "CLIENT_ERROR bad command line format\r\n"

/** memcached before 1.6.40 carries this out when it refuses the line before it. */
const SMUGGLED = "flush_all"

const refusedHeader: Row = {
  number: 35,
  title: "CLIENT_ERROR to the line before a value",
  expected: "the connection destroyed, nothing behind it paired; with keys checked the victim is intact",
  quick: true,
  needs: "memcached",
  deadline: PATIENT,
  connects: ROUNDS + 2,
  run: Effect.fnUntraced(function*(row) {
    const fake = yield* row.faultServer()
    const { checked } = yield* row.client({ ...patient, servers: fake.address })
    yield* checked.set("victim")
    const refused: Array<Settled<unknown, Promised>> = []
    const behind: Array<Settled<unknown, Promised>> = []
    const next: Array<Settled<unknown, Promised>> = []
    for (let i = 0; i < ROUNDS; i++) {
      // An old server reads the value as a command, whose reply nobody asked for; a new one only refuses.
      const reply = i % 2 === 0 ? `${REFUSAL}OK\r\n` : REFUSAL
      yield* fake.script([FaultScript.on({ verb: "ms", times: 1 }, FaultScript.replyBytes(reply))])
      const [first, ...others] = yield* Effect.all(
        [checked.set(`key:${i}`), checked.get("victim"), checked.get("absent")],
        { concurrency: "unbounded" }
      )
      refused.push(first)
      behind.push(...others)
      next.push(yield* checked.get("victim"))
    }
    row.expect("the refused one", areAll(refused, "ClientError rejected"), Checker.endings(refused))
    row.expect("those behind it", areAll(behind, "ProtocolError unknown"), Checker.endings(behind))
    row.expect("the next", areAll(next, "hit"), Checker.endings(next))
    const { accepted } = fake.log.counters
    row.expect("connections", accepted === ROUNDS + 1, accepted)
    yield* withAndWithoutChecks(row)
  })
}

/** On a real memcached: with the key checked, and below the client, where nothing is. */
const withAndWithoutChecks = Effect.fnUntraced(function*(row: Run) {
  const server = yield* row.memcached()
  row.fact("memcached", server.version)
  const proxy = yield* row.faultProxy({ target: server })
  const { cache, checked } = yield* row.client({ ...patient, servers: proxy.address })
  yield* checked.set("victim")
  const long = "k".repeat(251)
  const { bytesUp } = proxy.traffic
  const stopped = yield* checked.operation(cache.set(long, SMUGGLED))
  row.expect("checked", stopped.ended === "KeyLengthError", stopped.ended)
  row.expect("bytes written", proxy.traffic.bytesUp === bytesUp, proxy.traffic.bytesUp - bytesUp)
  const intact = yield* checked.get("victim")
  row.expect("the victim", intact.ended === "hit", intact.ended)
  const connection = yield* connect(server.address)
  const value = bytes(SMUGGLED)
  const unchecked: Command = {
    _tag: "Store",
    mode: "set",
    key: long as Key,
    flags: 0,
    exptime: 0,
    value,
    noreply: false
  }
  const settled = yield* Effect.forEach(
    [unchecked, get("victim"), get("absent")],
    (command) => row.checker.operation(connection.send(command), ({ reply }) => reply._tag),
    { concurrency: "unbounded" }
  )
  const ended = settled.map(({ ended }) => ended)
  row.expect(
    "unchecked",
    ended[0] === "ClientError" && areAll(settled.slice(1), "ProtocolError unknown"),
    ended.join(", ")
  )
  row.expect("its connection", connection.closed !== undefined, connection.closed?.message ?? "open")
  const raw = yield* checked.operation(
    cache.get("victim"),
    Option.match({ onNone: () => "lost", onSome: () => "intact" })
  )
  row.fact("the victim then", raw.ended)
})

export const rows: ReadonlyArray<Row> = [replyTwice, unasked, quietErrors, refusedHeader]
