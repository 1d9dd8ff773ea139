/**
 * What is stored comes back as it was, whatever it holds.
 */
import { Memcache } from "@effect-memcache/client"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { It } from "../behaviour.ts"
import { Target } from "../Target.ts"

const allBytes = Uint8Array.from({ length: 256 }, (_, i) => i)

const KINDS: ReadonlyArray<readonly [name: string, value: unknown]> = [
  ["text", "hello"],
  ["text with every kind of character", "a é € 😀 \u0000 \ufeff end"],
  ["an empty text (P1)", ""],
  ["empty bytes (P1)", new Uint8Array(0)],
  ["all bytes", allBytes],
  ["line ends and END inside (D3, D22)", "A\r\nEND\r\nVALUE x 0 1\r\nSTORED\r\nERROR\r\n"],
  ["nothing but a line end (D22)", "\r\n"],
  ["bytes that are line ends (D22)", new Uint8Array([10, 13, 10, 10, 13, 13])],
  ["a reply of the meta dialect", "VA 1 O1\r\nx\r\nMN\r\n"],
  ["zero", 0],
  ["a negative integer", -42],
  ["the largest safe integer", Number.MAX_SAFE_INTEGER],
  ["a bigint", 18_446_744_073_709_551_616n],
  ["a fraction", 0.1],
  ["negative zero", -0],
  ["not a number", Number.NaN],
  ["infinity", Number.NEGATIVE_INFINITY],
  ["true", true],
  ["false", false],
  ["null", null],
  ["an object", { name: "Ada", tags: ["a", "b"], nested: { n: 1.5, nothing: null } }],
  ["an array", [1, "two", [3]]],
  ["text that JSON would read as a number", "42"],
  ["text far above the threshold of compression", "compress me ".repeat(5000)],
  ["bytes far above the threshold", new Uint8Array(100_000).fill(7)],
  ["a large object", { list: Array.from({ length: 5000 }, (_, i) => ({ i, text: `item ${i}` })) }]
]

export const values = (it: It): void => {
  it.effect.each(KINDS)("%s comes back as it was", ([name, value]) =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const key = `kind-${name.replace(/[^a-z]/g, "")}`
      assert.isTrue(yield* cache.set(key, value))
      assert.deepStrictEqual(yield* cache.get(key), Option.some(value))
    }))

  it.effect("bytes come back as a plain Uint8Array that nobody else holds", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("own", allBytes)
      const [one, two] = yield* Effect.all([cache.get("own"), cache.get("own")], { concurrency: "unbounded" })
      const first = Option.getOrThrow(one) as Uint8Array
      assert.strictEqual(first.constructor, Uint8Array)
      first.fill(0)
      assert.deepStrictEqual(two, Option.some(allBytes))
    }))

  it.effect("a miss is none, not an empty value", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.deepStrictEqual(yield* cache.get("never-stored"), Option.none())
      assert.deepStrictEqual(yield* cache.gets("never-stored"), Option.none())
    }))

  it.effect("random bytes of almost the item limit come back", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const value = new Uint8Array(1_048_000)
      for (let i = 0, x = 1; i < value.length; i++) value[i] = x = (x * 48_271) % 2_147_483_647
      assert.isTrue(yield* cache.set("large", value, { compression: false }))
      const read = Option.getOrThrow(yield* cache.get("large")) as Uint8Array
      assert.isTrue(Buffer.from(value.buffer).equals(read))
    }))

  it.effect("large values stay what they were, although the memory that they came in is used again", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const numbers = [0, 1, 2]
      const entries: ReadonlyArray<readonly [key: string, value: unknown]> = [
        ...numbers.map((i) => [`large-text-${i}`, `${i}`.repeat(400_000 + i)] as const),
        ...numbers.map((i) => [`large-bytes-${i}`, new Uint8Array(400_000 + i).fill(i)] as const),
        ...numbers.map((i) => [`large-json-${i}`, Array.from({ length: 40_000 }, () => `item ${i}`)] as const)
      ]
      for (const [key, value] of entries) yield* cache.set(key, value, { compression: false })
      const ways: ReadonlyArray<(key: string) => Effect.Effect<Option.Option<unknown>, unknown>> = [
        (key) => cache.get(key),
        (key) => Effect.map(cache.gets(key), Option.map(({ value }) => value)),
        (key) => Effect.asSome(cache.getOrSet(key, Effect.die("it is there")))
      ]
      for (const way of ways) {
        const found = yield* Effect.forEach([...entries, ...entries], ([key]) => way(key), { concurrency: 5 })
        assert.deepStrictEqual(found, [...entries, ...entries].map(([, value]) => Option.some(value)))
      }
      assert.deepStrictEqual([...yield* cache.getMany(entries.map(([key]) => key))], entries)
    }))

  it.effect("a value that cannot be written is an EncodeError, and not a byte is sent", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.get("warm")
      const before = yield* Target.stat("bytes_read")
      const circle: Record<string, unknown> = {}
      circle["self"] = circle
      for (const value of [undefined, () => 1, Symbol("s"), new Map([[1, 2]]), { n: 1n }, circle, "\ud800"]) {
        const error = yield* Effect.flip(cache.set("unwritable", value))
        assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "EncodeError")
        assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "not-sent")
      }
      assert.strictEqual(yield* Target.bytesSince(before), 0)
    }))

  it.effect("a stored __proto__ changes nobody's prototype", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      const text = "{\"__proto__\":{\"polluted\":true},\"a\":1}"
      yield* raw(`set proto 32 0 ${text.length}\r\n${text}\r\n`)
      const value = Option.getOrThrow(yield* cache.get("proto")) as Record<string, unknown>
      assert.strictEqual(value["a"], 1)
      assert.isUndefined(({} as Record<string, unknown>)["polluted"])
      yield* cache.set("__proto__", "value")
      const found = yield* cache.getMany(["__proto__", "constructor", "toString"])
      assert.deepStrictEqual([...found], [["__proto__", "value"]])
    }))
}
