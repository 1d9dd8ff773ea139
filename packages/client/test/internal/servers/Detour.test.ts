import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { get, hostOf, keyOf, make, nameOf, outcomeOf, reasonOf, settle, wire } from "../../fixtures/ScriptedPool.ts"

describe("Detour under rehash", () => {
  it.effect("takes the keys of a dead server to the next on the ring, and back", () =>
    Effect.gen(function*() {
      const { pool, transport } = yield* make(["a", "b", "c"], { policy: "rehash" })
      const keys = Array.from({ length: 200 }, (_, i) => `k${i}`)
      const before = keys.map((key) => hostOf(pool, key))
      transport.behaviour.set(nameOf("b"), "refuse")
      const [, b] = pool.backends()
      yield* reasonOf(b.send(get("x")))
      const during = keys.map((key) => hostOf(pool, key))
      keys.forEach((_, i) => {
        if (before[i] === "b") assert.include(["a", "c"], during[i])
        else assert.strictEqual(during[i], before[i])
      })
      assert.isAbove(new Set(during.filter((_, i) => before[i] === "b")).size, 1)
      transport.behaviour.set(nameOf("b"), "echo")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(keys.map((key) => hostOf(pool, key)), before)
    }))

  it.effect("a command that finds its server dead goes to the next within its deadline", () =>
    Effect.gen(function*() {
      const { pool, start, transport } = yield* make(["a", "b"], { policy: "rehash", behaviour: "wait" })
      transport.behaviour.set(nameOf("b"), "silent")
      const key = keyOf(pool, "a")
      const fiber = yield* start(key)
      yield* TestClock.adjust(700)
      transport.dials[0].refuse()
      yield* settle
      const connection = transport.connectionOf(nameOf("b"))
      assert.deepStrictEqual(connection.written, [get(key)])
      yield* TestClock.adjust(299)
      assert.strictEqual(outcomeOf(fiber), "pending")
      yield* TestClock.adjust(1)
      assert.strictEqual(outcomeOf(fiber), "TimeoutError unknown")
    }))

  it.effect("what was sent, and what was refused, goes nowhere else", () =>
    Effect.gen(function*() {
      const { pool, start, transport } = yield* make(["a", "b"], { policy: "rehash", behaviour: "silent" })
      const key = keyOf(pool, "a")
      const fiber = yield* start(key)
      transport.connectionOf(nameOf("a")).lose()
      yield* settle
      assert.strictEqual(outcomeOf(fiber), "ConnectionLostError unknown")
      assert.strictEqual(transport.dialsOf(nameOf("b")).length, 0)
    }))

  it.effect("fails with what was wrong while servers are found dead, and with no server afterwards", () =>
    Effect.gen(function*() {
      const { pool, send, transport } = yield* make(["a", "b", "c"], { policy: "rehash", behaviour: "refuse" })
      assert.strictEqual(yield* reasonOf(send("x")), "ConnectError not-sent")
      assert.strictEqual(transport.dials.length, 3)
      assert.strictEqual(yield* reasonOf(send("x")), "NoServerError not-sent")
      const [backend] = pool.backends()
      assert.strictEqual(yield* reasonOf(backend.send(get("x"))), "ServerDeadError not-sent")
      transport.behaviour.set(nameOf("b"), "echo")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(hostOf(pool, "x"), "b")
      assert.strictEqual(yield* reasonOf(send("x")), "ok")
    }))

  it.effect("a lone server that is refused says why, and is no server afterwards", () =>
    Effect.gen(function*() {
      const { send } = yield* make(["a"], { policy: "rehash", behaviour: "refuse" })
      assert.strictEqual(yield* reasonOf(send("x")), "ConnectError not-sent")
      assert.strictEqual(yield* reasonOf(send("x")), "NoServerError not-sent")
    }))

  it.effect("a hash routes in the key's place, also to the next server", () =>
    Effect.gen(function*() {
      const { pool, start, transport } = yield* make(["a", "b", "c", "d"], { policy: "rehash" })
      // A hash and a key whose second servers differ.
      const hosts = ["a", "b", "c", "d"]
      const second = (key: string, hash: string | undefined, home: string) =>
        Effect.gen(function*() {
          transport.behaviour.set(nameOf(home), "refuse")
          yield* reasonOf(pool.backends()[hosts.indexOf(home)].send(get("x")))
          const host = hostOf(pool, key, hash)
          yield* pool.forgetDeadHosts
          return host
        })
      let hash = ""
      for (let i = 0;; i++) {
        hash = `h${i}`
        if (hostOf(pool, "k", hash) !== "a") continue
        if ((yield* second("k", hash, "a")) !== (yield* second("k", undefined, "a"))) break
      }
      const expected = yield* second("k", hash, "a")
      transport.behaviour.set(nameOf("a"), "wait")
      const fiber = yield* start("k", hash)
      const before = transport.connections.length
      transport.dialsOf(nameOf("a")).at(-1)?.refuse()
      yield* settle
      assert.strictEqual(outcomeOf(fiber), "ok")
      assert.strictEqual(transport.connections.length, before + 1)
      assert.strictEqual(transport.connections.at(-1)?.server, nameOf(expected))
      assert.strictEqual(pool.pick(wire("x"), hash), pool.pick(wire("y"), hash))
    }))

  it.effect("a batch goes on key by key, and keeps its order", () =>
    Effect.gen(function*() {
      const { pool, transport } = yield* make(["a", "b", "c"], { policy: "rehash", behaviour: "echo" })
      transport.behaviour.set(nameOf("a"), "wait")
      const keys = Array.from({ length: 20 }, (_, n) => keyOf(pool, "a", n))
      const backend = pool.pick(wire(keys[0]))
      assert(!isMemcacheError(backend))
      for (const key of keys) assert.strictEqual(pool.pick(wire(key)), backend)
      const commands = [get(keys[0]), get(...keys.slice(1, 19)), get(keys[19])]
      const fiber = yield* Effect.forkScoped(backend.sendMany(commands), { startImmediately: true })
      transport.dials[0].refuse()
      const outcomes = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        outcomes.map((outcome) =>
          isMemcacheError(outcome) ? [outcome.message] : outcome.items.map((item) => item?.key)
        ),
        [[keys[0]], keys.slice(1, 19), [keys[19]]] as never
      )
      // Each key where the ring has it now.
      for (const host of ["b", "c"]) {
        const written = transport.connectionOf(nameOf(host)).written
        assert.isAbove(written.length, 0)
        for (const command of written) {
          assert(command._tag === "Get" && command.keys.length === 1)
          assert.strictEqual(hostOf(pool, command.keys[0]), host)
        }
      }
      assert.strictEqual(transport.dials.length, 3)
    }))

  it.effect("a command of several keys fails with the first that fails", () =>
    Effect.gen(function*() {
      const { pool, transport } = yield* make(["a", "b", "c"], { policy: "rehash", behaviour: "echo" })
      transport.behaviour.set(nameOf("a"), "wait")
      const keys = Array.from({ length: 20 }, (_, n) => keyOf(pool, "a", n))
      transport.behaviour.set(nameOf("b"), "silent")
      const backend = pool.pick(wire(keys[0]))
      assert(!isMemcacheError(backend))
      const fiber = yield* Effect.forkScoped(backend.sendMany([get(...keys)]), { startImmediately: true })
      transport.dials[0].refuse()
      yield* TestClock.adjust("1 second")
      const [outcome] = yield* Fiber.join(fiber)
      assert.isTrue(isMemcacheError(outcome) && outcome.reason._tag === "TimeoutError")
    }))

  it.effect("a command without time left fails with what was wrong", () =>
    Effect.gen(function*() {
      const { pool, start, transport } = yield* make(["a", "b"], { policy: "rehash", behaviour: "wait" })
      const fiber = yield* start(keyOf(pool, "a"))
      yield* TestClock.adjust(1000)
      transport.dials[0].refuse()
      yield* settle
      assert.strictEqual(outcomeOf(fiber), "TimeoutError not-sent")
      assert.strictEqual(transport.dials.length, 1)
    }))

  it.effect("a command of several keys is refused if one of them was", () =>
    Effect.gen(function*() {
      const { pool, transport } = yield* make(["a", "b", "c"], { policy: "rehash", behaviour: "echo" })
      transport.behaviour.set(nameOf("a"), "wait")
      const keys = Array.from({ length: 20 }, (_, n) => keyOf(pool, "a", n))
      const reply = { _tag: "ServerError", message: "out of luck" } as const
      transport.onAccept = (connection) => {
        if (connection.server === nameOf("b")) connection.refusal = { reply, items: [] }
      }
      const backend = pool.pick(wire(keys[0]))
      assert(!isMemcacheError(backend))
      const fiber = yield* Effect.forkScoped(backend.send(get(...keys)), { startImmediately: true })
      transport.dials[0].refuse()
      const { items, replies, reply: said } = yield* Fiber.join(fiber)
      assert.strictEqual(said, reply)
      // Which keys are missing, and which are unknown, is told apart.
      assert.deepStrictEqual(replies?.map((each) => each === reply), keys.map((key) => hostOf(pool, key) === "b"))
      assert.deepStrictEqual(
        items.map((item) => item !== undefined),
        keys.map((key) => hostOf(pool, key) === "c")
      )
    }))

  it.effect("no server is tried twice by one command, even if its death was forgotten meanwhile", () =>
    Effect.gen(function*() {
      const { pool, start, transport } = yield* make(["a", "b"], { policy: "rehash", behaviour: "wait" })
      const fiber = yield* start(keyOf(pool, "a"))
      transport.dials[0].refuse()
      yield* pool.forgetDeadHosts
      transport.dials[1].refuse()
      yield* settle
      assert.strictEqual(outcomeOf(fiber), "ConnectError not-sent")
      assert.strictEqual(transport.dials.length, 2)
    }))

  it.effect("each hash has its own way, for as long as it is the last that was asked for", () =>
    Effect.gen(function*() {
      const { pool } = yield* make(["a"], { policy: "rehash" })
      const pick = (hash: string | number) => pool.pick(wire("x"), hash)
      assert.strictEqual(pick(1), pick(1))
      assert.notStrictEqual(pick(1), pick(2))
      assert.notStrictEqual(pick(1), pool.pick(wire("x")))
    }))
})
