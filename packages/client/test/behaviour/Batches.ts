/**
 * Many keys at once: answers stand under the caller's own keys, and what is missing is told from what failed.
 */
import { Memcache } from "@effect-memcache/client"
import type { KeyInput } from "@effect-memcache/client/Key"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { It } from "../behaviour.ts"
import { Target } from "../Target.ts"

const reasons = (failed: ReadonlyMap<unknown, { readonly reason: { readonly _tag: string } }>) =>
  [...failed].map(([key, error]) => [key, error.reason._tag])

export const batches = (it: It): void => {
  it.effect("getMany answers what was found, under the caller's own keys and in the caller's order", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.setMany([["gm-a", 1], [71, "two"], ["gm-c", { c: 3 }]])
      const pair = ["any hash", "gm-c"] as const
      const keys: Array<KeyInput> = ["gm-none", pair, 71, "gm-a", 71n, "71"]
      const found = yield* cache.getMany(keys)
      assert.deepStrictEqual([...found], [[pair, { c: 3 }], [71, "two"], ["gm-a", 1], [71n, "two"], ["71", "two"]])
      assert.isFalse(found.has("gm-none"))
    }))

  it.effect("a key that is asked for twice is sent once and answered (P2)", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("gm-twice", "v")
      const before = yield* Target.stat("get_hits")
      const found = yield* cache.getMany(["gm-twice", "gm-twice", ["h", "gm-twice"], "gm-twice"])
      assert.deepStrictEqual([...found.values()], ["v", "v"])
      assert.strictEqual((yield* Target.stat("get_hits")) - before, 1)
    }))

  it.effect("a prefix of the call stands before every key, and answers come without it", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const prefix = "gm-prefix:"
      assert.deepStrictEqual(yield* cache.setMany([["a", 1], [2, "b"]], { prefix }), [])
      assert.deepStrictEqual(yield* cache.get("gm-prefix:2"), Option.some("b"))
      assert.deepStrictEqual([...yield* cache.getMany(["a", 2, "c"], { prefix })], [["a", 1], [2, "b"]])
      assert.deepStrictEqual(yield* cache.deleteMany([2, "c"], { prefix }), ["c"])
      assert.deepStrictEqual([...yield* cache.getMany(["a", 2], { prefix })], [["a", 1]])
      const error = yield* Effect.flip(cache.getMany(["k".repeat(245)], { prefix }))
      assert.strictEqual(error._tag, "KeyLengthError")
    }))

  it.effect("a thousand keys of every length and binary values come back, each its own", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const value = (i: number) => new Uint8Array(i % 300).fill(i).map((byte, at) => byte ^ at)
      const entries = Array.from({ length: 1000 }, (_, i) => [`gm-${i}-${"x".repeat(i % 240)}`, value(i)] as const)
      assert.deepStrictEqual(yield* cache.setMany(entries), [])
      const found = yield* cache.getMany(entries.map(([key]) => key))
      assert.strictEqual(found.size, 1000)
      for (const [key, value] of entries) assert.deepStrictEqual(found.get(key), value)
      assert.deepStrictEqual(yield* cache.deleteMany(entries.map(([key]) => key)), [])
      assert.strictEqual((yield* cache.getMany(entries.map(([key]) => key))).size, 0)
    }))

  it.effect("nothing asked is nothing answered", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.strictEqual((yield* cache.getMany([])).size, 0)
      assert.deepStrictEqual(yield* cache.setMany([]), [])
      assert.deepStrictEqual(yield* cache.deleteMany(new Set<string>()), [])
    }))

  it.effect("setMany takes a Map and stores the last of several values for one key", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const entries = new Map<string | number, unknown>([["72", "first"], [72, "last"]])
      assert.deepStrictEqual(yield* cache.setMany(entries), [])
      assert.deepStrictEqual(yield* cache.get(72), Option.some("last"))
    }))

  it.effect("setMany answers the keys whose items are refused, and stores the others", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      // The server's limit counts the whole item, so the first is refused there; the second is above the client's own.
      const entries: ReadonlyArray<readonly [string, unknown]> = [
        ["sm-ok", 1],
        ["sm-large", new Uint8Array(1_048_576)],
        ["sm-larger", new Uint8Array(1_048_577)],
        ["sm-ok-2", 2]
      ]
      const options = { compression: false, prefix: "p:" } as const
      assert.deepStrictEqual(yield* cache.setMany(entries, options), ["sm-large", "sm-larger"])
      const found = yield* cache.getMany(entries.map(([key]) => key), { prefix: "p:" })
      assert.deepStrictEqual([...found], [["sm-ok", 1], ["sm-ok-2", 2]])
      const { failed, notStored } = yield* cache.setManyPartial(entries, options)
      assert.deepStrictEqual(notStored, [])
      assert.deepStrictEqual(reasons(failed), [
        ["sm-large", "ValueTooLargeError"],
        ["sm-larger", "ValueTooLargeError"]
      ])
      assert.deepStrictEqual([...failed.values()].map((error) => error.outcome), ["rejected", "not-sent"])
    }))

  it.effect("a value that cannot be written fails setMany before a byte is sent, and only its key in setManyPartial", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const entries: ReadonlyArray<readonly [string, unknown]> = [["se-a", 1], ["se-b", undefined], ["se-c", 3]]
      const error = yield* Effect.flip(cache.setMany(entries))
      assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "EncodeError")
      assert.strictEqual((yield* cache.getMany(["se-a", "se-c"])).size, 0)
      const { failed, notStored } = yield* cache.setManyPartial(entries)
      assert.deepStrictEqual(notStored, [])
      assert.deepStrictEqual(reasons(failed), [["se-b", "EncodeError"]])
      assert.deepStrictEqual([...yield* cache.getMany(["se-a", "se-b", "se-c"])], [["se-a", 1], ["se-c", 3]])
    }))

  it.effect("a value that cannot be read fails getMany, and only its key in getManyPartial", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      yield* cache.set("gp-ok", "fine")
      yield* raw("set gp-bad 512 0 1\r\nx\r\n")
      const error = yield* Effect.flip(cache.getMany(["gp-ok", "gp-bad", "gp-none"]))
      assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "DecodeError")
      const { failed, values } = yield* cache.getManyPartial(["gp-ok", "gp-bad", "gp-none"])
      assert.deepStrictEqual([...values], [["gp-ok", "fine"]])
      assert.deepStrictEqual(reasons(failed), [["gp-bad", "DecodeError"]])
    }))

  it.effect("deleteMany answers the keys that had no item", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.setMany([["dm-a", 1], [73, 2]])
      assert.deepStrictEqual(yield* cache.deleteMany(["dm-a", "dm-none", 73, "dm-a"]), ["dm-none"])
      const { failed, notFound } = yield* cache.deleteManyPartial(["dm-a", 73])
      assert.deepStrictEqual(notFound, ["dm-a", 73])
      assert.strictEqual(failed.size, 0)
    }))

  it.effect("large values, compressed and not, come back in a batch", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const entries = Array.from({ length: 8 }, (_, i) => [`gl-${i}`, `${i} `.repeat(20_000 * i)] as const)
      assert.deepStrictEqual(yield* cache.setMany(entries), [])
      assert.deepStrictEqual([...yield* cache.getMany(entries.map(([key]) => key))], entries.map((entry) => [...entry]))
    }))
}
