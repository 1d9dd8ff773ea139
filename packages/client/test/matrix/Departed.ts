/**
 * Rows of the fault matrix: servers that come and go, one of three that is gone, and all of them.
 */
import type { MemcacheOptions } from "@effect-memcache/client"
import * as Distribution from "@effect-memcache/client/Distribution"
import type { Key } from "@effect-memcache/protocol/Key"
import * as Checker from "@effect-memcache/testing/Checker"
import { quantile } from "@effect-memcache/testing/Ledger"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as CountingTransport from "../faults/CountingTransport.ts"
import type { Client, Row, Run } from "./Row.ts"
import { DEADLINE, PROBE_INTERVAL, SLACK } from "./Row.ts"
import * as Steady from "./Steady.ts"

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

/** Milliseconds up, and as many down. */
const FLAP = 200

/** Milliseconds for which it goes on. */
const FLAPPING = 30_000

/** Connections to a server in that time. */
const CONNECTS = FLAPPING / PROBE_INTERVAL

const schedules = {
  "every 500 ms": Schedule.spaced(PROBE_INTERVAL),
  // The default's shape without its jitter, so that a step back shows.
  "1 s, doubling": Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")])
} as const

/** Each delay is twice the one before, unless the server was well for as long as that one; answers those that are not. */
const tooSoon = ({ events }: Client): ReadonlyArray<string> => {
  const found: Array<string> = []
  let last = 0
  let returned = Infinity
  for (const event of events) {
    if (event._tag === "ServerReturned") returned = event.heard
    if (event._tag !== "ServerDead") continue
    const delay = DateTime.toEpochMillis(event.nextProbe) - DateTime.toEpochMillis(event.at)
    const isBegun = event.heard - returned >= last - 1
    if (last > 0 && !isBegun && delay < Math.min(1.9 * last, 29_999)) found.push(`${delay} after ${last}`)
    last = delay
  }
  return found
}

const flapping: Row = {
  number: 57,
  title: "a server that is 200 ms up and 200 ms down, for 30 s",
  expected: "≤ 60 connects; the backoff is not reset early",
  quick: false,
  limit: 50,
  connects: 2 * CONNECTS,
  run: Effect.fnUntraced(function*(row) {
    yield* Effect.forEach(Object.entries(schedules), ([name, schedule]) =>
      Effect.gen(function*() {
        const server = yield* row.faultServer()
        const dials = CountingTransport.make()
        const client = yield* row.client({ servers: server.address, deadHost: { schedule } }, dials.layer)
        const changing = yield* Effect.forkScoped(Effect.forever(
          Effect.sleep(FLAP).pipe(
            Effect.andThen(server.stop),
            Effect.andThen(Effect.sleep(FLAP)),
            Effect.andThen(server.start)
          )
        ))
        const load = yield* Steady.start(100, (i) => client.checked.set(`key:${i % 10}`))
        yield* Effect.sleep(FLAPPING)
        const settled = yield* load.stop
        yield* Fiber.interrupt(changing)
        const isTyped = settled.every((one) => Steady.isServed(one) || GONE.test(one.ended))
        const endings = Checker.endings(settled)
        row.expect(`${name}: endings`, settled.length > 2900 && (endings["stored"] ?? 0) > 0 && isTyped, endings)
        const { accepted } = server.log.counters
        row.expect(`${name}: connects`, accepted >= 2 && accepted <= CONNECTS, accepted)
        // Also those that were refused: the probes, and one dial whenever a connection was lost.
        const attempts = dials.of(server.address).length
        const losses = client.events.filter(({ _tag }) => _tag === "ServerDisconnected").length
        row.expect(`${name}: attempts`, attempts <= CONNECTS + losses, `${attempts} with ${losses} losses`)
        if (name === "every 500 ms") return
        const soon = tooSoon(client)
        const deaths = client.events.filter(({ _tag }) => _tag === "ServerDead").length
        row.expect(`${name}: deaths`, deaths >= 1, deaths)
        row.expect(`${name}: probes too soon`, soon.length === 0, soon.length === 0 ? 0 : soon.join("; "))
      }), { concurrency: "unbounded" })
  })
}

const GONE = /^((ServerDeadError|ConnectError) not-sent|ConnectionLostError (not-sent|unknown))$/

/** Milliseconds; also between two probes. */
const SECOND = 1000
const BEFORE = 3 * SECOND
const OUTAGE = 4 * SECOND

/** Of all servers together, a second. */
const RATE = 600
const WINDOW = 500
const FAILURES = 5

/** What a percentile may be slower beyond the factor, in milliseconds: other rows share the processors. */
const NOISE = 2

