/**
 * The small rules about commands: which carry a value, which may be sent twice, how large they are, what they are called.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import * as Commands from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import { assert, describe, it } from "@effect/vitest"

const key = "key" as Key
const value = new Uint8Array(10)
const item = { key, flags: 0, exptime: 0, value, noreply: false }

const TABLE: ReadonlyArray<
  readonly [command: Command, verb: string, hasDataBlock: boolean, isRepeatable: boolean]
> = [
  [{ _tag: "Get", keys: [key], withCas: false }, "get", false, true],
  [{ _tag: "Get", keys: [key], withCas: true }, "gets", false, true],
  [{ _tag: "GetAndTouch", keys: [key], withCas: false, exptime: 1 }, "gat", false, false],
  [{ _tag: "GetAndTouch", keys: [key], withCas: true, exptime: 1 }, "gats", false, false],
  [{ _tag: "Store", mode: "set", ...item }, "set", true, false],
  [{ _tag: "Store", mode: "add", ...item }, "add", true, false],
  [{ _tag: "Store", mode: "replace", ...item }, "replace", true, false],
  [{ _tag: "Store", mode: "append", ...item }, "append", true, false],
  [{ _tag: "Store", mode: "prepend", ...item }, "prepend", true, false],
  [{ _tag: "Cas", ...item, cas: 1n }, "cas", true, false],
  [{ _tag: "Arithmetic", mode: "incr", key, delta: 1n, create: undefined, noreply: false }, "incr", false, false],
  [{ _tag: "Arithmetic", mode: "decr", key, delta: 1n, create: undefined, noreply: false }, "decr", false, false],
  [{ _tag: "Delete", key, noreply: false }, "delete", false, false],
  [{ _tag: "Touch", key, exptime: 0, noreply: false }, "touch", false, false],
  [{ _tag: "FlushAll", delay: undefined, noreply: false }, "flush_all", false, false],
  [{ _tag: "Stats", report: undefined }, "stats", false, true],
  [{ _tag: "Stats", report: "settings" }, "stats", false, true],
  [{ _tag: "Stats", report: "cachedump 1 0" }, "stats", false, true],
  [{ _tag: "Stats", report: "detail dump" }, "stats", false, true],
  [{ _tag: "Stats", report: "reset" }, "stats", false, false],
  [{ _tag: "Stats", report: "detail on" }, "stats", false, false],
  [{ _tag: "Stats", report: "detail off" }, "stats", false, false],
  [{ _tag: "Version" }, "version", false, true],
  [{ _tag: "Verbosity", level: 1, noreply: false }, "verbosity", false, false],
  [{ _tag: "Quit" }, "quit", false, false],
  [{ _tag: "MetaGet", key, flags: ["v", "f", "c", "k", "l"] }, "mg", false, true],
  [{ _tag: "MetaGet", key, flags: [] }, "mg", false, true],
  [{ _tag: "MetaGet", key, flags: ["v", "N30"] }, "mg", false, false],
  [{ _tag: "MetaGet", key, flags: ["T30"] }, "mg", false, false],
  [{ _tag: "MetaGet", key, flags: ["R30"] }, "mg", false, false],
  [{ _tag: "MetaGet", key, flags: ["E1"] }, "mg", false, false],
  [{ _tag: "MetaGet", key, flags: ["v", "x"] }, "mg", false, false],
  [{ _tag: "MetaSet", key, value, flags: [] }, "ms", true, false],
  [{ _tag: "MetaDelete", key, flags: [] }, "md", false, false],
  [{ _tag: "MetaArithmetic", key, flags: [] }, "ma", false, false],
  [{ _tag: "MetaNoop" }, "mn", false, true],
  [{ _tag: "MetaDebug", key, flags: [] }, "me", false, true]
]

describe("a command", () => {
  it("is called what memcached calls it", () => {
    for (const [command, verb] of TABLE) assert.strictEqual(Commands.verb(command), verb)
  })

  it("has a data block if and only if a value follows its line", () => {
    for (const [command, verb, expected] of TABLE) assert.strictEqual(Commands.hasDataBlock(command), expected, verb)
  })

  it("is repeatable if and only if it is a pure read", () => {
    for (const [command, , , expected] of TABLE) {
      assert.strictEqual(
        Commands.isRepeatable(command),
        expected,
        JSON.stringify({ ...command, value: 0, cas: 0, delta: 0 })
      )
    }
  })

  it("is estimated to be at least as large as what it carries", () => {
    for (const [command, verb, hasDataBlock] of TABLE) {
      const carried = (hasDataBlock ? value.length : 0) + ("key" in command ? key.length : 0)
      assert.isAtLeast(Commands.sizeEstimate(command), carried, verb)
    }
    const keys = Array.from({ length: 100 }, (_, i) => `${"k".repeat(200)}${i}` as Key)
    assert.isAtLeast(Commands.sizeEstimate({ _tag: "Get", keys, withCas: false }), 20_000)
  })
})
