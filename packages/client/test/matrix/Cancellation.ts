/**
 * Rows of the fault matrix: whoever asked does not wait any longer.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Resources from "@effect-memcache/testing/Resources"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { rows as crowds } from "./Crowds.ts"
import type { Row } from "./Row.ts"

const MEBIBYTE = 1_048_576

/** As many mebibytes are more than the buffers of both kernels hold. */
const FILLING = 8

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

/** Milliseconds: nothing here may end for its deadline. */
const LONG = 5000

const beforeTheWrite: Row = {
  number: 24,
  title: "interrupted before it is written",
  expected: "0 bytes of it on the wire",
  quick: true,
  deadline: LONG,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer({
      rules: [
        FaultScript.on(
          { key: "pause" },
          FaultScript.stopReading,
          FaultScript.delay(700),
          FaultScript.resumeReading,
          FaultScript.reply
        )
      ]
    })
    // One connection, for what waits behind a full socket would go to another one.
    const { cache, checked } = yield* row.client({
      servers: server.address,
      connections: 1,
      connectTimeout: "2 seconds"
    })
    yield* checked.get("warm")
    // In the turn in which it was sent.
    const quick = yield* Effect.forEach(
      numbers(100),
      (i) => Effect.forkScoped(checked.get(`dropped:turn:${i}`), { startImmediately: true })
    )
    yield* Effect.forEach(quick, Fiber.interrupt, { concurrency: "unbounded" })
    // While the socket takes no more: more than both kernels' buffers hold lies before it.
    const pause = yield* Effect.forkScoped(checked.get("pause"), { startImmediately: true })
    yield* server.until((log) => log.count("mg") >= 2)
    const filling = yield* Effect.forEach(
      numbers(FILLING),
      (i) => Effect.forkScoped(checked.set(`filling:${i}`, MEBIBYTE - 1000), { startImmediately: true })
    )
    yield* Effect.yieldNow
    const kept = yield* Effect.forEach(
      numbers(100),
      (i) => Effect.forkScoped(checked.get(`kept:${i}`), { startImmediately: true })
    )
    const dropped = yield* Effect.forEach(
      numbers(100),
      (i) =>
        Effect.forkScoped(i % 2 === 0 ? checked.get(`dropped:${i}`) : checked.set(`dropped:${i}`), {
          startImmediately: true
        })
    )
    const after = yield* Effect.forEach(
      numbers(100),
      (i) => Effect.forkScoped(checked.get(`kept:after:${i}`), { startImmediately: true })
    )
    yield* Effect.sleep(100)
    const [{ inFlight }] = yield* cache.servers
    yield* Effect.forEach(dropped, Fiber.interrupt, { concurrency: "unbounded" })
    const [state] = yield* cache.servers
    // What was not written is let go of at once; a tombstone would be one in flight.
    row.expect("in flight less", inFlight - state.inFlight === 100, inFlight - state.inFlight)
    const isEarlier = server.log.requests("mg").every(({ key }) => !key.startsWith("kept:"))
    row.expect("nothing was written behind", isEarlier, isEarlier)
    const endings = Checker.endings(yield* Effect.forEach([pause, ...kept, ...after], Fiber.join))
    row.expect("the others", endings["absent"] === 201, endings)
    const stored = Checker.endings(yield* Effect.forEach(filling, Fiber.join))
    row.expect("what was before", stored["stored"] === FILLING, stored)
    const next = yield* checked.get("filling:7")
    row.expect("the next", next.ended === "hit", next.ended)
    const requests = server.log.userRequests
    const written = requests.filter(({ key }) => key.startsWith("dropped:"))
    row.expect("dropped and written", written.length === 0, written.length)
    const ways = row.checker.ledger.tally()
    row.expect("interrupted", ways.get("interrupted") === 200, ways.get("interrupted") ?? 0)
    row.expect("connections", server.log.counters.accepted === 1, server.log.counters.accepted)
  })
}