/** The median of a quantile of short times, so that one pause of the machine does not decide. */
const typical = (row: Run, operations: ReadonlyArray<Steady.Timed>, from: number, until: number, q: number): number => {
  const each: Array<number> = []
  for (let at = from; at + WINDOW <= until; at += WINDOW) {
    const some = operations.filter(({ start }) => start >= at && start < at + WINDOW)
    const took = some.map(({ settle, start }) => settle - start - row.checker.lag.between(start, settle))
    if (took.length > 0) each.push(quantile(Float64Array.from(took), q))
  }
  return quantile(Float64Array.from(each), 0.5)
}

const oneOfThree: Row = {
  number: 58,
  title: "one of three servers answers nothing",
  expected: "after 5 failures its ops fail ≤ 5 ms; p99 of the others ≤ 1.5 ×; ≤ 1 probe/s; back ≤ 1 probe interval",
  quick: false,
  needs: "memcached",
  run: Effect.fnUntraced(function*(row) {
    const servers = yield* Effect.replicateEffect(row.memcached(), 3)
    const addresses = servers.map(({ address }) => address)
    const [victim] = servers
    const dials = CountingTransport.make()
    const deadHost: MemcacheOptions["deadHost"] = { schedule: Schedule.spaced(SECOND) }
    const { checked, events } = yield* row.client({ servers: addresses, deadHost }, dials.layer)
    const placement = Result.getOrThrow(Distribution.make({ servers: addresses }))
    const homes = numbers(300).map((i) => placement.indexOf(`key:${i}` as Key, undefined))
    yield* Effect.forEach(homes, (_, i) => checked.set(`key:${i}`), { concurrency: 10 })
    const settled: Array<Steady.Timed & { readonly home: number }> = []
    const load = yield* Steady.start(RATE, (i) => {
      const key = `key:${i % 300}`
      const operation: Effect.Effect<Steady.Timed> = i % 4 === 0 ? checked.set(key) : checked.get(key)
      return Effect.tap(operation, ({ ended, settle, start }) =>
        Effect.sync(() => {
          settled.push({ ended, settle, start, home: homes[i % 300] })
        }))
    })
    // What the others would take at the same time, on the same machine, with nobody missing.
    const control = yield* row.client({ servers: addresses.slice(1) })
    const beside = yield* Steady.start(RATE, (i) => control.checked.get(`absent:${i % 300}`))
    yield* Effect.sleep(500)
    const begun = performance.now()
    yield* Effect.sleep(BEFORE)
    const stopped = performance.now()
    yield* victim.stop
    yield* Effect.sleep(OUTAGE)
    const resumed = performance.now()
    yield* victim.resume
    yield* Effect.sleep(SECOND + 500)
    const ended = performance.now()
    yield* load.stop
    const controlled = yield* beside.stop

    const heard = (tag: "ServerDead" | "ServerReturned", from: number): number =>
      events.find(({ _tag, heard, server }) => _tag === tag && server === victim.address && heard >= from)?.heard ??
        Infinity
    const dead = heard("ServerDead", stopped)
    const back = heard("ServerReturned", resumed)
    const of = (isVictim: boolean, from: number, until: number) =>
      settled.filter(({ home, settle, start }) => (home === 0) === isVictim && start >= from && settle < until)
    const failures = settled.filter(({ ended, settle }) =>
      ended === "TimeoutError unknown" && settle <= dead + 5
    ).length
    row.expect("failures before that", failures >= FAILURES, failures)
    const found = Steady.lasted(row, stopped, dead, DEADLINE)
    row.expect("dead after ms", found <= DEADLINE + SLACK + FAILURES * SECOND / (RATE / 3), found)
    const refused = of(true, dead + 1, Math.min(back, resumed))
    const isRefused = refused.length > RATE / 3 && refused.every((one) => one.ended === "ServerDeadError not-sent")
    row.expect("its ops then", isRefused, Checker.endings(refused))
    const times = Float64Array.from(refused, ({ settle, start }) => settle - start)
    row.expect("99 % of them ≤ ms", quantile(times, 0.99) <= 5, quantile(times, 0.99))
    const slowest = Math.max(...refused.map(({ settle, start }) => Steady.lasted(row, start, settle, 5)))
    row.expect("slowest, less lag", slowest <= 5 + SLACK, slowest)

    const others = of(false, begun, ended)
    row.expect("the others", others.every(Steady.isServed), Checker.endings(others))
    const slow = typical(row, others, stopped, resumed, 0.99)
    const usual = typical(row, controlled, stopped, resumed, 0.99)
    row.expect(
      "their p99, and without a fault",
      slow <= 1.5 * usual + NOISE,
      `${slow.toFixed(2)}, ${usual.toFixed(2)} ms`
    )
    const [before, during] = [typical(row, others, begun, stopped, 0.5), typical(row, others, stopped, resumed, 0.5)]
    const medians = `${before.toFixed(2)}, ${during.toFixed(2)} ms`
    row.expect("their median before, during", during <= 1.5 * before + NOISE, medians)
    const probes = dials.of(victim.address).filter((at) => at > dead && at < resumed)
    const most = Math.ceil((resumed - dead) / SECOND)
    row.expect("probes", probes.length >= 2 && probes.length <= most, `${probes.length} in ${resumed - dead | 0} ms`)
    const waits = probes.slice(1).map((at, i) => at - probes[i])
    row.expect("shortest wait", Math.min(...waits) >= SECOND - 5, Math.min(...waits))
    const returned = Steady.lasted(row, resumed, back, SECOND)
    row.expect("back after ms", returned <= SECOND + SLACK, returned)
    const after = of(true, back + DEADLINE, ended)
    row.expect("its ops after", after.length > 0 && after.every(Steady.isServed), Checker.endings(after))
  })
}

