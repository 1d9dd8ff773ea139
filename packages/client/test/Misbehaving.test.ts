/**
 * The client against servers that are slow, mute, dying or dead: the defects of other clients that need such a server.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { once } from "node:events"
import * as Net from "node:net"
import * as ScriptedServer from "./ScriptedServer.ts"

/** A client in a scope of its own, so that a test decides when it ends. */
const client = (options: MemcacheOptions) =>
  Effect.map(
    Effect.orDie(Layer.build(Layer.fresh(Memcache.layer(options)))),
    (context) => Context.get(context, Memcache)
  )

const reasonOf = (error: { readonly _tag: string; readonly reason?: { readonly _tag: string } }) => error.reason?._tag

/** Answers every `get` with the key itself as the value, after `hold` says so. */
const echo = (text: string): string =>
  text.replace(/get (\S+)\r\n/g, (_, key: string) => `VALUE ${key} 16 ${key.length}\r\n${key}\r\nEND\r\n`)

it.live("a server that is mute fails each command in its own time, with the outcome unknown (D1, D24)", () =>
  Effect.gen(function*() {
    const server = yield* ScriptedServer.make({ onData: () => {} })
    const cache = yield* client({ servers: server.address, commandTimeout: 100, stallTimeout: "5 seconds" })
    const started = performance.now()
    const errors = yield* Effect.all([
      Effect.flip(cache.get("a")),
      Effect.flip(cache.set("a", 1)),
      Effect.flip(cache.increment("a")),
      Effect.flip(cache.getMany(["a", "b"]))
    ], { concurrency: "unbounded" })
    assert.isBelow(performance.now() - started, 400)
    for (const error of errors) {
      assert.strictEqual(reasonOf(error), "TimeoutError")
      assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "unknown")
    }
    assert.strictEqual(server.accepted(), 1)
  }))

it.live("a server that closes instead of answering fails what was sent, and the next command has a new connection (D1)", () =>
  Effect.gen(function*() {
    const server = yield* ScriptedServer.make({
      onData: (socket, text) => void (text.includes("get first") ? socket.destroy() : socket.write(echo(text)))
    })
    const cache = yield* client({ servers: server.address, protocol: "text" })
    yield* cache.get("warm")
    const error = yield* Effect.flip(cache.get("first"))
    assert.strictEqual(reasonOf(error), "ConnectionLostError")
    assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "unknown")
    assert.deepStrictEqual(yield* cache.get("second"), Option.some("second"))
    assert.strictEqual(server.accepted(), 2)
  }))

it.live("a late reply is read past, and reaches nobody (D13)", () =>
  Effect.gen(function*() {
    let held = ""
    const server = yield* ScriptedServer.make({
      onData: (socket, text) => {
        held += text
        // The first command is answered together with the second, long after its time.
        if (held.includes("get two")) socket.write(echo(held))
      }
    })
    const cache = yield* client({
      servers: server.address,
      protocol: "text",
      commandTimeout: 100,
      stallTimeout: "5 seconds"
    })
    assert.strictEqual(reasonOf(yield* Effect.flip(cache.get("one"))), "TimeoutError")
    assert.deepStrictEqual(yield* cache.get("two"), Option.some("two"))
    assert.strictEqual(server.accepted(), 1)
  }))

it.live("the reply to an interrupted command is read past, and reaches nobody", () =>
  Effect.gen(function*() {
    let held = ""
    const server = yield* ScriptedServer.make({
      onData: (socket, text) => {
        held += text
        if (held.includes("get two")) socket.write(echo(held))
      }
    })
    const cache = yield* client({ servers: server.address, protocol: "text" })
    const fiber = yield* Effect.forkChild(cache.get("one"))
    while (!server.received().includes("get one")) yield* Effect.sleep(1)
    yield* Fiber.interrupt(fiber)
    assert.deepStrictEqual(yield* cache.get("two"), Option.some("two"))
    assert.strictEqual(server.accepted(), 1)
  }))

it.live("what is interrupted before it is written never is", () =>
  Effect.gen(function*() {
    const server = yield* ScriptedServer.make({ onData: (socket, text) => void socket.write(echo(text)) })
    const cache = yield* client({ servers: server.address, protocol: "text" })
    yield* cache.get("warm")
    const fiber = yield* Effect.forkChild(cache.get("never"), { startImmediately: true })
    yield* Fiber.interrupt(fiber)
    assert.deepStrictEqual(yield* cache.get("after"), Option.some("after"))
    assert.notInclude(server.received(), "never")
  }))

