import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { existsSync } from "node:fs"
import * as Certificates from "../src/Certificates.ts"
import { MemcachedMissingError, MemcachedStartError, RealMemcached } from "../src/RealMemcached.ts"
import { isMissing } from "./Installed.ts"
import { RawClient } from "./RawClient.ts"

const open = (where: Parameters<typeof RawClient.connect>[0]) =>
  Effect.acquireRelease(Effect.promise(() => RawClient.connect(where)), (client) => Effect.sync(() => client.end()))

const ask = (client: RawClient, bytes: string) => Effect.promise(() => client.ask(bytes))

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe("RealMemcached", { timeout: 20_000 }, () => {
  it.effect("says how to install what is not there", () =>
    Effect.gen(function*() {
      for (const binary of ["memcached-that-nobody-has", "/nowhere/memcached"]) {
        const error = yield* Effect.flip(RealMemcached.make({ binary }))
        assert.instanceOf(error, MemcachedMissingError)
        assert.include(error.message, `no program "${binary}"`)
        assert.include(error.message, "apt-get install memcached")
      }
    }))

  describe.skipIf(isMissing("memcached"))("installed", () => {
    it.effect("starts on a free port, answers as the process that was started, and ends with its scope", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const server = yield* RealMemcached.make({ memoryLimit: 32, maxItemSize: "2m" }).pipe(Scope.provide(scope))
        const client = yield* open({ host: server.host, port: server.port })
        assert.include(yield* ask(client, "stats\r\n"), `STAT pid ${server.pid}\r\n`)
        assert.strictEqual(yield* ask(client, "version\r\n"), `VERSION ${server.version}\r\n`)
        const settings = yield* ask(client, "stats settings\r\n")
        assert.include(settings, "STAT maxbytes 33554432\r\n")
        assert.include(settings, "STAT item_size_max 2097152\r\n")
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(isAlive(server.pid))
        yield* Effect.promise(() => client.closed())
      }))

    it.effect("two run beside each other", () =>
      Effect.gen(function*() {
        const [one, other] = yield* Effect.all([RealMemcached.make(), RealMemcached.make()], { concurrency: 2 })
        assert.notStrictEqual(one.port, other.port)
        assert.notStrictEqual(one.pid, other.pid)
      }))

    it.effect("dies by kill and comes back empty, on the same port", () =>
      Effect.gen(function*() {
        const server = yield* RealMemcached.make()
        const { pid, port } = server
        const client = yield* open({ host: server.host, port })
        yield* ask(client, "set a 0 0 1\r\nx\r\n")
        yield* server.kill
        yield* Effect.promise(() => client.closed())
        assert.isFalse(isAlive(pid))
        yield* server.restart
        assert.strictEqual(server.port, port)
        assert.notStrictEqual(server.pid, pid)
        assert.strictEqual(yield* ask(yield* open({ host: server.host, port }), "get a\r\n"), "END\r\n")
      }))

    it.live("hangs by stop and goes on by resume", () =>
      Effect.gen(function*() {
        const server = yield* RealMemcached.make()
        const client = yield* open({ host: server.host, port: server.port })
        yield* ask(client, "set a 0 0 1\r\nx\r\n")
        yield* server.stop
        client.send("get a\r\n")
        yield* Effect.sleep("100 millis")
        assert.strictEqual(client.received, "")
        yield* server.resume
        const reply = yield* Effect.promise(() => client.until((text) => text.endsWith("END\r\n")))
        assert.strictEqual(reply, "VALUE a 0 1\r\nx\r\nEND\r\n")
        yield* server.stop
      }))

    it.effect("listens on a unix socket", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const server = yield* RealMemcached.make({ unix: true }).pipe(Scope.provide(scope))
        const path = server.path ?? assert.fail("no path")
        assert.strictEqual(server.address, `unix:${path}`)
        assert.strictEqual(yield* ask(yield* open({ path }), "get a\r\n"), "END\r\n")
        yield* server.restart
        assert.strictEqual(yield* ask(yield* open({ path }), "get a\r\n"), "END\r\n")
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(existsSync(path))
      }))

    it.effect("speaks TLS with a certificate that verifies", () =>
      Effect.gen(function*() {
        const certificates = yield* Certificates.make
        const server = yield* RealMemcached.make({ tls: certificates })
        const client = yield* open({ host: server.host, port: server.port, ca: certificates.ca })
        assert.strictEqual(yield* ask(client, "get a\r\n"), "END\r\n")
      }))

    it.effect("asks who is there", () =>
      Effect.gen(function*() {
        const server = yield* RealMemcached.make({ users: [{ username: "ada", password: "secret" }] })
        const client = yield* open({ host: server.host, port: server.port })
        client.send("get some\r\n")
        const refused = yield* Effect.promise(() => client.until((text) => text.endsWith("\r\n")))
        assert.strictEqual(refused, "CLIENT_ERROR unauthenticated\r\n")
        client.send("set x 0 0 10\r\nada secret\r\n")
        assert.strictEqual(yield* Effect.promise(() => client.until((text) => text.endsWith("\r\n"))), "STORED\r\n")
      }))

    it.effect("repeats what memcached said when it did not start", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(RealMemcached.make({ args: ["-o", "no_such_option"] }))
        assert.instanceOf(error, MemcachedStartError)
        assert.match(error.message, /^memcached did not start: .*no_such_option/i)
      }))
  })
})
