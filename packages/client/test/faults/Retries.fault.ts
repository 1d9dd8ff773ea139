/**
 * What is sent a second time, and how often: a command of which nothing was written, and reads within their budget.
 */
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import * as FaultProxy from "@effect-memcache/testing/FaultProxy"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as ScriptedServer from "../ScriptedServer.ts"
import * as Rig from "./Rig.ts"

describe("commands that are sent again", () => {
  it.live("row 54: a command whose connection dies before any of it was written is sent on the next one", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const proxy = yield* FaultProxy.make({ target: server })
      const cache = yield* Rig.client({ servers: proxy.address, compression: false, commandTimeout: "5 seconds" })
      yield* cache.set("counter", 1)
      yield* proxy.set([{ _tag: "BlackHole", direction: "up" }])
      // More than the system's buffers hold, so that what comes next waits unwritten.
      const large = new Uint8Array(1_000_000)
      const sets = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, i) => i),
        (i) => Effect.forkScoped(Rig.timed(cache.set(`large:${i}`, large)), { startImmediately: true })
      )
      yield* Effect.sleep(50)
      const operations = [cache.increment("counter"), cache.get("counter"), cache.set("other", "value")]
      const queued = yield* Effect.forEach(
        operations,
        (operation) =>
          Effect.forkScoped(Rig.timed(operation as Effect.Effect<unknown, unknown>), { startImmediately: true })
      )
      yield* Effect.sleep(20)
      assert.lengthOf(proxy.traffic.accepts, 1)
      yield* proxy.cut("rst")
      yield* proxy.clear
      const [counted, read, written] = yield* Effect.forEach(queued, Fiber.join)
      assert.deepStrictEqual([counted, read, written].map(({ ended }) => ended), ["ok", "ok", "ok"])
      assert.deepStrictEqual(counted.value, Option.some(2n))
      assert.deepStrictEqual(yield* cache.get("counter"), Option.some(2))
      assert.lengthOf(proxy.traffic.accepts, 2)
      const endings = Rig.endings(yield* Effect.forEach(sets, Fiber.join))
      console.log("row 54: large sets before it:", endings)
      assert.isAtLeast(endings["ConnectionLostError unknown"] ?? 0, 1)
      assert.strictEqual((endings["ok"] ?? 0) + endings["ConnectionLostError unknown"], 20)
    }))

  it.live("row 55: reads that all fail are tried again for a tenth of them and ten more", () =>
    Effect.gen(function*() {
      let requests = 0
      const server = yield* ScriptedServer.make({
        onData: (socket, text) => {
          const count = text.split("get ").length - 1
          requests += count
          socket.write("SERVER_ERROR busy\r\n".repeat(count))
        }
      })
      const cache = yield* Rig.client({
        servers: server.address,
        readRetry: { schedule: Schedule.spaced("5 millis") }
      })
      const rounds = 1000
      const fibers: Array<Fiber.Fiber<Rig.Timed>> = []
      yield* Effect.repeat(
        Effect.gen(function*() {
          for (let i = 0; i < 10; i++) fibers.push(yield* Effect.forkScoped(Rig.timed(cache.get(`key:${i}`))))
        }),
        { times: rounds - 1, schedule: Schedule.fixed("10 millis") }
      )
      const operations = yield* Effect.forEach(fibers, Fiber.join)
      const extra = requests - operations.length
      console.log(
        `row 55: ${operations.length} reads, ${extra} tries more, longest ${Math.round(Rig.longest(operations))} ms`
      )
      assert.deepStrictEqual(Rig.endings(operations), { "ServerError rejected": rounds * 10 })
      assert.isAtMost(extra, operations.length / 10 + 10)
      assert.isAtLeast(extra, operations.length / 20)
      assert.strictEqual(server.accepted(), 1)
    }))
})
