/**
 * Rows of the fault matrix: servers that have no memory for an item.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Client, Row } from "./Row.ts"
import type * as Steady from "./Steady.ts"

const COUNT = 100

const numbers = Array.from({ length: COUNT }, (_, i) => i)

const MESSAGE = "SERVER_ERROR out of memory storing object\r\n"

/** Bytes of a value, of which two megabytes do not hold many. */
const SIZE = 10_000
const MOST = 1000

const hasLost = ({ events }: Client): boolean => events.some(({ _tag }) => _tag !== "ServerConnected")

const outOfMemory: Row = {
  number: 73,
  title: "a server that is out of memory",
  expected: "OutOfMemoryError rejected; not retried; connection kept",
  quick: true,
  needs: "memcached",
  deadline: 2000,
  run: Effect.fnUntraced(function*(row) {
    const readRetry = { schedule: Schedule.spaced("1 millis") }
    const scripted = yield* row.faultServer({
      rules: [FaultScript.on({ verb: ["ms", "ma"] }, FaultScript.replyBytes(MESSAGE))]
    })
    const options = { servers: scripted.address, connectTimeout: "2 seconds", connections: 1, readRetry } as const
    const client = yield* row.client(options)
    const { checked } = client
    const kinds: ReadonlyArray<readonly [name: string, operation: (i: number) => Effect.Effect<Steady.Timed>]> = [
      ["set", (i) => checked.set(`key:${i}`)],
      ["add", (i) => checked.add(`key:${i}`)],
      ["increment", () => checked.increment("counter")]
    ]
    for (const [name, operation] of kinds) {
      const settled = yield* Effect.forEach(numbers, operation, { concurrency: "unbounded" })
      const endings = Checker.endings(settled)
      row.expect(name, endings["OutOfMemoryError rejected"] === COUNT, endings)
    }
    const reads = Checker.endings(yield* Effect.forEach(numbers, (i) => checked.get(`key:${i}`)))
    row.expect("reads", reads["absent"] === COUNT, reads)
    const sent = `${scripted.log.count("ms")} ms, ${scripted.log.count("ma")} ma`
    row.expect("sent", sent === `${2 * COUNT} ms, ${COUNT} ma`, sent)
    const { accepted } = scripted.log.counters
    row.expect("connections", accepted === 1 && !hasLost(client), accepted)

    const server = yield* row.memcached({ memoryLimit: 2, args: ["-M"] })
    const proxy = yield* row.faultProxy({ target: server })
    const real = yield* row.client({ ...options, servers: proxy.address })
    const stored: Array<string> = []
    const refused: Array<string> = []
    let writes = 0
    while (refused.length < COUNT && writes < MOST) {
      const key = `key:${writes++}`
      const { ended } = yield* real.checked.set(key, SIZE)
      if (ended === "stored") stored.push(key)
      else refused.push(ended)
    }
    const isRefused = refused.length === COUNT && refused.every((ended) => ended === "OutOfMemoryError rejected")
    row.expect("of memcached -M", isRefused, Checker.endings(refused.map((ended) => ({ ended }))))
    const found = Checker.endings(yield* Effect.forEach(stored, real.checked.get))
    row.expect("what it holds", stored.length > 0 && found["hit"] === stored.length, found)
    const written = proxy.traffic.commands.get("ms") ?? 0
    row.expect("written", written === writes, `${written} of ${writes}`)
    const accepts = proxy.traffic.accepts.length
    row.expect("connections through the proxy", accepts === 1 && !hasLost(real), accepts)
  })
}

export const rows: ReadonlyArray<Row> = [outOfMemory]
