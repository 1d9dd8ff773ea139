/**
 * What metrics say of commands that fail, on every way that a command can take to a server: each is counted once, when it
 * has failed for good.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import type { ScriptedPool } from "./fixtures/ScriptedPool.ts"
import * as Scripted from "./fixtures/ScriptedPool.ts"

const SERVER = Scripted.nameOf("a")

const alone = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

/** Operations that failed, by their names and reasons: how many, and how many seconds in all. */
const failures = Effect.map(
  Metric.snapshot,
  (snapshot) =>
    snapshot.flatMap(({ attributes, id, state }) =>
      id === "db.client.operation.duration" && "sum" in state && attributes?.["error.type"] !== undefined
        ? [
          `${attributes["db.operation.name"]} ${attributes["error.type"]} ${state.count} ${
            Number(state.sum.toFixed(3))
          }`
        ]
        : []
    ).sort()
)

const count = (name: string) =>
  Effect.map(Metric.snapshot, (snapshot) => {
    const found = snapshot.find(({ id }) => id === `memcached.client.${name}`)
    return found !== undefined && "count" in found.state ? Number(found.state.count) : undefined
  })

const remove = (key: string): Command => ({ _tag: "Delete", key: Scripted.wire(key), noreply: false })

/** Sends both in one go, and answers the fiber. */
const startMany = ({ pool }: Pick<ScriptedPool, "pool">, commands: ReadonlyArray<Command>) => {
  const backend = pool.pick(Scripted.wire("k"))
  if (isMemcacheError(backend)) throw backend
  return Effect.forkScoped(backend.sendMany(commands), { startImmediately: true })
}

const BATCH = [Scripted.get("x", "y"), remove("z")]

/** A pool of one server with a connection that answers nothing any more. */
const connected = Effect.gen(function*() {
  const scripted = yield* Scripted.make(["a"])
  yield* scripted.send("k")
  const connection = scripted.transport.connectionOf(SERVER)
  connection.isEcho = false
  return { ...scripted, connection }
})

describe("a command that fails is counted", () => {
  it.effect("when its time is up, on an open connection and while it waits for one", () =>
    alone(Effect.gen(function*() {
      const { start, ...scripted } = yield* connected
      yield* start("k")
      yield* startMany(scripted, BATCH)
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(yield* failures, [
        "BATCH get TimeoutError 1 1",
        "delete TimeoutError 1 1",
        "get TimeoutError 1 1"
      ])
    })))

  it.effect("when its connection is lost behind it", () =>
    alone(Effect.gen(function*() {
      const { connection, start, ...scripted } = yield* connected
      yield* start("k")
      yield* startMany(scripted, BATCH)
      yield* TestClock.adjust(20)
      connection.lose()
      yield* Scripted.settle
      assert.deepStrictEqual(yield* failures, [
        "BATCH get ConnectionLostError 1 0.02",
        "delete ConnectionLostError 1 0.02",
        "get ConnectionLostError 1 0.02"
      ])
      assert.strictEqual(yield* count("connections.lost"), 1)
      assert.strictEqual(yield* count("retries"), 0)
    })))

  it.effect("not when it was never sent, and is answered on another connection: that is a retry", () =>
    alone(Effect.gen(function*() {
      const { connection, start, ...scripted } = yield* connected
      connection.isWritable = false
      const fiber = yield* start("k")
      const many = yield* startMany(scripted, BATCH)
      connection.lose()
      yield* Fiber.join(fiber)
      assert.isFalse((yield* Fiber.join(many)).some(isMemcacheError))
      assert.deepStrictEqual(yield* failures, [])
      assert.strictEqual(yield* count("retries"), 3)
      assert.strictEqual(yield* count("connections.opened"), 2)
    })))

  it.effect("once, when it is not sent the second time either", () =>
    alone(Effect.gen(function*() {
      const { connection, start, transport, ...scripted } = yield* connected
      connection.isWritable = false
      transport.behaviour.set(SERVER, "refuse")
      yield* start("k")
      yield* startMany(scripted, BATCH)
      connection.lose()
      yield* Scripted.settle
      assert.deepStrictEqual(yield* failures, [
        "BATCH get ServerDeadError 1 0",
        "delete ServerDeadError 1 0",
        "get ConnectError 1 0"
      ])
      assert.strictEqual(yield* count("retries"), 3)
    })))

  it.effect("when the server cannot be reached, and while it is dead", () =>
    alone(Effect.gen(function*() {
      const scripted = yield* Scripted.make(["a"], { behaviour: "refuse" })
      for (let i = 0; i < 3; i++) yield* Effect.exit(scripted.send("k"))
      yield* startMany(scripted, BATCH)
      assert.deepStrictEqual(yield* failures, [
        "BATCH get ServerDeadError 1 0",
        "delete ServerDeadError 1 0",
        "get ConnectError 1 0",
        "get ServerDeadError 2 0"
      ])
      assert.strictEqual(yield* count("server.deaths"), 1)
    })))

  it.effect("when it is interrupted while it waits for a connection", () =>
    alone(Effect.gen(function*() {
      const scripted = yield* Scripted.make(["a"], { behaviour: "wait" })
      const fiber = yield* scripted.start("k")
      const many = yield* startMany(scripted, BATCH)
      yield* TestClock.adjust(30)
      yield* Fiber.interrupt(fiber)
      yield* Fiber.interrupt(many)
      assert.deepStrictEqual(yield* failures, [
        "BATCH get interrupted 1 0.03",
        "delete interrupted 1 0.03",
        "get interrupted 1 0.03"
      ])
    })))

  it.effect("when it is beyond what may wait", () =>
    alone(Effect.gen(function*() {
      const scripted = yield* Scripted.make(["a"], {
        behaviour: "wait",
        connect: { maxInFlight: { commands: 1, bytes: 1_000_000 } }
      })
      yield* scripted.start("k")
      yield* Effect.exit(scripted.send("l"))
      assert.deepStrictEqual(yield* failures, ["get OverloadedError 1 0"])
    })))

  it.effect("at each server that it turns to", () =>
    alone(Effect.gen(function*() {
      const scripted = yield* Scripted.make(["a", "b"], { policy: "rehash", behaviour: "refuse" })
      const exit = yield* Effect.flip(scripted.send("k"))
      assert.instanceOf(exit, MemcacheError)
      const servers = (yield* Metric.snapshot).flatMap(({ attributes, id }) =>
        id === "db.client.operation.duration" ? [attributes?.["server.address"]] : []
      )
      assert.deepStrictEqual(servers.sort(), ["a", "b"])
    })))
})

describe("a read that the policy \"miss\" answers", () => {
  it.effect("is a miss, also when it is the one that finds the server dead", () =>
    alone(Effect.gen(function*() {
      const scripted = yield* Scripted.make(["a"], { policy: "miss", behaviour: "refuse" })
      yield* scripted.send("k")
      assert.strictEqual(yield* count("misses"), 1)
      yield* scripted.send("k")
      yield* Effect.flatMap(startMany(scripted, BATCH), Fiber.join)
      assert.strictEqual(yield* count("misses"), 4)
      assert.deepStrictEqual(yield* failures, [
        "BATCH get ServerDeadError 1 0",
        "delete ServerDeadError 1 0",
        "get ConnectError 1 0"
      ])
    })))
})
