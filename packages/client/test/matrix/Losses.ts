/**
 * Rows of the fault matrix: connections that somebody else ends or refuses, and servers that leave the list.
 */
import * as Distribution from "@effect-memcache/client/Distribution"
import type { Key } from "@effect-memcache/protocol/Key"
import * as Checker from "@effect-memcache/testing/Checker"
import type { Settled } from "@effect-memcache/testing/Checker"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type { Promised, Row } from "./Row.ts"
import { CONNECT_TIMEOUT, POOL, SLACK } from "./Row.ts"
import * as Steady from "./Steady.ts"

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

const begin = (operations: ReadonlyArray<Effect.Effect<Steady.Timed>>) =>
  Effect.forEach(operations, (operation) => Effect.forkScoped(operation, { startImmediately: true }))

/** Clients, of which each has one connection that is idle. */
const TRIES = 100

const idle: Row = {
  number: 60,
  title: "a server that closes idle connections",
  expected: "the next operation ok, 0 errors in 100 tries",
  quick: false,
  needs: "memcached",
  deadline: 5000,
  limit: 40,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached({ args: ["-o", "idle_timeout=2"] })
    const options = { servers: server.address, connectTimeout: "5 seconds" } as const
    const clients = yield* Effect.replicateEffect(row.client(options), TRIES)
    yield* Effect.forEach(clients, ({ checked }, i) => checked.set(`key:${i}`), { concurrency: 10 })
    const closed = () => clients.filter(({ events }) => events.some(({ _tag }) => _tag === "ServerDisconnected")).length
    yield* Effect.repeat(Effect.sync(closed), {
      until: (count) => count === TRIES,
      schedule: Schedule.spaced("50 millis"),
      times: 300
    })
    row.expect("closed", closed() === TRIES, closed())
    const settled = yield* Effect.forEach(clients, ({ checked }, i) => checked.get(`key:${i}`))
    row.expect("next", Checker.endings(settled)["hit"] === TRIES, Checker.endings(settled))
    row.fact("slowest of them, ms", Checker.longest(settled))
    const deaths = clients.filter(({ events }) => events.some(({ _tag }) => _tag === "ServerDead")).length
    row.expect("taken for dead", deaths === 0, deaths)
  })
}

/** Milliseconds. */
const AT_ONCE = 10

const aborted: Row = {
  number: 62,
  title: "the system takes the client's connections away",
  expected: "typed ≤ 10 ms, and replaced",
  quick: false,
  needs: "namespaces",
  // Longer than it takes to start the program that does it.
  deadline: 5000,
  run: Effect.fnUntraced(function*(row) {
    const network = row.network()
    const client = yield* row.client({ servers: network.server.address, connectTimeout: "2 seconds" })
    const { cache, checked } = client
    const keys = numbers(200).map((i) => `key:${i}`)
    yield* Effect.repeat(Effect.forEach(keys, (key) => checked.set(key), { concurrency: "unbounded" }), {
      until: () => Effect.map(cache.servers, ([{ connections }]) => connections === POOL),
      times: 100
    })
    yield* network.stop
    const fibers = yield* begin(
      keys.map((key, i) => i % 2 === 0 ? checked.get(key) : checked.increment(Steady.COUNTER))
    )
    yield* Effect.sleep(20)
    const [{ inFlight }] = yield* cache.servers
    row.expect("in flight", inFlight === keys.length, inFlight)
    const count = yield* network.abort
    const answered = performance.now()
    row.expect("taken away", count === POOL, count)
    const settled = yield* Effect.forEach(fibers, Fiber.join)
    const endings = Checker.endings(settled)
    row.expect("endings", endings["ConnectionLostError unknown"] === keys.length, endings)
    // It happened before it was answered, and not later than the first of them heard of it.
    const happened = Math.min(answered, ...settled.map(({ settle }) => settle))
    const slowest = Math.max(
      ...settled.map(({ settle }) => settle - happened - row.checker.lag.between(happened, settle))
    )
    row.expect("slowest ms", slowest <= AT_ONCE, slowest)
    yield* network.resume
    const next = Checker.endings(yield* Effect.forEach(keys, checked.get, { concurrency: "unbounded" }))
    row.expect("next", next["hit"] === keys.length, next)
    const again = yield* network.abort
    row.expect("taken from idle", again >= 1, again)
    const last = Checker.endings(yield* Effect.forEach(keys, checked.get))
    row.expect("after that", last["hit"] === keys.length, last)
    const deaths = client.events.filter(({ _tag }) => _tag === "ServerDead").length
    row.expect("taken for dead", deaths === 0, deaths)
  })
}

/** What the server allows, and how many want to be in. */
const LIMIT = 20
const DIALS = 40

