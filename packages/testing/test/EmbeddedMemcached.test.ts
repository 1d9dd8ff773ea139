import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Certificates from "../src/Certificates.ts"
import { EmbeddedMemcached, ListenError } from "../src/EmbeddedMemcached.ts"
import { RawClient } from "./RawClient.ts"

const connect = Effect.gen(function*() {
  const { host, port } = yield* EmbeddedMemcached
  return yield* open({ host, port })
})

const open = (where: Parameters<typeof RawClient.connect>[0]) =>
  Effect.acquireRelease(Effect.promise(() => RawClient.connect(where)), (client) => Effect.sync(() => client.end()))

const ask = (client: RawClient, bytes: string) => Effect.promise(() => client.ask(bytes))

describe("EmbeddedMemcached", { timeout: 20_000 }, () => {
  it.effect("items expire when the test clock says so", () =>
    Effect.gen(function*() {
      const client = yield* connect
      assert.strictEqual(yield* ask(client, "set a 0 60 1\r\nx\r\nset b 0 2592001 1\r\ny\r\n"), "STORED\r\nSTORED\r\n")
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* ask(client, "mg a v t\r\n"), "VA 1 t1\r\nx\r\n")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* ask(client, "mg a v t\r\n"), "EN\r\n")
      yield* TestClock.adjust("30 days")
      assert.strictEqual(yield* ask(client, "get b\r\n"), "END\r\n")
    }).pipe(Effect.provide(EmbeddedMemcached.layer())))

  it.effect("a delayed flush comes with the test clock", () =>
    Effect.gen(function*() {
      const client = yield* connect
      yield* ask(client, "set a 0 0 1\r\nx\r\nflush_all 5\r\n")
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* ask(client, "mg a\r\n"), "HD\r\n")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* ask(client, "mg a\r\n"), "EN\r\n")
    }).pipe(Effect.provide(EmbeddedMemcached.layer())))

  it.effect("a test can look into the store and at what was sent", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached
      const client = yield* connect
      assert.strictEqual(server.address, `127.0.0.1:${server.port}`)
      yield* ask(client, "set a 16 0 2\r\n\xc3\xa9\r\nbogus\r\n")
      const item = server.store.find("a")
      assert.deepStrictEqual([item?.flags, [...item?.value ?? []]], [16, [0xc3, 0xa9]])
      assert.strictEqual(server.counters.commands.get("set"), 1)
      assert.strictEqual(server.counters.malformed, 1)
      assert.deepStrictEqual([server.counters.accepted, server.counters.current], [1, 1])
    }).pipe(Effect.provide(EmbeddedMemcached.layer())))

  it.effect("a server that dies ends its connections, and comes back on its port without its items", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached
      const { port } = server
      const client = yield* connect
      yield* ask(client, "set a 0 0 1\r\nx\r\n")
      yield* server.stop
      yield* Effect.promise(() => client.closed())
      const refused = yield* Effect.exit(Effect.tryPromise(() => RawClient.connect({ host: server.host, port })))
      assert.isTrue(Exit.isFailure(refused))
      yield* server.stop
      yield* server.start
      yield* server.start
      assert.strictEqual(server.port, port)
      assert.strictEqual(yield* ask(yield* connect, "get a\r\n"), "END\r\n")
      assert.strictEqual(server.store.count, 0)
      assert.strictEqual(server.counters.accepted, 2)
    }).pipe(Effect.provide(EmbeddedMemcached.layer())))

  it.effect("a server that was only out of reach comes back with its items", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached
      yield* ask(yield* connect, "set a 0 0 1\r\nx\r\n")
      yield* server.stop
      yield* server.start
      assert.strictEqual(yield* ask(yield* connect, "get a\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n")
    }).pipe(Effect.provide(EmbeddedMemcached.layer({ keepItems: true }))))

  it.effect("closing the scope ends the connections and frees the port", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const server = yield* EmbeddedMemcached.make().pipe(Scope.provide(scope))
      const client = yield* open({ host: server.host, port: server.port })
      yield* Scope.close(scope, Exit.void)
      yield* Effect.promise(() => client.closed())
      const again = yield* EmbeddedMemcached.make({ port: server.port })
      assert.strictEqual(again.port, server.port)
    }))

  it.effect("a port that is taken is a failure that names it", () =>
    Effect.gen(function*() {
      const { address, port } = yield* EmbeddedMemcached.make()
      const error = yield* Effect.flip(EmbeddedMemcached.make({ port }))
      assert.instanceOf(error, ListenError)
      assert.match(error.message, new RegExp(`^The embedded memcached cannot listen on ${address}: .*EADDRINUSE`))
    }))

  it.effect("speaks TLS with a certificate that verifies, and nothing else", () =>
    Effect.gen(function*() {
      const { ca, cert, key } = yield* Certificates.make
      const { host, port } = yield* EmbeddedMemcached.make({ tls: { cert, key } })
      const client = yield* open({ host, port, ca })
      assert.strictEqual(yield* ask(client, "set a 0 0 1\r\nx\r\n"), "STORED\r\n")
      const plain = yield* open({ host, port })
      plain.send("version\r\n")
      assert.notInclude(yield* Effect.promise(() => plain.closed()), "VERSION")
    }))

  it("works without Effect", async () => {
    const server = await EmbeddedMemcached.start({ maxItemSize: 1024 })
    assert.strictEqual(server.address, `127.0.0.1:${server.port}`)
    const client = await RawClient.connect({ host: server.host, port: server.port })
    assert.strictEqual(
      await client.ask(`set a 0 0 2000\r\n${"x".repeat(2000)}\r\n`),
      "SERVER_ERROR object too large for cache\r\n"
    )
    await server.stop()
    await client.closed()
  })
})
