/**
 * Node's sockets: TLS that is refused, peers that do not read, and what is left when all is over.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import * as Certificates from "@effect-memcache/testing/Certificates"
import { tcp, unix } from "@effect-memcache/transport/Address"
import type { Address } from "@effect-memcache/transport/Address"
import * as NodeTransport from "@effect-memcache/transport/NodeTransport"
import type { ConnectOptions } from "@effect-memcache/transport/Transport"
import { Transport } from "@effect-memcache/transport/Transport"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import dns from "node:dns"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tls from "node:tls"
import { answering, listen, memcached, until } from "./ScriptedServer.ts"
import type { Peer } from "./ScriptedServer.ts"

const defaults: ConnectOptions = {
  connectTimeout: 3000,
  commandTimeout: 3000,
  stallTimeout: 6000,
  maxInFlight: { commands: 1000, bytes: 64 * 1024 * 1024 },
  maxItemSize: 1_048_576,
  protocol: "auto"
}

const get: Command = { _tag: "Get", keys: ["k" as Key], withCas: false }

const connect = (
  address: Address,
  options: NodeTransport.NodeTransportOptions & Partial<ConnectOptions> = {}
) =>
  Effect.gen(function*() {
    const transport = yield* Transport
    return yield* transport.connect(address, { ...defaults, ...options })
  }).pipe(Effect.provide(NodeTransport.layer(options)))

const speak = (peer: Peer, answers = memcached("1.6.45")) => {
  peer.socket.on("data", (data) => {
    for (const line of data.toString("latin1").split("\r\n")) {
      if (line !== "") peer.socket.write(answers(line, peer)!)
    }
  })
}

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => /TCP|Pipe|TLS/.test(name) && !name.includes("Server")).length

/** A certificate of an authority of its own, made wrong on purpose. */
const wrongCertificate = (name: string, days: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const cwd = mkdtempSync(join(tmpdir(), "wrong-certificate-"))
      const openssl = (command: string) => execFileSync("openssl", command.split(" "), { cwd, stdio: "ignore" })
      const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
      writeFileSync(join(cwd, "names"), `subjectAltName=${name}\n`)
      openssl(`req -x509 ${newKey} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem`)
      openssl(`req ${newKey} -subj /CN=server -keyout key.pem -out csr.pem`)
      openssl(
        `x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days ${days} -extfile names -out cert.pem`
      )
      const read = (file: string) => readFileSync(join(cwd, file), "utf8")
      return { cwd, ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") }
    }),
    ({ cwd }) => Effect.sync(() => rmSync(cwd, { recursive: true }))
  )

const secureServer = (options: tls.TlsOptions, onConnection: (peer: Peer) => void = speak) =>
  listen(onConnection, (listener) => {
    const server = tls.createServer(options, listener)
    server.on("tlsClientError", () => {})
    return server
  })

