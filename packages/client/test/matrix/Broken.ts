/**
 * Rows in which something is wrong, one for each invariant: what the harness must find, or it finds nothing.
 */
import * as Effect from "effect/Effect"
import { once } from "node:events"
import * as Net from "node:net"
import type { Row, Run } from "./Row.ts"
import { PASSWORD } from "./Row.ts"

export interface Broken extends Row {
  /** What the problems must say, and nothing else. */
  readonly problem: RegExp
  /** Whether it is seen from outside the process only. */
  readonly isOutside: boolean
}

const broken = (number: number, problem: RegExp, title: string, run: Row["run"], limit?: number): Broken => ({
  number,
  problem,
  isOutside: [905, 907, 913, 916].includes(number),
  title,
  expected: String(problem),
  quick: true,
  limit,
  run
})

/** Sends bytes to a fault server beside any client. */
const send = (row: Run, text: string, times = 1) =>
  Effect.flatMap(
    row.faultServer(),
    ({ host, port }) =>
      Effect.forEach(Array.from({ length: times }), () =>
        Effect.promise(async () => {
          const socket = Net.connect({ host, port })
          socket.write(text)
          await once(socket, "data")
          await once(socket.destroy(), "close")
        }))
  )

/** Kept from being collected. */
const kept: Array<unknown> = []

export const rows: ReadonlyArray<Broken> = [
  broken(901, /^1 wrong values/, "A1: another key's value", (row) => {
    const { value } = row.checker.stamps.issue("b")
    return row.checker.read("a", Effect.succeed(value))
  }),
  broken(
    902,
    /^1 operations settled later than 250/,
    "A2: an operation that settles late",
    (row) => row.checker.operation(Effect.sleep(900))
  ),
  broken(
    903,
    /^1 failures that were not promised/,
    "A3: a defect",
    (row) => row.checker.operation(Effect.die("boom"))
  ),
  broken(
    904,
    /^A4: (uncaught exception|warning): .*unheard/,
    "A4: a rejection that nobody hears of",
    () => Effect.sync(() => void Promise.reject(new Error("unheard")))
  ),
  broken(905, /^A4: the process ended with code 3/, "A4: an exit code", () => Effect.sync(() => process.exitCode = 3)),
  broken(
    906,
    /^A5: the process grew by/,
    "A5: memory",
    () => Effect.sync(() => kept.push(new Uint8Array(100 * 1_048_576).fill(1)))
  ),
  broken(
    907,
    /^A6: (1 Timeout, 0 before|the process ended \d+ ms after)/,
    "A6: a timer",
    () => Effect.sync(() => void setTimeout(() => {}, 1500))
  ),
  broken(
    908,
    /^A6: 1 system sockets, 0 before/,
    "A6: a socket",
    () => Effect.promise(() => once(Net.createServer().listen(0, "127.0.0.1").unref(), "listening"))
  ),
  broken(
    909,
    /^A7: the opaque 7 was sent 2 times/,
    "A7: a command that is sent twice",
    (row) => send(row, "mg key v O7\r\n", 2)
  ),
  broken(
    910,
    /^A7: n is 5 after 1 successes/,
    "A7: a counter that is too far",
    (row) => Effect.map(row.checker.count("n", Effect.succeed(1)), () => row.counted("n", 5))
  ),
  broken(911, /^A8: 1 malformed requests/, "A8: a request that is none", (row) => send(row, "bogus\r\n")),
  broken(
    912,
    /^A9: 9 connections, 5 are allowed/,
    "A9: too many connections",
    (row) => send(row, "version\r\n", 9)
  ),
  broken(
    913,
    /^A10: the password in plain text/,
    "A10: a password in the output",
    () => Effect.logInfo(`connecting as ada with ${PASSWORD}`)
  ),
  broken(914, /^row: it died: .*boom/s, "a row that fails", () => Effect.fail("boom")),
  broken(
    915,
    /^row: the answer: 41/,
    "a row that does not see what it expects",
    (row) => Effect.sync(() => row.expect("the answer", Number("41") === 42, 41))
  ),
  broken(
    916,
    /^row: it printed no verdict|SIGKILL/,
    "a row that never ends",
    () => Effect.andThen(Effect.sync(() => setInterval(() => {}, 1000)), Effect.never),
    2
  )
]