it.live("another key's value is never delivered: the connection goes instead", () =>
  Effect.gen(function*() {
    const server = yield* ScriptedServer.make({
      onData: (socket, text) =>
        void socket.write(text.includes("get mine") ? "VALUE other 16 1\r\nx\r\nEND\r\n" : echo(text))
    })
    const cache = yield* client({ servers: server.address, protocol: "text" })
    yield* cache.get("warm")
    const error = yield* Effect.flip(cache.get("mine"))
    assert.strictEqual(reasonOf(error), "ProtocolError")
    assert.deepStrictEqual(yield* cache.get("next"), Option.some("next"))
  }))

it.live("SERVER_ERROR is about the item: it fails that command, is not sent again, and the connection stays (P9)", () =>
  Effect.gen(function*() {
    const server = yield* ScriptedServer.make({
      onData: (socket, text) =>
        void socket.write(text.startsWith("set") ? "SERVER_ERROR out of memory storing object\r\n" : echo(text))
    })
    const cache = yield* client({ servers: server.address, protocol: "text", deadHost: { failureLimit: 1 } })
    const error = yield* Effect.flip(cache.set("k", "v"))
    assert.strictEqual(reasonOf(error), "OutOfMemoryError")
    assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "rejected")
    assert.deepStrictEqual(yield* cache.get("k"), Option.some("k"))
    assert.strictEqual(server.received().split("set k").length - 1, 1)
    assert.strictEqual(server.accepted(), 1)
    assert.strictEqual((yield* cache.servers)[0].status, "connected")
  }))

it.live("a proxy that answers NOT_STORED to a set is heard (P13)", () =>
  Effect.gen(function*() {
    const server = yield* ScriptedServer.make({
      onData: (socket, text) => void socket.write("NOT_STORED\r\n".repeat(text.split("set ").length - 1))
    })
    const cache = yield* client({ servers: server.address, protocol: "text" })
    assert.isFalse(yield* cache.set("k", "v"))
    assert.deepStrictEqual(yield* cache.setMany([["a", 1], ["b", 2]]), ["a", "b"])
    const { failed, notStored } = yield* cache.setManyPartial([["a", 1], ["b", 2]])
    assert.deepStrictEqual([notStored, failed.size], [["a", "b"], 0])
  }))

it.live("an error line in the middle of a batch fails its own key, and no other", () =>
  Effect.gen(function*() {
    const server = yield* ScriptedServer.make({
      onData: (socket) => void socket.write("STORED\r\nSERVER_ERROR object too large for cache\r\nSTORED\r\n")
    })
    const cache = yield* client({ servers: server.address, protocol: "text" })
    const { failed, notStored } = yield* cache.setManyPartial([["a", 1], ["b", 2], ["c", 3]])
    assert.deepStrictEqual(notStored, [])
    assert.deepStrictEqual([...failed].map(([key, error]) => [key, reasonOf(error)]), [["b", "ValueTooLargeError"]])
  }))

it.live("a server that is not there fails its commands at once, not after their time (D2)", () =>
  Effect.gen(function*() {
    const closed = Net.createServer().listen(0, "127.0.0.1")
    yield* Effect.promise(() => once(closed, "listening"))
    const { port } = closed.address() as Net.AddressInfo
    yield* Effect.promise(() => new Promise((resolve) => closed.close(resolve)))
    // The layer does not mind: the first command finds out.
    const cache = yield* client({ servers: `127.0.0.1:${port}` })
    const started = performance.now()
    const first = yield* Effect.flip(cache.get("k"))
    assert.strictEqual(reasonOf(first), "ConnectError")
    assert.include(first.message, `127.0.0.1:${port}`)
    const second = yield* Effect.flip(cache.set("k", 1))
    assert.strictEqual(reasonOf(second), "ServerDeadError")
    assert.strictEqual(second._tag === "MemcacheError" && second.outcome, "not-sent")
    assert.isTrue(second._tag === "MemcacheError" && second.isRetryable)
    assert.isBelow(performance.now() - started, 500)
  }))

it.live("closing the scope settles what is in flight and leaves no socket (row 28)", () =>
  Effect.gen(function*() {
    const closed: Array<number> = []
    const server = yield* ScriptedServer.make({
      onData: (socket, _, connection) => void socket.once("close", () => closed.push(connection))
    })
    const scope = yield* Scope.make()
    const cache = yield* Scope.provide(client({ servers: server.address, commandTimeout: "10 seconds" }), scope)
    const fibers = yield* Effect.forEach(
      Array.from({ length: 1000 }, (_, i) => i),
      (i) => Effect.forkChild(Effect.exit(cache.get(`k${i}`)), { startImmediately: true })
    )
    while (!server.received().includes("k999")) yield* Effect.sleep(1)
    const started = performance.now()
    yield* Scope.close(scope, Exit.void)
    const exits = yield* Effect.forEach(fibers, Fiber.join)
    assert.isBelow(performance.now() - started, 500)
    assert.isTrue(exits.every(Exit.isFailure))
    while (closed.length === 0) yield* Effect.sleep(1)
    assert.deepStrictEqual(closed, [1])
  }))