/** One of the ways in which a set of a mebibyte goes on that is interrupted while the server does not read. */
const insideBigSet = Effect.fnUntraced(function*(
  row: Parameters<Row["run"]>[0],
  name: string,
  resumes: boolean
) {
  const server = yield* row.faultServer({
    rules: [
      FaultScript.on(
        { key: "pause", times: 1 },
        FaultScript.stopReading,
        ...resumes ? [FaultScript.delay(600), FaultScript.resumeReading] : [],
        FaultScript.reply
      )
    ]
  })
  const { checked, events } = yield* row.client({
    servers: server.address,
    connections: 1,
    stallTimeout: 800,
    connectTimeout: "2 seconds"
  })
  yield* checked.get("warm")
  const pause = yield* Effect.forkScoped(checked.get("pause"), { startImmediately: true })
  yield* server.until((log) => log.count("mg") >= 2)
  const sets = yield* Effect.forEach(
    numbers(FILLING),
    (i) => Effect.forkScoped(checked.set(`big:${i}`, MEBIBYTE - 1000), { startImmediately: true })
  )
  yield* Effect.sleep(100)
  yield* Effect.forEach(sets, Fiber.interrupt, { concurrency: "unbounded" })
  const unread = server.log.count("ms")
  const next = yield* checked.get("warm")
  yield* Fiber.join(pause)
  const read = yield* Effect.forEach(numbers(FILLING), (i) => checked.get(`big:${i}`))
  const endings = Checker.endings(read)
  const isRight = (endings["hit"] ?? 0) + (endings["absent"] ?? 0) === read.length
  row.expect(`${name}: read again`, isRight && (!resumes || (endings["hit"] ?? 0) >= 1), endings)
  row.expect(`${name}: whole sets before`, unread < FILLING, unread)
  const { accepted } = server.log.counters
  const losses = events.filter(({ _tag }) => _tag === "ServerDisconnected").length
  const whole = server.log.count("ms")
  if (resumes) {
    row.expect(`${name}: the next`, next.ended === "absent" && losses === 0 && accepted === 1, next.ended)
    row.expect(`${name}: whole sets after`, whole >= 1 && whole < FILLING, whole)
  } else {
    // The next one waited behind it and was lost with the connection, unless it was not written and got another one.
    const later = yield* checked.get("warm")
    row.expect(`${name}: the next`, later.ended === "absent", `${next.ended}, ${later.ended}`)
    row.expect(`${name}: destroyed`, losses === 1 && accepted === 2, `${losses} of ${accepted}`)
    // What is only closed in good order stays until everything is written, which is never.
    const suffix = `:${server.port.toString(16).toUpperCase().padStart(4, "0")}`
    const sockets = Resources.systemSockets().filter((socket) => socket.split(" ")[1].endsWith(suffix)).length
    row.expect(`${name}: sockets`, sockets === 1, sockets)
  }
})

const insideTheWrite: Row = {
  number: 26,
  title: "interrupted inside a set of 1 MiB to a server that does not read",
  expected: "the rest is sent, or the connection is destroyed; 0 malformed requests; the next one ok",
  quick: true,
  deadline: LONG,
  run: Effect.fnUntraced(function*(row) {
    yield* insideBigSet(row, "reads again", true)
    yield* insideBigSet(row, "never", false)
  })
}

const scopeClosed: Row = {
  number: 28,
  title: "a scope that is closed with 1000 operations in flight",
  expected: "all settle ≤ 100 ms; no socket, timer or listener is left",
  quick: true,
  deadline: LONG,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer({ rules: [FaultScript.on({}, FaultScript.stall)] })
    const { checked, close, cache } = yield* row.client({
      servers: server.address,
      stallTimeout: "30 seconds",
      connectTimeout: "2 seconds"
    })
    const fibers = []
    // So that all connections are open, and each has its part.
    for (let i = 0; i < 1000; i += 50) {
      fibers.push(
        ...yield* Effect.forEach(numbers(50), (j) => {
          const key = `key:${i + j}`
          return Effect.forkScoped(j % 2 === 0 ? checked.get(key) : checked.set(key), { startImmediately: true })
        })
      )
      yield* Effect.sleep(2)
    }
    yield* Effect.repeat(Effect.sync(() => server.log.userRequests.length), {
      until: (count) => count === 1000,
      schedule: Schedule.spaced(5),
      times: 600
    })
    const [{ inFlight, connections }] = yield* cache.servers
    row.expect("in flight", inFlight === 1000, inFlight)
    row.fact("on connections", connections)
    const from = performance.now()
    yield* close
    const closing = performance.now() - from
    const settled = yield* Effect.forEach(fibers, Fiber.join)
    const endings = Checker.endings(settled)
    row.expect("endings", endings["ConnectionLostError unknown"] === 1000, endings)
    const last = Math.max(...settled.map(({ settle }) => settle)) - from
    row.expect("last after ms", last - row.checker.lag.between(from + 100, from + last) <= 100, last)
    row.expect("closed after ms", closing - row.checker.lag.between(from + 100, from + closing) <= 100, closing)
    const later = yield* checked.get("key:1")
    row.expect("later", later.ended === "ConnectionLostError not-sent", later.ended)
    const isClosed = Effect.sync(() => server.log.open === 0)
    yield* Effect.repeat(isClosed, { until: (is) => is, schedule: Schedule.spaced(5), times: 50 })
    row.expect("connections at the server", server.log.open === 0, server.log.open)
  })
}

const [betweenWriteAndReply, atRandom] = crowds

export const rows: ReadonlyArray<Row> = [
  beforeTheWrite,
  betweenWriteAndReply,
  insideTheWrite,
  atRandom,
  scopeClosed
]