const hasLostAll = ({ events }: Client): boolean =>
  events.filter(({ _tag }) => _tag === "ServerDisconnected").length === 3

const allOfThree: Row = {
  number: 59,
  title: "all servers are killed, and started again",
  expected: "all marked dead; probing goes on; back ≤ 2 s",
  quick: false,
  needs: "memcached",
  run: Effect.fnUntraced(function*(row) {
    const servers = yield* Effect.replicateEffect(row.memcached(), 3)
    const addresses = servers.map(({ address }) => address)
    const dials = CountingTransport.make()
    const client = yield* row.client({ servers: addresses }, dials.layer)
    const rehashing = yield* row.client({ servers: addresses, deadHost: { policy: "rehash" } })
    const keys = numbers(60).map((i) => `key:${i}`)
    const read = ({ checked }: Client) => Effect.forEach(keys, checked.get, { concurrency: "unbounded" })
    // Reads only: what one client writes beside another that goes elsewhere is stale sooner or later.
    const served = Checker.endings([...yield* read(client), ...yield* read(rehashing)])
    row.expect("before", served["absent"] === 120, served)
    yield* Effect.forEach(servers, ({ kill }) => kill, { concurrency: "unbounded" })
    // What is written before the loss is heard of has an unknown outcome, and says nothing yet of the server.
    yield* Effect.repeat(Effect.sync(() => [client, rehashing].every(hasLostAll)), {
      until: (isSo) => isSo,
      schedule: Schedule.spaced(1),
      times: 1000
    })
    const first = yield* read(client)
    row.expect("at first", first.every(({ ended }) => GONE.test(ended)), Checker.endings(first))
    const states = Effect.map(client.cache.servers, (states) => states.map(({ status }) => status).join(" "))
    const marked = yield* states
    row.expect("marked", marked === "dead dead dead", marked)
    const from = performance.now()
    const probesBefore = addresses.map((address) => dials.of(address).length)
    const during = yield* read(client)
    row.expect("then", Checker.endings(during)["ServerDeadError not-sent"] === 60, Checker.endings(during))
    yield* read(rehashing)
    const nowhere = Checker.endings(yield* read(rehashing))
    row.expect("with rehash", nowhere["NoServerError not-sent"] === 60, nowhere)
    yield* Effect.sleep(4 * PROBE_INTERVAL)
    const most = Math.ceil((performance.now() - from) / PROBE_INTERVAL)
    const probes = addresses.map((address, i) => dials.of(address).length - probesBefore[i])
    row.expect("probes of each", probes.every((count) => count >= 3 && count <= most), probes.join(" "))
    yield* Effect.forEach(servers, ({ restart }) => Effect.orDie(restart), { concurrency: "unbounded" })
    const up = performance.now()
    for (const [name, one] of [["fail", client], ["rehash", rehashing]] as const) {
      yield* Effect.repeat(read(one), {
        until: (settled) => settled.every(Steady.isServed),
        schedule: Schedule.spaced("10 millis"),
        times: 500
      })
      const back = Steady.lasted(row, up, performance.now(), 2 * SECOND)
      row.expect(`${name}: back after ms`, back <= 2 * SECOND, back)
    }
    const after = yield* states
    row.expect("after", after === "connected connected connected", after)
  })
}

export const rows: ReadonlyArray<Row> = [flapping, oneOfThree, allOfThree]
