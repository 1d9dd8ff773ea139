/**
 * Counting: exact to 64 bits, atomic, and honest about what is no number.
 */
import { Memcache } from "@effect-memcache/client"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { It } from "../behaviour.ts"
import { Target } from "../Target.ts"

const MAX = 18_446_744_073_709_551_615n

export const counters = (it: It): void => {
  it.effect("increment and decrement count by one, or by delta, and answer a bigint", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("n", 10)
      assert.deepStrictEqual(yield* cache.increment("n"), Option.some(11n))
      assert.deepStrictEqual(yield* cache.increment("n", { delta: 5 }), Option.some(16n))
      assert.deepStrictEqual(yield* cache.increment("n", { delta: 0 }), Option.some(16n))
      assert.deepStrictEqual(yield* cache.decrement("n"), Option.some(15n))
      assert.deepStrictEqual(yield* cache.decrement("n", { delta: 6n }), Option.some(9n))
      assert.deepStrictEqual(yield* cache.get("n"), Option.some(9))
    }))

  it.effect("a counter that is absent is none", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.deepStrictEqual(yield* cache.increment("absent-n"), Option.none())
      assert.deepStrictEqual(yield* cache.decrement("absent-n", { delta: 3 }), Option.none())
      assert.deepStrictEqual(yield* cache.get("absent-n"), Option.none())
    }))

  it.effect("numbers are exact beyond 2^53, increment wraps at 2^64, decrement stops at 0 (D11, P4)", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("big", 9_007_199_254_740_993n)
      assert.deepStrictEqual(yield* cache.increment("big"), Option.some(9_007_199_254_740_994n))
      yield* cache.set("big", MAX - 1n)
      assert.deepStrictEqual(yield* cache.increment("big"), Option.some(MAX))
      assert.deepStrictEqual(yield* cache.get("big"), Option.some(MAX))
      assert.deepStrictEqual(yield* cache.increment("big"), Option.some(0n))
      assert.deepStrictEqual(yield* cache.increment("big", { delta: MAX }), Option.some(MAX))
      assert.deepStrictEqual(yield* cache.decrement("big", { delta: 3 }), Option.some(MAX - 3n))
      yield* cache.set("small", 5)
      assert.deepStrictEqual(yield* cache.decrement("small", { delta: 100 }), Option.some(0n))
      assert.deepStrictEqual(yield* cache.decrement("small"), Option.some(0n))
    }))

  it.effect("with initial, an absent counter is made of it and answered, with its time to live", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      assert.deepStrictEqual(yield* cache.increment("made", { initial: 13, ttl: "1 hour" }), Option.some(13n))
      assert.deepStrictEqual(yield* cache.increment("made", { initial: 13, delta: 2 }), Option.some(15n))
      assert.deepStrictEqual(yield* cache.get("made"), Option.some(15))
      assert.match(yield* raw("mg made t\r\n"), /^HD t(3600|3599|3598)\r\n$/)
      assert.deepStrictEqual(yield* cache.decrement("made-max", { initial: MAX }), Option.some(MAX))
      assert.deepStrictEqual(yield* cache.decrement("made-max", { initial: 1 }), Option.some(MAX - 1n))
    }))

  it.effect("of many who count at once from nothing, none is lost and none is counted twice", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const counted = yield* Effect.forEach(
        Array.from({ length: 200 }),
        () => Effect.map(cache.increment("crowd", { initial: 1 }), Option.getOrThrow),
        { concurrency: "unbounded" }
      )
      const inOrder = counted.toSorted((a, b) => Number(a - b))
      assert.deepStrictEqual(inOrder, Array.from({ length: 200 }, (_, i) => BigInt(i + 1)))
    }))

  it.effect("counting what is no number is a NotNumberError, and the item stays (D19)", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      for (const value of ["abc", "", -5, { a: 1 }]) {
        yield* cache.set("nan", value)
        for (const count of [cache.increment("nan"), cache.decrement("nan", { initial: 1 })]) {
          const error = yield* Effect.flip(count)
          assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "NotNumberError")
          assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "rejected")
        }
        assert.deepStrictEqual(yield* cache.get("nan"), Option.some(value))
      }
    }))

  it.effect("a delta or initial that is no unsigned 64-bit number is an ArgumentError, and not a byte is sent", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("n-bad", 1)
      const before = yield* Target.stat("bytes_read")
      const wrong = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -1n, MAX + 1n, "1" as unknown as number]
      for (const value of wrong) {
        const delta = yield* Effect.flip(cache.increment("n-bad", { delta: value }))
        assert.strictEqual(delta._tag === "ArgumentError" && delta.argument, "delta")
        const initial = yield* Effect.flip(cache.decrement("n-bad", { initial: value }))
        assert.strictEqual(initial._tag === "ArgumentError" && initial.argument, "initial")
      }
      assert.strictEqual(yield* Target.bytesSince(before), 0)
    }))
}
