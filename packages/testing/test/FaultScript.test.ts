import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { once } from "node:events"
import type { FaultLog, Requested } from "../src/FaultLog.ts"
import * as Script from "../src/FaultScript.ts"
import { ask, closed, connect, open, receive } from "./FaultClient.ts"

const SET_A = "set a 0 0 3\r\nabc\r\n"
const VALUE_A = "VALUE a 0 3\r\nabc\r\nEND\r\n"

const writes = (log: FaultLog): ReadonlyArray<string> =>
  log.entries.flatMap((entry) => entry._tag === "Written" ? [entry.head] : [])

describe("the steps of a script", { timeout: 20_000 }, () => {
  it.live("none: the server is a memcached", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([])
      assert.strictEqual(yield* ask(client, `${SET_A}mg a v O7\r\nget b\r\n`), "STORED\r\nVA 3 O7\r\nabc\r\nEND\r\n")
      assert.strictEqual(server.store.find("a")?.value.length, 3)
      assert.strictEqual(server.log.counters.malformed, 0)
    }))

  it.live("replyBytes answers other bytes, with the request's own opaque and key, and does nothing", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([
        Script.on({ verb: "ms" }, Script.replyBytes("NS O{opaque} k{key} $&\r\n"))
      ])
      assert.strictEqual(yield* ask(client, "ms a 1 O5\r\nx\r\n"), "NS O5 ka $&\r\n")
      assert.strictEqual(server.store.find("a"), undefined)
    }))

  it.live("replyBytes takes every byte, as text or as bytes", () =>
    Effect.gen(function*() {
      const { client } = yield* open([
        Script.on({ nth: 1 }, Script.replyBytes("\x00\xff\x80")),
        Script.on({ nth: 2 }, Script.replyBytes(new Uint8Array([0x81, 0, 255]).subarray(1)))
      ])
      assert.strictEqual(yield* receive(client, "get a\r\nget a\r\n", 5), "\x00\xff\x80\x00\xff")
    }))

  it.live("part sends the beginning of the reply, and fin ends the connection behind it", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([
        Script.on({ verb: "get", nth: 1 }, Script.part(5)),
        Script.on({ verb: "get", nth: 2 }, Script.part(-7), Script.fin)
      ])
      yield* ask(client, SET_A)
      assert.strictEqual(yield* closed(client, "get a\r\nget a\r\nget a\r\n"), "VALUEVALUE a 0 3\r\nabc")
      yield* server.until((log) => log.open === 0)
      assert.strictEqual(server.log.count("get"), 3)
    }))

  it.live("slice sends the reply in pieces", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({ verb: "get" }, Script.slice(10, { every: 5 }))])
      yield* ask(client, SET_A)
      server.log.clear()
      assert.strictEqual(yield* receive(client, "get a\r\n", VALUE_A.length), VALUE_A)
      assert.deepStrictEqual(writes(server.log), [VALUE_A.slice(0, 10), VALUE_A.slice(10, 20), VALUE_A.slice(20)])
    }))

  it.live("slice sends other bytes in pieces, each in its own turn", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([
        Script.on({}, Script.slice(1, { bytes: "EN O{opaque}\r\n" }), Script.push("!"))
      ])
      const chunks: Array<string> = []
      client.socket.on("data", (chunk: Buffer) => chunks.push(chunk.toString("latin1")))
      assert.strictEqual(yield* receive(client, "mg a O12\r\n", 9), "EN O12\r\n!")
      assert.lengthOf(writes(server.log), 9)
      assert.isAbove(chunks.length, 1)
    }))

  it.effect("delay passes by the test clock, for pipelined requests together", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({}, Script.delay(400), Script.reply)])
      client.send("get a\r\nget b\r\n")
      yield* server.until((log) => log.count("get") === 2)
      yield* TestClock.adjust("399 millis")
      assert.lengthOf(writes(server.log), 0)
      yield* TestClock.adjust("1 millis")
      yield* server.until(({ counters }) => counters.bytesWritten === 10)
      assert.strictEqual(yield* receive(client, "", 10), "END\r\nEND\r\n")
    }))

  it.live("delays add up, and what was sent before does not wait with them", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([
        Script.on({ verb: "get" }, Script.reply, Script.delay(30), Script.delay(30), Script.push("late\r\n"))
      ])
      assert.strictEqual(yield* receive(client, "get a\r\n", 11), "END\r\nlate\r\n")
      const [asked, reply, late] = server.log.entries.slice(1)
      assert.strictEqual(asked._tag, "Requested")
      // setTimeout may ring a millisecond early.
      assert.isAtLeast(late.at - asked.at, 58)
      assert.isBelow(reply.at - asked.at, 30)
    }))

  it.live("drop carries the command out and loses the reply", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({ verb: "incr" }, Script.drop)])
      assert.strictEqual(
        yield* ask(client, "set n 0 0 1\r\n1\r\nincr n 1\r\nget n\r\n"),
        "STORED\r\nVALUE n 0 1\r\n2\r\nEND\r\n"
      )
      assert.strictEqual(server.log.count("incr"), 1)
    }))

  it.live("duplicate sends the reply twice and does the command once", () =>
    Effect.gen(function*() {
      const { client } = yield* open([Script.on({ verb: "incr" }, Script.duplicate)])
      assert.strictEqual(
        yield* ask(client, "set n 0 0 1\r\n1\r\nincr n 1\r\nincr n 1\r\n"),
        "STORED\r\n2\r\n2\r\n3\r\n3\r\n"
      )
    }))

  it.live("swap sends a reply after the next one, and used always exchanges them in pairs", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({ key: "a" }, Script.swap)])
      assert.strictEqual(
        yield* receive(client, "mg a O1\r\nmg b O2\r\nmg c O3\r\n", 21),
        "EN O2\r\nEN O1\r\nEN O3\r\n"
      )
      yield* server.script([Script.on({}, Script.swap)])
      assert.strictEqual(
        yield* receive(client, "mg a O1\r\nmg a O2\r\nmg a O3\r\nmg a O4\r\n", 28),
        "EN O2\r\nEN O1\r\nEN O4\r\nEN O3\r\n"
      )
    }))

  it.live("push sends what nobody asked for, before a request or beside one", () =>
    Effect.gen(function*() {
      const { client } = yield* open([
        Script.onAccept({}, Script.push("hello\r\n")),
        Script.on({ verb: "get" }, Script.reply, Script.push("EN\r\n"))
      ])
      assert.strictEqual(yield* receive(client, "", 7), "hello\r\n")
      assert.strictEqual(yield* ask(client, "get a\r\n"), "END\r\nEN\r\n")
    }))

  it.live("stall sends nothing more on this connection, and reads and logs on", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({ key: "b" }, Script.stall)])
      client.send("get a\r\nget b\r\nset a 0 0 1\r\nx\r\n")
      yield* server.until((log) => log.count("set") === 1)
      assert.strictEqual(yield* ask(yield* connect(server), "get a\r\n"), "END\r\n")
      assert.strictEqual(client.received, "END\r\n")
      assert.isFalse(client.isClosed)
      client.socket.end()
      assert.strictEqual(yield* closed(client), "END\r\n")
    }))

  it.live("silence understands nothing, so that whatever is spoken goes unanswered", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.onAccept({ connection: 1 }, Script.silence)])
      const hello = "\x16\x03\x01 what is this\r\nversion\r\n"
      client.send(hello)
      yield* server.until(({ counters }) => counters.bytesRead === hello.length)
      const { counters } = server.log
      assert.deepStrictEqual([counters.requests, counters.malformed, counters.bytesWritten], [0, 0, 0])
      assert.strictEqual(yield* ask(yield* connect(server), "get a\r\n"), "END\r\n")
      assert.strictEqual(client.received, "")
    }))

  it.live("endless sends a pattern up to its limit, as fast as it is read", () =>
    Effect.gen(function*() {
      const limit = 32 * 1024 * 1024 + 1
      const { client, server } = yield* open([Script.on({}, Script.endless("abc", { limit }), Script.fin)])
      client.socket.pause()
      client.send("get a\r\n")
      yield* server.until(({ counters }) => counters.bytesWritten > 0)
      yield* Effect.sleep("20 millis")
      // Kernel buffers aside, nothing is taken from a server that is not read from.
      assert.isBelow(server.log.counters.bytesWritten, limit)
      client.socket.removeAllListeners("data")
      let size = 0
      let wrong = 0
      client.socket.on("data", (chunk: Buffer) => {
        if (chunk[0] !== 0x61 + size % 3) wrong++
        size += chunk.length
      })
      const end = once(client.socket, "close")
      client.socket.resume()
      yield* Effect.promise(() => end)
      assert.deepStrictEqual([size, wrong], [limit, 0])
    }))

  it.live("rst resets the connection", () =>
    Effect.gen(function*() {
      const { client } = yield* open([Script.on({}, Script.rst)])
      const error = once(client.socket, "error")
      client.send("get a\r\n")
      const [{ code }] = (yield* Effect.promise(() => error)) as [NodeJS.ErrnoException]
      assert.strictEqual(code, "ECONNRESET")
    }))

  it.live("stopReading lets the client's bytes pile up until resumeReading", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([
        Script.on({ verb: "get" }, Script.stopReading, Script.reply, Script.delay(50), Script.resumeReading)
      ])
      assert.strictEqual(yield* receive(client, "get a\r\n", 5), "END\r\n")
      const value = "x".repeat(1_000_000)
      assert.strictEqual(yield* receive(client, `set big 0 0 ${value.length}\r\n${value}\r\n`, 8), "STORED\r\n")
      const at = (verb: string) => server.log.requests(verb)[0].at
      assert.isAtLeast(at("set") - at("get"), 48)
    }))

  it.live("stopReading on accept reads nothing at all", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.onAccept({}, Script.stopReading)])
      const size = 64 * 1024 * 1024
      client.send(`set big 0 0 ${size}\r\n${"x".repeat(size)}`)
      yield* Effect.sleep("50 millis")
      assert.strictEqual(server.log.counters.bytesRead, 0)
      assert.isAbove(client.socket.writableLength, 0)
      yield* server.cutAll("rst")
      yield* closed(client)
    }))
})

