/**
 * Rows of the fault matrix: a line that loses packets, and a slow one.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Row } from "./Row.ts"
import { DEADLINE, SLACK } from "./Row.ts"
import * as Steady from "./Steady.ts"

const lossy: Row = {
  number: 21,
  title: "a line that loses a tenth of all packets, for a minute",
  expected: "timeouts with a type and nothing else; 0 wrong values; ≤ 1 reconnect a minute",
  quick: false,
  needs: "namespaces",
  limit: 90,
  run: Effect.fnUntraced(function*(row) {
    const network = row.network()
    const client = yield* row.client({ servers: network.server.address, connectTimeout: "2 seconds" })
    yield* Effect.forEach(Array.from({ length: 100 }, (_, i) => `key:${i}`), (key) => client.checked.set(key))
    yield* network.set([{ _tag: "Loss", direction: "both", probability: 0.1 }])
    const load = yield* Steady.start(100, (index) => Steady.mixed(client.checked, index))
    yield* Effect.sleep("60 seconds")
    const settled = yield* load.stop
    yield* network.clear
    const endings = Checker.endings(settled)
    const lost = settled.filter(({ ended }) => ended === "ConnectionLostError unknown").map(({ settle }) => settle)
    const others = settled.filter((one) => !Steady.isServed(one) && one.ended !== "TimeoutError unknown")
    row.expect("endings", settled.length > 5900 && others.length === lost.length, endings)
    // TCP may pause for longer than the stall limit. What is on a connection that is given up for it ends at once.
    const givenUp = lost.sort((a, b) => a - b).filter((at, i) => i === 0 || at - lost[i - 1] > SLACK).length
    row.expect("connections given up", givenUp <= 1, givenUp)
    const reconnects = client.events.filter(({ _tag }) => _tag === "ServerDisconnected").length
    row.expect("reconnects", reconnects <= 1, reconnects)
    const took = settled.map(({ settle, start }) => settle - start).sort((a, b) => a - b)
    row.fact("p50 ms", took[took.length >> 1])
    row.fact("p99 ms", took[Math.floor(took.length * 0.99)])
    yield* Effect.sleep(1000)
    yield* Steady.judgeCounter(row, client)
  })
}

const BIG = 500_000

/** Bytes in flight on one connection: of forty that are half a megabyte each, nine. */
const BOUND = 4 * 1_048_576

const slow: Row = {
  number: 23,
  title: "a line of 8 Mbit/s",
  expected: "10 KB ok; 500 KB time out, typed; the memory has a bound",
  quick: false,
  needs: "namespaces",
  run: Effect.fnUntraced(function*(row) {
    const network = row.network()
    const { cache, checked } = yield* row.client({
      servers: network.server.address,
      connectTimeout: "2 seconds",
      maxInFlight: { commands: 1000, bytes: BOUND }
    })
    yield* checked.set("big", BIG)
    yield* network.set([{ _tag: "Rate", direction: "both", bytesPerSecond: 1_000_000 }])
    const small = (count: number) =>
      Effect.forEach(
        Array.from({ length: count }, (_, i) => `small:${i}`),
        (key) => Effect.zip(checked.set(key, 10_000), checked.get(key))
      )
    const first = Checker.endings((yield* small(50)).flat())
    row.expect("10 KB", first["stored"] === 50 && first["hit"] === 50, first)
    const read = yield* checked.get("big")
    row.expect("500 KB read", read.ended === "TimeoutError unknown", read.ended)
    const idle = Effect.repeat(cache.servers, {
      until: ([{ inFlight }]) => inFlight === 0,
      schedule: Schedule.spaced(20),
      times: 1000
    })
    yield* idle
    const written = yield* checked.set("big", BIG)
    row.expect("500 KB written", written.ended === "TimeoutError unknown", written.ended)
    yield* idle
    const many = yield* Effect.forEach(
      Array.from({ length: 40 }, (_, i) => `big:${i}`),
      // Each in a turn of its own: a client's clock begins at the end of the turn, and it takes long to make the values.
      (key, i) => Effect.andThen(Effect.sleep(i), checked.set(key, BIG)),
      { concurrency: "unbounded" }
    )
    const endings = Checker.endings(many)
    const isTyped = many.every(({ ended }) =>
      /^TimeoutError (unknown|not-sent)$|^OverloadedError not-sent$/.test(ended)
    )
    row.expect("forty of 500 KB", isTyped && (endings["OverloadedError not-sent"] ?? 0) >= 20, endings)
    const slowest = Math.max(...[read, written, ...many].map((one) => row.took(one, DEADLINE)))
    row.expect("slowest ms, less lag", slowest <= DEADLINE + SLACK, slowest)
    yield* idle
    const again = Checker.endings((yield* small(20)).flat())
    row.expect("10 KB after that", again["stored"] === 20 && again["hit"] === 20, again)
  })
}

export const rows: ReadonlyArray<Row> = [lossy, slow]
