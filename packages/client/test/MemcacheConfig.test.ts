import { config } from "@effect-memcache/client/MemcacheConfig"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { resolve } from "@effect-memcache/client/MemcacheOptions"
import { assert, describe, it } from "@effect/vitest"
import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { inspect } from "node:util"

const read = (env: Record<string, string>): Effect.Effect<MemcacheOptions, Config.ConfigError> =>
  config.parse(ConfigProvider.fromEnv({ env }))

const all = {
  MEMCACHE_SERVERS: "cache1:11211,cache2:11211:2",
  MEMCACHE_PROTOCOL: "text",
  MEMCACHE_DISTRIBUTION: "ketama",
  MEMCACHE_TRANSCODER: "php-memcached",
  MEMCACHE_ON_FOREIGN: "miss",
  MEMCACHE_PROFILE: "dalli",
  MEMCACHE_PREFIX: "shop:",
  MEMCACHE_DEFAULT_TTL: "1 hour",
  MEMCACHE_CONNECT_TIMEOUT: "2 seconds",
  MEMCACHE_COMMAND_TIMEOUT: "250 millis",
  MEMCACHE_STALL_TIMEOUT: "3 seconds",
  MEMCACHE_CONNECTIONS: "4",
  MEMCACHE_MAX_IN_FLIGHT_COMMANDS: "100",
  MEMCACHE_MAX_IN_FLIGHT_BYTES: "1000000",
  MEMCACHE_MAX_ITEM_SIZE: "2097152",
  MEMCACHE_TLS: "true",
  MEMCACHE_USERNAME: "app",
  MEMCACHE_PASSWORD: "hunter2",
  MEMCACHE_NO_DELAY: "false",
  MEMCACHE_KEEP_ALIVE: "10 seconds",
  MEMCACHE_DEAD_HOST_POLICY: "gutter",
  MEMCACHE_GUTTER_SERVERS: "spare:11211",
  MEMCACHE_GUTTER_TTL: "30 seconds",
  MEMCACHE_DEAD_HOST_FAILURE_LIMIT: "3",
  MEMCACHE_COMPRESSION: "true",
  MEMCACHE_COMPRESSION_CODEC: "zstd",
  MEMCACHE_COMPRESSION_THRESHOLD: "500",
  MEMCACHE_COMPRESSION_LEVEL: "9"
}

const options: MemcacheOptions = {
  servers: "cache1:11211,cache2:11211:2",
  protocol: "text",
  distribution: "ketama",
  transcoder: "php-memcached",
  onForeign: "miss",
  profile: "dalli",
  prefix: "shop:",
  defaultTtl: Duration.hours(1),
  connectTimeout: Duration.seconds(2),
  commandTimeout: Duration.millis(250),
  stallTimeout: Duration.seconds(3),
  connections: 4,
  maxInFlight: { commands: 100, bytes: 1_000_000 },
  maxItemSize: 2_097_152,
  tls: true,
  auth: { username: "app", password: Redacted.make("hunter2") },
  noDelay: false,
  keepAlive: Duration.seconds(10),
  deadHost: { policy: "gutter", gutter: { servers: "spare:11211", ttl: Duration.seconds(30) }, failureLimit: 3 },
  compression: { codec: "zstd", threshold: 500, level: 9 }
}

describe("the configuration", () => {
  it.effect("is empty where nothing is set, and resolves to the defaults", () =>
    Effect.gen(function*() {
      const empty = yield* read({})
      const [{ transcoder: _, ...fromConfig }, { transcoder: __, ...defaults }] = [
        yield* Effect.fromResult(resolve(empty)),
        yield* Effect.fromResult(resolve({}))
      ]
      assert.deepStrictEqual(fromConfig, defaults)
    }))

  it.effect("takes an empty variable for one that is not set", () =>
    Effect.gen(function*() {
      const empty = Object.fromEntries(Object.keys(all).map((name) => [name, ""]))
      assert.deepStrictEqual(yield* read(empty), yield* read({}))
    }))

  it.effect("reads every option from the environment", () =>
    Effect.gen(function*() {
      const found = yield* read(all)
      assert.deepStrictEqual(found, options)
      assert.strictEqual(Redacted.value(found.auth!.password), "hunter2")
      assert.isTrue(Result.isSuccess(resolve(found)))
      assert.notInclude(inspect(found, { depth: Infinity, showHidden: true }) + JSON.stringify(found), "hunter2")
    }))

  it.effect("reads the same names from any other provider", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* config.parse(ConfigProvider.fromUnknown(all)), options)
    }))

  it.effect("leaves compression to the transcoder unless something is said of it", () =>
    Effect.gen(function*() {
      assert.isUndefined((yield* read({ MEMCACHE_TRANSCODER: "memjs" })).compression)
      assert.deepInclude((yield* read({ MEMCACHE_COMPRESSION: "true" })).compression, { codec: undefined })
      assert.deepInclude((yield* read({ MEMCACHE_COMPRESSION_LEVEL: "9" })).compression, { level: 9 })
    }))

  it.effect("can switch compression and keep-alive off", () =>
    Effect.gen(function*() {
      const found = yield* read({ MEMCACHE_COMPRESSION: "false", MEMCACHE_KEEP_ALIVE: "false" })
      assert.isFalse(found.compression)
      assert.isFalse(found.keepAlive)
    }))

  it.effect.each(
    [
      ["MEMCACHE_PROTOCOL", "binary"],
      ["MEMCACHE_DISTRIBUTION", "modula"],
      ["MEMCACHE_TRANSCODER", "pickle"],
      ["MEMCACHE_ON_FOREIGN", "guess"],
      ["MEMCACHE_PROFILE", "redis"],
      ["MEMCACHE_CONNECT_TIMEOUT", "1000"],
      ["MEMCACHE_CONNECTIONS", "many"],
      ["MEMCACHE_MAX_ITEM_SIZE", "1m"],
      ["MEMCACHE_TLS", "maybe"],
      ["MEMCACHE_KEEP_ALIVE", "maybe"],
      ["MEMCACHE_DEAD_HOST_FAILURE_LIMIT", "1.5"]
    ] as const
  )("names %s where it cannot be read", ([name, value]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read({ [name]: value }))
      assert.include(String(error), name)
    }))

  it.effect.each(
    [
      [{ MEMCACHE_SERVERS: " " }, "servers"],
      [{ MEMCACHE_SERVERS: "cache1:70000" }, "servers[0]"],
      [{ MEMCACHE_USERNAME: "app" }, "auth.password"],
      [{ MEMCACHE_PASSWORD: "hunter2" }, "auth.username"],
      [{ MEMCACHE_CONNECT_TIMEOUT: "Infinity" }, "connectTimeout"],
      [{ MEMCACHE_PREFIX: "a b" }, "prefix"],
      [{ MEMCACHE_DEAD_HOST_FAILURE_LIMIT: "0" }, "deadHost.failureLimit"]
    ] as const
  )("leaves %o to the check of the options", ([env, option]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.fromResult(resolve(yield* read(env))))
      assert.strictEqual(error.option, option)
    }))
})
