/**
 * Stores that depend on what is there, and removals: a condition that does not hold is an answer, not an error.
 */
import { Memcache } from "@effect-memcache/client"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { It } from "../behaviour.ts"
import { Target } from "../Target.ts"

export const conditions = (it: It): void => {
  it.effect("set stores whatever was there", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.isTrue(yield* cache.set("s", 1))
      assert.isTrue(yield* cache.set("s", "two"))
      assert.deepStrictEqual(yield* cache.get("s"), Option.some("two"))
    }))

  it.effect("add stores only where nothing is, replace only where something is", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.isFalse(yield* cache.replace("ar", "zero"))
      assert.deepStrictEqual(yield* cache.get("ar"), Option.none())
      assert.isTrue(yield* cache.add("ar", "one"))
      assert.isFalse(yield* cache.add("ar", "two"))
      assert.deepStrictEqual(yield* cache.get("ar"), Option.some("one"))
      assert.isTrue(yield* cache.replace("ar", "three"))
      assert.deepStrictEqual(yield* cache.get("ar"), Option.some("three"))
    }))

  it.effect("append adds behind, prepend before, and neither makes an item (D10)", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.isFalse(yield* cache.append("ap", "x"))
      assert.isFalse(yield* cache.prepend("ap", "x"))
      assert.deepStrictEqual(yield* cache.get("ap"), Option.none())
      yield* cache.set("ap", "é")
      assert.isTrue(yield* cache.append("ap", ">"))
      assert.isTrue(yield* cache.prepend("ap", "<"))
      assert.isTrue(yield* cache.append("ap", ""))
      assert.deepStrictEqual(yield* cache.get("ap"), Option.some("<é>"))
      yield* cache.set("ap", new Uint8Array([2]))
      assert.isTrue(yield* cache.append("ap", new Uint8Array([13, 10])))
      assert.isTrue(yield* cache.prepend("ap", new Uint8Array([0])))
      assert.deepStrictEqual(yield* cache.get("ap"), Option.some(new Uint8Array([0, 2, 13, 10])))
    }))

  it.effect("append never compresses and keeps flags and time to live", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      yield* cache.set("keeps", "a", { ttl: "1 hour" })
      assert.isTrue(yield* cache.append("keeps", "b".repeat(5000)))
      assert.match(yield* raw("mg keeps f s t\r\n"), /^HD f16 s5001 t(3600|3599|3598)\r\n$/)
    }))

  it.effect("compareAndSwap stores an unchanged item, and tells a changed one from one that is gone", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.strictEqual(yield* cache.compareAndSwap("swap", "x", 1n), "notFound")
      yield* cache.set("swap", { n: 1 })
      const item = Option.getOrThrow(yield* cache.gets("swap"))
      assert.deepStrictEqual(item.value, { n: 1 })
      assert.strictEqual(typeof item.cas, "bigint")
      assert.strictEqual(yield* cache.compareAndSwap("swap", { n: 2 }, item.cas, { ttl: "1 hour" }), "stored")
      assert.strictEqual(yield* cache.compareAndSwap("swap", { n: 3 }, item.cas), "exists")
      assert.deepStrictEqual(yield* cache.get("swap"), Option.some({ n: 2 }))
      const next = Option.getOrThrow(yield* cache.gets("swap"))
      assert.notStrictEqual(next.cas, item.cas)
      yield* cache.delete("swap")
      assert.strictEqual(yield* cache.compareAndSwap("swap", { n: 4 }, next.cas), "notFound")
      assert.deepStrictEqual(yield* cache.get("swap"), Option.none())
    }))

  it.effect("a cas of 0 never matches, and one that is no 64-bit number is an ArgumentError", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("swap-zero", "old")
      assert.strictEqual(yield* cache.compareAndSwap("swap-zero", "new", 0n), "exists")
      assert.strictEqual(yield* cache.compareAndSwap("swap-zero", "new", 2n ** 64n - 1n), "exists")
      assert.deepStrictEqual(yield* cache.get("swap-zero"), Option.some("old"))
      for (const cas of [-1n, 2n ** 64n, 1 as unknown as bigint]) {
        const error = yield* Effect.flip(cache.compareAndSwap("swap-zero", "new", cas))
        assert.strictEqual(error._tag === "ArgumentError" && error.argument, "cas")
      }
    }))

  it.effect("of many who compare and swap at once exactly one wins", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("race", 0)
      const { cas } = Option.getOrThrow(yield* cache.gets("race"))
      const swaps = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, i) => i),
        (i) => cache.compareAndSwap("race", i, cas),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(swaps.filter((swap) => swap === "stored").length, 1)
      assert.strictEqual(swaps.filter((swap) => swap === "exists").length, 49)
      assert.deepStrictEqual(yield* cache.get("race"), Option.some(swaps.indexOf("stored")))
    }))

  it.effect("delete says whether there was something to delete", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("gone", 1)
      assert.isTrue(yield* cache.delete("gone"))
      assert.isFalse(yield* cache.delete("gone"))
      assert.deepStrictEqual(yield* cache.get("gone"), Option.none())
    }))
}
