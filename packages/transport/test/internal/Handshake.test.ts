/**
 * The first words with a server, over real sockets: what is said, in which order, and what comes of it.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { tcp, unix } from "@effect-memcache/transport/Address"
import type { Address } from "@effect-memcache/transport/Address"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as NodeTransport from "@effect-memcache/transport/NodeTransport"
import type { ConnectOptions } from "@effect-memcache/transport/Transport"
import { Transport } from "@effect-memcache/transport/Transport"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as net from "node:net"
import { inspect } from "node:util"
import { judgeVersion } from "../../src/internal/Handshake.ts"
import { answering, listen, memcached, until } from "../ScriptedServer.ts"

const PASSWORD = "correct-horse-battery"
const auth = { username: "user", password: Redacted.make(PASSWORD) }

const defaults: ConnectOptions = {
  connectTimeout: 2000,
  commandTimeout: 2000,
  stallTimeout: 4000,
  maxInFlight: { commands: 1000, bytes: 1_000_000 },
  maxItemSize: 1_048_576,
  protocol: "auto"
}

const get: Command = { _tag: "Get", keys: ["k" as Key], withCas: false }

const connect = Effect.fnUntraced(function*(address: Address, options: Partial<ConnectOptions> = {}) {
  const transport = yield* Transport
  return yield* transport.connect(address, { ...defaults, ...options })
})

const test = <A, E>(name: string, effect: Effect.Effect<A, E, Transport | Scope.Scope>) =>
  it.live(name, () => Effect.provide(effect, NodeTransport.layer()))

/** "Tag outcome", once it is sure that the error keeps the password to itself. */
const describeError = (error: MemcacheError): string => {
  const everything = [
    String(error),
    error.message,
    String(error.stack),
    JSON.stringify(error),
    inspect(error, { depth: 20, showHidden: true, getters: true })
  ].join("\n")
  assert.notInclude(everything, PASSWORD.slice(0, 8))
  assert.notInclude(everything, Buffer.from(PASSWORD).toString("hex").match(/../g)!.join(" "))
  return `${error.reason._tag} ${error.outcome}`
}

