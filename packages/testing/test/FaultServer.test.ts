import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Certificates from "../src/Certificates.ts"
import { ListenError } from "../src/EmbeddedMemcached.ts"
import * as Script from "../src/FaultScript.ts"
import { FaultServer } from "../src/FaultServer.ts"
import { ask, closed, connect, open, receive } from "./FaultClient.ts"
import { RawClient } from "./RawClient.ts"

const OLD = { version: "1.4.39", unknownCommands: ["mg", "ms", "md", "ma", "mn", "me"] }

describe("FaultServer", { timeout: 20_000 }, () => {
  it.effect("is a layer, and its items expire when the test clock says so", () =>
    Effect.gen(function*() {
      const server = yield* FaultServer
      const client = yield* connect(server)
      assert.strictEqual(yield* ask(client, "set a 0 60 1\r\nx\r\nmg a t\r\n"), "STORED\r\nHD t60\r\n")
      assert.strictEqual(server.address, `127.0.0.1:${server.port}`)
    }).pipe(Effect.provide(FaultServer.layer())))

  it.live("dies and comes back on its port, with its rules and without its items", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({ verb: "touch" }, Script.replyBytes("!\r\n"))])
      yield* ask(client, "set a 0 0 1\r\nx\r\n")
      const { port } = server
      yield* server.stop
      yield* server.stop
      assert.strictEqual(yield* closed(client), "")
      const refused = yield* Effect.exit(Effect.tryPromise(() => RawClient.connect({ host: server.host, port })))
      assert.isTrue(Exit.isFailure(refused))
      yield* server.start
      yield* server.start
      assert.strictEqual(server.port, port)
      assert.strictEqual(yield* ask(yield* connect(server), "get a\r\ntouch a 1\r\n"), "END\r\n!\r\n")
      assert.deepStrictEqual(server.log.accepts().map(({ connection }) => connection), [1, 2])
    }))

  it.live("ends and resets every connection and goes on listening", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([])
      const other = yield* connect(server)
      yield* ask(client, "")
      yield* ask(other, "")
      const error = once(client.socket, "error")
      yield* server.cutAll("rst")
      assert.strictEqual(((yield* Effect.promise(() => error)) as [NodeJS.ErrnoException])[0].code, "ECONNRESET")
      const third = yield* connect(server)
      yield* ask(third, "")
      yield* server.cutAll("fin")
      assert.strictEqual(yield* closed(third), "")
      yield* server.until((log) => log.open === 0)
      assert.strictEqual(yield* ask(yield* connect(server), "get a\r\n"), "END\r\n")
    }))

  it.live("pushes bytes on idle connections, all of them or one", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([])
      yield* ask(client, "")
      const other = yield* connect(server)
      yield* ask(other, "")
      yield* server.push("a\r\n", 2)
      assert.strictEqual(yield* receive(other, "", 3), "a\r\n")
      yield* server.push("b\r\n")
      assert.strictEqual(yield* receive(other, "", 3), "b\r\n")
      assert.strictEqual(yield* receive(client, "", 3), "b\r\n")
    }))

  it.live("answers ten thousand pipelined requests in order", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({ nth: 5000 }, Script.replyBytes("HD O{opaque}\r\n"))])
      const opaques = Array.from({ length: 10_000 }, (_, i) => i + 1)
      const text = yield* ask(client, opaques.map((opaque) => `mg key${opaque} O${opaque}\r\n`).join(""))
      assert.strictEqual(
        text,
        opaques.map((opaque) => `${opaque === 5000 ? "HD" : "EN"} O${opaque}\r\n`).join("")
      )
      assert.strictEqual(server.log.count("mg"), 10_000)
      assert.strictEqual(server.log.largestMultiplicity.count, 1)
    }))

  it.effect("reads no more than a bounded number of requests while the first one waits", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({ nth: 1 }, Script.delay(100), Script.reply)])
      const answered = yield* Effect.forkChild(ask(client, "get a\r\n".repeat(100_000)), { startImmediately: true })
      yield* server.until(({ counters }) => counters.requests > 20_000)
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 200)))
      assert.isBelow(server.log.counters.requests, 40_000)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Fiber.join(answered)).length, 500_000)
    }))

  it.live("stores and answers a value of the largest size", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([])
      const value = "x".repeat(1_048_000)
      assert.strictEqual(yield* ask(client, `ms big ${value.length}\r\n${value}\r\n`), "HD\r\n")
      assert.strictEqual(yield* ask(client, "mg big v\r\n"), `VA ${value.length}\r\n${value}\r\n`)
      assert.match(
        yield* ask(client, `ms big 1048576\r\n${"x".repeat(1_048_576)}\r\n`),
        /^SERVER_ERROR object too large/
      )
      assert.strictEqual(server.log.counters.malformed, 0)
    }))

  it.live("can be an old release, which reads the value of an unknown command as commands", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([], OLD)
      const text = yield* receive(client, "version\r\nmn\r\nms a 3\r\nbad\r\nset a 0 0 1\r\nx\r\n", 39)
      assert.strictEqual(text, "VERSION 1.4.39\r\nERROR\r\nERROR\r\nERROR\r\nSTORED\r\n")
      assert.strictEqual(server.log.count("mn"), 1)
    }))

  it.live("ends the connection on quit", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([])
      assert.strictEqual(yield* closed(client, "get a\r\nquit\r\nget b\r\n"), "END\r\n")
      assert.strictEqual(server.log.count("quit"), 1)
    }))

  it.live("listens on a unix socket, where a reset is an end", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "fault-server-"))),
        (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
      )
      const path = join(folder, "memcached.sock")
      const server = yield* FaultServer.make({ path, rules: [Script.on({}, Script.rst)] })
      assert.strictEqual(server.address, `unix:${path}`)
      const client = yield* Effect.promise(() => RawClient.connect({ path }))
      assert.strictEqual(yield* ask(client, ""), "")
      assert.strictEqual(yield* closed(client, "get a\r\n"), "")
    }))

  it.live("speaks TLS, after the steps of the acceptance", () =>
    Effect.gen(function*() {
      const { ca, cert, key } = yield* Certificates.make
      const server = yield* FaultServer.make({
        tls: { cert, key },
        rules: [
          Script.onAccept({ connection: 1 }, Script.silence),
          Script.onAccept({ connection: 2 }, Script.rst),
          Script.onAccept({ connection: 3 }, Script.delay(20)),
          Script.on({ nth: 2 }, Script.part(2), Script.fin),
          Script.on({ nth: 1, connection: 4 }, Script.rst)
        ]
      })
      const where = { host: server.host, port: server.port, ca }
      const silent = Net.connect(server.port, server.host)
      yield* Effect.addFinalizer(() => Effect.sync(() => silent.destroy()))
      silent.write("\x16\x03\x01")
      yield* server.until(({ counters }) => counters.bytesRead === 3)
      const refused = yield* Effect.exit(Effect.tryPromise(() => RawClient.connect(where)))
      assert.isTrue(Exit.isFailure(refused))
      const client = yield* Effect.promise(() => RawClient.connect(where))
      assert.strictEqual(yield* closed(client, "get a\r\nget a\r\nget a\r\n"), "END\r\nEN")
      const last = yield* Effect.promise(() => RawClient.connect(where))
      assert.strictEqual(yield* closed(last, "get a\r\n"), "")
      yield* server.until((log) => log.open === 1)
      silent.destroy()
      yield* server.until((log) => log.open === 0)
      assert.strictEqual(server.log.counters.malformed, 0)
    }))

  it.live("says why it cannot listen", () =>
    Effect.gen(function*() {
      const { port } = yield* FaultServer.make()
      const error = yield* Effect.flip(FaultServer.make({ port }))
      assert.instanceOf(error, ListenError)
      assert.include(error.message, "EADDRINUSE")
    }))

  it.live("ends with its scope, whatever its connections wait for", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const rules = [Script.on({ key: "a" }, Script.delay(60_000), Script.reply), Script.on({ key: "b" }, Script.stall)]
      const server = yield* Scope.provide(FaultServer.make({ rules }), scope)
      const clients = [yield* connect(server), yield* connect(server)]
      clients[0].send("get a\r\n")
      clients[1].send("get b\r\n")
      yield* server.until((log) => log.count("get") === 2)
      yield* Scope.close(scope, Exit.void)
      for (const client of clients) assert.strictEqual(yield* closed(client), "")
      assert.strictEqual(server.log.open, 0)
    }))

  it.live("waiting for its log can be interrupted", () =>
    Effect.gen(function*() {
      const { server } = yield* open([])
      const asked = yield* Deferred.make<void>()
      const waiting = yield* Effect.forkChild(server.until(() => {
        Deferred.doneUnsafe(asked, Exit.void)
        return false
      }))
      yield* Deferred.await(asked)
      yield* Fiber.interrupt(waiting)
    }))

  it("runs without Effect", async () => {
    const server = await FaultServer.start({
      rules: [Script.on({ key: "a" }, Script.delay(1), Script.replyBytes("!\r\n"))]
    })
    try {
      const client = await RawClient.connect({ host: server.host, port: server.port })
      assert.strictEqual(await client.ask("get a\r\nset b 0 0 1\r\nx\r\n"), "!\r\nSTORED\r\n")
      assert.strictEqual(server.store.find("b")?.value.length, 1)
      server.script([])
      server.push("?\r\n")
      assert.strictEqual(await client.ask("get a\r\n"), "?\r\nEND\r\n")
      server.cutAll("fin")
      assert.strictEqual(await client.closed(), "")
      await server.restart()
      await server.log.until((log) => log.open === 0)
      assert.isUndefined(server.store.find("b"))
    } finally {
      await server.stop()
    }
  })
})
