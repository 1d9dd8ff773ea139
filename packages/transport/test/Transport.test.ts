/**
 * The service over sockets in memory: any way to open a socket makes a transport.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import { tcp } from "@effect-memcache/transport/Address"
import type { ConnectOptions } from "@effect-memcache/transport/Transport"
import { make, Transport } from "@effect-memcache/transport/Transport"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as TestClock from "effect/testing/TestClock"
import { ScriptedSocket } from "./ScriptedSocket.ts"

const options: ConnectOptions = {
  connectTimeout: 1000,
  commandTimeout: 250,
  stallTimeout: 2000,
  maxInFlight: { commands: 1000, bytes: 1_000_000 },
  maxItemSize: 1_048_576,
  protocol: "auto"
}

const address = tcp("cache", 11211)
const get: Command = { _tag: "Get", keys: ["k" as Key], withCas: false }

/** A transport whose sockets do what `script` tells them, and the sockets. */
const scripted = (script: (socket: ScriptedSocket, index: number) => void) => {
  const sockets: Array<ScriptedSocket> = []
  const transport = make(() =>
    Effect.sync(() => {
      const socket = new ScriptedSocket()
      script(socket, sockets.push(socket) - 1)
      return socket.socket
    })
  )
  return { sockets, transport }
}

const answer = (socket: ScriptedSocket): void => {
  socket.onWrite = (text) => {
    if (text === "version\r\n") socket.deliver("VERSION 1.6.45\r\n")
    if (text === "mn\r\n") socket.deliver("MN\r\n")
  }
}

it.effect("opens one socket for each connection, and closes it with the scope", () =>
  Effect.gen(function*() {
    const { sockets, transport } = scripted(answer)
    const scope = yield* Scope.make()
    const first = yield* Scope.provide(transport.connect(address, options), scope)
    const second = yield* transport.connect(address, options)
    assert.strictEqual(first.server, "cache:11211")
    assert.strictEqual(sockets.length, 2)
    yield* Scope.close(scope, Exit.void)
    assert.isDefined(first.closed)
    assert.isUndefined(second.closed)
    assert.deepStrictEqual(sockets.map((socket) => socket.destroyed), [1, 0])
    assert.deepStrictEqual(sockets.map((socket) => socket.isReaderReleased), [true, false])
  }))

it.effect("remembers servers that speak text only, each by itself", () =>
  Effect.gen(function*() {
    const { sockets, transport } = scripted((socket) => {
      answer(socket)
      const { onWrite } = socket
      socket.onWrite = (text) => text === "mn\r\n" ? socket.end() : onWrite(text)
    })
    const one = yield* transport.connect(address, options)
    assert.strictEqual(one.dialect, "text")
    assert.strictEqual(sockets.length, 3)
    assert.deepStrictEqual(sockets.map((socket) => socket.destroyed), [1, 1, 0])
    assert.strictEqual((yield* transport.connect(address, options)).dialect, "text")
    assert.strictEqual(sockets.length, 4)
    assert.strictEqual((yield* transport.connect(tcp("other"), options)).dialect, "text")
    assert.strictEqual(sockets.length, 7)
    const forgetful = scripted(answer)
    assert.strictEqual((yield* forgetful.transport.connect(address, options)).dialect, "meta")
  }))

it.effect("gives up after the time to connect and not before, over all attempts", () =>
  Effect.gen(function*() {
    const { sockets, transport } = scripted((socket, index) => {
      if (index === 1) return
      answer(socket)
      const { onWrite } = socket
      socket.onWrite = (text) => text === "mn\r\n" ? socket.end() : onWrite(text)
    })
    const fiber = yield* Effect.forkChild(Effect.flip(transport.connect(address, options)), { startImmediately: true })
    yield* TestClock.adjust(999)
    assert.isUndefined(fiber.pollUnsafe())
    yield* TestClock.adjust(1)
    const error = yield* Fiber.join(fiber)
    assert.strictEqual(`${error.reason._tag} ${error.outcome}`, "ConnectError not-sent")
    assert.strictEqual(sockets.length, 2)
    assert.isTrue(sockets.every((socket) => socket.isReaderReleased && socket.destroyed > 0))
    // Silence is no sign of a proxy.
    const again = yield* Effect.forkChild(Effect.flip(transport.connect(address, options)), { startImmediately: true })
    yield* TestClock.adjust(1)
    assert.strictEqual(sockets[2].writes.join(""), "version\r\nmn\r\n")
    yield* Fiber.interrupt(again)
  }))

it.effect("gives up on a socket that does not open", () =>
  Effect.gen(function*() {
    const never = make(() => Effect.succeed(Socket.make({ reader: Effect.never, writer: Effect.never })))
    const fiber = yield* Effect.forkChild(Effect.flip(never.connect(address, options)), { startImmediately: true })
    yield* TestClock.adjust(1000)
    assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "ConnectError")
  }))

it.effect("keeps its limits where nothing can be interrupted", () =>
  Effect.gen(function*() {
    const { transport } = scripted(answer)
    const scope = yield* Scope.make()
    const connection = yield* transport.connect(address, options).pipe(Scope.provide(scope), Effect.uninterruptible)
    yield* Effect.uninterruptible(Scope.close(scope, Exit.void))
    assert.isDefined(connection.closed)
    const silent = scripted(() => {})
    const fiber = yield* Effect.forkChild(
      Effect.uninterruptible(Effect.flip(silent.transport.connect(address, options))),
      { startImmediately: true }
    )
    yield* TestClock.adjust(1000)
    assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "ConnectError")
    assert.strictEqual(silent.sockets[0].destroyed, 1)
  }))

it.effect("is a service that programs ask for", () =>
  Effect.gen(function*() {
    const { transport } = scripted((socket) => {
      answer(socket)
      const { onWrite } = socket
      socket.onWrite = (text) =>
        text.startsWith("mg") ? socket.deliver(text.replace(/.*(O\d+)\r\n/, "EN $1\r\n")) : onWrite(text)
    })
    const connection = yield* Effect.flatMap(Transport, (transport) => transport.connect(address, options)).pipe(
      Effect.provideService(Transport, transport)
    )
    assert.strictEqual((yield* connection.send(get)).reply._tag, "End")
  }))
