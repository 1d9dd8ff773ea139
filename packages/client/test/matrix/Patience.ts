/**
 * Rows of the fault matrix: timeouts, and connections that are only half there.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Row } from "./Row.ts"
import { DEADLINE, SLACK } from "./Row.ts"

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

export const rows: ReadonlyArray<Row> = [silentServer]