const full: Row = {
  number: 63,
  title: "a server at its limit of connections",
  expected: "typed connect timeout, 200 + ≤ 50 ms; those that are in are not harmed",
  quick: false,
  needs: "memcached",
  run: Effect.fnUntraced(function*(row) {
    for (const [name, args] of [["waits", ["-o", "no_maxconns_fast"]], ["is refused", []]] as const) {
      const server = yield* row.memcached({ args: ["-c", String(LIMIT), ...args] })
      // One connection each, so that it is known who is in.
      const options = { servers: server.address, connections: 1 } as const
      const inside = yield* Effect.replicateEffect(row.client(options), 5)
      yield* Effect.forEach(inside, ({ checked }, i) => checked.set(`${name}:${i}`.replace(" ", "-")))
      const load = yield* Steady.start(500, (i) => inside[i % 5].checked.get(`${name}:${i % 5}`.replace(" ", "-")))
      yield* Effect.sleep(100)
      const dialing = yield* Effect.replicateEffect(row.client(options), DIALS)
      const first: ReadonlyArray<Settled<unknown, Promised>> = yield* Effect.forEach(
        dialing,
        ({ checked }, i) => checked.get(`absent:${i}`),
        { concurrency: "unbounded" }
      )
      yield* Effect.sleep(500)
      const settled = yield* load.stop
      const served = Checker.endings(settled)
      row.expect(`one too many ${name}: inside`, settled.length > 0 && served["hit"] === settled.length, served)
      const outside = first.filter(({ ended }) => ended !== "absent")
      const isTyped = outside.every(({ ended }) => /^(ConnectError|ServerDeadError) not-sent$/.test(ended))
      row.expect(`one too many ${name}: dials`, outside.length >= DIALS - LIMIT && isTyped, Checker.endings(first))
      const slowest = Math.max(...outside.map((one) => row.took(one, CONNECT_TIMEOUT)))
      row.expect(`one too many ${name}: slowest`, slowest <= CONNECT_TIMEOUT + SLACK, slowest)
      const quickest = Math.min(...outside.map(({ settle, start }) => settle - start))
      if (name === "waits") row.expect("not before", quickest >= CONNECT_TIMEOUT - 1, quickest)
      else row.fact("quickest refusal", quickest)
    }
  })
}

const KEYS = 2000

const moved: Row = {
  number: 65,
  title: "the list of servers changes with 1000 operations in flight",
  expected: "each settles once; a fifth server takes ≤ 1/5 + 10 % of the keys, and no other key moves",
  quick: true,
  deadline: 5000,
  run: Effect.fnUntraced(function*(row) {
    const servers = yield* Effect.replicateEffect(row.faultServer(), 5)
    const all = servers.map(({ address }) => address)
    const four = all.slice(0, 4)
    const { cache, checked } = yield* row.client({ servers: four, connectTimeout: "5 seconds" })
    const keys = numbers(KEYS).map((i) => `key:${i}`)
    yield* Effect.forEach(keys, (key) => checked.set(key), { concurrency: 200, discard: true })
    const endings: Array<Steady.Timed> = []
    // What is written is new each time: a server that leaves and returns has what it had.
    for (const [round, list] of [all, four, all.slice(1), all].entries()) {
      const fibers = yield* begin(
        numbers(1000).map((i) => i % 2 === 0 ? checked.get(keys[i]) : checked.set(`new:${round}:${i}`))
      )
      const flying = (yield* cache.servers).reduce((sum, { inFlight }) => sum + inFlight, 0)
      row.expect(`in flight ${round + 1}`, flying === 1000, flying)
      yield* Effect.orDie(cache.setServers(list))
      endings.push(...yield* Effect.forEach(fibers, Fiber.join))
      const names = (yield* cache.servers).map(({ server }) => server)
      row.expect(`list ${round + 1}`, names.join() === list.join(), names.length)
    }
    const counts = Checker.endings(endings)
    row.expect("stored", counts["stored"] === 2000, counts)
    row.expect("read", (counts["hit"] ?? 0) + (counts["absent"] ?? 0) === 2000, counts)

    // What the client does not find any more is what has moved to the fifth, which never had it.
    const found = yield* Effect.forEach(keys, checked.get, { concurrency: 200 })
    const absent = new Set(keys.filter((_, i) => found[i].ended === "absent"))
    const place = (list: ReadonlyArray<string>) => {
      const placement = Result.getOrThrow(Distribution.make({ servers: list }))
      return keys.map((key) => list[placement.indexOf(key as Key, undefined)])
    }
    const [before, after] = [place(four), place(all)]
    const wrong = keys.filter((key, i) => {
      const hasMoved = before[i] !== after[i]
      return hasMoved !== absent.has(key) || (hasMoved && after[i] !== all[4])
    })
    row.expect("keys elsewhere", wrong.length === 0, wrong.length)
    const share = absent.size / KEYS
    row.expect("moved %", share > 0 && share <= 1 / 5 + 0.1, 100 * share)
  })
}

export const rows: ReadonlyArray<Row> = [idle, aborted, full, moved]
