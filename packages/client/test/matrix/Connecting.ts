/**
 * Rows of the fault matrix: connecting.
 */
import type { MemcacheOptions } from "@effect-memcache/client"
import * as Checker from "@effect-memcache/testing/Checker"
import type { Settled } from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Resources from "@effect-memcache/testing/Resources"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as CountingTransport from "../faults/CountingTransport.ts"
import { rows as resolving } from "./Resolving.ts"
import type { Client, Promised, Row, Run } from "./Row.ts"
import { CONNECT_TIMEOUT, DEADLINE, PASSWORD, POOL, PROBE_INTERVAL, SLACK } from "./Row.ts"
import { rows as tls } from "./Tls.ts"

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

const together = (client: Client, count: number): Effect.Effect<ReadonlyArray<Settled<unknown, Promised>>> =>
  Effect.forEach(numbers(count), (i) => i % 2 === 0 ? client.checked.get(`key:${i}`) : client.checked.set(`key:${i}`), {
    concurrency: "unbounded"
  })

/** Some operations every ten milliseconds, for so many milliseconds. */
const during = (client: Client, millis: number) =>
  Effect.suspend(() => {
    const until = performance.now() + millis
    const settled: Array<Settled<unknown, Promised>> = []
    return Effect.as(
      Effect.repeat(Effect.map(together(client, 10), (some) => void settled.push(...some)), {
        until: () => performance.now() > until,
        schedule: Schedule.spaced("10 millis")
      }),
      settled
    )
  })

/** Reads every ten milliseconds until that works; milliseconds, less what the event loop was late. */
const untilServed = (row: Run, client: Client): Effect.Effect<number> =>
  Effect.suspend(() => {
    const from = performance.now()
    return Effect.map(
      Effect.repeat(client.checked.get("key:1"), {
        until: ({ ended }) => ended === "hit" || ended === "absent",
        schedule: Schedule.spaced("10 millis"),
        times: 1000
      }),
      () => performance.now() - from - row.checker.lag.between(from, performance.now())
    )
  })

const onlyNotSent = (settled: ReadonlyArray<Settled<unknown, Promised>>): boolean =>
  settled.every(({ error }) => error !== undefined && isMemcacheError(error) && error.outcome === "not-sent")

/** Milliseconds over which attempts to connect are counted, and how many there may be. */
const PATIENCE = 10_000
const ATTEMPTS = PATIENCE / PROBE_INTERVAL

const refused: Row = {
  number: 1,
  title: "a port that refuses connections",
  expected: "1000 ops not-sent ≤ 20 ms after the first refusal; ≤ 20 connects in 10 s",
  quick: false,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer()
    yield* server.stop
    const dials = CountingTransport.make()
    const begun = performance.now()
    const client = yield* row.client({ servers: server.address }, dials.layer)
    const first = yield* together(client, 1000)
    row.expect("at once", onlyNotSent(first), Checker.endings(first))
    const refusal = Math.min(...first.map(({ settle }) => settle))
    const spread = Math.max(
      ...first.map(({ settle }) => settle - refusal - row.checker.lag.between(refusal, settle))
    )
    row.expect("ms after the first refusal", spread <= 20, spread)
    const later = yield* during(client, PATIENCE - (performance.now() - begun))
    row.expect("later", onlyNotSent(later), Checker.endings(later))
    const slowest = Math.max(...later.map((op) => row.took(op, 20)))
    row.expect("slowest of them", slowest <= 20, slowest)
    const attempts = dials.of(server.address).length
    row.expect("connects in 10 s", attempts <= ATTEMPTS, attempts)
  })
}

/** As `/proc/net/tcp` has it. */
const SYN_SENT = "02"

const blackHole: Row = {
  number: 2,
  title: "a server whose network swallows every SYN",
  expected: "ops not-sent at 200 ± 50 ms; ≤ 1 SYN_SENT for each slot",
  quick: false,
  needs: "namespaces",
  run: Effect.fnUntraced(function*(row) {
    const network = row.network()
    yield* network.set([{ _tag: "Drop", direction: "up", port: network.server.port }])
    const client = yield* row.client({ servers: network.server.address })
    let most = 0
    const watching = yield* Effect.forkScoped(Effect.forever(
      Effect.delay(
        Effect.sync(() => {
          const states = Resources.systemSockets().map((socket) => socket.split(" ")[2])
          most = Math.max(most, states.filter((state) => state === SYN_SENT).length)
        }),
        "20 millis"
      )
    ))
    const first = yield* together(client, 100)
    row.expect("first", onlyNotSent(first), Checker.endings(first))
    const [quickest, slowest] = [
      Math.min(...first.map(({ settle, start }) => settle - start)),
      Math.max(...first.map((op) => row.took(op, CONNECT_TIMEOUT)))
    ]
    row.expect("quickest", quickest >= CONNECT_TIMEOUT - 1, quickest)
    row.expect("slowest", slowest <= CONNECT_TIMEOUT + SLACK, slowest)
    const later = yield* during(client, 4 * PROBE_INTERVAL)
    row.expect("later", onlyNotSent(later), Checker.endings(later))
    row.expect("SYN_SENT", most === 1, most)
    yield* network.clear
    const back = yield* untilServed(row, client)
    row.expect("back after ms", back <= PROBE_INTERVAL + CONNECT_TIMEOUT + SLACK, back)
    yield* Fiber.interrupt(watching)
  })
}

