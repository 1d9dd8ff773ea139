import { Memcache } from "@effect-memcache/client"
import type { WriteFailure } from "@effect-memcache/client/WriteFailure"
import { EmbeddedMemcached } from "@effect-memcache/testing"
import { Transport } from "@effect-memcache/transport/Transport"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Key from "../../../src/Key.ts"
import type { MemcacheOptions } from "../../../src/MemcacheOptions.ts"
import type { TranscodeFault } from "../../../src/Transcoder.ts"
import { failure, nameOf, outcomeOf, reasonOf, settle } from "../../fixtures/ScriptedPool.ts"
import { ScriptedTransport } from "../../fixtures/ScriptedTransport.ts"

const A = nameOf("a")

/** A client on a scripted transport, what its hook has heard, and a way to be connected first. */
const make = Effect.fnUntraced(function*(options?: MemcacheOptions, hosts = ["a"]) {
  const transport = new ScriptedTransport(yield* Clock.Clock, "silent")
  const failures: Array<WriteFailure> = []
  const layer = Memcache.layerTransport({
    servers: hosts,
    onWriteFailure: (failure) => Effect.sync(() => failures.push(failure)),
    ...options
  })
  const context = yield* Layer.build(Layer.provide(layer, Layer.succeed(Transport, transport.service)))
  const cache = Context.get(context, Memcache)
  const fiber = yield* Effect.forkChild(cache.version, { startImmediately: true })
  yield* settle
  for (const connection of transport.connections) connection.answer()
  yield* Fiber.join(fiber)
  /** What the hook has heard since the last time. */
  const heard = Effect.map(settle, () => failures.splice(0))
  const start = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
  return { cache, transport, connection: transport.connectionOf(nameOf(hosts[0])), heard, start }
})

type Cache = Memcache["Service"]

const keyObject: readonly [hash: string, key: string] = ["user:1", "cart:1"]

/** Every method that writes, for one key. */
const writes: Record<string, readonly [command: string, (cache: Cache) => Effect.Effect<unknown, unknown>]> = {
  set: ["set", (cache) => cache.set(keyObject, 1)],
  add: ["add", (cache) => cache.add(keyObject, 1)],
  replace: ["replace", (cache) => cache.replace(keyObject, 1)],
  append: ["append", (cache) => cache.append(keyObject, "v")],
  prepend: ["prepend", (cache) => cache.prepend(keyObject, "v")],
  compareAndSwap: ["cas", (cache) => cache.compareAndSwap(keyObject, 1, 1n)],
  increment: ["incr", (cache) => cache.increment(keyObject)],
  decrement: ["decr", (cache) => cache.decrement(keyObject, { initial: 1 })],
  delete: ["delete", (cache) => cache.delete(keyObject)],
  touch: ["touch", (cache) => cache.touch(keyObject, "1 minute")],
  setMany: ["set", (cache) => cache.setMany([[keyObject, 1]])],
  setManyPartial: ["set", (cache) => cache.setManyPartial([[keyObject, 1]])],
  deleteMany: ["delete", (cache) => cache.deleteMany([keyObject])],
  deleteManyPartial: ["delete", (cache) => cache.deleteManyPartial([keyObject])]
}

/** Checks one failure of `keyObject`. */
const check = (heard: ReadonlyArray<WriteFailure>, command: string, outcome: string, reason: string | undefined) => {
  assert.strictEqual(heard.length, 1)
  const [{ error, itemKey, key, ...rest }] = heard
  assert.strictEqual(key, keyObject)
  assert.deepStrictEqual(itemKey, ["user:1", Result.getOrThrow(Key.make("shop:cart:1"))])
  assert.deepStrictEqual<unknown>(rest, { command, outcome })
  assert.strictEqual(Option.getOrUndefined(error)?.reason._tag, reason)
}

