/**
 * Three real servers, 200 fibers at full load, and one of the servers is killed, or hangs, for five seconds: what each
 * policy must hold to.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { reasonForNoRealMemcached } from "../Target.ts"
import * as Fleet from "./Fleet.ts"
import * as Table from "./Table.ts"
import * as Verdict from "./Verdict.ts"

const policies: ReadonlyArray<Fleet.Policy> = ["fail", "miss", "rehash", "gutter"]

const faults = {
  kill: "a server that is killed and starts again",
  freeze: "a server that hangs and goes on"
} as const

describe.skipIf(reasonForNoRealMemcached() !== undefined)("three servers under full load", () => {
  for (const fault of ["kill", "freeze"] as const) {
    for (const policy of policies) {
      it.live(`${faults[fault]} costs its own keys and nothing else (policy ${policy})`, () =>
        Effect.gen(function*() {
          const run = yield* Fleet.run({ policy, fault, outage: 5000, fibers: 200, probeInterval: 500 })
          Table.print(run)
          assert.deepStrictEqual(Verdict.problems(run), [])
        }))
    }
  }
})