describe("the rules of a script", { timeout: 20_000 }, () => {
  const wrong = Script.replyBytes("!\r\n")

  it.live("leave the greeting alone unless it is named", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({}, wrong)])
      assert.strictEqual(yield* ask(client, "version\r\nget a\r\nbogus\r\n"), "VERSION 1.6.45\r\n!\r\nERROR\r\n")
      yield* server.script([Script.on({ verb: "version" }, wrong)])
      assert.strictEqual(yield* ask(client, "version\r\nget a\r\n"), "!\r\nEND\r\n")
      yield* server.script([Script.on({ verb: "*" }, wrong)])
      assert.strictEqual(yield* receive(client, "version\r\nbogus\r\nmn\r\n", 9), "!\r\n!\r\n!\r\n")
    }))

  it.live("apply by verb, by any key of a command, and by the n-th that fits", () =>
    Effect.gen(function*() {
      const { client } = yield* open([
        Script.on({ verb: ["touch", "delete"] }, wrong),
        Script.on({ verb: "get", key: ["b", "c"], nth: { from: 2, to: 3 } }, wrong)
      ])
      assert.strictEqual(yield* ask(client, "touch a 1\r\ndelete a\r\nincr a 1\r\n"), "!\r\n!\r\nNOT_FOUND\r\n")
      assert.strictEqual(
        yield* ask(client, "get a\r\nget b\r\nget a c\r\nget a\r\nget c\r\nget b\r\n"),
        "END\r\nEND\r\n!\r\nEND\r\n!\r\nEND\r\n"
      )
    }))

  it.live("count on each connection for itself, or over the server", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.on({ nth: 2 }, wrong)])
      const other = yield* connect(server)
      const both = Effect.map(
        Effect.all([
          ask(client, "get a\r\n"),
          ask(other, "get a\r\n"),
          ask(client, "get a\r\n"),
          ask(other, "get a\r\n")
        ]),
        (replies) => replies.map((reply) => reply === "!\r\n")
      )
      assert.deepStrictEqual(yield* both, [false, false, true, true])
      yield* server.script([Script.on({ nth: 2, per: "server" }, wrong)])
      assert.deepStrictEqual(yield* both, [false, true, false, false])
      yield* server.script([Script.on({ connection: 2, times: 1 }, wrong)])
      assert.deepStrictEqual(yield* both, [false, true, false, false])
    }))

  it.live("win in their order, and an exhausted one leaves the request to the next", () =>
    Effect.gen(function*() {
      const { client } = yield* open([
        Script.on({ times: 1 }, Script.replyBytes("1\r\n")),
        Script.on({ times: 1 }, Script.replyBytes("2\r\n"))
      ])
      assert.strictEqual(yield* ask(client, "get a\r\nget a\r\nget a\r\n"), "1\r\n2\r\nEND\r\n")
    }))

  it.live("are for connections by their number", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([Script.onAccept({ connection: { from: 2 }, times: 1 }, Script.fin)])
      assert.strictEqual(yield* ask(client, ""), "")
      assert.strictEqual(yield* closed(yield* connect(server)), "")
      assert.strictEqual(yield* ask(yield* connect(server), ""), "")
    }))

  it("are plain data, and can be shown in a line", () => {
    const rules = [
      Script.onAccept({ connection: { from: 2 } }, Script.delay(5), Script.rst),
      Script.on(
        { verb: ["mg", "ms"], key: "a", nth: 3 },
        Script.slice(2, { bytes: new Uint8Array([1, 0xff, 13]) }),
        Script.endless("x".repeat(100), { limit: 1 })
      )
    ]
    assert.deepStrictEqual(JSON.parse(JSON.stringify(rules)), rules)
    assert.deepStrictEqual(rules.map(Script.show), [
      "accept, connection {\"from\":2}: delay(5), rst",
      `request, verb ["mg","ms"], key "a", nth 3: slice(2, 0, "\\x01\\xff\\r"), endless("${"x".repeat(59)}..., 1)`
    ])
  })
})

