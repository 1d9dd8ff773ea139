import { Memcache, OptionsError } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { EmbeddedMemcached } from "@effect-memcache/testing"
import * as NodeTransport from "@effect-memcache/transport/NodeTransport"
import { Transport } from "@effect-memcache/transport/Transport"
import { assert, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

const BAD: ReadonlyArray<readonly [what: string, options: unknown, option: string]> = [
  ["a port of 70,000", { servers: "127.0.0.1:70000" }, "servers[0]"],
  ["a port of 70,000 in an object", { servers: [{ host: "127.0.0.1", port: 70_000 }] }, "servers[0]"],
  ["a weight of -1", { servers: [["127.0.0.1:11211", -1]] }, "servers[0]"],
  ["a weight of 0", { servers: ["a:1", "b:2:0"] }, "servers[1]"],
  ["an empty list of servers", { servers: [] }, "servers"],
  ["an empty text of servers", { servers: "" }, "servers"],
  ["a timeout that is not a number", { commandTimeout: Number.NaN }, "commandTimeout"],
  ["a timeout of zero", { connectTimeout: 0 }, "connectTimeout"],
  ["a negative timeout", { commandTimeout: "-1 seconds" }, "commandTimeout"],
  ["an infinite timeout", { commandTimeout: Duration.infinity }, "commandTimeout"],
  ["a timeout of 2^31 ms, which Node would make 1 ms", { commandTimeout: 2_147_483_648 }, "commandTimeout"],
  ["a prefix with a line end", { prefix: "a\r\nflush_all\r\n" }, "prefix"],
  ["a prefix that leaves no room", { prefix: "p".repeat(250) }, "prefix"],
  ["a defaultTtl of zero", { defaultTtl: "0 seconds" }, "defaultTtl"],
  ["a dialect that there is not", { protocol: "binary" }, "protocol"],
  ["a bound of zero", { maxInFlight: { commands: 0 } }, "maxInFlight.commands"],
  ["a user without a password", { auth: { username: "ada", password: Redacted.make("") } }, "auth.password"]
]

it.effect.each(BAD)(
  "%s fails the layer with an OptionsError that names the option",
  ([, options, option]) =>
    Effect.gen(function*() {
      for (
        const layer of [
          Memcache.layer(options as MemcacheOptions),
          Layer.provide(Memcache.layerTransport(options as MemcacheOptions), NodeTransport.layer()),
          Memcache.layerConfig(Config.succeed(options as MemcacheOptions))
        ]
      ) {
        const error = yield* Effect.flip(Layer.build(layer))
        assert.instanceOf(error, OptionsError)
        assert.strictEqual(error._tag === "OptionsError" && error.option, option)
        assert.include(error.message, option)
      }
    })
)

it.effect("a secret is in no error", () =>
  Effect.gen(function*() {
    const auth = { username: "ada lovelace", password: Redacted.make("hunter2\r\n") }
    const error = yield* Effect.flip(Layer.build(Memcache.layer({ auth })))
    assert.notInclude(`${error.message}${JSON.stringify(error)}${String(error.stack)}`, "hunter2")
  }))

it.effect("the layer is built without a connection, also when nobody listens", () =>
  Effect.gen(function*() {
    const cache = yield* Memcache
    const [server] = yield* cache.servers
    assert.deepStrictEqual([server.server, server.status], ["127.0.0.1:1", "idle"])
  }).pipe(Effect.provide(Memcache.layer({ servers: "127.0.0.1:1" }))))

it.effect("without options it is for 127.0.0.1:11211", () =>
  Effect.gen(function*() {
    const cache = yield* Memcache
    assert.deepStrictEqual((yield* cache.servers).map(({ server }) => server), ["127.0.0.1:11211"])
  }).pipe(Effect.provide(Memcache.layer())))

it.live("layerConfig takes an object of configs", () =>
  Effect.gen(function*() {
    const { address, store } = yield* EmbeddedMemcached.make()
    const layer = Memcache.layerConfig({
      servers: Config.String("CACHE"),
      prefix: Config.succeed("app:"),
      commandTimeout: Config.Duration("PATIENCE")
    })
    const program = Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("k", "v")
      return yield* cache.get("k")
    })
    const provider = ConfigProvider.layer(ConfigProvider.fromUnknown({ CACHE: address, PATIENCE: "10 seconds" }))
    const value = yield* program.pipe(Effect.provide(Layer.provide(layer, provider)))
    assert.deepStrictEqual(value, Option.some("v"))
    assert.isDefined(store.find("app:k"))
  }))

it.live("layerTransport dials through the transport that is provided", () =>
  Effect.gen(function*() {
    const { address } = yield* EmbeddedMemcached.make()
    const dialed: Array<string> = []
    const counting = Layer.effect(
      Transport,
      Effect.map(Transport, (transport) =>
        Transport.of({
          connect: (address, options) => {
            dialed.push(address._tag === "Tcp" ? `${address.host}:${address.port}` : address.path)
            return transport.connect(address, options)
          }
        }))
    )
    const layer = Memcache.layerTransport({ servers: address }).pipe(
      Layer.provide(Layer.provide(counting, NodeTransport.layer()))
    )
    yield* Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("k", "v")
      assert.deepStrictEqual(yield* cache.get("k"), Option.some("v"))
    }).pipe(Effect.provide(layer))
    assert.deepStrictEqual(dialed, [address])
  }))