describe("the dialect", () => {
  for (
    const [version, dialect, miss] of [
      ["1.4.39", "text", undefined],
      ["1.5.22", "text", undefined],
      ["1.6.9", "text", undefined],
      ["1.6.10", "meta", "EN"],
      ["1.6.17", "meta", "EN"],
      ["1.6.18", "meta", "EN O"],
      ["1.6.45", "meta", "EN O"],
      ["1.7.0", "meta", "EN O"],
      ["2.0.0-rc1", "meta", "EN O"],
      ["twemproxy", "text", undefined]
    ] as const
  ) {
    test(
      `of version ${version} is ${dialect}`,
      Effect.gen(function*() {
        const server = yield* answering((line, peer) =>
          line.startsWith("mg") && miss === "EN" ? "EN\r\n" : memcached(version)(line, peer)
        )
        const connection = yield* connect(server.address)
        assert.strictEqual(connection.version, version)
        assert.strictEqual(connection.dialect, dialect)
        assert.strictEqual(server.peers[0].received, dialect === "meta" ? "version\r\nmn\r\n" : "version\r\n")
        assert.strictEqual((yield* connection.send(get)).reply._tag, "End")
        assert.isUndefined(connection.closed)
      })
    )
  }

  test(
    "is text where `mn` is answered with ERROR, and is remembered",
    Effect.gen(function*() {
      const server = yield* answering((line, peer) => line === "mn" ? "ERROR\r\n" : memcached("1.6.45")(line, peer))
      const first = yield* connect(server.address)
      const second = yield* connect(server.address)
      assert.deepStrictEqual([first.dialect, second.dialect], ["text", "text"])
      assert.deepStrictEqual(server.peers.map((peer) => peer.received), ["version\r\nmn\r\n", "version\r\n"])
      assert.strictEqual((yield* first.send(get)).reply._tag, "End")
      assert.strictEqual(first.version, "1.6.45")
    })
  )

  test(
    "is text for now where `mn` is answered with SERVER_ERROR",
    Effect.gen(function*() {
      const server = yield* answering((line, peer) =>
        line === "mn" && peer.index === 0 ? "SERVER_ERROR backend down\r\n" : memcached("1.6.45")(line, peer)
      )
      assert.strictEqual((yield* connect(server.address)).dialect, "text")
      assert.strictEqual((yield* connect(server.address)).dialect, "meta")
    })
  )

  test(
    "is text where `mn` closes the connection twice, and is remembered",
    Effect.gen(function*() {
      const server = yield* answering((line, peer) => line === "mn" ? "close" : memcached("1.6.18")(line, peer))
      const first = yield* connect(server.address)
      const second = yield* connect(server.address)
      assert.deepStrictEqual([first.dialect, second.dialect], ["text", "text"])
      assert.deepStrictEqual(
        server.peers.map((peer) => peer.received),
        ["version\r\nmn\r\n", "version\r\nmn\r\n", "version\r\n", "version\r\n"]
      )
      assert.isTrue(yield* until(() => server.open() === 2))
    })
  )

  test(
    "is meta where `mn` closed the connection only once",
    Effect.gen(function*() {
      const server = yield* answering((line, peer) =>
        line === "mn" && peer.index === 0 ? "close" : memcached("1.6.18")(line, peer)
      )
      assert.strictEqual((yield* connect(server.address)).dialect, "meta")
      assert.strictEqual(server.peers.length, 2)
    })
  )

  test(
    "through a proxy that closes on `mn` has only the commands that it forwards, on this connection and on later ones",
    Effect.gen(function*() {
      const value = new Uint8Array(0)
      const common = { key: "k" as Key, flags: 0, exptime: 0, value, noreply: false }
      const refused: ReadonlyArray<Command> = [
        { _tag: "GetAndTouch", keys: ["k" as Key], withCas: false, exptime: 0 },
        { _tag: "Stats", report: undefined },
        { _tag: "FlushAll", delay: undefined, noreply: false },
        { _tag: "Verbosity", level: 1, noreply: false }
      ]
      const forwarded: ReadonlyArray<Command> = [
        get,
        { _tag: "Version" },
        { _tag: "Store", mode: "set", ...common },
        { _tag: "Cas", cas: 1n, ...common },
        { _tag: "Delete", key: common.key, noreply: false },
        { _tag: "Touch", key: common.key, exptime: 0, noreply: false },
        { _tag: "Arithmetic", mode: "incr", key: common.key, delta: 1n, create: undefined, noreply: false }
      ]
      const server = yield* answering((line, peer) => line === "mn" ? "close" : memcached("1.6.18")(line, peer))
      for (let i = 0; i < 2; i++) {
        const connection = yield* connect(server.address)
        const { length } = server.peers[2 + i].received
        for (const command of refused) {
          const error = yield* Effect.flip(connection.send(command))
          assert.strictEqual(describeError(error), "UnsupportedError not-sent")
          assert.include(error.message, "proxy")
        }
        assert.lengthOf(server.peers[2 + i].received, length)
        yield* connection.sendMany(forwarded)
        assert.match(
          server.peers[2 + i].received.slice(length),
          /^get k\r\nversion\r\nset k .*cas k .*delete k\r\ntouch k 0\r\nincr k 1\r\n$/s
        )
      }
    })
  )

  test(
    "through such a proxy asks for each key by itself, so that a dead backend costs its own keys and no connection",
    Effect.gen(function*() {
      const server = yield* answering((line, peer) => {
        if (line === "mn") return "close"
        const [word, key, ...rest] = line.split(" ")
        if (word !== "get" || rest.length > 0) return memcached("1.6.18")(line, peer)
        if (key === "dead") return "SERVER_ERROR Connection refused\r\n"
        return key === "miss" ? "END\r\n" : `VALUE ${key} 0 1\r\n${key}\r\nEND\r\n`
      })
      const connection = yield* connect(server.address)
      const ask = (...keys: ReadonlyArray<string>): Command => ({
        _tag: "Get",
        keys: keys as ReadonlyArray<string> as ReadonlyArray<Key>,
        withCas: false
      })
      const show = ({ command, items, reply }: Answer) => [
        command,
        reply._tag,
        items.map((item) => item === undefined ? undefined : String.fromCharCode(...item.value))
      ]
      const before = server.peers[2].received.length
      const some = ask("a", "dead", "miss", "b")
      assert.deepStrictEqual(show(yield* connection.send(some)), [some, "ServerError", [
        "a",
        undefined,
        undefined,
        "b"
      ]])
      assert.strictEqual(server.peers[2].received.slice(before), "get a\r\nget dead\r\nget miss\r\nget b\r\n")
      const good = [ask("a", "b"), ask("miss"), ask("b", "miss")]
      const answers = yield* connection.sendMany(good)
      assert.deepStrictEqual(answers.map((answer) => isMemcacheError(answer) ? answer : show(answer)), [
        [good[0], "End", ["a", "b"]],
        [good[1], "End", []],
        [good[2], "End", ["b", undefined]]
      ])
      server.peers[2].socket.destroy()
      yield* until(() => connection.closed !== undefined)
      const [lost] = yield* connection.sendMany([some])
      assert.strictEqual(isMemcacheError(lost) && describeError(lost), "ConnectionLostError not-sent")
      assert.strictEqual(describeError(yield* Effect.flip(connection.send(some))), "ConnectionLostError not-sent")
    })
  )

  test(
    "is that of a proxy where one is named, whatever stands behind it, and nothing is tried",
    Effect.gen(function*() {
      for (const version of ["1.4.39", "1.6.45"]) {
        const server = yield* answering((line, peer) => line === "stats" ? "close" : memcached(version)(line, peer))
        const connection = yield* connect(server.address, { protocol: "twemproxy" })
        assert.strictEqual(connection.dialect, "text")
        const error = yield* Effect.flip(connection.send({ _tag: "Stats", report: undefined }))
        assert.strictEqual(describeError(error), "UnsupportedError not-sent")
        assert.strictEqual((yield* connection.send(get)).reply._tag, "End")
        assert.deepStrictEqual(server.peers.map((peer) => peer.received), ["version\r\nget k\r\n"])
      }
    })
  )

  test(
    "has every command of text where text is insisted on, and where `mn` is only unknown",
    Effect.gen(function*() {
      const stats: Command = { _tag: "Stats", report: undefined }
      const server = yield* answering((line, peer) =>
        line === "mn" ? "ERROR\r\n" : line === "stats" ? "END\r\n" : memcached("1.6.18")(line, peer)
      )
      for (const protocol of ["auto", "text"] as const) {
        const connection = yield* connect(server.address, { protocol })
        assert.strictEqual((yield* connection.send(stats)).reply._tag, "End")
      }
    })
  )

  test(
    "is not remembered as text where the server went away on `mn` for once",
    Effect.gen(function*() {
      let isDown = false
      const server = yield* listen((peer) => {
        if (isDown && peer.index === 1) return peer.socket.destroy()
        peer.socket.on("data", (data) => {
          const line = data.toString().trim()
          if (line === "mn" && peer.index === 0) {
            isDown = true
            peer.socket.destroy()
          } else peer.socket.write(memcached("1.6.45")(line, peer)!)
        })
      })
      assert.strictEqual(describeError(yield* Effect.flip(connect(server.address))), "ConnectError not-sent")
      assert.strictEqual((yield* connect(server.address)).dialect, "meta")
    })
  )

  test(
    "is not remembered as text where `mn` was only slow",
    Effect.gen(function*() {
      const server = yield* answering((line, peer) =>
        line === "mn" && peer.index === 0 ? undefined : memcached("1.6.45")(line, peer)
      )
      const error = yield* Effect.flip(connect(server.address, { connectTimeout: 150, commandTimeout: 50 }))
      assert.strictEqual(describeError(error), "ConnectError not-sent")
      assert.strictEqual(server.peers.length, 1)
      assert.strictEqual((yield* connect(server.address)).dialect, "meta")
    })
  )

  test(
    "is text with an unknown version where `version` is answered with an error line",
    Effect.gen(function*() {
      for (const line of ["SERVER_ERROR unknown command", "ERROR", "CLIENT_ERROR no"]) {
        const server = yield* answering((word, peer) =>
          word === "version" ? `${line}\r\n` : memcached("1.6.45")(word, peer)
        )
        const connection = yield* connect(server.address)
        assert.strictEqual(connection.dialect, "text")
        assert.strictEqual(connection.version, "")
        assert.strictEqual((yield* connection.send(get)).reply._tag, "End")
      }
    })
  )

  test(
    "is what is asked for",
    Effect.gen(function*() {
      const server = yield* answering(memcached("1.6.45"))
      assert.strictEqual((yield* connect(server.address, { protocol: "text" })).dialect, "text")
      assert.strictEqual((yield* connect(server.address, { protocol: "meta" })).dialect, "meta")
      assert.strictEqual(server.peers[0].received, "version\r\n")
      for (const answer of ["ERROR\r\n", "close"]) {
        const old = yield* answering((line, peer) => line === "mn" ? answer : memcached("1.5.22")(line, peer))
        const error = yield* Effect.flip(connect(old.address, { protocol: "meta" }))
        assert.strictEqual(describeError(error), "UnsupportedError not-sent")
        assert.include(error.message, "1.5.22")
        assert.strictEqual(old.peers.length, 1)
        assert.isTrue(yield* until(() => old.open() === 0))
      }
    })
  )

  it("is judged by the version alone", () => {
    assert.deepStrictEqual(judgeVersion(""), [false, false])
    assert.deepStrictEqual(judgeVersion("1.6"), [false, false])
    assert.deepStrictEqual(judgeVersion("1.6.15_ubuntu"), [true, true])
    assert.deepStrictEqual(judgeVersion("1.10.0"), [true, false])
    assert.deepStrictEqual(judgeVersion("0.9.9"), [false, false])
  })
})