describe("TLS", () => {
  it.live("speaks to a server whose certificate is right", () =>
    Effect.gen(function*() {
      const { ca, cert, key } = yield* Certificates.make
      const server = yield* secureServer({ cert, key })
      const byAddress = yield* connect(server.address, { tls: { ca } })
      const byName = yield* connect(tcp("localhost", server.port), { tls: { ca } })
      for (const connection of [byAddress, byName]) {
        assert.strictEqual(connection.dialect, "meta")
        assert.strictEqual((yield* connection.send(get)).reply._tag, "End")
      }
      const names = server.peers.map((peer) =>
        (peer.socket as tls.TLSSocket & { servername: string | false }).servername
      )
      assert.deepStrictEqual(names, [false, "localhost"])
    }))

  it.live("refuses a certificate that is not right, before a command is written", () =>
    Effect.gen(function*() {
      const good = yield* Certificates.make
      const expired = yield* wrongCertificate("DNS:localhost,IP:127.0.0.1", -1)
      const foreign = yield* wrongCertificate("DNS:other.example", 2)
      const cases: ReadonlyArray<readonly [{ cert: string; key: string }, tls.ConnectionOptions | true, RegExp]> = [
        [good, { ca: foreign.ca }, /UNABLE_TO_|SELF_SIGNED/],
        [good, true, /UNABLE_TO_|SELF_SIGNED/],
        [expired, { ca: expired.ca }, /CERT_HAS_EXPIRED/],
        [foreign, { ca: foreign.ca }, /ERR_TLS_CERT_ALTNAME_INVALID/],
        [good, { ca: good.ca, servername: "other.example" }, /ERR_TLS_CERT_ALTNAME_INVALID/]
      ]
      for (const [{ cert, key }, options, code] of cases) {
        const server = yield* secureServer({ cert, key })
        const error = yield* Effect.flip(connect(server.address, { tls: options }))
        assert.strictEqual(`${error.reason._tag} ${error.outcome}`, "TlsError not-sent")
        assert.match(error.message, code)
        assert.isTrue(yield* until(() => server.open() === 0))
        assert.isTrue(server.peers.every((peer) => peer.received === ""))
      }
    }))

  it.live("refuses a peer that speaks plain text", () =>
    Effect.gen(function*() {
      const server = yield* listen(({ socket }) => socket.once("data", () => socket.write("ERROR\r\n")))
      const error = yield* Effect.flip(connect(server.address, { tls: true }))
      assert.strictEqual(`${error.reason._tag} ${error.outcome}`, "TlsError not-sent")
      assert.notInclude(server.peers[0].received, "version")
      assert.isTrue(yield* until(() => server.open() === 0))
    }))

  it.live("says that a server wants a certificate of ours", () =>
    Effect.gen(function*() {
      const { ca, cert, key } = yield* Certificates.make
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        const server = yield* secureServer({ cert, key, ca, maxVersion, requestCert: true, rejectUnauthorized: true })
        const error = yield* Effect.flip(connect(server.address, { tls: { ca } }))
        assert.include(["TlsError not-sent", "ConnectError not-sent"], `${error.reason._tag} ${error.outcome}`)
        assert.match(error.message, /ERR_SSL|ECONNRESET/)
        const connection = yield* connect(server.address, { tls: { ca, cert, key } })
        assert.strictEqual(connection.dialect, "meta")
      }
    }))

  it.live("gives up on a handshake that stalls, or ends", () =>
    Effect.gen(function*() {
      const silent = yield* listen(() => {})
      const error = yield* Effect.flip(connect(silent.address, { tls: true, connectTimeout: 150 }))
      assert.strictEqual(`${error.reason._tag} ${error.outcome}`, "ConnectError not-sent")
      assert.include(error.message, "150 ms")
      assert.notInclude(silent.peers[0].received, "version")
      assert.isTrue(yield* until(() => silent.open() === 0))
      const closing = yield* listen(({ socket }) => socket.end())
      const ended = yield* Effect.flip(connect(closing.address, { tls: true }))
      assert.strictEqual(`${ended.reason._tag} ${ended.outcome}`, "ConnectError not-sent")
      assert.include(ended.message, "ECONNRESET")
      const { port } = yield* Effect.scoped(listen(() => {}))
      const refused = yield* Effect.flip(connect(tcp("127.0.0.1", port), { tls: true }))
      assert.include(refused.message, "ECONNREFUSED")
    }))

  it.live("tries the next address of a name when the first refuses", () =>
    Effect.gen(function*() {
      const { ca, cert, key } = yield* Certificates.make
      const server = yield* secureServer({ cert, key })
      const { lookup } = dns
      // What a machine with IPv6 makes of the name.
      const addresses = [{ address: "127.0.0.2", family: 4 }, { address: "127.0.0.1", family: 4 }]
      const fake = (_name: string, _options: unknown, done: (error: null, all: typeof addresses) => void) =>
        process.nextTick(done, null, addresses)
      const connection = yield* Effect.acquireUseRelease(
        Effect.sync(() => Object.assign(dns, { lookup: fake })),
        () => connect(tcp("localhost", server.port), { tls: { ca } }),
        () => Effect.sync(() => Object.assign(dns, { lookup }))
      )
      assert.strictEqual((yield* connection.send(get)).reply._tag, "End")
    }))

  it.live("names options that OpenSSL refuses", () =>
    Effect.gen(function*() {
      const one = yield* Certificates.make
      const two = yield* Certificates.make
      const server = yield* secureServer({ cert: one.cert, key: one.key })
      const error = yield* Effect.flip(connect(server.address, { tls: { ca: one.ca, cert: one.cert, key: two.key } }))
      assert.strictEqual(`${error.reason._tag} ${error.outcome}`, "TlsError not-sent")
      assert.isTrue(yield* until(() => server.open() === 0))
    }))

  it.live("writes long requests whole, with a record of its own for the last byte", () =>
    Effect.gen(function*() {
      const { ca, cert, key } = yield* Certificates.make
      const lengths: Array<number> = []
      const server = yield* secureServer({ cert, key }, (peer) => {
        peer.socket.on("data", (data) => {
          lengths.push(data.length)
          const text = data.toString("latin1")
          if (text === "version\r\n") peer.socket.write("VERSION 1.5.22\r\n")
          if (peer.received.endsWith("!\r\n")) peer.socket.write("STORED\r\n")
        })
      })
      const connection = yield* connect(server.address, { tls: { ca } })
      for (const size of [1, 16_000, 17_000, 300_000]) {
        lengths.length = 0
        server.peers[0].received = ""
        const value = new Uint8Array(size).fill(0x78)
        value[size - 1] = 0x21
        const { reply } = yield* connection.send({
          _tag: "Store",
          mode: "set",
          key: "k" as Key,
          flags: 0,
          exptime: 0,
          value,
          noreply: false
        })
        assert.strictEqual(reply._tag, "Stored")
        const expected = `set k 0 0 ${size}\r\n${"x".repeat(size - 1)}!\r\n`
        assert.strictEqual(server.peers[0].received, expected)
        assert.deepStrictEqual(lengths.at(-1), size > 16_384 ? 1 : expected.length)
      }
    }))

  it.live("takes it calmly when the server ends the connection", () =>
    Effect.gen(function*() {
      const { ca, cert, key } = yield* Certificates.make
      const server = yield* secureServer({ cert, key })
      // Node replaces methods of a socket whose peer has ended, in an event where whatever throws ends the process.
      for (let i = 0; i < 3; i++) {
        const connection = yield* connect(server.address, { tls: { ca } })
        server.peers[i].socket.end()
        assert.isTrue(yield* until(() => connection.closed !== undefined))
        assert.strictEqual(connection.closed?.reason._tag, "ConnectionLostError")
        assert.include(connection.closed?.message, "the server closed the connection")
      }
    }))

  it.live("destroys both of its sockets when the connection ends by itself", () =>
    Effect.gen(function*() {
      const { ca, cert, key } = yield* Certificates.make
      const server = yield* secureServer({ cert, key })
      const before = sockets()
      const connection = yield* connect(server.address, { tls: { ca } })
      server.peers[0].socket.write("VALUE nobody 0 1\r\n1\r\nEND\r\n")
      assert.isTrue(yield* until(() => server.open() === 0))
      assert.strictEqual(connection.closed?.reason._tag, "ProtocolError")
      assert.isTrue(yield* until(() => sockets() === before))
    }))
})

