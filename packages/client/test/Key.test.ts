import type { HashInput, KeyErrorOf, KeyInput, PrefixableKeyInput } from "@effect-memcache/client/Key"
import { hashOf, isKey, Key, make, pointOf, wireOf } from "@effect-memcache/client/Key"
import type { KeyError } from "@effect-memcache/client/KeyError"
import { isKeyError } from "@effect-memcache/client/KeyError"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { expectTypeOf } from "vitest"

const ready = Result.getOrThrow(make("ready", { prefix: "p:" }))

describe("wireOf", () => {
  const good: ReadonlyArray<readonly [name: string, input: KeyInput, wire: string]> = [
    ["a string", "user:1", "pre:user:1"],
    ["a number", 42, "pre:42"],
    ["a negative number", -5, "pre:-5"],
    ["negative zero", -0, "pre:0"],
    ["a bigint", 12345678901234567890n, "pre:12345678901234567890"],
    ["a negative bigint", -5n, "pre:-5"],
    ["text beyond ASCII", "é", "pre:\u00c3\u00a9"],
    ["a pair", [7, "user:1"], "pre:user:1"],
    ["a pair with a number", ["group", 42], "pre:42"],
    ["a Key, which has its own prefix", ready, "p:ready"],
    ["a pair with a Key", [7n, ready], "p:ready"]
  ]
  it.each(good)("writes %s", (_, input, wire) => {
    assert.strictEqual<unknown>(wireOf(input, "pre:"), wire)
  })

  it("answers a plain string as it is", () => {
    assert.strictEqual<unknown>(wireOf("user:1", ""), "user:1")
  })

  const hole = Array.from({ length: 2 })
  const bad: ReadonlyArray<readonly [name: string, input: unknown, tag: KeyError["_tag"]]> = [
    ["an empty text", "", "KeyLengthError"],
    ["251 bytes", "x".repeat(251), "KeyLengthError"],
    ["200 times é", "é".repeat(200), "KeyLengthError"],
    ["a huge bigint", 10n ** 300n, "KeyLengthError"],
    ["a blank", "a b", "KeyCharacterError"],
    ["a line end", "a\r\nflush_all", "KeyCharacterError"],
    ["a final line end", "a\n", "KeyCharacterError"],
    ["NUL", "a\0", "KeyCharacterError"],
    ["a tab", "a\tb", "KeyCharacterError"],
    ["DEL", "a\u007f", "KeyCharacterError"],
    ["a lone surrogate", "a\ud800", "KeyEncodingError"],
    ["NaN", Number.NaN, "KeyEncodingError"],
    ["a fraction", 1.5, "KeyEncodingError"],
    ["infinity", Infinity, "KeyEncodingError"],
    ["an unsafe integer", 2 ** 53, "KeyEncodingError"],
    ["a pair with a bad key", [1, "a b"], "KeyCharacterError"],
    ["undefined", undefined, "KeyEncodingError"],
    ["null", null, "KeyEncodingError"],
    ["an object", { toString: () => "flush_all" }, "KeyEncodingError"],
    ["bytes", new Uint8Array([1]), "KeyEncodingError"],
    ["a symbol", Symbol("x"), "KeyEncodingError"],
    ["a pair of one", [1], "KeyEncodingError"],
    ["a pair of three", [1, "a", "b"], "KeyEncodingError"],
    ["a pair in a pair", [1, [2, "a"]], "KeyEncodingError"],
    ["a pair without a hash", [undefined, "a"], "KeyEncodingError"],
    ["a pair of holes", hole, "KeyEncodingError"],
    ["something that looks like a Key", { wire: "a\r\nflush_all" }, "KeyEncodingError"]
  ]
  it.each(bad)("refuses %s", (_, input, tag) => {
    const error = wireOf(input as KeyInput, "")
    if (typeof error === "string") return assert.fail(`wrote ${JSON.stringify(error)}`)
    assert.strictEqual(error._tag, tag)
    assert.isTrue(isKeyError(error))
  })

  it("counts the prefix", () => {
    const key = "x".repeat(248)
    assert.strictEqual<unknown>(wireOf(key, "p:"), `p:${key}`)
    const error = wireOf(`${key}x`, "p:")
    assert.deepInclude(error, { _tag: "KeyLengthError", length: 251 })
    assert.strictEqual((error as KeyError).key, `${key}x`)
    assert.deepInclude(wireOf("a b", "p:"), { _tag: "KeyCharacterError", index: 3, code: 0x20 })
  })

  it.prop("writes a legal key or refuses, and never throws", [Schema.Unknown], ([input]) => {
    const wire = wireOf(input as KeyInput, "")
    if (typeof wire === "string") assert.match(wire, /^[\u0021-\u007e\u0080-\u00ff]{1,250}$/)
    else assert.isTrue(isKeyError(wire))
  })

  it.prop("writes a text's own UTF-8", [Schema.String], ([text]) => {
    const wire = wireOf(text, "")
    if (typeof wire === "string") assert.strictEqual(Buffer.from(wire, "latin1").toString("utf8"), text)
  })
})

