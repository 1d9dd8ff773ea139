/**
 * Rows of the fault matrix: servers that die, and what is sent again because of it.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { rows as departed } from "./Departed.ts"
import { rows as losses } from "./Losses.ts"
import type { Client, Row } from "./Row.ts"
import { DEADLINE, POOL } from "./Row.ts"
import * as Steady from "./Steady.ts"

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

const begin = <A>(operations: ReadonlyArray<Effect.Effect<A>>) =>
  Effect.forEach(operations, (operation) => Effect.forkScoped(operation, { startImmediately: true }))

/** Until so many connections are open, so that what follows is spread over them. */
const connect = ({ cache, checked }: Client, connections: number) =>
  Effect.repeat(Effect.forEach(numbers(200), (i) => checked.set(`key:${i}`), { concurrency: "unbounded" }), {
    until: () => Effect.map(cache.servers, ([state]) => state.connections === connections),
    times: 100
  })

const hasLost = ({ events }: Client) =>
  Effect.repeat(Effect.sync(() => events.some(({ _tag }) => _tag === "ServerDisconnected")), {
    until: (isSo) => isSo,
    schedule: Schedule.spaced(1),
    times: 1000
  })

const MEGABYTE = 1_000_000

const killed: Row = {
  number: 52,
  title: "SIGKILL with 1000 commands in flight, and a start 500 ms later",
  expected: "all settle ≤ 250 ms after it: sent → unknown, unsent → not-sent; ok ≤ 1 s after the start",
  quick: false,
  needs: "memcached",
  // They are begun one after the other, and must not time out before it happens; that takes a busy machine a while.
  deadline: 2000,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    const client = yield* row.client({ servers: server.address, connectTimeout: "2 seconds" })
    // Behind more than the system's buffers hold, nothing is written any more.
    const stuck = yield* row.client({ servers: server.address, connectTimeout: "2 seconds", connections: 1 })
    yield* connect(client, POOL)
    yield* stuck.checked.set("key:0")
    // It hangs first, so that all of them are in flight when it dies.
    yield* server.stop
    const sent = yield* begin<Steady.Timed>(numbers(1000).map((i) => Steady.mixed(client.checked, i)))
    const large = yield* begin<Steady.Timed>(numbers(16).map((i) => stuck.checked.set(`large:${i}`, MEGABYTE)))
    yield* Effect.sleep(50)
    const unsent = yield* begin<Steady.Timed>(numbers(100).map((i) => Steady.mixed(stuck.checked, i)))
    yield* Effect.sleep(50)
    const [{ inFlight }] = yield* client.cache.servers
    row.expect("in flight", inFlight === 1000, inFlight)
    const death = performance.now()
    yield* server.kill
    const inTime = (settled: ReadonlyArray<Steady.Timed>): number =>
      Math.max(...settled.map(({ settle }) => settle - death - row.checker.lag.between(death + DEADLINE, settle)))
    yield* hasLost(client)
    const later = yield* Effect.forEach(numbers(100), (i) => Steady.mixed(client.checked, i), {
      concurrency: "unbounded"
    })
    const [ofSent, ofLarge, ofUnsent] = [
      yield* Effect.forEach(sent, Fiber.join),
      yield* Effect.forEach(large, Fiber.join),
      yield* Effect.forEach(unsent, Fiber.join)
    ]
    const endings = Checker.endings(ofSent)
    row.expect("sent", endings["ConnectionLostError unknown"] === 1000, endings)
    row.expect("in part or not at all", ofLarge.every(({ ended }) => LOST.test(ended)), Checker.endings(ofLarge))
    row.expect("unsent", ofUnsent.every(({ ended }) => NOT_SENT.test(ended)), Checker.endings(ofUnsent))
    row.expect("begun later", later.every(({ ended }) => NOT_SENT.test(ended)), Checker.endings(later))
    const slowest = inTime([...ofSent, ...ofLarge, ...ofUnsent])
    row.expect("settled after ms", slowest <= DEADLINE, slowest)
    yield* Effect.sleep(Math.max(500 - (performance.now() - death), 0))
    yield* Effect.orDie(server.restart)
    const up = performance.now()
    yield* Effect.repeat(client.checked.set("key:0"), {
      until: Steady.isServed,
      schedule: Schedule.spaced("10 millis"),
      times: 1000
    })
    const back = Steady.lasted(row, up, performance.now(), 1000)
    row.expect("ok after ms", back <= 1000, back)
  })
}

