/**
 * Every fault of the proxy, as a raw socket sees it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { EmbeddedMemcached } from "../src/EmbeddedMemcached.ts"
import * as FaultProxy from "../src/FaultProxy.ts"
import { RealMemcached } from "../src/RealMemcached.ts"
import type { Toxic } from "../src/Toxic.ts"
import { isMissing } from "./Installed.ts"
import { ask, attempt, ending, make, open, until, waitUntil } from "./Proxied.ts"

const SET = "set a 0 0 5\r\nhello\r\n"
const HIT = "VALUE a 0 5\r\nhello\r\nEND\r\n"

describe("FaultProxy", { timeout: 20_000 }, () => {
  it.live("passes on what both sides say", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* make()
      const client = yield* open(proxy)
      const value = "x".repeat(1_000_000)
      assert.strictEqual(yield* ask(client, `set a 0 0 1000000\r\n${value}\r\n`), "STORED\r\n")
      assert.strictEqual(yield* ask(client, "get a\r\n"), `VALUE a 0 1000000\r\n${value}\r\nEND\r\n`)
      client.send("quit\r\n")
      assert.deepStrictEqual(yield* ending(client), { text: "", how: "fin" })
      yield* waitUntil(() => server.counters.current === 0)
    }))

  describe.skipIf(isMissing("memcached"))("in front of an installed memcached", () => {
    it.live("passes on what both sides say, through a unix socket too", () =>
      Effect.gen(function*() {
        for (const unix of [false, true]) {
          const server = yield* RealMemcached.make({ args: ["-t", "1"], unix })
          const proxy = yield* FaultProxy.make({ target: server })
          const client = yield* open(proxy)
          assert.strictEqual(yield* ask(client, `${SET}get a\r\n`), `STORED\r\n${HIT}`)
        }
      }))

    it.live("lets a request be carried out whose reply does not come", () =>
      Effect.gen(function*() {
        const server = yield* RealMemcached.make({ args: ["-t", "1"] })
        const proxy = yield* FaultProxy.make({ target: server })
        const client = yield* open(proxy)
        yield* ask(client, "set n 0 0 1\r\n1\r\n")
        yield* proxy.set([{ _tag: "CutAfterForward", ending: "rst", verb: "incr" }])
        client.send("incr n 1\r\n")
        assert.deepStrictEqual(yield* ending(client), { text: "", how: "ECONNRESET" })
        assert.strictEqual(yield* ask(yield* open(proxy), "get n\r\n"), "VALUE n 0 1\r\n2\r\nEND\r\n")
      }))
  })

  describe("latency", () => {
    for (const direction of ["up", "down"] as const) {
      it.live(`holds every byte back, ${direction}`, () =>
        Effect.gen(function*() {
          const { proxy, server } = yield* make()
          const client = yield* open(proxy)
          yield* ask(client, SET)
          yield* proxy.set([{ _tag: "Latency", direction, delay: "400 millis" }])
          client.send("get a\r\nget a\r\n")
          yield* Effect.sleep("80 millis")
          assert.strictEqual(server.counters.commands.get("get"), direction === "up" ? undefined : 2)
          const { text, time } = yield* until(client, HIT + HIT)
          assert.strictEqual(text, HIT + HIT)
          assert.isAtLeast(time, 200)
        }))
    }

    it.live("keeps the order, however the delays differ", () =>
      Effect.gen(function*() {
        let draw = 0
        const { proxy } = yield* make({ random: () => draw++ % 3 / 2 })
        const client = yield* open(proxy)
        yield* proxy.set([{ _tag: "Latency", direction: "both", delay: "20 millis", jitter: "20 millis" }])
        let expected = ""
        for (let i = 0; i < 20; i++) {
          client.send(`mn\r\nmg key${i} v\r\nme key${i}\r\nmd key${i} O${i}\r\n`)
          expected += `MN\r\nEN\r\nEN\r\nNF O${i}\r\n`
          yield* Effect.sleep("3 millis")
        }
        assert.strictEqual((yield* until(client, "O19\r\n")).text, expected)
      }))

    it.live("lets what is under way arrive at once when it is gone", () =>
      Effect.gen(function*() {
        const { proxy } = yield* make()
        const client = yield* open(proxy)
        yield* proxy.set([{ _tag: "Latency", direction: "down", delay: "1 hour" }])
        client.send(`${SET}get a\r\n`)
        yield* Effect.sleep("50 millis")
        assert.strictEqual(client.received, "")
        yield* proxy.clear
        assert.strictEqual((yield* until(client, "END\r\n")).text, `STORED\r\n${HIT}`)
      }))
  })

  it.live("passes no more bytes a second than the bandwidth", () =>
    Effect.gen(function*() {
      const { proxy } = yield* make()
      const client = yield* open(proxy)
      const size = 30_000
      yield* ask(client, `set a 0 0 ${size}\r\n${"x".repeat(size)}\r\n`)
      yield* proxy.set([{ _tag: "Bandwidth", direction: "down", bytesPerSecond: 100_000 }])
      client.send("get a\r\n")
      const { text, time } = yield* until(client, "END\r\n")
      assert.lengthOf(text, `VALUE a 0 ${size}\r\n`.length + size + "\r\nEND\r\n".length)
      assert.isAtLeast(time, 240)
      assert.isAtMost(time, 2000)
    }))

  it.live("passes bytes in pieces, with a time between them", () =>
    Effect.gen(function*() {
      const { proxy } = yield* make()
      const client = yield* open(proxy)
      yield* ask(client, SET)
      yield* proxy.set([{ _tag: "Slicer", direction: "down", bytes: 3, every: "1 hour" }])
      client.send("get a\r\n")
      yield* until(client, "VAL")
      yield* Effect.sleep("50 millis")
      assert.strictEqual(client.received, "")
      yield* proxy.set([{ _tag: "Slicer", direction: "down", bytes: 3, every: "20 millis" }])
      const { text, time } = yield* until(client, "END\r\n")
      assert.strictEqual(text, HIT.slice(3))
      assert.isAtLeast(time, 100)
    }))

  describe("a limit of bytes", () => {
    for (const [how, code] of [["fin", "fin"], ["rst", "ECONNRESET"]] as const) {
      it.live(`ends the connection in the middle of a value (${how})`, () =>
        Effect.gen(function*() {
          const { proxy, server } = yield* make()
          const client = yield* open(proxy)
          yield* ask(client, SET)
          yield* proxy.set([{ _tag: "LimitBytes", direction: "down", bytes: 15, ending: how }])
          client.send("get a\r\n")
          assert.deepStrictEqual(yield* ending(client), { text: HIT.slice(0, 15), how: code })
          yield* waitUntil(() => server.counters.current === 0)
        }))

      it.live(`ends the connection in the middle of a request (${how})`, () =>
        Effect.gen(function*() {
          const { proxy, server } = yield* make()
          yield* proxy.set([{ _tag: "LimitBytes", direction: "up", bytes: SET.length + 4, ending: how }])
          const client = yield* open(proxy)
          client.send(`${SET}${SET}${SET}`)
          const { how: ended, text } = yield* ending(client)
          assert.strictEqual(ended, code)
          assert.isTrue("STORED\r\n".startsWith(text))
          yield* waitUntil(() => server.counters.current === 0)
          assert.deepStrictEqual([...server.counters.commands], [["set", 1]])
        }))
    }

    it.live("of nothing ends the connection at the first byte", () =>
      Effect.gen(function*() {
        const { proxy } = yield* make()
        yield* proxy.set([{ _tag: "LimitBytes", direction: "down", bytes: 0, ending: "fin" }])
        const client = yield* open(proxy)
        client.send(SET)
        assert.deepStrictEqual(yield* ending(client), { text: "", how: "fin" })
      }))
  })

  describe("a cut behind a request", () => {
    for (const [how, code] of [["fin", "fin"], ["rst", "ECONNRESET"]] as const) {
      it.live(`comes when the server has carried it out, and nothing behind it (${how})`, () =>
        Effect.gen(function*() {
          const { proxy, server } = yield* make()
          const client = yield* open(proxy)
          yield* ask(client, "set n 0 0 1\r\n1\r\n")
          yield* proxy.set([{ _tag: "CutAfterForward", ending: how, verb: "ma", after: 2 }])
          client.send("mg n v\r\nma n O1\r\n")
          assert.strictEqual((yield* until(client, "O1\r\n")).text, "VA 1\r\n1\r\nHD O1\r\n")
          client.send("mg n v\r\nma n O2\r\nma n O3\r\n")
          assert.strictEqual((yield* ending(client)).how, code)
          assert.strictEqual(server.counters.commands.get("ma"), 2)
          assert.strictEqual(server.counters.malformed, 0)
          assert.strictEqual(proxy.traffic.commands.get("ma"), 3)
        }))
    }

    it.live("waits for the value of a request that comes in many pieces", () =>
      Effect.gen(function*() {
        const { proxy, server } = yield* make({ watch: false })
        yield* proxy.set([{ _tag: "CutAfterForward", ending: "fin" }])
        const client = yield* open(proxy)
        for (const piece of ["se", "t a 0 ", "0 5\r", "\n", "hel", "lo\r", "\nmn\r\n"]) {
          client.send(piece)
          yield* Effect.sleep("2 millis")
        }
        assert.deepStrictEqual(yield* ending(client), { text: "", how: "fin" })
        assert.deepStrictEqual([...server.counters.commands], [["set", 1]])
      }))
  })

  describe("a black hole", () => {
    for (const direction of ["up", "down", "both"] as const) {
      it.live(`lets nothing pass and loses nothing, ${direction}`, () =>
        Effect.gen(function*() {
          const { proxy, server } = yield* make()
          const client = yield* open(proxy)
          yield* ask(client, SET)
          yield* proxy.set([{ _tag: "BlackHole", direction }])
          const late = yield* open(proxy)
          for (const each of [client, late]) each.send("get a\r\n")
          yield* Effect.sleep("80 millis")
          assert.strictEqual(client.received + late.received, "")
          assert.strictEqual(server.counters.commands.get("get") ?? 0, direction === "down" ? 2 : 0)
          yield* proxy.clear
          for (const each of [client, late]) assert.strictEqual((yield* until(each, "END\r\n")).text, HIT)
        }))
    }

    it.live("hides the end of a connection, and what was sent before it still arrives", () =>
      Effect.gen(function*() {
        const { proxy, server } = yield* make()
        const client = yield* open(proxy)
        yield* ask(client, "set n 0 0 1\r\n1\r\n")
        yield* proxy.set([{ _tag: "BlackHole", direction: "both" }])
        client.send("incr n 1\r\n")
        yield* Effect.sleep("20 millis")
        client.end()
        yield* Effect.sleep("50 millis")
        assert.deepStrictEqual([server.counters.current, proxy.traffic.open], [1, 1])
        yield* proxy.clear
        yield* waitUntil(() => server.counters.current === 0 && proxy.traffic.open === 0)
        assert.strictEqual(server.counters.commands.get("incr"), 1)
      }))
  })

  describe("back-pressure", () => {
    const size = 1_000_000
    const rounds = 60

    it.live("a client that does not read stops the server, and gets everything when it reads", () =>
      Effect.gen(function*() {
        const { proxy } = yield* make()
        const client = yield* open(proxy)
        yield* ask(client, `set a 0 0 ${size}\r\n${"x".repeat(size)}\r\n`)
        const before = proxy.traffic.bytesDown
        client.socket.pause()
        client.send("get a\r\n".repeat(rounds))
        let last = -1
        while (proxy.traffic.bytesDown > last) {
          last = proxy.traffic.bytesDown
          yield* Effect.sleep("100 millis")
        }
        assert.isBelow(last - before, rounds * size / 2)
        client.socket.resume()
        yield* waitUntil(() => client.received.length === rounds * (size + "VALUE a 0 1000000\r\n\r\nEND\r\n".length))
      }))

    it.live("a client that writes into a black hole is not read, and under latency no more than fits", () =>
      Effect.gen(function*() {
        const { proxy, server } = yield* make()
        const client = yield* open(proxy)
        const request = `set a 0 0 ${size} noreply\r\n${"x".repeat(size)}\r\n`
        yield* proxy.set([{ _tag: "BlackHole", direction: "up" }])
        for (let i = 0; i < rounds; i++) client.send(request)
        yield* Effect.sleep("100 millis")
        assert.isAtMost(proxy.traffic.bytesUp, 65_536)
        yield* proxy.set([{ _tag: "Latency", direction: "up", delay: "1 hour" }])
        yield* waitUntil(() => proxy.traffic.bytesUp >= 4_000_000)
        yield* Effect.sleep("50 millis")
        assert.isAtMost(proxy.traffic.bytesUp, 5_000_000)
        yield* proxy.clear
        yield* ask(client, "")
        assert.strictEqual(server.counters.commands.get("set"), rounds)
        assert.strictEqual(server.counters.malformed, 0)
      }))
  })

  describe("admission", () => {
    it.live("a held connection is open and silent until it is forwarded", () =>
      Effect.gen(function*() {
        const { proxy, server } = yield* make()
        yield* proxy.admit("hold")
        const client = yield* open(proxy)
        client.send(SET)
        yield* Effect.sleep("50 millis")
        assert.deepStrictEqual([client.isClosed, client.received, server.counters.accepted], [false, "", 0])
        yield* proxy.admit("forward")
        assert.strictEqual((yield* until(client, "\r\n")).text, "STORED\r\n")
      }))

    it.live("new connections are closed, reset or refused, and those that exist go on", () =>
      Effect.gen(function*() {
        const { proxy, server } = yield* make()
        const client = yield* open(proxy)
        yield* ask(client, SET)
        for (const [admission, how] of [["fin", "fin"], ["rst", "ECONNRESET"], ["refuse", "ECONNREFUSED"]] as const) {
          yield* proxy.admit(admission)
          assert.strictEqual(yield* attempt(proxy), how)
          assert.strictEqual(yield* ask(client, "get a\r\n"), HIT)
        }
        yield* proxy.admit("forward")
        assert.strictEqual(yield* ask(yield* open(proxy), "get a\r\n"), HIT)
        assert.strictEqual(server.counters.accepted, 2)
        assert.lengthOf(proxy.traffic.accepts, 4)
      }))
  })

  for (const [how, code] of [["fin", "fin"], ["rst", "ECONNRESET"]] as const) {
    it.live(`ends all connections at once (${how}) and takes new ones`, () =>
      Effect.gen(function*() {
        const { proxy, server } = yield* make()
        const clients = [yield* open(proxy), yield* open(proxy)]
        for (const client of clients) yield* ask(client, SET)
        const endings = clients.map(ending)
        assert.strictEqual(yield* proxy.cut(how), 2)
        for (const ended of endings) assert.deepStrictEqual(yield* ended, { text: "", how: code })
        yield* waitUntil(() => server.counters.current === 0 && proxy.traffic.open === 0)
        assert.strictEqual(yield* ask(yield* open(proxy), "get a\r\n"), HIT)
      }))
  }

  it.live("changes every order of harmless faults under one conversation without changing a byte of it", () =>
    Effect.gen(function*() {
      const { proxy } = yield* make()
      const client = yield* open(proxy)
      const faults: ReadonlyArray<Toxic> = [
        { _tag: "Latency", direction: "both", delay: 5, jitter: 5 },
        { _tag: "Bandwidth", direction: "down", bytesPerSecond: 300_000 },
        { _tag: "Slicer", direction: "up", bytes: 7, every: 1 },
        { _tag: "Slicer", direction: "down", bytes: 100, every: 1 },
        { _tag: "BlackHole", direction: "up" },
        { _tag: "BlackHole", direction: "down" }
      ]
      let expected = ""
      for (let i = 0; i < 200; i++) {
        const value = `${i}:`.repeat(i % 50)
        client.send(`ms key${i} ${value.length} O${i}\r\n${value}\r\nmg key${i} v O${i}\r\n`)
        expected += `HD O${i}\r\nVA ${value.length} O${i}\r\n${value}\r\n`
        yield* proxy.set(faults.filter((_, bit) => (i >> bit & 1) === 1))
        yield* Effect.sleep(1)
      }
      yield* proxy.clear
      assert.strictEqual((yield* until(client, expected.slice(-20))).text, expected)
      assert.strictEqual(proxy.traffic.malformed, 0)
      assert.strictEqual(proxy.traffic.opaques.size, 200)
    }))

  it.live("passes on the death of the server, and resets who comes while it is dead", () =>
    Effect.gen(function*() {
      const { proxy, server } = yield* make()
      const client = yield* open(proxy)
      yield* ask(client, SET)
      yield* server.stop
      yield* ending(client)
      assert.strictEqual(yield* attempt(proxy), "ECONNRESET")
      yield* server.start
      assert.strictEqual(yield* ask(yield* open(proxy), "get a\r\n"), "END\r\n")
    }))

  it.live("ends with its scope, held and black-holed connections too, and leaves the port", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const scope = yield* Scope.make()
      const proxy = yield* FaultProxy.make({ target: server }).pipe(Scope.provide(scope))
      const forwarded = yield* open(proxy)
      yield* ask(forwarded, SET)
      yield* proxy.set([{ _tag: "BlackHole", direction: "both" }])
      yield* proxy.admit("hold")
      const held = yield* open(proxy)
      yield* waitUntil(() => proxy.traffic.open === 2)
      yield* Scope.close(scope, Exit.void)
      yield* waitUntil(() => forwarded.isClosed && held.isClosed && server.counters.current === 0)
      assert.strictEqual(proxy.traffic.open, 0)
      const next = yield* FaultProxy.make({ target: server, port: proxy.port })
      const error = yield* Effect.flip(Effect.scoped(FaultProxy.make({ target: server, port: next.port })))
      assert.include(error.message, `cannot listen on ${next.address}`)
    }))

  it.live("takes no number that means nothing, and goes on as before", () =>
    Effect.gen(function*() {
      const { proxy } = yield* make()
      const wrong: ReadonlyArray<Toxic> = [
        { _tag: "Latency", direction: "up", delay: Infinity },
        { _tag: "Latency", direction: "down", delay: 1, jitter: "1000 days" },
        { _tag: "Bandwidth", direction: "up", bytesPerSecond: 0 },
        { _tag: "Bandwidth", direction: "up", bytesPerSecond: Number.NaN },
        { _tag: "Slicer", direction: "both", bytes: 0, every: 1 },
        { _tag: "LimitBytes", direction: "both", bytes: -1, ending: "fin" },
        { _tag: "LimitBytes", direction: "up", bytes: 1.5, ending: "fin" },
        { _tag: "CutAfterForward", ending: "fin", after: 0 }
      ]
      for (const toxic of wrong) {
        const exit = yield* Effect.exit(proxy.set([toxic]))
        assert.instanceOf(Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined, RangeError)
      }
      assert.deepStrictEqual(proxy.toxics, [])
      assert.strictEqual(yield* ask(yield* open(proxy), SET), "STORED\r\n")
    }))
})