describe("make", () => {
  it("answers a Key with its prefix", () => {
    assert.isTrue(isKey(ready))
    assert.instanceOf(ready, Key)
    assert.strictEqual(ready.wire, "p:ready")
    assert.strictEqual(Result.getOrThrow(make(7)).wire, "7")
  })

  it("answers the error of a bad key", () => {
    const result = make("a b")
    assert.isTrue(Result.isFailure(result) && result.failure._tag === "KeyCharacterError")
  })

  it("is not fooled by what looks like a Key", () => {
    assert.isFalse(isKey("ready"))
    assert.isFalse(isKey({ wire: "ready" }))
    assert.isFalse(isKey(null))
  })
})

describe("a hash", () => {
  it("is what stands before the key", () => {
    assert.strictEqual(hashOf([7, "a"]), 7)
    assert.strictEqual(hashOf(["group", ready]), "group")
    assert.isUndefined(hashOf("a"))
    assert.isUndefined(hashOf(7))
    assert.isUndefined(hashOf(ready))
  })

  const points: ReadonlyArray<readonly [hash: number | bigint, point: number]> = [
    [0, 0],
    [7, 7],
    [-1, 4294967295],
    [2 ** 32, 0],
    [2 ** 32 + 5, 5],
    [-(2 ** 32) - 5, 4294967291],
    [2 ** 53 - 1, 4294967295],
    [1.9, 1],
    [Number.NaN, 0],
    [Infinity, 0],
    [-1n, 4294967295],
    [2n ** 64n + 5n, 5],
    [-1938594527n, 2356372769]
  ]
  it.each(points)("%s is the point %s", (hash, point) => {
    assert.strictEqual(pointOf(hash), point)
  })
})

it("the types know which keys cannot be wrong", () => {
  expectTypeOf<KeyErrorOf<string>>().toEqualTypeOf<KeyError>()
  expectTypeOf<KeyErrorOf<number>>().toEqualTypeOf<KeyError>()
  expectTypeOf<KeyErrorOf<"a" | Key>>().toEqualTypeOf<KeyError>()
  expectTypeOf<KeyErrorOf<Key>>().toEqualTypeOf<never>()
  expectTypeOf<KeyErrorOf<readonly [number, Key]>>().toEqualTypeOf<never>()
  expectTypeOf<KeyErrorOf<[HashInput, Key]>>().toEqualTypeOf<never>()
  expectTypeOf<KeyErrorOf<readonly [number, string]>>().toEqualTypeOf<KeyError>()
  expectTypeOf<KeyErrorOf<readonly [number, string | Key]>>().toEqualTypeOf<KeyError>()
  expectTypeOf<KeyErrorOf<Key | readonly [number, Key]>>().toEqualTypeOf<never>()
  expectTypeOf<KeyErrorOf<KeyInput>>().toEqualTypeOf<KeyError>()
  expectTypeOf<Key>().not.toExtend<PrefixableKeyInput>()
  expectTypeOf<readonly [number, Key]>().not.toExtend<PrefixableKeyInput>()
  expectTypeOf<readonly [number, string]>().toExtend<PrefixableKeyInput>()
  expectTypeOf<{ readonly wire: string }>().not.toExtend<KeyInput>()
})
