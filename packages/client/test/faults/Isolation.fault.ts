/**
 * What one server's trouble means for the others, and a change of the list for what is in flight.
 */
import * as Distribution from "@effect-memcache/client/Distribution"
import type { Key } from "@effect-memcache/protocol/Key"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { RealMemcached } from "@effect-memcache/testing/RealMemcached"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { reasonForNoRealMemcached } from "../Target.ts"
import * as Fleet from "./Fleet.ts"
import * as Rig from "./Rig.ts"
import * as Table from "./Table.ts"
import * as Verdict from "./Verdict.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe("what is not touched", () => {
  describe.skipIf(reasonForNoRealMemcached() !== undefined)("on real servers", () => {
    it.live("row 58: one of three servers answers nothing for three seconds", () =>
      Effect.gen(function*() {
        const run = yield* Fleet.run({ policy: "fail", fault: "freeze", outage: 3000, fibers: 60, probeInterval: 1000 })
        Table.print(run)
        assert.deepStrictEqual(Verdict.problems(run), [])
        const { back, fault } = run.times
        const dead = fault + Verdict.detection(run)
        const quick = run.ledger.percentile(Fleet.VICTIM, [dead + 10, back], 0.99)
        assert.isAtMost(quick, 5, "commands for a dead server fail at once")
        const probes = run.dials.filter((at) => at > dead && at < back).length
        assert.isAtMost(probes, Math.ceil((back - dead) / 1000))
        assert.isAtLeast(probes, 1)
      }))

    for (const [how, args] of [["waits", ["-o", "no_maxconns_fast"]], ["is refused", []]] as const) {
      it.live(`row 63: a connection beyond the server's limit ${how}, and the others go on`, () =>
        Effect.gen(function*() {
          const server = yield* RealMemcached.make({ args: ["-t", "1", "-c", "20", ...args] })
          const clients = yield* Effect.forEach(numbers(40), () => Rig.client({ servers: server.address }))
          const first = yield* Effect.forEach(clients, (cache) => Rig.timed(cache.set("key", "value")), {
            concurrency: "unbounded"
          })
          const served = clients.filter((_, i) => first[i].ended === "ok")
          const others = first.filter(({ ended }) => ended !== "ok")
          console.log(`row 63, the connection ${how}:`, Rig.endings(first), `${Math.round(Rig.longest(others))} ms`)
          console.log(others[0]?.error?.message)
          assert.isAtLeast(served.length, 5)
          assert.isAtLeast(others.length, 15)
          for (const { ended } of others) assert.match(ended, /^(ConnectError|ServerDeadError) not-sent$/)
          assert.isAtMost(Rig.longest(others), Rig.CONNECT_TIMEOUT + 2 * Rig.SLACK)
          const traffic = yield* Effect.forEach(
            numbers(20),
            () => Effect.forEach(served, (cache) => Rig.timed(cache.get("key")), { concurrency: "unbounded" })
          )
          assert.deepStrictEqual(Rig.endings(traffic.flat()), { ok: 20 * served.length })
        }))
    }
  })

  it.live("row 65: the list of servers changes with a thousand operations in flight", () =>
    Effect.gen(function*() {
      const servers = yield* Effect.replicateEffect(EmbeddedMemcached.make(), 5)
      const addresses = servers.map(({ address }) => address)
      const cache = yield* Rig.client({ servers: addresses.slice(0, 4), commandTimeout: "5 seconds" })
      const keys = numbers(5000).map((i) => `key:${i}`)
      yield* cache.setMany(keys.map((key) => [key, key]))
      let settled = 0
      const rounds = [addresses, addresses.slice(0, 4), addresses.slice(1), addresses]
      for (const list of rounds) {
        const fibers = yield* Effect.forEach(
          numbers(1000),
          (i) => {
            const key = keys[i]
            const operation = i % 2 === 0 ? cache.get(key) : cache.set(key, key)
            return Effect.forkScoped(
              Effect.tap(Rig.timed(operation as Effect.Effect<unknown, unknown>), () => Effect.sync(() => settled++)),
              { startImmediately: true }
            )
          }
        )
        yield* cache.setServers(list)
        const operations = yield* Effect.forEach(fibers, Fiber.join)
        assert.deepStrictEqual(Rig.endings(operations), { ok: 1000 })
        assert.deepStrictEqual((yield* cache.servers).map(({ server }) => server), list)
      }
      assert.strictEqual(settled, 1000 * rounds.length)
      for (const [key, value] of yield* cache.getMany(keys)) assert.strictEqual(value, key)

      const place = (list: ReadonlyArray<string>) => {
        const placement = Result.getOrThrow(Distribution.make({ servers: list }))
        return keys.map((key) => list[placement.indexOf(key as Key, undefined)])
      }
      const [four, five] = [place(addresses.slice(0, 4)), place(addresses)]
      const moved = keys.filter((_, i) => four[i] !== five[i]).length / keys.length
      console.log(`row 65: a fifth server takes ${(moved * 100).toFixed(1)} % of the keys`)
      assert.isAtMost(moved, 1 / 5 + 0.1)
      keys.forEach((_, i) => {
        if (four[i] !== five[i]) assert.strictEqual(five[i], addresses[4])
      })
    }))
})
