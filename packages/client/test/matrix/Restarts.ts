/**
 * Row of the fault matrix: a server that restarts again and again under load.
 */
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Resources from "@effect-memcache/testing/Resources"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Client, Row } from "./Row.ts"
import { POOL } from "./Row.ts"

const RESTARTS = 1000

/** After so many everything is compiled that will be. */
const WARM = 100

/** MiB that the heap may grow by between then and the end. */
const GROWTH = 5
const MEBIBYTE = 1_048_576

/** More at once than one connection is kept to, so that all of the pool are opened. */
const WIDTH = 30
const PAUSE = 5

/** What collects garbage, at once and all of it. */
export const collector = (): () => void => {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
}

const listeners = (): string =>
  [...Resources.count()].filter(([name]) => name.startsWith("listeners")).map(String).sort().join(" ")

const restarts: Row = {
  number: 51,
  title: "1000 restarts under load",
  expected: "sockets = pool; listeners constant; heap + ≤ 5 MiB",
  quick: false,
  limit: 120,
  deadline: 2000,
  connects: (RESTARTS + 1) * POOL,
  run: Effect.fnUntraced(function*(row) {
    const gc = collector()
    const server = yield* row.faultServer({
      keepItems: true,
      // In this process, so that what its log keeps must not grow either.
      log: { maxEntries: 500, maxOpaques: 20_000 },
      rules: [FaultScript.on({ verb: "mg" }, FaultScript.delay(1), FaultScript.reply)]
    })
    const client = yield* row.client({
      servers: server.address,
      connectTimeout: "2 seconds",
      deadHost: { schedule: Schedule.spaced(PAUSE), failureLimit: 1_000_000 }
    })
    yield* client.checked.set("a")
    const endings: Record<string, number> = {}
    let isOver = false
    const load = yield* Effect.forEach(Array.from({ length: WIDTH }), () =>
      Effect.forkScoped(
        Effect.repeat(read(client, endings), { until: () => isOver })
      ))
    const mostOpen: Array<number> = []
    let before: { readonly heap: number; readonly listeners: string } | undefined
    for (let i = 0; i < RESTARTS; i++) {
      mostOpen.push(server.log.open)
      yield* server.stop
      // Every third time it is away for a while; else it is back before anybody has dialed.
      if (i % 3 === 0) yield* Effect.sleep(PAUSE)
      yield* server.start
      const hits = endings["hit"] ?? 0
      yield* Effect.repeat(Effect.sync(() => endings["hit"] ?? 0), {
        until: (now) => now >= hits + WIDTH,
        schedule: Schedule.spaced(1)
      })
      forget(client)
      if (i === WARM) {
        gc()
        before = { heap: process.memoryUsage().heapUsed, listeners: listeners() }
      }
    }
    yield* Effect.repeat(Effect.sync(() => server.log.open), {
      until: (open) => open === POOL,
      schedule: Schedule.spaced("20 millis"),
      times: 100
    })
    row.fact("open after two seconds of calm", server.log.open)
    isOver = true
    yield* Effect.forEach(load, Fiber.join)
    forget(client)
    gc()
    const heap = (process.memoryUsage().heapUsed - (before?.heap ?? 0)) / MEBIBYTE
    row.expect("restarts", mostOpen.length === RESTARTS, mostOpen.length)
    row.expect("open connections at most", Math.max(...mostOpen) <= POOL, Math.max(...mostOpen))
    // After so many losses the client opens a second one only after a pause, so the pool need not be full.
    const { open } = server.log
    row.expect("open in the end", open >= 1 && open <= POOL, open)
    const sockets = socketsTo(server.port)
    row.expect("sockets of the client's", sockets === open, sockets)
    row.expect("listeners", listeners() === before?.listeners, listeners())
    row.expect("heap: MiB more", heap <= GROWTH, heap)
    row.expect("reads", (endings["hit"] ?? 0) >= RESTARTS * WIDTH, endings)
  })
}

/** What the harness has heard: each error of a lost connection keeps, by its stack, the connection with its buffers. */
const forget = ({ events }: Client): void => {
  ;(events as Array<unknown>).length = 0
}

const read = ({ checked }: Client, endings: Record<string, number>) =>
  Effect.flatMap(checked.get("a"), ({ ended }) => {
    endings[ended] = (endings[ended] ?? 0) + 1
    // Who is refused at once would ask at once again.
    return ended === "hit" ? Effect.void : Effect.sleep(PAUSE)
  })

/** This process's own ends of connections to that port. */
export const socketsTo = (port: number): number => {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  return Resources.systemSockets().filter((socket) => socket.split(" ")[1].endsWith(remote)).length
}

export const rows: ReadonlyArray<Row> = [restarts]
