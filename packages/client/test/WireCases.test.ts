/**
 * The recorded hard cases of the wire: the servers answer as recorded, and the client makes of each what it should.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import type { Transcoder } from "@effect-memcache/client/Transcoder"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Socket } from "node:net"
import * as ScriptedServer from "./ScriptedServer.ts"
import { reasonForNoRealMemcached, Target } from "./Target.ts"
import { byId, cases, isReply } from "./WireCases.ts"

const live = cases.filter(({ kind }) => kind === "live")

const noReal = reasonForNoRealMemcached()
if (noReal !== undefined) process.stderr.write(`${noReal}\n`)

const recorded = (name: string, target: Layer.Layer<Memcache | Target>, reply: "reply_1_6_18" | "reply_1_6_45") =>
  layer(target, { excludeTestServices: true })(name, (it) => {
    it.effect.each(live)("$id: $title", (wireCase) =>
      Effect.gen(function*() {
        const { raw } = yield* Target
        yield* raw("flush_all\r\n", wireCase.setup)
        const expected = wireCase[reply]
        // A case that ends with `mn` itself answers MN before the raw socket's own does.
        const actual = yield* raw(wireCase.send.endsWith("mn\r\n") ? wireCase.send.slice(0, -4) : wireCase.send)
        const whole = wireCase.send.endsWith("mn\r\n") ? `${actual}MN\r\n` : actual
        assert.isTrue(isReply(expected, whole), `${JSON.stringify(whole)} is not ${JSON.stringify(expected)}`)
      }))
  })

recorded("the embedded memcached answers as 1.6.45", Target.embedded({ protocol: "text" }), "reply_1_6_45")

describe.skipIf(noReal !== undefined)("a real memcached", () => {
  recorded("answers as recorded", Target.real({ protocol: "text" }), "reply_1_6_18")
})

/** Sees what is stored and not what it means: `get` answers flags and bytes. */
const plain: Transcoder = {
  encode: (value) => Result.succeed({ bytes: Buffer.from(String(value), "latin1"), flags: 0 }),
  decode: (bytes, flags) => Result.succeed([flags, Buffer.from(bytes).toString("latin1")])
}

const reasonOf = (error: { readonly _tag: string; readonly reason?: { readonly _tag: string } }) => error.reason?._tag