describe("a request in the log", { timeout: 20_000 }, () => {
  const requests = (log: FaultLog) =>
    log.requests().map(({ bytes, isLegal, key, opaque, verb }: Requested) => [verb, key, opaque, bytes, isLegal])

  it.live("has its verb, key, opaque and size", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([])
      yield* ask(client, "ms a 3 T0 O17\r\nabc\r\nget b c\r\n")
      assert.deepStrictEqual(requests(server.log), [
        ["ms", "a", "17", 20, true],
        ["get", "b", "", 9, true],
        ["mn", "", "", 4, true]
      ])
      const { bytesOfUsers, bytesRead, bytesWritten } = server.log.counters
      assert.deepStrictEqual([bytesRead, bytesOfUsers, bytesWritten], [33, 29, 8 + 5 + 4])
    }))

  it.live("is malformed if it is no whole and legal command", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([])
      yield* ask(client, "bogus\r\nset a 0 0 2\r\nabcd\r\nset a 0 0 2 noreply\r\nabcd\r\nms a xx\r\n")
      assert.deepStrictEqual(requests(server.log).map(([verb, , , , isLegal]) => [verb, isLegal]), [
        ["bogus", false],
        ["set", false],
        ["", false],
        ["set", false],
        ["", false],
        ["ms", false],
        ["mn", true]
      ])
      assert.strictEqual(server.log.counters.malformed, 6)
    }))

  it.live("is unfinished if the client goes in the middle of it", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([])
      yield* ask(client, "get a\r\n")
      client.send("set a 0 0 10\r\nabc")
      yield* server.until(({ counters }) => counters.bytesRead === 28)
      client.end()
      yield* server.until((log) => log.open === 0)
      const [last] = server.log.entries.slice(-1)
      assert.deepStrictEqual(last._tag === "Closed" ? last.unfinished : -1, 17)
      assert.strictEqual(server.log.counters.malformed, 0)
    }))

  it.live("ends the connection if its line has no end", () =>
    Effect.gen(function*() {
      const { client, server } = yield* open([])
      yield* closed(client, "x".repeat(70_000))
      assert.strictEqual(server.log.counters.malformed, 1)
    }))
})
