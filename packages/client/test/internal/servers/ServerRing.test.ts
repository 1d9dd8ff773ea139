import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { get, hostOf, make, nameOf, reasonOf } from "../../fixtures/ScriptedPool.ts"

const hosts = ["a", "b", "c", "d", "e"]
const keys = Array.from({ length: 200 }, (_, i) => `k${i}`)

describe("ServerRing", () => {
  it.effect("places keys by the distribution that is named", () =>
    Effect.gen(function*() {
      const [ketama, dalli, memjs] = yield* Effect.forEach(["ketama", "dalli", "memjs"] as const, (distribution) =>
        Effect.map(make(hosts, { distribution }), ({ pool }) =>
          keys.map((key) => hostOf(pool, key)).join("")))
      assert.strictEqual(new Set([ketama, dalli, memjs]).size, 3)
    }))

  it.effect("leaves a prefix out of the hash where the named client does, and only there", () =>
    Effect.gen(function*() {
      for (
        const [distribution, isHashed] of [["pylibmc/ketama_weighted", false], ["python-memcached", true]] as const
      ) {
        const plain = yield* make(hosts, { distribution })
        const prefixed = yield* make(hosts, { distribution, prefix: "shop:" })
        const moved = keys.filter((key) => hostOf(plain.pool, key) !== hostOf(prefixed.pool, `shop:${key}`))
        assert.strictEqual(moved.length > 0, isHashed, distribution)
      }
    }))

  it.effect("keeps its list when the distribution cannot place keys on the new one", () =>
    Effect.gen(function*() {
      const { pool } = yield* make(["10.0.0.1", "10.0.0.2"], { distribution: "spymemcached/ketama-spy" })
      const before = pool.backends()
      // The ring of spymemcached needs to know what such a name resolves to.
      const failure = yield* Effect.flip(
        pool.setServers([{ address: { _tag: "Tcp", host: "cache", port: 11211 }, weight: 1 }])
      )
      assert.strictEqual(failure.option, "distribution.serverNames[\"cache:11211\"]")
      assert.deepStrictEqual(pool.backends(), before)
    }))

  it.effect("has no second server where the distribution tries none", () =>
    Effect.gen(function*() {
      const { pool, send, transport } = yield* make(["a", "b"], { policy: "rehash", distribution: "gomemcache" })
      transport.behaviour.set(nameOf("b"), "refuse")
      const [, b] = pool.backends()
      yield* reasonOf(b.send(get("x")))
      const outcomes = yield* Effect.forEach(keys, (key) => reasonOf(send(key)))
      assert.deepStrictEqual(new Set(outcomes), new Set(["ok", "NoServerError not-sent"]))
      transport.behaviour.set(nameOf("b"), "echo")
      yield* TestClock.adjust("1 second")
      const again = yield* Effect.forEach(keys, (key) => reasonOf(send(key)))
      assert.deepStrictEqual(new Set(again), new Set(["ok"]))
    }))
})