const NOT_SENT = /^(ConnectError|ServerDeadError|ConnectionLostError) not-sent$/
const LOST = /^(ConnectionLostError unknown|(ConnectError|ServerDeadError|ConnectionLostError) not-sent)$/

const unwritten: Row = {
  number: 54,
  title: "a connection that ends before any of an operation was written",
  expected: "one transparent retry, ok; one connection more",
  quick: true,
  connects: 3,
  deadline: 5000,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer()
    // One connection: there is one retry, which may go to another one, and here all of them end together.
    const options = { servers: server.address, connectTimeout: "2 seconds", connections: 1 } as const
    const { cache, checked } = yield* row.client(options)
    const bytes = new Uint8Array(MEGABYTE)
    for (const [i, how] of (["rst", "fin"] as const).entries()) {
      yield* checked.set("key")
      yield* server.script([FaultScript.on({ verb: "ms", times: 1 }, FaultScript.stopReading)])
      // More than the system's buffers hold, so that what comes next waits unwritten.
      const large = yield* begin(
        numbers(12).map((j) => checked.operation(cache.set(`large:${j}`, bytes), () => "stored"))
      )
      yield* Effect.sleep(50)
      const queued = yield* begin<Steady.Timed>([
        checked.increment(Steady.COUNTER),
        checked.get("key"),
        checked.set(`new:${how}`),
        checked.add(`added:${how}`),
        checked.getMany(["key"]),
        checked.operation(cache.touch("key", "1 minute"))
      ])
      yield* Effect.sleep(20)
      const before = server.log.requests().filter(({ key }) => key === Steady.COUNTER || key === `new:${how}`).length
      row.expect(`${how}: connections before`, server.log.counters.accepted === i + 1, server.log.counters.accepted)
      yield* server.cutAll(how)
      const settled = yield* Effect.forEach(queued, Fiber.join)
      const words = settled.map(({ ended }) => ended).join(", ")
      row.expect(`${how}: endings`, words === "counted, hit, stored, stored, hit, ok", words)
      const rest = Checker.endings(yield* Effect.forEach(large, Fiber.join))
      const lost = rest["ConnectionLostError unknown"] ?? 0
      row.expect(`${how}: before them`, lost >= 1 && lost + (rest["stored"] ?? 0) === 12, rest)
      const { accepted } = server.log.counters
      row.expect(`${how}: connections after`, accepted === i + 2, accepted)
      const sent = server.log.requests().filter(({ key }) => key === Steady.COUNTER || key === `new:${how}`).length
      // A counter that is absent takes three: the count, its making, and none other.
      row.expect(`${how}: written`, sent - before === (i === 0 ? 3 : 2), sent - before)
    }
    const { value } = yield* checked.operation(cache.get(Steady.COUNTER))
    const stored = value?._tag === "Some" ? Number(value.value) : 0
    row.counted(Steady.COUNTER, stored)
    row.expect("counter", stored === 2, stored)
  })
}

/** Operations a second, and seconds. */
const RATE = 1000
const SECONDS = 10

const allFail: Row = {
  number: 55,
  title: "all operations fail for 10 s at 1000/s, with a retry of reads",
  expected: "≤ 10 % + 10 requests more than operations; writes once; one connection in use",
  quick: false,
  connects: POOL,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer({
      rules: [FaultScript.on({}, FaultScript.replyBytes("SERVER_ERROR busy\r\n"))]
    })
    const { checked, events } = yield* row.client({
      servers: server.address,
      readRetry: { schedule: Schedule.spaced("5 millis") }
    })
    // Each tenth one writes.
    const isWrite = (i: number) => i % 10 === 9
    const load = yield* Steady.start(RATE, (i) => isWrite(i) ? checked.set(`key:${i % 100}`) : checked.get(`key:${i}`))
    yield* Effect.sleep(SECONDS * 1000)
    const settled = yield* load.stop
    const endings = Checker.endings(settled)
    const isFailed = endings["ServerError rejected"] === settled.length
    row.expect("endings", settled.length >= 0.9 * RATE * SECONDS && isFailed, endings)
    const writes = numbers(settled.length).filter(isWrite).length
    const reads = settled.length - writes
    const extra = server.log.count("mg") - reads
    row.expect("reads more", extra <= reads / 10 + 10 && extra >= reads / 20, extra)
    row.expect("writes more", server.log.count("ms") === writes, server.log.count("ms") - writes)
    const losses = events.filter(({ _tag }) => _tag !== "ServerConnected").length
    row.expect("losses", losses === 0, losses)
  })
}

export const rows: ReadonlyArray<Row> = [killed, unwritten, allFail, ...departed, ...losses]
