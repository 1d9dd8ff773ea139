import { Memcache, MemcacheLayer } from "@effect-memcache/client"
import { EmbeddedMemcached } from "@effect-memcache/testing"
import { assert, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

const configured = (environment: Record<string, string>) =>
  Layer.fresh(Layer.provide(MemcacheLayer, ConfigProvider.layer(ConfigProvider.fromUnknown(environment))))

it.live("the servers and the other options come from the environment", () =>
  Effect.gen(function*() {
    const [one, two] = yield* Effect.all([EmbeddedMemcached.make(), EmbeddedMemcached.make()])
    const environment = {
      MEMCACHE_SERVERS: `${one.address},${two.address}:3`,
      MEMCACHE_PREFIX: "env:",
      MEMCACHE_COMMAND_TIMEOUT: "10 seconds"
    }
    yield* Effect.gen(function*() {
      const cache = yield* Memcache
      assert.deepStrictEqual(
        (yield* cache.servers).map(({ server, weight }) => [server, weight]),
        [[one.address, 1], [two.address, 3]]
      )
      yield* cache.set("k", { name: "Ada" })
      assert.deepStrictEqual(yield* cache.get("k"), Option.some({ name: "Ada" }))
      assert.isDefined(one.store.find("env:k") ?? two.store.find("env:k"))
    }).pipe(Effect.provide(configured(environment)))
  }))

it.effect("with an empty environment it is for 127.0.0.1:11211", () =>
  Effect.gen(function*() {
    const cache = yield* Memcache
    assert.deepStrictEqual((yield* cache.servers).map(({ server }) => server), ["127.0.0.1:11211"])
  }).pipe(Effect.provide(configured({}))))

it.effect("what cannot be fails the layer: as a ConfigError where it cannot be read, else as an OptionsError", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(Layer.build(configured({ MEMCACHE_SERVERS: "cache:70000" })))
    assert.strictEqual(error._tag === "OptionsError" && error.option, "servers[0]")
    const unreadable = yield* Effect.flip(Layer.build(configured({ MEMCACHE_PROTOCOL: "morse" })))
    assert.strictEqual(unreadable._tag, "ConfigError")
  }))