for (const [name, [command, write]] of Object.entries(writes)) {
  describe(name, () => {
    const options: MemcacheOptions = { prefix: "shop:", connectTimeout: 1000, commandTimeout: 1000 }

    it.effect("is told when its connection is lost after it was written", () =>
      Effect.gen(function*() {
        const { cache, connection, heard, start } = yield* make(options)
        yield* start(Effect.exit(write(cache)))
        yield* settle
        connection.lose()
        check(yield* heard, command, "unknown", "ConnectionLostError")
      }))

    it.effect("is told when it times out, and when its server cannot be reached or is dead", () =>
      Effect.gen(function*() {
        const { cache, connection, heard, start, transport } = yield* make(options)
        yield* start(Effect.exit(write(cache)))
        yield* TestClock.adjust(1000)
        check(yield* heard, command, "unknown", "TimeoutError")
        transport.behaviour.set(A, "refuse")
        connection.lose()
        yield* Effect.exit(write(cache))
        check(yield* heard, command, "not-sent", "ConnectError")
        yield* Effect.exit(write(cache))
        check(yield* heard, command, "not-sent", "ServerDeadError")
      }))

    it.effect("is told when it is interrupted after it was written", () =>
      Effect.gen(function*() {
        const { cache, connection, heard, start } = yield* make(options)
        const fiber = yield* start(Effect.timeoutOption(write(cache), 500))
        yield* settle
        assert.strictEqual(connection.written.length, 2)
        yield* TestClock.adjust(500)
        assert.deepStrictEqual(yield* Fiber.join(fiber), Option.none())
        check(yield* heard, command, "unknown", undefined)
      }))

    it.effect("is told when the policy miss answers for its dead server", () =>
      Effect.gen(function*() {
        const { cache, connection, heard, transport } = yield* make({ ...options, deadHost: { policy: "miss" } })
        transport.behaviour.set(A, "refuse")
        connection.lose()
        assert.strictEqual(yield* reasonOf(write(cache)), "ok")
        check(yield* heard, command, "not-sent", "ConnectError")
        assert.strictEqual(yield* reasonOf(write(cache)), "ok")
        check(yield* heard, command, "not-sent", "ServerDeadError")
      }))

    it.effect("is not told when the server answers, if only to refuse the item", () =>
      Effect.gen(function*() {
        const { cache, connection, heard } = yield* make(options)
        connection.isEcho = true
        for (const message of ["out of memory storing object", "object too large for cache"]) {
          connection.refusal = { reply: { _tag: "ServerError", message }, items: [] }
          yield* Effect.exit(write(cache))
        }
        assert.deepStrictEqual(yield* heard, [])
      }))

    it.effect("waits for no hook, and fails as without one", () =>
      Effect.gen(function*() {
        const { cache, connection, start } = yield* make({ ...options, onWriteFailure: () => Effect.never })
        const fiber = yield* start(Effect.exit(write(cache)))
        yield* settle
        connection.lose()
        yield* settle
        const exit = yield* Fiber.join(fiber)
        if (!name.endsWith("Partial")) assert.strictEqual(failure(exit), "ConnectionLostError unknown")
        yield* Effect.forkChild(TestClock.adjust(1000))
      }))
  })
}

describe("a batch", () => {
  /** Two servers, the keys that each has, and a client that is connected to both. */
  const two = Effect.gen(function*() {
    const made = yield* make({ prefix: "shop:" }, ["a", "b"])
    for (const connection of made.transport.connections) connection.isEcho = true
    const keys = Array.from({ length: 20 }, (_, i) => i)
    made.transport.connections.forEach((connection) => {
      connection.written.length = 0
    })
    yield* Effect.exit(made.cache.deleteManyPartial(keys, { prefix: "n:" }))
    const mine = made.connection.written.map((command) => "key" in command ? Number(command.key.slice(7)) : -1)
    yield* made.heard
    made.connection.isEcho = false
    return { ...made, keys, mine }
  })

  it.effect("tells of the keys of the server that failed, with every prefix in their item keys", () =>
    Effect.gen(function*() {
      const { cache, connection, heard, keys, mine, start } = yield* two
      assert.isAbove(mine.length, 0)
      assert.isBelow(mine.length, 20)
      connection.isEcho = false
      yield* start(Effect.exit(cache.setManyPartial(keys.map((key) => [key, 1]), { prefix: "n:" })))
      yield* settle
      connection.lose()
      const lost = (yield* heard).filter(({ error }) => Option.getOrThrow(error).reason._tag === "ConnectionLostError")
      assert.deepStrictEqual(lost.map(({ key }) => key), mine)
      assert.deepStrictEqual(
        lost.map(({ itemKey }) => itemKey),
        mine.map((key) => Result.getOrThrow(Key.make(`shop:n:${key}`)))
      )
    }))

  it.effect("that is interrupted tells of the keys that were not answered", () =>
    Effect.gen(function*() {
      const { cache, heard, keys, mine, start } = yield* two
      const fiber = yield* start(cache.deleteManyPartial(keys, { prefix: "n:" }))
      yield* settle
      yield* Fiber.interrupt(fiber)
      const pending = (yield* heard).filter(({ error }) => Option.isNone(error))
      assert.deepStrictEqual(pending.map(({ key, outcome }) => [key, outcome]), mine.map((key) => [key, "unknown"]))
    }))

  it.effect("that finds no server for its keys tells of all of them", () =>
    Effect.gen(function*() {
      const { cache, connection, heard, transport } = yield* make({ deadHost: { policy: "rehash" } })
      transport.behaviour.set(A, "refuse")
      connection.lose()
      yield* Effect.exit(cache.delete("k"))
      yield* heard
      assert.strictEqual(yield* reasonOf(cache.setMany([["a", 1], ["b", 2]])), "NoServerError not-sent")
      assert.deepStrictEqual((yield* heard).map(({ key }) => key), ["a", "b"])
    }))

  it.effect("that is not sent because a value cannot be written tells of nothing", () =>
    Effect.gen(function*() {
      const { cache, heard } = yield* make()
      assert.strictEqual(yield* reasonOf(cache.setMany([["a", 1], ["b", Symbol("b")]])), "EncodeError not-sent")
      assert.deepStrictEqual(yield* heard, [])
    }))

  it.effect("that is interrupted while its values are encoded tells of all its keys", () =>
    Effect.gen(function*() {
      const { cache, heard, start } = yield* make({
        transcoder: {
          encode: () => Effect.never as Effect.Effect<never, TranscodeFault>,
          decode: () => Result.succeed(undefined)
        }
      })
      const writes: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        cache.setMany([["a", 1], ["b", 2]]),
        cache.set("c", 3)
      ]
      for (const write of writes) {
        const fiber = yield* start(write)
        yield* settle
        yield* Fiber.interrupt(fiber)
      }
      assert.deepStrictEqual((yield* heard).map(({ key }) => key), ["a", "b", "c"])
    }))
})