const acceptsAndNeverSpeaks: Row = {
  number: 3,
  title: "a server that accepts and never speaks",
  expected: "never in use; ops not-sent at 200 + ≤ 50 ms; 0 commands of users written",
  quick: true,
  needs: "memcached",
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    yield* server.stop
    const client = yield* row.client({ servers: server.address })
    const first = yield* together(client, 100)
    row.expect("first", onlyNotSent(first), Checker.endings(first))
    const slowest = Math.max(...first.map((op) => row.took(op, CONNECT_TIMEOUT)))
    row.expect("slowest ms", slowest <= CONNECT_TIMEOUT + SLACK, slowest)
    // Long enough for a probe, which must not find it alive either.
    const later = yield* during(client, PROBE_INTERVAL + CONNECT_TIMEOUT + 100)
    row.expect("later", onlyNotSent(later), Checker.endings(later))
    row.expect("connected", client.events.every(({ _tag }) => _tag !== "ServerConnected"), client.events.length)
    yield* client.close
    yield* server.resume
    const witness = yield* row.client({ servers: server.address })
    const stats = yield* Effect.orDie(witness.cache.stats())
    const report = stats.get(server.address)
    const values = report?._tag === "Success" ? report.success : new Map<string, string>()
    const commands = ["cmd_get", "cmd_set", "cmd_touch", "cmd_meta"].map((name) => Number(values.get(name) ?? 0))
    row.expect("user commands", values.size > 0 && commands.every((count) => count === 0), commands.join(" "))
  })
}

/** Accepts every connection, and ends it at once in one way or the other. */
const endsEveryConnection = (number: number, title: string, step: FaultScript.Step): Row => ({
  number,
  title,
  expected: "≤ 20 connects in 10 s; ops not-sent ≤ 250 + ≤ 50 ms",
  quick: false,
  connects: ATTEMPTS + 2,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer({ rules: [FaultScript.onAccept({}, step)] })
    const client = yield* row.client({ servers: server.address })
    const settled = [...yield* together(client, 1000), ...yield* during(client, PATIENCE)]
    row.expect("endings", onlyNotSent(settled), Checker.endings(settled))
    const slowest = Math.max(...settled.map((op) => row.took(op, DEADLINE)))
    row.expect("slowest, less lag", slowest <= DEADLINE + SLACK, slowest)
    const most = server.log.mostAcceptsWithin(PATIENCE)
    row.expect("connects in 10 s", most >= 2 && most <= ATTEMPTS, most)
    row.expect("bytes of users", server.log.counters.bytesOfUsers === 0, server.log.counters.bytesOfUsers)
  })
})

const coldStart: Row = {
  number: 7,
  title: "a cold start with 1000 operations at once",
  expected: "accepts ≤ 4; 1000 ok",
  quick: true,
  connects: POOL,
  deadline: 2000,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer()
    // It is about numbers, not times: the server is in this process, and both share the processor with other rows.
    const client = yield* row.client({ servers: server.address, connectTimeout: "2 seconds" })
    const settled = yield* together(client, 1000)
    const endings = Checker.endings(settled)
    row.expect("endings", endings["absent"] === 500 && endings["stored"] === 500, endings)
    const { accepted } = server.log.counters
    row.expect("accepts", accepted >= 1 && accepted <= POOL, accepted)
    const again = Checker.endings(yield* Effect.forEach(numbers(1000), (i) => client.checked.get(`key:${i}`)))
    row.expect("read again", again["hit"] === 500 && again["absent"] === 500, again)
  })
}

const badCredentials: Row = {
  number: 10,
  title: "credentials that the server refuses",
  expected: "AuthenticationError; no attempt before its time; the password nowhere",
  quick: true,
  needs: "memcached",
  traced: true,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached({ users: [{ username: "ada", password: "another-password" }] })
    const dials = CountingTransport.make()
    const auth: MemcacheOptions["auth"] = { username: "ada", password: Redacted.make(PASSWORD) }
    const client = yield* row.client({ servers: server.address, auth }, dials.layer)
    const begun = performance.now()
    const first = yield* together(client, 100)
    const endings = Checker.endings(first)
    row.expect("first", endings["AuthenticationError not-sent"] === 100, endings)
    const later = yield* during(client, 1200)
    const isRefused = later.every(({ ended }) => /^(AuthenticationError|ServerDeadError) not-sent$/.test(ended))
    row.expect("later", isRefused, Checker.endings(later))
    const attempts = dials.of(server.address).map((at) => at - begun)
    row.expect("attempts", attempts.length >= 2 && attempts.length <= 3, attempts.map(Math.round).join(" "))
    const waits = attempts.slice(1).map((at, i) => at - attempts[i])
    row.expect("shortest wait", Math.min(...waits) >= PROBE_INTERVAL - 5, Math.min(...waits))
    yield* client.close
    const right: MemcacheOptions["auth"] = { username: "ada", password: Redacted.make("another-password") }
    const other = yield* row.client({ servers: server.address, auth: right })
    const ok = yield* other.checked.set("key")
    row.expect("with the right ones", ok.ended === "stored", ok.ended)
  })
}

export const rows: ReadonlyArray<Row> = [
  refused,
  blackHole,
  acceptsAndNeverSpeaks,
  endsEveryConnection(4, "connections that are accepted and ended, for ever", FaultScript.fin),
  endsEveryConnection(5, "connections that are accepted and reset, for ever", FaultScript.rst),
  ...resolving,
  coldStart,
  ...tls,
  badCredentials
]
