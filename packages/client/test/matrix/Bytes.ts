/**
 * Rows of the fault matrix: hostile or confused bytes.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Effect from "effect/Effect"
import type { Row } from "./Row.ts"

const ROUNDS = 100

const replyTwice: Row = {
  number: 30,
  title: "a reply twice",
  expected: "destroyed before another operation is paired; the next one ok on a new connection",
  quick: true,
  connects: ROUNDS + 1,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer()
    const { checked } = yield* row.client({ servers: server.address })
    const keys = ["a", "b", "c", "d"]
    yield* Effect.forEach(keys, (key) => checked.set(key))
    const first: Array<string> = []
    const others: Array<{ readonly ended: string }> = []
    const next: Array<string> = []
    for (let i = 0; i < ROUNDS; i++) {
      yield* server.script([FaultScript.on({ times: 1 }, FaultScript.duplicate)])
      const together = yield* Effect.forEach(keys, checked.get, { concurrency: "unbounded" })
      first.push(together[0].ended)
      others.push(...together.slice(1))
      next.push((yield* checked.get("b")).ended)
    }
    row.expect("the one with two replies", first.every((ended) => ended === "hit"), new Set(first))
    const endings = Checker.endings(others)
    row.expect("those behind it", endings["hit"] === undefined, endings)
    row.expect("the next", next.every((ended) => ended === "hit"), new Set(next))
    const { accepted } = server.log.counters
    row.expect("connections", accepted === ROUNDS + 1, accepted)
  })
}

export const rows: ReadonlyArray<Row> = [replyTwice]