const outcomes = (name: string, target: Layer.Layer<Memcache | Target>, isMeta: boolean) =>
  layer(target, { excludeTestServices: true })(name, (it) => {
    const prepare = (id: string) =>
      Effect.gen(function*() {
        const { raw } = yield* Target
        yield* raw("flush_all\r\n", byId(id).setup)
        return yield* Target.freshClient({ transcoder: plain, maxItemSize: 4_194_304 })
      })

    it.effect("A1: the length decides where a value ends, not the words in it", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A1")
        assert.deepStrictEqual(yield* cache.get("v"), Option.some([7, "A\r\nEND\r\nVALUE x"]))
        assert.deepStrictEqual([...yield* cache.getMany(["v", "none"])], [["v", [7, "A\r\nEND\r\nVALUE x"]]])
      }))

    it.effect("A2: a repeated key is sent once and a miss is absent", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A2")
        const before = yield* Target.stat("get_hits")
        assert.deepStrictEqual([...yield* cache.getMany(["a", "nope", "a"])], [["a", [0, "x"]]])
        assert.strictEqual((yield* Target.stat("get_hits")) - before, 1)
      }))

    it.effect("A3: a bad key is refused before a byte goes out, and 250 bytes are fine", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A3")
        yield* cache.set("k".repeat(250), "v")
        const before = yield* Target.stat("bytes_read")
        for (const key of ["k".repeat(251), "", " ", "\r", "\n", "\0", "\x7f"]) {
          assert.match((yield* Effect.flip(cache.set(key, "flush_all")))._tag, /^Key(Length|Character)Error$/)
        }
        assert.strictEqual(yield* Target.bytesSince(before), 0)
        assert.deepStrictEqual(yield* cache.get("k".repeat(250)), Option.some([0, "v"]))
      }))

    it.effect("A4: too large a value fails that set only, and takes the old value with it", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A4")
        const before = yield* Effect.andThen(cache.get("big"), Target.stat("total_connections"))
        const error = yield* Effect.flip(cache.set("big", "x".repeat(1_048_577)))
        assert.strictEqual(reasonOf(error), "ValueTooLargeError")
        assert.deepStrictEqual(yield* cache.get("big"), Option.none())
        assert.strictEqual((yield* Target.stat("total_connections")) - before, 0)
      }))

    it.effect("A5: stored, changed by another and no such item are three answers, and cas is 64 bits", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A5")
        const { isEmbedded, raw } = yield* Target
        assert.strictEqual(yield* cache.compareAndSwap("k", "y", 999_999_999n), "exists")
        assert.strictEqual(yield* cache.compareAndSwap("none", "y", 5n), "notFound")
        // Only from 1.6.27 on may a caller choose the cas.
        if (isEmbedded) {
          yield* raw("ms k 1 E18446744073709551615 c\r\nx\r\n")
          const item = Option.getOrThrow(yield* cache.gets("k"))
          assert.strictEqual(item.cas, 18_446_744_073_709_551_615n)
        }
        const { cas } = Option.getOrThrow(yield* cache.gets("k"))
        assert.strictEqual(yield* cache.compareAndSwap("k", "y", cas), "stored")
      }))

    it.effect("A6: counters stop at 0, wrap at 2^64, and are exact", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A6")
        assert.deepStrictEqual(yield* cache.decrement("n"), Option.some(9n))
        assert.match(String(Option.getOrThrow(yield* cache.get("n"))), /^0,9 ?$/)
        assert.deepStrictEqual(yield* cache.decrement("m", { delta: 100 }), Option.some(0n))
        assert.deepStrictEqual(yield* cache.increment("w"), Option.some(0n))
        const max = 18_446_744_073_709_551_615n
        assert.deepStrictEqual(yield* cache.increment("w", { delta: max }), Option.some(max))
      }))

    it.effect("A8: counting text is a NotNumberError on a connection that stays, counting nothing is none", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A8")
        const before = yield* Effect.andThen(cache.get("s"), Target.stat("total_connections"))
        assert.strictEqual(reasonOf(yield* Effect.flip(cache.increment("s"))), "NotNumberError")
        assert.deepStrictEqual(yield* cache.increment("nope"), Option.none())
        assert.deepStrictEqual(yield* cache.get("s"), Option.some([0, "abc"]))
        assert.strictEqual((yield* Target.stat("total_connections")) - before, 0)
      }))

    it.effect("A9: 31 days live on, a fraction of a second is one, and gone at once cannot be asked for", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A9")
        const { raw } = yield* Target
        yield* cache.set("e", "x", { ttl: "31 days" })
        assert.deepStrictEqual(yield* cache.get("e"), Option.some([0, "x"]))
        assert.match(yield* raw("mg e t\r\n"), /^HD t2678[34]\d\d\r\n$/)
        yield* cache.set("e", "x", { ttl: "1 milli" })
        assert.match(yield* raw("mg e t\r\n"), /^(HD t[01]|EN)\r\n$/)
        assert.strictEqual((yield* Effect.flip(cache.set("e", "x", { ttl: "-1 seconds" })))._tag, "ArgumentError")
        yield* cache.set("e", "x")
        assert.strictEqual(yield* raw("mg e t\r\n"), "HD t-1\r\n")
      }))

    it.effect("A13: a batch answers hits and misses, each for its own key", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A13")
        assert.deepStrictEqual([...yield* cache.getMany(["a", "nope", "b"])], [["a", [0, "x"]], ["b", [0, "y"]]])
      }))

    it.effect("A14: every condition that fails is told, however it is asked", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A14")
        assert.strictEqual(yield* cache.compareAndSwap("z", "hi", 1n), "exists")
        assert.isTrue(yield* cache.set("z", "hi"))
        assert.isTrue(yield* cache.replace("z", "hi"))
        assert.isFalse(yield* cache.replace("zz", "hi"))
        assert.deepStrictEqual(yield* cache.deleteMany(["zz", "z"]), ["zz"])
        assert.deepStrictEqual(yield* cache.increment("zz"), Option.none())
        assert.deepStrictEqual(yield* cache.get("zz"), Option.none())
      }))

    it.effect("A15: marks of a stale item disturb nobody, and a plain set ends them", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A15")
        const { raw } = yield* Target
        assert.strictEqual(yield* raw("md st I T30\r\n"), "HD\r\n")
        assert.deepStrictEqual(yield* cache.get("st"), Option.some([0, "old"]))
        assert.deepStrictEqual(yield* cache.get("st"), Option.some([0, "old"]))
        yield* cache.set("st", "new")
        assert.deepStrictEqual(yield* cache.get("st"), Option.some([0, "new"]))
        assert.strictEqual(yield* raw("mg st v\r\n"), "VA 3\r\nnew\r\n")
      }))

    it.effect("A16: the placeholder of a vivified item is a miss where the dialect tells, and never an error", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A16")
        const { raw } = yield* Target
        assert.match(yield* raw("mg viv N30 v t\r\n"), /^VA 0 t(30|29) W\r\n\r\n$/)
        const found = yield* cache.get("viv")
        assert.deepStrictEqual(found, isMeta ? Option.none() : Option.some([0, ""]))
        yield* cache.set("viv", "")
        assert.deepStrictEqual(yield* cache.get("viv"), Option.some([0, ""]))
      }))

    it.effect("A17: an item that was stored under a base64 key is found by its bytes", () =>
      Effect.gen(function*() {
        const cache = yield* prepare("A17")
        assert.deepStrictEqual(yield* cache.get("foo"), Option.some([0, "hi"]))
        assert.deepStrictEqual([...yield* cache.getMany(["foo", "Zm9v"])], [["foo", [0, "hi"]]])
        yield* cache.set("foo", "yo")
        assert.deepStrictEqual(yield* cache.get("foo"), Option.some([0, "yo"]))
      }))
  })