describe("a server that has answered", () => {
  for (const stalledAt of ["the dial", "the greeting"]) {
    test(
      `is of use although the event loop stood still at ${stalledAt}, longer than there is time to connect`,
      Effect.gen(function*() {
        const stall = () => {
          const until = performance.now() + 900
          while (performance.now() < until);
        }
        const server = yield* answering((line, peer) => {
          if (line === "version" && stalledAt === "the greeting") stall()
          return memcached("1.6.45")(line, peer)
        })
        if (stalledAt === "the dial") setImmediate(stall)
        const connection = yield* connect(server.address, { connectTimeout: 300 })
        assert.strictEqual(connection.dialect, "meta")
        assert.strictEqual(server.peers.length, 1)
      })
    )
  }
})

describe("a server of no use", () => {
  test(
    "accepts and never speaks: the time to connect ends it, and nothing but the handshake was written",
    Effect.gen(function*() {
      const server = yield* listen(() => {})
      const startedAt = performance.now()
      const error = yield* Effect.flip(connect(server.address, { connectTimeout: 150, commandTimeout: 50 }))
      const took = performance.now() - startedAt
      assert.strictEqual(describeError(error), "ConnectError not-sent")
      assert.include(error.message, "no answer within 150 ms")
      assert.isAtLeast(took, 140)
      assert.isBelow(took, 1000)
      assert.strictEqual(server.peers[0].received, "version\r\n")
      assert.isTrue(yield* until(() => server.open() === 0))
    })
  )

  test(
    "answers after more than a command's time: the time to connect is the limit",
    Effect.gen(function*() {
      const server = yield* answering((line, peer) => {
        setTimeout(() => peer.socket.write(memcached("1.6.45")(line, peer)!), 100)
        return undefined
      })
      const connection = yield* connect(server.address, { commandTimeout: 20 })
      assert.strictEqual(connection.dialect, "meta")
    })
  )

  const rows: ReadonlyArray<readonly [name: string, speak: (socket: net.Socket) => void, tag: string, detail: RegExp]> =
    [
      ["closes at once", (socket) => socket.end(), "ConnectError", /the server closed the connection|ECONNRESET|EPIPE/],
      ["resets", (socket) => socket.resetAndDestroy(), "ConnectError", /ECONNRESET|EPIPE/],
      [
        "resets on the first command",
        (socket) => socket.once("data", () => socket.resetAndDestroy()),
        "ConnectError",
        /ECONNRESET/
      ],
      [
        "has no connection to spare",
        (socket) => socket.end("ERROR Too many open connections\r\n"),
        "ConnectError",
        /Too many open connections/
      ],
      ["speaks SSH", (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n"), "ProtocolError", /not a reply/],
      [
        "speaks HTTP",
        (socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
        "ProtocolError",
        /not a reply/
      ],
      ["echoes", (socket) => socket.pipe(socket), "ProtocolError", /not a reply/]
    ]
  for (const [name, speak, tag, detail] of rows) {
    for (const credentials of [undefined, auth]) {
      test(
        `${name}${credentials === undefined ? "" : ", with credentials"}`,
        Effect.gen(function*() {
          const server = yield* listen(({ socket }) => speak(socket))
          const error = yield* Effect.flip(connect(server.address, { auth: credentials }))
          assert.strictEqual(describeError(error), `${tag} not-sent`)
          assert.match(error.message, detail)
          assert.include(error.message, `127.0.0.1:${server.port}`)
          assert.isTrue(yield* until(() => server.open() === 0))
        })
      )
    }
  }

  test(
    "is not there: the port, the name, the path",
    Effect.gen(function*() {
      const { port } = yield* Effect.scoped(listen(() => {}))
      const refused = yield* Effect.flip(connect(tcp("127.0.0.1", port)))
      assert.strictEqual(describeError(refused), "ConnectError not-sent")
      assert.include(refused.message, "ECONNREFUSED")
      const unknown = yield* Effect.flip(connect(tcp("no-such-host.invalid", 11211)))
      assert.strictEqual(describeError(unknown), "ConnectError not-sent")
      assert.match(unknown.message, /ENOTFOUND|EAI_AGAIN/)
      const missing = yield* Effect.flip(connect(unix("/no/such/socket")))
      assert.strictEqual(describeError(missing), "ConnectError not-sent")
      assert.include(missing.message, "ENOENT")
    })
  )
})

describe("credentials", () => {
  /** A memcached with `-Y`: nothing but a right `set` opens it. */
  const guarded = (late: number) => {
    const seen: Array<string> = []
    return Effect.map(
      listen((peer) => {
        let isIn = false
        let expectsValue = false
        let rest = ""
        peer.socket.on("data", (data) => {
          seen.push(data.toString())
          const lines = (rest + data.toString()).split("\r\n")
          rest = lines.pop()!
          for (const line of lines) {
            if (expectsValue) {
              expectsValue = false
              isIn = line === `user ${PASSWORD}`
              setTimeout(() => peer.socket.write(isIn ? "STORED\r\n" : "CLIENT_ERROR authentication failure\r\n"), late)
            } else if (isIn) peer.socket.write(memcached("1.6.45")(line, peer)!)
            else if (line.startsWith("set ")) expectsValue = true
            else peer.socket.write("CLIENT_ERROR unauthenticated\r\n")
          }
        })
      }),
      (server) => ({ server, seen })
    )
  }

  test(
    "are given when the server asks for them, and nothing is written before they are taken",
    Effect.gen(function*() {
      const { seen, server } = yield* guarded(30)
      const connection = yield* connect(server.address, { auth })
      assert.strictEqual(connection.dialect, "meta")
      assert.deepStrictEqual(seen, [
        "version\r\n",
        `set auth 0 0 ${5 + PASSWORD.length}\r\nuser ${PASSWORD}\r\n`,
        "version\r\n",
        "mn\r\n"
      ])
      assert.notInclude(inspect(connection, { depth: 20, showHidden: true }), PASSWORD)
      assert.strictEqual((yield* connection.send(get)).reply._tag, "End")
    })
  )

  test(
    "that are wrong end in a typed error",
    Effect.gen(function*() {
      const { seen, server } = yield* guarded(0)
      const error = yield* Effect.flip(
        connect(server.address, { auth: { username: "user", password: Redacted.make("secret-guess") } })
      )
      assert.strictEqual(describeError(error), "AuthenticationError not-sent")
      assert.notInclude(inspect(error, { depth: 20, showHidden: true }), "secret-guess")
      assert.strictEqual(seen.length, 2)
      assert.isTrue(yield* until(() => server.open() === 0))
    })
  )

  test(
    "are not shown to a server that would store them as an item",
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const { port } = server
      yield* connect(tcp("127.0.0.1", port), { auth })
      assert.isUndefined(server.store.find("auth"))
      assert.isUndefined(server.counters.commands.get("set"))
    })
  )

  test(
    "that are not given end in a typed error",
    Effect.gen(function*() {
      const { server } = yield* guarded(0)
      const error = yield* Effect.flip(connect(server.address))
      assert.strictEqual(describeError(error), "AuthenticationError not-sent")
      assert.isTrue(yield* until(() => server.open() === 0))
    })
  )

  test(
    "are not repeated, whatever the server says",
    Effect.gen(function*() {
      for (
        const [line, tag] of [
          [`CLIENT_ERROR bad: user ${PASSWORD}`, "AuthenticationError"],
          [`ERROR ${PASSWORD}`, "AuthenticationError"],
          [`SERVER_ERROR ${PASSWORD}`, "ConnectError"],
          ["NOT_STORED", "AuthenticationError"],
          [`user ${PASSWORD}`, "ProtocolError"],
          [`HELLO ${"x".repeat(24)} ${PASSWORD}`, "ProtocolError"],
          ["ERROR Too many open connections", "ConnectError"]
        ]
      ) {
        const server = yield* answering((word) =>
          word === "version" ? "CLIENT_ERROR unauthenticated\r\n" : word.startsWith("set") ? `${line}\r\n` : undefined
        )
        const error = yield* Effect.flip(connect(server.address, { auth }))
        assert.strictEqual(describeError(error), `${tag} not-sent`)
      }
    })
  )
})