/** What Node tells libuv about sockets while an effect runs. */
const spyingOnHandles = <A, E, R>(use: (calls: Array<string>) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const server = yield* listen(() => {})
    const probe = net.connect(server.port, "127.0.0.1") as net.Socket & { _handle: object }
    const prototype = Object.getPrototypeOf(probe._handle) as Record<string, (...args: Array<unknown>) => unknown>
    probe.destroy()
    const { setKeepAlive, setNoDelay } = prototype
    const calls: Array<string> = []
    return yield* Effect.acquireUseRelease(
      Effect.sync(() => {
        for (const [name, original] of Object.entries({ setKeepAlive, setNoDelay })) {
          prototype[name] = function(this: unknown, ...args) {
            calls.push(
              args.filter((arg) => arg !== undefined).reduce<string>((text, arg) => `${text} ${String(arg)}`, name)
            )
            return original.apply(this, args)
          }
        }
      }),
      () => use(calls),
      () => Effect.sync(() => Object.assign(prototype, { setKeepAlive, setNoDelay }))
    )
  })

describe("socket options", () => {
  it.live("reach the system, with TLS and without", () =>
    spyingOnHandles((calls) =>
      Effect.gen(function*() {
        const { ca, cert, key } = yield* Certificates.make
        const plain = yield* answering(memcached("1.6.45"))
        const secure = yield* secureServer({ cert, key })
        for (const [server, tls] of [[plain, false], [secure, { ca }]] as const) {
          yield* connect(server.address, { tls })
          assert.sameMembers(calls.splice(0), ["setNoDelay true", "setKeepAlive true 60"])
          yield* connect(server.address, { tls, noDelay: false, keepAlive: false })
          assert.deepStrictEqual(calls.splice(0), [])
          yield* connect(server.address, { tls, keepAlive: "5 seconds" })
          assert.sameMembers(calls.splice(0), ["setNoDelay true", "setKeepAlive true 5"])
        }
      })
    ))

  it.live("are not for Unix sockets", () =>
    Effect.gen(function*() {
      const path = join(tmpdir(), `transport-${process.pid}.sock`)
      yield* Effect.acquireRelease(
        Effect.callback<net.Server>((resume) => {
          const server = net.createServer((socket) => speak({ socket, index: 0, received: "" }))
          server.listen(path, () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      )
      yield* Effect.scoped(Effect.gen(function*() {
        const connection = yield* connect(unix(path), { tls: true })
        assert.strictEqual(connection.server, `unix:${path}`)
        assert.strictEqual((yield* connection.send(get)).reply._tag, "End")
      }))
    }))
})

describe("the end", () => {
  const value = new Uint8Array(1_000_000)
  const set: Command = {
    _tag: "Store",
    mode: "set",
    key: "k" as Key,
    flags: 0,
    exptime: 0,
    value,
    noreply: false
  }

  for (const isSecure of [false, true]) {
    it.live(`does not wait for a peer that does not read 32 MB (${isSecure ? "TLS" : "plain"})`, () =>
      Effect.gen(function*() {
        const { ca, cert, key } = yield* Certificates.make
        const onConnection = (peer: Peer) => {
          const answers = memcached("1.6.45")
          speak(peer, (line, peer) => {
            if (line === "mn") setImmediate(() => peer.socket.pause())
            return answers(line, peer)
          })
        }
        const server = isSecure ? yield* secureServer({ cert, key }, onConnection) : yield* listen(onConnection)
        const scope = yield* Scope.make()
        const before = sockets()
        const connection = yield* connect(server.address, { tls: isSecure ? { ca } : false }).pipe(Scope.provide(scope))
        yield* Effect.sleep(20)
        const fibers = yield* Effect.forEach(
          Array.from({ length: 32 }),
          () => Effect.forkChild(connection.send(set), { startImmediately: true })
        )
        yield* Effect.sleep(50)
        // Ours and the server's.
        const open = sockets()
        assert.isAtLeast(open, before + 2)
        const startedAt = performance.now()
        yield* Scope.close(scope, Exit.void)
        const outcomes = yield* Effect.forEach(fibers, (fiber) => Effect.flip(Fiber.join(fiber)))
        assert.isBelow(performance.now() - startedAt, 1000)
        assert.isTrue(outcomes.every((error) => error.reason._tag === "ConnectionLostError"))
        assert.sameMembers([...new Set(outcomes.map((error) => error.outcome))], ["unknown", "not-sent"])
        assert.isTrue(yield* until(() => sockets() < open))
        // 250 ms are promised; the rest is for a busy machine. Without a destroy it never ends.
        assert.isBelow(performance.now() - startedAt, 1000)
      }))
  }

  it.live("leaves no socket of a dial that is interrupted, at whatever moment", () =>
    Effect.gen(function*() {
      const { ca, cert, key } = yield* Certificates.make
      const plain = yield* answering(memcached("1.6.45"))
      const secure = yield* secureServer({ cert, key })
      const before = sockets()
      for (const [server, tls] of [[plain, false], [secure, { ca }]] as const) {
        for (let turns = 0; turns < 25; turns++) {
          const scope = yield* Scope.make()
          const fiber = yield* Effect.forkChild(connect(server.address, { tls }).pipe(Scope.provide(scope)), {
            startImmediately: true
          })
          for (let i = 0; i < turns; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          yield* Scope.close(scope, Exit.void)
        }
      }
      assert.isTrue(yield* until(() => plain.open() + secure.open() === 0 && sockets() === before))
    }))

  it.live("leaves nothing behind, a thousand times", () =>
    Effect.gen(function*() {
      const server = yield* answering(memcached("1.6.45"))
      const layer = NodeTransport.layer()
      const once = Effect.scoped(Effect.gen(function*() {
        const transport = yield* Transport
        const connection = yield* transport.connect(server.address, defaults)
        const many = yield* connection.sendMany([get, get, get])
        assert.isTrue(many.every((answer) => "reply" in answer && answer.reply._tag === "End"))
      }))
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
      const listeners = () =>
        process.eventNames().map((name) => `${String(name)}:${process.listenerCount(name)}`).join()
      const before = [sockets(), timers(), listeners()]
      yield* Effect.forEach(Array.from({ length: 1000 }), () => once, { concurrency: 20, discard: true }).pipe(
        Effect.provide(layer)
      )
      assert.strictEqual(server.peers.length, 1000)
      assert.isTrue(yield* until(() => server.open() === 0 && sockets() === before[0]))
      // A timer would hold the process for as long as a command may take.
      assert.deepStrictEqual([sockets(), timers(), listeners()], before)
    }))
})
