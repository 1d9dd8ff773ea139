/**
 * What each command looks like on the wire, in both directions, and which a client may send.
 */
import { bytes, byteString } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import * as RequestEncoder from "@effect-memcache/protocol/text/RequestEncoder"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { assert, describe, it } from "@effect/vitest"
import * as Generators from "./Generators.ts"
import { requests } from "./Reading.ts"

const encode = (command: Command): string => {
  const buffer = new WriteBuffer()
  RequestEncoder.encode(buffer, command)
  const taken = buffer.take()
  return byteString(taken, 0, taken.length)
}

const key = "a" as Key
const keys = [key, "k\xc3\xa4se" as Key]
const item = { key, flags: 7, exptime: 60, value: bytes("x\r\n"), noreply: false }
const joined = { ...item, flags: 0, exptime: 0 }
const quiet = { noreply: true }
const counter = { key, delta: 18446744073709551615n, create: undefined, noreply: false }

const SENT: ReadonlyArray<readonly [command: Command, wire: string]> = [
  [{ _tag: "Get", keys: [key], withCas: false }, "get a\r\n"],
  [{ _tag: "Get", keys, withCas: true }, "gets a k\xc3\xa4se\r\n"],
  [{ _tag: "GetAndTouch", keys: [key], withCas: false, exptime: 0 }, "gat 0 a\r\n"],
  [{ _tag: "GetAndTouch", keys, withCas: true, exptime: -1 }, "gats -1 a k\xc3\xa4se\r\n"],
  [{ _tag: "Store", mode: "set", ...item }, "set a 7 60 3\r\nx\r\n\r\n"],
  [{ _tag: "Store", mode: "add", ...item, value: new Uint8Array(0) }, "add a 7 60 0\r\n\r\n"],
  [
    { _tag: "Store", mode: "replace", ...item, flags: 4294967295, exptime: -1 },
    "replace a 4294967295 -1 3\r\nx\r\n\r\n"
  ],
  [{ _tag: "Store", mode: "append", ...joined }, "append a 0 0 3\r\nx\r\n\r\n"],
  [{ _tag: "Store", mode: "prepend", ...joined }, "prepend a 0 0 3\r\nx\r\n\r\n"],
  [{ _tag: "Cas", ...item, cas: 2n ** 64n - 1n }, "cas a 7 60 3 18446744073709551615\r\nx\r\n\r\n"],
  [{ _tag: "Arithmetic", mode: "incr", ...counter }, "incr a 18446744073709551615\r\n"],
  [{ _tag: "Arithmetic", mode: "decr", ...counter, delta: 0n }, "decr a 0\r\n"],
  [{ _tag: "Delete", key, noreply: false }, "delete a\r\n"],
  [{ _tag: "Delete", key: "noreply" as Key, noreply: false }, "delete noreply\r\n"],
  [{ _tag: "Touch", key, exptime: 2147483647, noreply: false }, "touch a 2147483647\r\n"],
  [{ _tag: "FlushAll", delay: undefined, noreply: false }, "flush_all\r\n"],
  [{ _tag: "FlushAll", delay: 0, noreply: false }, "flush_all 0\r\n"],
  [{ _tag: "Stats", report: undefined }, "stats\r\n"],
  [{ _tag: "Stats", report: "detail dump" }, "stats detail dump\r\n"],
  [{ _tag: "Stats", report: "cachedump 5 100" }, "stats cachedump 5 100\r\n"],
  [{ _tag: "Version" }, "version\r\n"],
  [{ _tag: "Verbosity", level: 2, noreply: false }, "verbosity 2\r\n"]
]

const NOT_SENT: ReadonlyArray<readonly [command: Command, wire: string]> = [
  [{ _tag: "Store", mode: "set", ...item, ...quiet }, "set a 7 60 3 noreply\r\nx\r\n\r\n"],
  [{ _tag: "Cas", ...item, cas: 0n, ...quiet }, "cas a 7 60 3 0 noreply\r\nx\r\n\r\n"],
  [{ _tag: "Arithmetic", mode: "incr", ...counter, delta: 1n, ...quiet }, "incr a 1 noreply\r\n"],
  [{ _tag: "Delete", key, ...quiet }, "delete a noreply\r\n"],
  [{ _tag: "Touch", key, exptime: 1, ...quiet }, "touch a 1 noreply\r\n"],
  [{ _tag: "FlushAll", delay: undefined, ...quiet }, "flush_all noreply\r\n"],
  [{ _tag: "FlushAll", delay: 5, ...quiet }, "flush_all 5 noreply\r\n"],
  [{ _tag: "Verbosity", level: 0, ...quiet }, "verbosity 0 noreply\r\n"],
  [{ _tag: "Quit" }, "quit\r\n"]
]

