/**
 * The connection behind the commands: made once, shared by all, kept through every error that is about one item, and
 * gone with its scope.
 */
import { Memcache } from "@effect-memcache/client"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { It } from "../behaviour.ts"
import { Target } from "../Target.ts"

/** How many connections are open, once those of other clients are gone: a server notices that in its own time. */
const settledConnections = Effect.gen(function*() {
  for (let last = -1;;) {
    const open = yield* Target.stat("curr_connections")
    if (open === last) return open
    last = open
    yield* Effect.sleep("100 millis")
  }
})

export const connections = (it: It): void => {
  it.effect("a hundred commands at once on a cold client open one connection (D7, D17, P10)", () =>
    Effect.gen(function*() {
      const cache = yield* Target.freshClient()
      const before = yield* Target.stat("total_connections")
      const found = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, i) => i),
        (i) => Effect.andThen(cache.set(`cold-${i}`, i), cache.get(`cold-${i}`)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(found.map(Option.getOrThrow), Array.from({ length: 100 }, (_, i) => i))
      assert.strictEqual((yield* Target.stat("total_connections")) - before, 1)
    }))

  it.effect("ten thousand commands at once are each answered with their own value (D16, D20)", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.setMany(Array.from({ length: 100 }, (_, i) => [`own-${i}`, `value of own-${i}`] as const))
      const found = yield* Effect.forEach(
        Array.from({ length: 10_000 }, (_, i) => `own-${i % 110}`),
        (key) => Effect.map(cache.get(key), (value) => [key, value] as const),
        { concurrency: "unbounded" }
      )
      for (const [key, value] of found) {
        const isStored = Number(key.slice(4)) < 100
        assert.deepStrictEqual(value, isStored ? Option.some(`value of ${key}`) : Option.none())
      }
    }))

  it.effect("two clients at once do not see each other's replies (D23)", () =>
    Effect.gen(function*() {
      const clients = [yield* Target.freshClient(), yield* Target.freshClient()]
      const numbers = Array.from({ length: 500 }, (_, i) => i)
      yield* Effect.forEach(clients, (cache, who) =>
        Effect.forEach(numbers, (i) =>
          Effect.gen(function*() {
            yield* cache.set(`client-${who}-${i}`, `${who} ${i}`)
            assert.deepStrictEqual(yield* cache.get(`client-${who}-${i}`), Option.some(`${who} ${i}`))
          }), { concurrency: "unbounded", discard: true }), { concurrency: "unbounded" })
    }))

  it.effect("a value above the server's limit is a ValueTooLargeError; the connection and its commands live on (D4, P9)", () =>
    Effect.gen(function*() {
      const cache = yield* Target.freshClient({ maxItemSize: 4_194_304 })
      yield* cache.set("too-large", "old")
      const before = yield* Target.stat("total_connections")
      const [error, other] = yield* Effect.all([
        Effect.flip(cache.set("too-large", new Uint8Array(2_000_000), { compression: false })),
        cache.set("beside", 1),
        cache.get("beside")
      ], { concurrency: "unbounded" })
      if (error._tag !== "MemcacheError") return assert.fail(error._tag)
      assert.strictEqual(error.reason._tag, "ValueTooLargeError")
      assert.strictEqual(error.outcome, "rejected")
      assert.isTrue(other)
      // memcached drops the old value.
      assert.deepStrictEqual(yield* cache.get("too-large"), Option.none())
      assert.isTrue(yield* cache.set("too-large", "next"))
      assert.deepStrictEqual(yield* cache.get("too-large"), Option.some("next"))
      assert.strictEqual((yield* Target.stat("total_connections")) - before, 0)
      assert.strictEqual((yield* cache.servers)[0].status, "connected")
    }))

  it.effect("a value above the client's own limit is a ValueTooLargeError, nothing is sent, and the old value stays", () =>
    Effect.gen(function*() {
      const cache = yield* Target.freshClient({ maxItemSize: 100 })
      yield* cache.set("own-limit", "old")
      const error = yield* Effect.flip(cache.set("own-limit", "x".repeat(101)))
      assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "ValueTooLargeError")
      assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "not-sent")
      assert.deepStrictEqual(yield* cache.get("own-limit"), Option.some("old"))
    }))

  it.effect("after an interrupted command the next one gets its own value, on the same connection", () =>
    Effect.gen(function*() {
      const cache = yield* Target.freshClient()
      yield* cache.setMany(Array.from({ length: 20 }, (_, i) => [`int-${i}`, i] as const))
      const before = yield* Target.stat("total_connections")
      for (let round = 0; round < 100; round++) {
        const fiber = yield* Effect.forkChild(cache.get(`int-${round % 20}`), { startImmediately: true })
        // Every other one is on its way when it is interrupted.
        if (round % 2 === 0) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* cache.get(`int-${(round + 7) % 20}`), Option.some((round + 7) % 20))
      }
      assert.strictEqual((yield* Target.stat("total_connections")) - before, 0)
    }))

  it.effect("Effect.timeout is the deadline of one call and harms no other", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("deadline", "v")
      const late = yield* Effect.exit(Effect.timeout(cache.get("deadline"), 0))
      assert.isTrue(Exit.isFailure(late) || Exit.isSuccess(late))
      assert.deepStrictEqual(yield* cache.get("deadline"), Option.some("v"))
    }))

  it.effect("a command's effect can be run many times", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("many-times", 0)
      const count = cache.increment("many-times")
      assert.deepStrictEqual(yield* Effect.all([count, count, count]), [1n, 2n, 3n].map(Option.some))
    }))

  it.effect("disconnectAll closes the socket and the next command opens another; events tell both", () =>
    Effect.gen(function*() {
      const cache = yield* Target.freshClient()
      const events = yield* Effect.forkChild(Stream.runCollect(Stream.take(cache.events, 3)), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      yield* cache.set("again", 1)
      const before = yield* Target.stat("total_connections")
      yield* cache.disconnectAll
      assert.notStrictEqual((yield* cache.servers)[0].status, "connected")
      assert.deepStrictEqual(yield* cache.get("again"), Option.some(1))
      assert.strictEqual((yield* Target.stat("total_connections")) - before, 1)
      const tags = [...yield* Fiber.join(events)].map((event) => event._tag)
      assert.deepStrictEqual(tags, ["ServerConnected", "ServerDisconnected", "ServerConnected"])
    }))

  it.effect("servers is a snapshot of each server", () =>
    Effect.gen(function*() {
      const cache = yield* Target.freshClient()
      const { options } = yield* Target
      const [cold] = yield* cache.servers
      assert.deepStrictEqual([cold.server, cold.weight, cold.status, cold.connections], [
        (options.servers as ReadonlyArray<string>)[0],
        1,
        "idle",
        0
      ])
      yield* cache.get("warm")
      const [warm] = yield* cache.servers
      assert.deepStrictEqual([warm.status, warm.connections, warm.inFlight], ["connected", 1, 0])
      assert.match(Option.getOrThrow(warm.version), /^1\.6\.\d+$/)
      assert.deepStrictEqual(warm.dialect, Option.some(options.protocol === "text" ? "text" : "meta"))
      yield* cache.forgetDeadHosts
      assert.strictEqual((yield* cache.servers)[0].status, "connected")
    }))

  it.effect("when the scope of a client is closed its socket is gone, and a late command says so", () =>
    Effect.gen(function*() {
      const before = yield* settledConnections
      const scope = yield* Scope.make()
      const cache = yield* Scope.provide(Target.freshClient(), scope)
      yield* cache.get("warm")
      assert.strictEqual((yield* Target.stat("curr_connections")) - before, 1)
      const running = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 500 }), (_, i) => Effect.exit(cache.get(`closing-${i}`)), {
          concurrency: "unbounded"
        }),
        { startImmediately: true }
      )
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Fiber.join(running)).length, 500)
      const error = yield* Effect.flip(cache.get("late"))
      assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "not-sent")
      assert.strictEqual(yield* settledConnections, before)
    }))
}
