/**
 * Servers that die and start again: one with a thousand commands in flight, all of them at once, one with many clients.
 */
import * as LoopLag from "@effect-memcache/testing/LoopLag"
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
  it.live("row 52: a server is killed with 1000 commands in flight, and starts again after half a second", () =>
    Effect.gen(function*() {
      const server = yield* RealMemcached.make()
      const cache = yield* Rig.client({ servers: server.address })
      const lag = yield* LoopLag.make
      yield* cache.set("known", "value")
      // It hangs first, so that all of them are in flight when it dies.
      yield* server.stop
      const sent = yield* Effect.forEach(
        numbers(1000),
        (i) =>
          Effect.forkScoped(i % 2 === 0 ? Rig.timed(cache.get(`key:${i}`)) : Rig.timed(cache.set(`key:${i}`, i)), {
            startImmediately: true
          })
      )
      yield* Effect.sleep(30)
      assert.strictEqual((yield* cache.servers)[0].inFlight, 1000)
      const death = performance.now()
      yield* server.kill
      const unsent = yield* Effect.forEach(numbers(100), (i) => Rig.timed(cache.set(`key:${i}`, -i)), {
        concurrency: "unbounded"
      })
      const settled = yield* Effect.forEach(sent, Fiber.join)
      yield* Effect.sleep(Math.max(500 - (performance.now() - death), 0))
      yield* server.restart
      const back = yield* Rig.firstSuccess(cache.set("known", "again"), performance.now())
      console.log(Table.format([
        ["row 52", "operations", "longest ms"],
        ...Object.entries(Rig.endings(settled)).map((
          [end, n]
        ) => [`in flight: ${end}`, n, Math.round(Rig.longest(settled))]),
        ...Object.entries(Rig.endings(unsent)).map((
          [end, n]
        ) => [`after it: ${end}`, n, Math.round(Rig.longest(unsent))]),
        ["served again after ms", Math.round(back), ""]
      ]))
      assert.deepStrictEqual(Rig.endings(settled), { "ConnectionLostError unknown": 1000 })
      for (const { ended } of unsent) {
        assert.match(ended, /^(ConnectError|ServerDeadError|ConnectionLostError) not-sent$/)
      }
      for (const { settle, start } of [...settled, ...unsent]) {
        assert.isAtMost(settle - start - lag.between(start, settle), Rig.COMMAND_TIMEOUT + Rig.SLACK)
      }
      assert.isAtMost(back, 1000)
    }))

  it.live("row 59: when all servers are dead, all of them are probed on, and all are back within two seconds", () =>
    Effect.gen(function*() {
      const servers = yield* Effect.replicateEffect(RealMemcached.make(), 3)
      const dials = CountingTransport.make()
      const cache = yield* Rig.client({ servers: servers.map(({ address }) => address) }, dials.layer)
      const rehashing = yield* Rig.client({
        servers: servers.map(({ address }) => address),
        deadHost: { policy: "rehash", schedule: Schedule.spaced(Rig.PROBE_INTERVAL) }
      })
      const entries = numbers(60).map((i) => [`key:${i}`, i] as const)
      const everything = cache.setMany(entries)
      yield* everything
      yield* rehashing.setMany(entries)
      yield* Effect.forEach(servers, ({ kill }) => kill, { concurrency: "unbounded" })
      yield* Effect.forEach(entries, ([key]) => Rig.timed(cache.get(key)))
      assert.deepStrictEqual((yield* cache.servers).map(({ status }) => status), ["dead", "dead", "dead"])
      const before = servers.map(({ address }) => dials.of(address).length)
      const during = yield* Effect.forEach(entries, ([key]) => Rig.timed(cache.get(key)))
      assert.deepStrictEqual(Rig.endings(during), { "ServerDeadError not-sent": 60 })
      const rehashed = yield* Effect.forEach(entries, ([key]) => Rig.timed(rehashing.get(key)))
      for (const { ended } of rehashed) {
        assert.match(ended, /^(NoServerError|ConnectError|ServerDeadError|ConnectionLostError) not-sent$/)
      }
      assert.strictEqual((yield* Rig.timed(rehashing.get("key:0"))).ended, "NoServerError not-sent")
      yield* Effect.sleep(1600)
      const probes = servers.map(({ address }, i) => dials.of(address).length - before[i])
      for (const count of probes) assert.isTrue(count >= 2 && count <= 4, `${count} probes in 1.6 s`)
      yield* Effect.forEach(servers, ({ restart }) => restart, { concurrency: "unbounded" })
      const up = performance.now()
      const back = yield* Rig.firstSuccess(everything, up)
      const rehashedBack = yield* Rig.firstSuccess(rehashing.setMany(entries), up)
      assert.deepStrictEqual((yield* cache.servers).map(({ status }) => status), [
        "connected",
        "connected",
        "connected"
      ])
      console.log(
        `row 59: probes ${probes.join(", ")}; back after ${Math.round(back)} ms, ${Math.round(rehashedBack)} ms`
      )
      assert.isAtMost(Math.max(back, rehashedBack), 2000)
    }))

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
