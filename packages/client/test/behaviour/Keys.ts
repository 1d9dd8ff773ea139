/**
 * Which keys there are, and that a wrong one never reaches the wire.
 */
import { Key, Memcache } from "@effect-memcache/client"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { It } from "../behaviour.ts"
import { Target } from "../Target.ts"

const GOOD: ReadonlyArray<readonly [name: string, key: string, wire: string]> = [
  ["one byte", "k", "k"],
  ["250 bytes", "k".repeat(250), "k".repeat(250)],
  ["250 bytes of two-byte characters", "é".repeat(125), "\u00c3\u00a9".repeat(125)],
  ["four-byte characters", "key-😀", "key-\u00f0\u009f\u0098\u0080"],
  ["what a string replacement would rewrite (D6)", "a$&b$1$$", "a$&b$1$$"],
  ["the word cas (D8)", "cas", "cas"],
  ["the word noreply", "noreply", "noreply"],
  ["a number of the protocol", "0", "0"],
  ["flags of the meta dialect", "v", "v"],
  ["punctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"]
]

const BAD: ReadonlyArray<readonly [name: string, key: string, error: string]> = [
  ["an empty key", "", "KeyLengthError"],
  ["251 bytes", "k".repeat(251), "KeyLengthError"],
  ["200 times é, which is 400 bytes", "é".repeat(200), "KeyLengthError"],
  ["a blank", "a b", "KeyCharacterError"],
  ["a line end and a command behind it (D15)", "k\r\nset hacked 0 0 3\r\nyes", "KeyCharacterError"],
  ["a line feed", "k\n", "KeyCharacterError"],
  ["NUL", "k\u0000", "KeyCharacterError"],
  ["a tab", "a\tb", "KeyCharacterError"],
  ["DEL", "k\u007f", "KeyCharacterError"],
  ["half of a surrogate pair", "k\ud800", "KeyEncodingError"],
  ["the other half", "\udc00k", "KeyEncodingError"]
]

export const keys = (it: It): void => {
  it.effect.each(GOOD)("%s is a key that every command takes", ([, key, wire]) =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      assert.isTrue(yield* cache.set(key, "v"))
      assert.strictEqual(yield* raw(`get ${wire}\r\n`), `VALUE ${wire} 16 1\r\nv\r\nEND\r\n`)
      assert.deepStrictEqual(yield* cache.get(key), Option.some("v"))
      assert.strictEqual(Option.getOrThrow(yield* cache.gets(key)).value, "v")
      assert.deepStrictEqual(yield* cache.getMany([key, "absent"]), new Map([[key, "v"]]))
      assert.isTrue(yield* cache.append(key, "w"))
      assert.isTrue(yield* cache.touch(key, "1 hour"))
      assert.deepStrictEqual(yield* cache.getAndTouch(key, "2 hours"), Option.some("vw"))
      assert.isTrue(yield* cache.set(key, 7))
      assert.deepStrictEqual(yield* cache.increment(key), Option.some(8n))
      assert.isTrue(yield* cache.delete(key))
      assert.isFalse(yield* cache.delete(key))
    }))

  it.effect.each(BAD)(
    "%s is no key: a typed error from every command, and not a byte is sent",
    ([, key, tag]) =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        yield* cache.get("warm")
        const before = yield* Target.stat("bytes_read")
        const errors = yield* Effect.all([
          Effect.flip(cache.get(key)),
          Effect.flip(cache.gets(key)),
          Effect.flip(cache.getAndTouch(key, "1 minute")),
          Effect.flip(cache.set(key, "v")),
          Effect.flip(cache.add(key, "v")),
          Effect.flip(cache.append(key, "v")),
          Effect.flip(cache.compareAndSwap(key, "v", 1n)),
          Effect.flip(cache.increment(key, { initial: 1 })),
          Effect.flip(cache.delete(key)),
          Effect.flip(cache.touch(key, "1 minute")),
          Effect.flip(cache.get([7, key])),
          Effect.flip(cache.getMany(["fine", key])),
          Effect.flip(cache.getManyPartial(["fine", key])),
          Effect.flip(cache.setMany([["fine", 1], [key, 2]])),
          Effect.flip(cache.setManyPartial([["fine", 1], [key, 2]])),
          Effect.flip(cache.deleteMany(["fine", key])),
          Effect.flip(cache.deleteManyPartial(["fine", key]))
        ])
        for (const error of errors) {
          assert.strictEqual(error._tag, tag)
          assert.isTrue(error.message.length > 20)
          if (key.length > 3) assert.notInclude(error.message + JSON.stringify(error), key)
        }
        assert.strictEqual(yield* Target.bytesSince(before), 0)
      })
  )

  it.effect("an integer key is its decimal digits, and 1 and \"1\" and 1n are one item", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      yield* cache.set(1, "one")
      assert.strictEqual(yield* raw("get 1\r\n"), "VALUE 1 16 3\r\none\r\nEND\r\n")
      assert.deepStrictEqual(yield* cache.get("1"), Option.some("one"))
      assert.deepStrictEqual(yield* cache.get(1n), Option.some("one"))
      assert.strictEqual((yield* Effect.flip(cache.get(1.5)))._tag, "KeyEncodingError")
      assert.strictEqual((yield* Effect.flip(cache.get(Number.NaN)))._tag, "KeyEncodingError")
      assert.strictEqual((yield* Effect.flip(cache.get(2 ** 53)))._tag, "KeyEncodingError")
    }))

  it.effect("of a pair, the key is sent and the hash is not", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      assert.isTrue(yield* cache.set(["user 7", "paired"], "v"))
      assert.strictEqual(yield* raw("get paired\r\n"), "VALUE paired 16 1\r\nv\r\nEND\r\n")
      for (const hash of [0, -1, 1.5, Number.NaN, 2 ** 40, 10n ** 30n, "", "any text \r\n", "\ud800"]) {
        assert.deepStrictEqual(yield* cache.get([hash, "paired"]), Option.some("v"))
      }
    }))

  it.effect("a Key is checked once and then cannot fail", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const key = Result.getOrThrow(Key.make("7", { prefix: "user:" }))
      assert.isTrue(yield* cache.set(key, "Ada"))
      assert.deepStrictEqual(yield* cache.get("user:7"), Option.some("Ada"))
      assert.deepStrictEqual(yield* cache.getMany([key]), new Map([[key, "Ada"]]))
      assert.isTrue(Result.isFailure(Key.make("k", { prefix: "p".repeat(250) })))
    }))

  it.effect("a prefix of the client stands before plain keys and counts towards the 250 bytes", () =>
    Effect.gen(function*() {
      const cache = yield* Target.freshClient({ prefix: "app:" })
      const { raw } = yield* Target
      yield* cache.set("k", "v")
      assert.strictEqual(yield* raw("get app:k\r\n"), "VALUE app:k 16 1\r\nv\r\nEND\r\n")
      assert.deepStrictEqual([...yield* cache.getMany(["k", "none"])], [["k", "v"]])
      assert.deepStrictEqual(yield* cache.get(Result.getOrThrow(Key.make("app:k"))), Option.some("v"))
      assert.isTrue(yield* cache.set("k".repeat(246), 1))
      assert.strictEqual((yield* Effect.flip(cache.set("k".repeat(247), 1)))._tag, "KeyLengthError")
    }))
}