describe("nothing is told of", () => {
  it.effect("reads, get-and-touch among them, and commands without a key", () =>
    Effect.gen(function*() {
      const { cache, connection, heard, start } = yield* make()
      const reads: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        cache.get("k"),
        cache.gets("k"),
        cache.getMany(["k"]),
        cache.getAndTouch("k", "1 minute"),
        cache.flushAll(),
        cache.stats()
      ]
      yield* start(Effect.forEach(reads, (read) => Effect.exit(read), { concurrency: "unbounded" }))
      yield* settle
      connection.lose()
      assert.deepStrictEqual(yield* heard, [])
    }))

  it.effect("the caller's own mistakes", () =>
    Effect.gen(function*() {
      const { cache, heard } = yield* make({ maxItemSize: 1000 })
      const mistakes: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        cache.set("two words", 1),
        cache.set("k", 1, { ttl: "0 seconds" }),
        cache.set("k", Symbol("k")),
        cache.set("k", "x".repeat(2000), { compression: false }),
        cache.increment("k", { delta: -1 }),
        cache.deleteMany(["k", "two words"])
      ]
      const fails = yield* Effect.forEach(mistakes, (write) => Effect.map(Effect.exit(write), (exit) => exit._tag))
      assert.deepStrictEqual(fails, Array(6).fill("Failure"))
      assert.deepStrictEqual(yield* heard, [])
    }))
})

it.effect("what a hook writes is not told to it", () =>
  Effect.gen(function*() {
    const client: { cache?: Cache } = {}
    let calls = 0
    const made = yield* make({
      onWriteFailure: ({ itemKey }) => {
        calls++
        return client.cache === undefined ? Effect.void : client.cache.delete(itemKey)
      }
    })
    client.cache = made.cache
    made.transport.behaviour.set(A, "refuse")
    made.connection.lose()
    assert.strictEqual(outcomeOf(yield* made.start(made.cache.set("k", 1))), "ConnectError not-sent")
    yield* made.heard
    yield* made.heard
    assert.strictEqual(calls, 1)
  }))

it.live("every write that a dying server did not confirm is told, and no other", () =>
  Effect.gen(function*() {
    const server = yield* EmbeddedMemcached.make()
    const told = new Map<unknown, WriteFailure>()
    const layer = Memcache.layer({
      servers: server.address,
      commandTimeout: "5 seconds",
      onWriteFailure: (failure) => Effect.sync(() => told.set(failure.key, failure))
    })
    const failed = new Set<number>()
    yield* Effect.gen(function*() {
      const cache = Context.get(yield* Layer.build(Layer.fresh(layer)), Memcache)
      yield* cache.set("warm", 1)
      const stored = new Set<number>()
      const writing = yield* Effect.forkChild(Effect.forEach(
        Array.from({ length: 3000 }, (_, i) => i),
        (i) =>
          Effect.matchEffect(Effect.delay(cache.set(i, i), Math.floor(i / 10)), {
            onFailure: () => Effect.sync(() => failed.add(i)),
            onSuccess: () => Effect.sync(() => stored.add(i))
          }),
        { concurrency: "unbounded", discard: true }
      ))
      while (stored.size < 500) yield* Effect.sleep(1)
      yield* server.stop
      yield* Fiber.join(writing)
      assert.strictEqual(stored.size + failed.size, 3000)
    }).pipe(Effect.scoped)
    assert.isAbove(failed.size, 100)
    // The layer is closed, so all that was noted has been told.
    assert.deepStrictEqual(
      [...told.keys()].toSorted((a, b) => Number(a) - Number(b)),
      [...failed].toSorted((a, b) => a - b)
    )
    for (const { command, outcome } of told.values()) {
      assert.strictEqual(command, "set")
      assert.include(["not-sent", "unknown"], outcome)
    }
  }))