outcomes("the client on the embedded memcached, meta", Target.embedded({ protocol: "meta" }), true)
outcomes("the client on the embedded memcached, text", Target.embedded({ protocol: "text" }), false)

describe.skipIf(noReal !== undefined)("the client on a real memcached", () => {
  outcomes("meta", Target.real({ protocol: "meta" }), true)
  outcomes("text", Target.real({ protocol: "text" }), false)
})

describe("the client on a server that plays the reply", () => {
  const client = (options: MemcacheOptions) =>
    Effect.map(
      Effect.orDie(Layer.build(Layer.fresh(Memcache.layer({ transcoder: plain, protocol: "text", ...options })))),
      (context) => Context.get(context, Memcache)
    )

  const inPieces = async (socket: Socket, text: string) => {
    for (const byte of Buffer.from(text, "latin1")) {
      socket.write(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
  }

  it.live("A1: the same when the bytes arrive one by one, and when several replies arrive in one piece", () =>
    Effect.gen(function*() {
      const reply = byId("A1").reply_1_6_45
      const server = yield* ScriptedServer.make({
        onData: (socket, text, connection) => {
          const replies = reply.repeat(text.split("get v").length - 1)
          void (connection === 1 ? inPieces(socket, replies) : socket.write(replies))
        }
      })
      const expected = Option.some([7, "A\r\nEND\r\nVALUE x"])
      const cache = yield* client({ servers: server.address })
      assert.deepStrictEqual(yield* cache.get("v"), expected)
      yield* cache.disconnectAll
      const many = yield* Effect.forEach([1, 2, 3], () => cache.get("v"), { concurrency: "unbounded" })
      assert.deepStrictEqual(many, [expected, expected, expected])
      assert.strictEqual(server.accepted(), 2)
    }))

  it.live("A10: an error in the middle of a pipeline fails its own command, and the connection stays", () =>
    Effect.gen(function*() {
      const server = yield* ScriptedServer.make({
        onData: (socket, text) =>
          void socket.write(
            text.replace(/get (a)\r\n/g, "VALUE $1 0 1\r\nx\r\nEND\r\n")
              .replace(/touch a 60\r\n/, "ERROR\r\n")
              .replace(/set p 0 0 1\r\n1\r\n/, "STORED\r\n")
          )
      })
      const cache = yield* client({ servers: server.address })
      const [first, touched, stored, last] = yield* Effect.all([
        cache.get("a"),
        Effect.flip(cache.touch("a", "1 minute")),
        cache.set("p", 1),
        cache.get("a")
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual([first, stored, last], [Option.some([0, "x"]), true, Option.some([0, "x"])])
      assert.strictEqual(reasonOf(touched), "UnsupportedError")
      assert.deepStrictEqual(yield* cache.get("a"), Option.some([0, "x"]))
      assert.strictEqual(server.accepted(), 1)
    }))

  it.live("A11: a server that goes away inside a value fails everything in flight, with no short value and no miss", () =>
    Effect.gen(function*() {
      const server = yield* ScriptedServer.make({
        onData: (socket, text) => {
          if (text.includes("set warm")) return void socket.write("STORED\r\n")
          socket.end(byId("A11").reply_1_6_45)
        }
      })
      const cache = yield* client({ servers: server.address })
      yield* cache.set("warm", 1)
      const errors = yield* Effect.all([
        Effect.flip(cache.get("v")),
        Effect.flip(cache.get("w")),
        Effect.flip(cache.set("s", 1))
      ], { concurrency: "unbounded" })
      for (const error of errors) {
        assert.strictEqual(reasonOf(error), "ConnectionLostError")
        assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "unknown")
      }
      assert.strictEqual(server.received().split("set s").length - 1, 1)
    }))

  for (const how of ["timed out", "was interrupted"]) {
    it.live(`A12: a late answer to a call that ${how} does not reach the next one`, () =>
      Effect.gen(function*() {
        const server = yield* ScriptedServer.make({
          onData: (socket, text) => {
            // The late answer first, then the right one.
            if (text.includes("get other")) {
              socket.write("VALUE slow 0 3\r\nold\r\nEND\r\nVALUE other 0 3\r\nnew\r\nEND\r\n")
            }
          }
        })
        const cache = yield* client({ servers: server.address, commandTimeout: 100, stallTimeout: "10 seconds" })
        if (how === "timed out") {
          assert.strictEqual(reasonOf(yield* Effect.flip(cache.get("slow"))), "TimeoutError")
        } else {
          const fiber = yield* Effect.forkChild(cache.get("slow"))
          while (!server.received().includes("get slow")) yield* Effect.sleep(1)
          yield* Fiber.interrupt(fiber)
        }
        assert.deepStrictEqual(yield* cache.get("other"), Option.some([0, "new"]))
        assert.strictEqual(server.accepted(), 1)
      }))
  }
})
