/**
 * What other programs see: the flags and bytes that the README promises, read and written by a raw socket.
 */
import { Memcache } from "@effect-memcache/client"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { deflateSync, inflateSync } from "node:zlib"
import type { It } from "../behaviour.ts"
import { Target } from "../Target.ts"

/** Value, flags and bytes, for both directions. */
const FORMATS: ReadonlyArray<readonly [name: string, value: unknown, flags: number, bytes: string]> = [
  ["bytes", new Uint8Array([0, 255, 13, 10]), 0, "\u0000\u00ff\r\n"],
  ["an integer", 42, 2, "42"],
  ["a negative integer", -7, 2, "-7"],
  ["a bigint", 18_446_744_073_709_551_616n, 2, "18446744073709551616"],
  ["text", "hé", 16, "h\u00c3\u00a9"],
  ["an empty text", "", 16, ""],
  ["JSON", { a: [1, "é"] }, 32, "{\"a\":[1,\"\u00c3\u00a9\"]}"],
  ["a fraction", 0.5, 64, "0.5"],
  ["true", true, 128, "true"],
  ["null", null, 128, "null"]
]

const bomb = deflateSync(Buffer.alloc(8 * 1_048_576 + 1)).toString("latin1")

export const wire = (it: It): void => {
  it.effect.each(FORMATS)(
    "%s: a raw socket reads the promised flags and bytes",
    ([name, value, flags, bytes]) =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const { raw } = yield* Target
        const key = `out-${name.replaceAll(" ", "-")}`
        yield* cache.set(key, value)
        assert.strictEqual(yield* raw(`get ${key}\r\n`), `VALUE ${key} ${flags} ${bytes.length}\r\n${bytes}\r\nEND\r\n`)
      })
  )

  it.effect.each(FORMATS)(
    "%s: what a raw socket has stored is read as that",
    ([name, value, flags, bytes]) =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const { raw } = yield* Target
        const key = `in-${name.replaceAll(" ", "-")}`
        assert.strictEqual(yield* raw(`set ${key} ${flags} 0 ${bytes.length}\r\n${bytes}\r\n`), "STORED\r\n")
        assert.deepStrictEqual(yield* cache.get(key), Option.some(value))
        const item = Option.getOrThrow(yield* cache.gets(key))
        assert.deepStrictEqual([item.value, item.flags], [value, flags])
      })
  )

  it.effect("what is above the threshold is stored as zlib with bit 8, and only if that is smaller", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      const text = "x".repeat(3000)
      yield* cache.set("zipped", text)
      const [, header, bytes] = /^VALUE zipped (\d+ \d+)\r\n(.*)\r\nEND\r\n$/s.exec(yield* raw("get zipped\r\n"))!
      assert.strictEqual(header.split(" ")[0], String(16 + 8))
      assert.strictEqual(inflateSync(Buffer.from(bytes, "latin1")).toString(), text)
      // At the threshold of 2,000 bytes, and without compression by the caller's own word.
      yield* cache.set("zipped", "x".repeat(2000))
      assert.match(yield* raw("get zipped\r\n"), /^VALUE zipped 16 2000\r\n/)
      yield* cache.set("zipped", text, { compression: false })
      assert.match(yield* raw("get zipped\r\n"), /^VALUE zipped 16 3000\r\n/)
      yield* cache.set("zipped", "x".repeat(100), { compression: { threshold: 50 } })
      assert.match(yield* raw("get zipped\r\n"), /^VALUE zipped 24 \d\d\r\n/)
      yield* cache.set("zipped", crypto.getRandomValues(new Uint8Array(3000)))
      assert.match(yield* raw("get zipped\r\n"), /^VALUE zipped 0 3000\r\n/)
    }))

  it.effect("what another program has compressed is read", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      const bytes = deflateSync(Buffer.from("{\"from\":\"python\"}")).toString("latin1")
      yield* raw(`set foreign 40 0 ${bytes.length}\r\n${bytes}\r\n`)
      assert.deepStrictEqual(yield* cache.get("foreign"), Option.some({ from: "python" }))
    }))

  it.effect("an integer that decr has padded with blanks is still an integer (P4)", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      yield* raw("set padded 2 0 4\r\n9   \r\n")
      assert.deepStrictEqual(yield* cache.get("padded"), Option.some(9))
    }))

  it.effect("flags that nobody knows, and bytes that their flags do not fit, are a DecodeError with the bytes (D5)", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      const cases = [[512, "xyz"], [4_294_967_295, "QQQ"], [1, "(S1"], [32, "{no json"], [2, "12x"], [64, "0,5"], [
        128,
        "yes"
      ], [
        24,
        "no zlib"
      ], [16, "\u00ff\u00fe"]] as const
      for (const [flags, bytes] of cases) {
        yield* raw(`set unreadable ${flags} 0 ${bytes.length}\r\n${bytes}\r\n`)
        const error = yield* Effect.flip(cache.get("unreadable"))
        if (error._tag !== "MemcacheError" || error.reason._tag !== "DecodeError") return assert.fail(String(error))
        assert.strictEqual(error.reason.flags, flags)
        assert.strictEqual(Buffer.from(error.reason.bytes!).toString("latin1"), bytes)
        assert.strictEqual(error.outcome, "done")
        assert.notInclude(error.message, bytes)
      }
      assert.isTrue(yield* cache.set("unreadable", "fine"))
      assert.deepStrictEqual(yield* cache.get("unreadable"), Option.some("fine"))
    }))

  it.effect("a few bytes that inflate to more than eight times the item limit are refused", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      yield* raw(`set bomb 8 0 ${bomb.length}\r\n${bomb}\r\n`)
      const error = yield* Effect.flip(cache.get("bomb"))
      assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "DecodeError")
    }))
}
