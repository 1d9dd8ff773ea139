/**
 * A server that starts again: empty, and with many clients.
 */
import { RealMemcached } from "@effect-memcache/testing/RealMemcached"
import * as Table from "@effect-memcache/testing/Table"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { reasonForNoRealMemcached } from "../Target.ts"
import * as CountingTransport from "./CountingTransport.ts"
import * as Rig from "./Rig.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe.skipIf(reasonForNoRealMemcached() !== undefined)("servers that start again", () => {
  it.live("an empty server at the same address answers misses, and never what was there before", () =>
    Effect.gen(function*() {
      const server = yield* RealMemcached.make()
      const cache = yield* Rig.client({ servers: server.address })
      const keys = numbers(1000).map((i) => `key:${i}`)
      yield* cache.setMany(keys.map((key) => [key, `old ${key}`]))
      const { cas } = Option.getOrThrow(yield* cache.gets("key:0"))
      yield* server.restart
      yield* Rig.firstSuccess(cache.get("key:0"), performance.now())
      const found = yield* cache.getMany(keys)
      assert.strictEqual(found.size, 0)
      assert.strictEqual(yield* cache.compareAndSwap("key:0", "new", cas), "notFound")
      assert.isFalse(yield* cache.replace("key:1", "new"))
      assert.isFalse(yield* cache.touch("key:2", "1 minute"))
      assert.deepStrictEqual(yield* cache.increment("key:3"), Option.none())
      yield* cache.setMany(keys.map((key) => [key, `new ${key}`]))
      for (const [key, value] of yield* cache.getMany(keys)) assert.strictEqual(value, `new ${key}`)
    }))

  it.live("200 clients that lose their server five times, a thousand reconnects, make one connection each", () =>
    Effect.gen(function*() {
      const server = yield* RealMemcached.make()
      const dials = CountingTransport.make()
      const schedule = Schedule.jittered(Schedule.spaced(Rig.PROBE_INTERVAL))
      const clients = yield* Effect.forEach(numbers(200), () =>
        // They share the machine's two cores with each other, which no two clients elsewhere do.
        Rig.client({
          servers: server.address,
          deadHost: { schedule },
          commandTimeout: 1000,
          connectTimeout: 1000
        }, dials.layer))
      let isOver = false
      const endings: Array<string> = []
      const work = (cache: typeof clients[number]) =>
        Effect.repeat(
          Effect.map(Rig.timed(cache.set("key", "value")), ({ ended }) => void endings.push(ended)),
          { until: () => isOver, schedule: Schedule.spaced("50 millis") }
        )
      const connected = Effect.map(
        Effect.forEach(clients, ({ servers }) => servers),
        (states) => states.filter(([{ status }]) => status === "connected").length
      )
      const load = yield* Effect.forEach(clients, (cache) => Effect.forkScoped(work(cache)))
      yield* Effect.repeat(connected, { until: (count) => count === 200, schedule: Schedule.spaced("10 millis") })
      const rows: Array<ReadonlyArray<string | number>> = [[
        "reconnects",
        "dials while down",
        "dials at the return",
        "all back ms"
      ]]
      for (const round of numbers(5)) {
        const atDeath = dials.of(server.address).length
        yield* server.kill
        yield* Effect.sleep(300)
        const down = dials.of(server.address).length
        yield* server.restart
        const up = performance.now()
        yield* Effect.repeat(connected, { until: (count) => count === 200, schedule: Schedule.spaced("10 millis") })
        const back = performance.now() - up
        yield* Effect.sleep(100)
        const after = dials.of(server.address).length
        rows.push([`round ${round + 1}`, down - atDeath, after - down, Math.round(back)])
        // One shared dial that was refused, then one probe each, of which a few come while nobody listens yet.
        assert.isAtMost(down - atDeath, 200 + 20)
        assert.isAtMost(after - down, 200 + 100)
        assert.isAtMost(back, 2 * Rig.PROBE_INTERVAL)
      }
      isOver = true
      yield* Effect.forEach(load, Fiber.await)
      console.log(Table.format(rows))
      for (const ending of new Set(endings)) {
        assert.match(
          ending,
          /^(ok|ServerDeadError not-sent|ConnectError not-sent|ConnectionLostError (not-sent|unknown))$/
        )
      }
    }))
})