const WITHOUT_TEXT: ReadonlyArray<Command> = [
  { _tag: "MetaGet", key, flags: [] },
  { _tag: "MetaSet", key, value: item.value, flags: [] },
  { _tag: "MetaDelete", key, flags: [] },
  { _tag: "MetaArithmetic", key, flags: [] },
  { _tag: "MetaNoop" },
  { _tag: "MetaDebug", key, flags: [] }
]

describe("encode", () => {
  it("writes every command, and a server reads it back", () => {
    for (const [command, wire] of [...SENT, ...NOT_SENT]) {
      assert.strictEqual(encode(command), wire)
      assert.deepStrictEqual(requests([bytes(wire)]), [{ _tag: "Command", command }], wire)
    }
  })

  it("writes no flags and no exptime for append and prepend, which the server would ignore", () => {
    assert.strictEqual(encode({ _tag: "Store", mode: "append", ...item }), "append a 0 0 3\r\nx\r\n\r\n")
  })

  it("writes nothing for meta commands", () => {
    for (const command of WITHOUT_TEXT) assert.strictEqual(encode(command), "")
  })

  it.prop(
    "is undone by the server's reader for every command",
    [Generators.command],
    ([command]) => {
      assert.deepStrictEqual(requests([bytes(encode(command))]), [{ _tag: "Command", command }])
    },
    { arbitrary: { runs: 500 } }
  )
})

describe("supports", () => {
  it("is true for what is answered, false for noreply, quit and meta commands", () => {
    for (const [command, wire] of SENT) assert.isTrue(RequestEncoder.supports(command), wire)
    for (const [command, wire] of NOT_SENT) assert.isFalse(RequestEncoder.supports(command), wire)
    for (const command of WITHOUT_TEXT) assert.isFalse(RequestEncoder.supports(command), command._tag)
  })

  it("is false for counters that create, which text cannot say", () => {
    const create = { initial: 0n, exptime: 0 }
    assert.isFalse(RequestEncoder.supports({ _tag: "Arithmetic", mode: "incr", ...counter, create }))
  })

  it("is false without keys", () => {
    assert.isFalse(RequestEncoder.supports({ _tag: "Get", keys: [], withCas: false }))
    assert.isFalse(RequestEncoder.supports({ _tag: "GetAndTouch", keys: [], withCas: false, exptime: 0 }))
  })

  it("keeps the line of a gat below 2000 bytes, and lets that of a get grow", () => {
    const many = (count: number): ReadonlyArray<Key> =>
      Array.from({ length: count }, (_, i) => `${"k".repeat(247)}${i + 100}` as Key)
    const gat = (count: number): Command => ({
      _tag: "GetAndTouch",
      keys: many(count),
      withCas: true,
      exptime: -2147483648
    })
    assert.isTrue(RequestEncoder.supports(gat(7)))
    assert.isFalse(RequestEncoder.supports(gat(8)))
    assert.isTrue(RequestEncoder.supports({ _tag: "Get", keys: many(100), withCas: false }))
    for (const length of [216, 217, 218, 219, 220, 221, 222, 223, 224, 225]) {
      const command: Command = { ...gat(7), keys: [...many(7), "k".repeat(length) as Key] } as Command
      assert.strictEqual(RequestEncoder.supports(command), encode(command).length < 2000, String(length))
    }
  })

  it("is false for a report that no memcached has", () => {
    for (
      const report of [
        "",
        "r",
        "bogus",
        "reset\r\nflush_all",
        "cachedump 1",
        "cachedump 1e3 0",
        "cachedump 1 -1",
        "cachedump NaN 0"
      ]
    ) {
      assert.isFalse(RequestEncoder.supports({ _tag: "Stats", report: report as "reset" }), report)
    }
  })
})
