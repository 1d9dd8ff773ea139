/**
 * Rows of the fault matrix: names that do not resolve.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import type { Settled } from "@effect-memcache/testing/Checker"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import dns from "node:dns"
import type { Promised, Row } from "./Row.ts"
import { CONNECT_TIMEOUT, DEADLINE, SLACK } from "./Row.ts"

/** What the resolver does with the name at the moment. */
type Weather = "unknown" | "silent" | "fine"

const NAME = "cache.example"

/** Answers for Node's own lookup, which is the one that sockets use; this process is the row's alone. */
const inject = (weather: () => Weather): void => {
  const original = dns.lookup
  const lookup = (name: string, options: dns.LookupOptions, callback: (...args: ReadonlyArray<unknown>) => void) => {
    if (name !== NAME) return original(name, options, callback)
    const now = weather()
    if (now === "silent") return
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${NAME}`), {
      code: "ENOTFOUND",
      syscall: "getaddrinfo"
    })
    const address = { address: "127.0.0.1", family: 4 }
    process.nextTick(() => {
      if (now === "unknown") callback(error)
      else if (options.all === true) callback(null, [address])
      else callback(null, address.address, address.family)
    })
  }
  Object.defineProperty(dns, "lookup", { value: lookup })
}

/** Milliseconds between steps of the backoff. */
const STEP = 300

const unresolved: Row = {
  number: 6,
  title: "a name that does not resolve, then does",
  expected: "ops not-sent ≤ 200 + ≤ 50 ms; ≤ 2 log lines a change of state; back ≤ one backoff step",
  quick: true,
  run: Effect.fnUntraced(function*(row) {
    let weather: Weather = "unknown"
    inject(() => weather)
    const server = yield* row.faultServer()
    let lines = 0
    const logger = Logger.make(() => lines++)
    const { checked, events } = yield* row.client({
      servers: `${NAME}:${server.port}`,
      deadHost: { schedule: Schedule.spaced(STEP) }
    }).pipe(Effect.provide(Logger.layer([logger], { mergeWithExisting: true })))

    /** Reads every ten milliseconds until one succeeds, or so long. */
    const read = (millis: number) =>
      Effect.suspend(() => {
        const settled: Array<Settled<unknown, Promised>> = []
        const until = performance.now() + millis
        return Effect.as(
          Effect.repeat(Effect.map(checked.get("key"), (one) => void settled.push(one)), {
            until: () => settled.at(-1)?.ended === "absent" || performance.now() > until,
            schedule: Schedule.spaced("10 millis")
          }),
          settled
        )
      })
    const areQuick = (settled: ReadonlyArray<Settled<unknown, Promised>>, limit: number) =>
      settled.every((one) => row.took(one, limit) <= limit + SLACK)
    const areRefused = (settled: ReadonlyArray<Settled<unknown, Promised>>) =>
      settled.every(({ ended }) => /^(ConnectError|ServerDeadError) not-sent$/.test(ended))

    const unknown = yield* read(2 * STEP)
    row.expect("unknown", areRefused(unknown) && areQuick(unknown, 0), Checker.endings(unknown))
    weather = "silent"
    const silent = yield* read(2 * STEP)
    const areInTime = areRefused(silent) && areQuick(silent, CONNECT_TIMEOUT)
    row.expect("no answer", areInTime, Checker.endings(silent))
    weather = "fine"
    const back = performance.now()
    const fine = yield* read(2000)
    const served = fine.at(-1)!
    row.expect("served", served.ended === "absent", Checker.endings(fine))
    // A probe that waits for the silent resolver ends first.
    const wait = served.settle - back - row.checker.lag.between(back, served.settle)
    row.expect("back after ms", wait <= CONNECT_TIMEOUT + STEP + SLACK, wait)
    const changes = events.filter(({ _tag }) => _tag !== "ServerDisconnected").length
    row.expect("log lines", lines <= 2 * changes, `${lines} for ${changes} changes`)
    // And an operation that finds no connection waits no longer than any other.
    row.expect("slowest", areQuick([...unknown, ...silent, ...fine], DEADLINE), Checker.longest(fine))
  })
}

export const rows: ReadonlyArray<Row> = [unresolved]
