/**
 * Many processes, one key, one real memcached: who computes, what the others get, and what happens when the one who
 * computes is killed.
 */
import { RealMemcached } from "@effect-memcache/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Fleet, type Job } from "./Fleet.ts"
import { reasonForNoRealMemcached, Target } from "./Target.ts"

const PROCESSES = 4
const FIBERS = 250

class Stage extends Context.Service<Stage, {
  readonly fleet: Fleet
  readonly raw: Target["Service"]["raw"]
}>()("test/Stage") {
  static readonly layer = (protocol: "meta" | "text") =>
    Layer.orDie(Layer.effect(
      Stage,
      Effect.gen(function*() {
        const { address } = yield* RealMemcached.make()
        return { fleet: yield* Fleet.make(address, protocol, PROCESSES), raw: yield* Target.rawTo(address) }
      })
    ))
}

const job = (key: string, rest: Partial<Job>): Job => ({
  key,
  fibers: FIBERS,
  firstHangs: false,
  options: { ttl: "1 minute" },
  ...rest
})

const run = (job: Job) =>
  Effect.gen(function*() {
    const { fleet, raw } = yield* Stage
    yield* Effect.promise(() => fleet.fill(PROCESSES))
    const reports = yield* Effect.promise(() => fleet.run(job))
    const counter = /\r\n(\d+)\r\n/.exec(yield* raw(`mg ${job.key}:computed v\r\n`))
    assert.strictEqual(reports.length, job.firstHangs ? PROCESSES - 1 : PROCESSES)
    return { reports, computed: Number(counter?.[1] ?? 0) }
  })

const seed = (key: string, seconds: number) =>
  Effect.flatMap(Stage, ({ raw }) => raw(`set ${key} 16 ${seconds} 3\r\nold\r\n`))

describe.skipIf(reasonForNoRealMemcached() !== undefined)("1,000 fibers in 4 processes", () => {
  for (const protocol of ["meta", "text"] as const) {
    describe(protocol, () => {
      it.layer(Stage.layer(protocol), { excludeTestServices: true, timeout: "30 seconds" })((it) => {
        it.effect("compute a missing value once", () =>
          Effect.gen(function*() {
            const { computed, reports } = yield* run(job("missing", {}))
            assert.strictEqual(computed, 1)
            for (const { first, last } of reports) assert.deepStrictEqual([first, last], [["new"], "new"])
          }))

        it.effect("compute it a second time when the winner is killed, and everyone else gets it", () =>
          Effect.gen(function*() {
            const { computed, reports } = yield* run(
              job("killed", { options: { ttl: "1 minute", claimFor: "2 seconds" }, firstHangs: true })
            )
            assert.strictEqual(computed, 2)
            for (const { first, last } of reports) assert.deepStrictEqual([first, last], [["new"], "new"])
          }))

        it.effect("compute an invalidated value once", () =>
          Effect.gen(function*() {
            const { raw } = yield* Stage
            yield* seed("invalid", 60)
            yield* raw(protocol === "meta" ? "md invalid I T30\r\n" : "delete invalid\r\n")
            const options = { ttl: "1 minute", staleFor: "30 seconds" } as const
            const { computed, reports } = yield* run(job("invalid", { options, until: "new" }))
            assert.strictEqual(computed, 1)
            for (const { first, last } of reports) {
              assert.deepStrictEqual([first, last], [[protocol === "meta" ? "old" : "new"], "new"])
            }
          }))

        if (protocol === "text") return

        it.effect("compute a value anew before it expires, once, and have the old one meanwhile", () =>
          Effect.gen(function*() {
            yield* seed("due", 10)
            const options = { ttl: "1 minute", earlyRefresh: "20 seconds" } as const
            const { computed, reports } = yield* run(job("due", { options, until: "new" }))
            assert.strictEqual(computed, 1)
            for (const { first, last } of reports) assert.deepStrictEqual([first, last], [["old"], "new"])
          }))

        it.effect("compute it again when the one who refreshes is killed", () =>
          Effect.gen(function*() {
            yield* seed("due-killed", 30)
            const options = { ttl: "2 minutes", earlyRefresh: "40 seconds", claimFor: "2 seconds" } as const
            const { computed, reports } = yield* run(job("due-killed", { options, until: "new", firstHangs: true }))
            assert.strictEqual(computed, 2)
            for (const { first, last } of reports) assert.deepStrictEqual([first, last], [["old"], "new"])
          }))

        it.effect("compute it again when the one who replaces a stale value is killed", () =>
          Effect.gen(function*() {
            const { raw } = yield* Stage
            yield* seed("stale-killed", 60)
            yield* raw("md stale-killed I T30\r\n")
            const options = { ttl: "1 minute", staleFor: "30 seconds", claimFor: "2 seconds" } as const
            const { computed, reports } = yield* run(job("stale-killed", { options, until: "new", firstHangs: true }))
            assert.strictEqual(computed, 2)
            for (const { first, last } of reports) assert.deepStrictEqual([first, last], [["old"], "new"])
          }))
      })
    })
  }
})
