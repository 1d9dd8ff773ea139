/**
 * What is asked of every server: statistics, versions, flushing.
 */
import { Memcache } from "@effect-memcache/client"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { It } from "../behaviour.ts"
import { Target } from "../Target.ts"

/** What the one server of a target said. */
const only = <A, E>(answers: ReadonlyMap<string, Result.Result<A, E>>): A => {
  assert.strictEqual(answers.size, 1)
  return Result.getOrThrow([...answers.values()][0])
}

export const administration = (it: It): void => {
  it.effect("stats answers the server's name and its pairs, as text", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { options } = yield* Target
      const answers = yield* cache.stats()
      assert.deepStrictEqual([...answers.keys()], options.servers)
      const stats = only(answers)
      assert.match(stats.get("pid")!, /^\d+$/)
      assert.match(stats.get("version")!, /^1\.6\.\d+$/)
      assert.isTrue(stats.size > 40)
    }))

  it.effect("stats with a report answers that report, and the connection goes on after each (P7, D18)", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("st", "v")
      assert.match(only(yield* cache.stats("settings")).get("maxbytes")!, /^\d+$/)
      const items = only(yield* cache.stats("items"))
      assert.isTrue([...items.keys()].some((name) => /^items:\d+:number$/.test(name)))
      assert.isTrue(only(yield* cache.stats("slabs")).has("active_slabs"))
      assert.isTrue(only(yield* cache.stats("conns")).size > 0)
      only(yield* cache.stats("sizes"))
      const slab = /^items:(\d+):/.exec([...items.keys()][0])![1]
      assert.isTrue(only(yield* cache.stats(`cachedump ${Number(slab)} 0`)).size > 0)
      assert.strictEqual(only(yield* cache.stats("detail on")).size, 0)
      assert.strictEqual(only(yield* cache.stats("detail off")).size, 0)
      only(yield* cache.stats("detail dump"))
      assert.strictEqual(only(yield* cache.stats("reset")).size, 0)
      assert.deepStrictEqual(yield* cache.get("st"), Option.some("v"))
    }))

  it.effect("a report that is none of the known words is an ArgumentError: servers match by prefix", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const before = yield* Target.stat("bytes_read")
      for (const word of ["r", "s", "", "reset\r\nflush_all", "cachedump", "cachedump 1.5 0", "cachedump -1 0"]) {
        const error = yield* Effect.flip(cache.stats(word as "reset"))
        assert.strictEqual(error.argument, "section")
      }
      assert.strictEqual(yield* Target.bytesSince(before), 0)
    }))

  it.effect("version answers each server's version, without the word before it", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.match(only(yield* cache.version), /^1\.6\.\d+$/)
    }))

  it.effect("verbosity is set, and a level that is none is an ArgumentError", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.verbosity(1)
      yield* cache.verbosity(0)
      for (const level of [-1, 0.5, Number.NaN, 1e21]) {
        const error = yield* Effect.flip(cache.verbosity(level))
        assert.strictEqual(error._tag === "ArgumentError" && error.argument, "level")
      }
    }))

  it.effect("flushAll forgets everything, also what others have stored", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      yield* cache.set("fl-a", 1)
      yield* raw("set fl-b 2 0 1\r\n2\r\n")
      yield* cache.flushAll()
      assert.strictEqual((yield* cache.getMany(["fl-a", "fl-b"])).size, 0)
      yield* cache.set("fl-a", 2)
      yield* cache.flushAll({ delay: "0 seconds" })
      assert.deepStrictEqual(yield* cache.get("fl-a"), Option.none())
    }))

  it.effect("flushAll with a delay leaves items alone until then, and a delay that cannot be is an ArgumentError", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("fl-later", 1)
      yield* cache.flushAll({ delay: "1 hour" })
      assert.deepStrictEqual(yield* cache.get("fl-later"), Option.some(1))
      const wrong: ReadonlyArray<unknown> = ["-1 seconds", 5, "Infinity", Number.NaN, {}, { second: 1 }, {
        seconds: NaN
      }]
      for (const delay of wrong as ReadonlyArray<"1 second">) {
        const error = yield* Effect.flip(cache.flushAll({ delay }))
        assert.strictEqual(error._tag === "ArgumentError" && error.argument, "delay")
      }
      assert.deepStrictEqual(yield* cache.get("fl-later"), Option.some(1))
      yield* cache.flushAll({ delay: { seconds: 0 } })
      assert.deepStrictEqual(yield* cache.get("fl-later"), Option.none())
    }))
}
