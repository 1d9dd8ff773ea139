/**
 * Rows of the fault matrix: timeouts, and connections that are only half there.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { rows as clocks } from "./Clocks.ts"
import { rows as lines } from "./Lines.ts"
import { rows as outages } from "./Outage.ts"
import type { Row } from "./Row.ts"
import { DEADLINE, POOL, SLACK } from "./Row.ts"
import * as Steady from "./Steady.ts"

const silentServer: Row = {
  number: 11,
  title: "a silent server, overlapping operations",
  expected: "each times out at 250 + ≤ 50 ms of its own start",
  quick: true,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer({ rules: [FaultScript.on({}, FaultScript.stall)] })
    // Neither the stall limit nor the server's death may end them earlier.
    const options = { servers: server.address, stallTimeout: "10 seconds", deadHost: { failureLimit: 1000 } } as const
    const { checked } = yield* row.client(options)
    const fibers = []
    for (let i = 0; i < 15; i++) {
      fibers.push(yield* Effect.forkScoped(checked.get(`key:${i}`), { startImmediately: true }))
      yield* Effect.sleep(100)
    }
    const settled = yield* Effect.forEach(fibers, Fiber.join)
    const endings = Checker.endings(settled)
    row.expect("endings", endings["TimeoutError unknown"] === settled.length, endings)
    const quickest = Math.min(...settled.map(({ settle, start }) => settle - start))
    row.expect("quickest ms", quickest >= DEADLINE - 1, Math.round(quickest))
    const slowest = Math.max(...settled.map((one) => row.took(one, DEADLINE)))
    row.expect("slowest ms, less lag", slowest <= DEADLINE + SLACK, slowest)
  })
}

/** Milliseconds. */
const LATENCY = 400

const lateReplies: Row = {
  number: 15,
  title: "replies that are 400 ms late, for 10 s",
  expected: "100 % time out; 0 reconnects; the first one after it ok",
  quick: false,
  needs: "memcached",
  connects: POOL,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    const proxy = yield* row.faultProxy({ target: server })
    const { checked, events, cache } = yield* row.client({ servers: proxy.address })
    // All connections that there may be are open before, so that any further one is a reconnect.
    yield* Effect.repeat(
      Effect.forEach(Array.from({ length: 200 }, (_, i) => `key:${i}`), checked.set, { concurrency: "unbounded" }),
      { until: () => Effect.map(cache.servers, ([{ connections }]) => connections === POOL), times: 100 }
    )
    const before = proxy.traffic.accepts.length
    yield* proxy.set([{ _tag: "Latency", direction: "down", delay: LATENCY }])
    const load = yield* Steady.start(200, (i) => checked.get(`key:${i % 200}`))
    yield* Effect.sleep("10 seconds")
    const settled = yield* load.stop
    // A reply that came while the loop stood still over its deadline is given to its caller (row 18).
    const isExcused = ({ settle, start }: Steady.Timed) =>
      row.checker.lag.between(start + DEADLINE, settle) >= LATENCY - DEADLINE - SLACK && settle - start >= LATENCY
    const isRight = settled.every((one) => one.ended === "TimeoutError unknown" || isExcused(one))
    row.expect("during", settled.length > 1900 && isRight, Checker.endings(settled))
    row.fact("came while the loop stood still", settled.filter(({ ended }) => ended === "hit").length)
    yield* proxy.clear
    const first = yield* checked.get("key:1")
    row.expect("the first after it", first.ended === "hit", first.ended)
    const rest = Checker.endings(yield* Effect.forEach(Array.from({ length: 100 }, (_, i) => `key:${i}`), checked.get))
    row.expect("the next", rest["hit"] === 100, rest)
    const reconnects = proxy.traffic.accepts.length - before
    row.expect("reconnects", before === POOL && reconnects === 0, reconnects)
    const losses = events.filter(({ _tag }) => _tag === "ServerDisconnected").length
    row.expect("losses", losses === 0, losses)
    const [{ inFlight }] = yield* cache.servers
    row.expect("late replies still awaited", inFlight === 0, inFlight)
  })
}

const trickle: Row = {
  number: 17,
  title: "a value of 1 KiB, one byte each 100 ms",
  expected: "fails at 250 + ≤ 50 ms, not after 100 s; the connection is given up after four stall limits",
  quick: true,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer()
    const stallTimeout = 250
    const { checked, events } = yield* row.client({
      servers: server.address,
      stallTimeout,
      connectTimeout: "2 seconds"
    })
    yield* checked.set("key", 1024)
    yield* server.script([FaultScript.on({ times: 1 }, FaultScript.slice(1, { every: 100 }))])
    const first = yield* checked.get("key")
    row.expect("the first", first.ended === "TimeoutError unknown", first.ended)
    const took = row.took(first, DEADLINE)
    row.expect("after ms", took >= DEADLINE - 1 && took <= DEADLINE + SLACK, took)
    // Each byte is a sign of life, so the connection stays for a while, and whoever is behind waits in vain.
    const behind = yield* checked.get("key")
    row.expect("behind it", behind.ended === "TimeoutError unknown", behind.ended)
    const lost = () => events.find(({ _tag }) => _tag === "ServerDisconnected")
    yield* Effect.repeat(Effect.sync(lost), {
      until: (event) => event !== undefined,
      schedule: Schedule.spaced(5),
      times: 1000
    })
    const at = lost()?.heard ?? Infinity
    const limit = 4 * stallTimeout
    row.expect("bytes were still coming", server.log.entries.some((entry) => entry._tag === "Written"), "yes")
    const given = at - first.start
    const late = row.checker.lag.between(first.start + limit, at)
    row.expect("given up after ms", given >= limit - 5 && given - late <= limit + SLACK, given)
    const next = yield* checked.get("key")
    row.expect("the next", next.ended === "hit", next.ended)
    row.expect("connections", server.log.counters.accepted === 2, server.log.counters.accepted)
  })
}

export const rows: ReadonlyArray<Row> = [
  silentServer,
  ...outages,
  lateReplies,
  trickle,
  ...clocks,
  ...lines
]
