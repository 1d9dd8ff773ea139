/**
 * What the methods answer and fail with, as types. `tsc` is what runs these tests.
 */
import type {
  ArgumentError,
  Item,
  KeyError,
  MemcacheError,
  OptionsError,
  ServerEvent,
  ServerState
} from "@effect-memcache/client"
import { Key, Memcache, MemcacheLayer } from "@effect-memcache/client"
import type { Transport } from "@effect-memcache/transport/Transport"
import { assert, expectTypeOf, it } from "@effect/vitest"
import type * as Config from "effect/Config"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"

const key = Result.getOrThrow(Key.make("k"))

// Never run: only the types of these calls matter.
const typesOf = (calls: (cache: Memcache["Service"]) => void): void => assert.isFunction(calls)

const ignore = (value: unknown): unknown => value

it("absence is a value, and the errors are those that can happen", () =>
  typesOf((cache) => {
    expectTypeOf(cache.get("k")).toEqualTypeOf<Effect.Effect<Option.Option<unknown>, MemcacheError | KeyError>>()
    expectTypeOf(cache.gets("k")).toEqualTypeOf<Effect.Effect<Option.Option<Item>, MemcacheError | KeyError>>()
    expectTypeOf(cache.set("k", 1)).toEqualTypeOf<Effect.Effect<boolean, MemcacheError | KeyError | ArgumentError>>()
    expectTypeOf(cache.append("k", "v")).toEqualTypeOf<Effect.Effect<boolean, MemcacheError | KeyError>>()
    expectTypeOf(cache.delete("k")).toEqualTypeOf<Effect.Effect<boolean, MemcacheError | KeyError>>()
    expectTypeOf(cache.compareAndSwap("k", 1, 1n)).toEqualTypeOf<
      Effect.Effect<"stored" | "exists" | "notFound", MemcacheError | KeyError | ArgumentError>
    >()
    expectTypeOf(cache.increment("k")).toEqualTypeOf<
      Effect.Effect<Option.Option<bigint>, MemcacheError | KeyError | ArgumentError>
    >()
    expectTypeOf(cache.version).toEqualTypeOf<Effect.Effect<Map<string, Result.Result<string, MemcacheError>>>>()
    expectTypeOf(cache.stats()).toEqualTypeOf<
      Effect.Effect<Map<string, Result.Result<Map<string, string>, MemcacheError>>, ArgumentError>
    >()
    expectTypeOf(cache.flushAll()).toEqualTypeOf<Effect.Effect<void, MemcacheError | ArgumentError>>()
    expectTypeOf(cache.servers).toEqualTypeOf<Effect.Effect<ReadonlyArray<ServerState>>>()
    expectTypeOf(cache.events).toEqualTypeOf<Stream.Stream<ServerEvent>>()
    expectTypeOf(cache.setServers([])).toEqualTypeOf<Effect.Effect<void, OptionsError>>()
  }))

it("a Key carries no key error, alone or in a pair", () =>
  typesOf((cache) => {
    expectTypeOf(cache.get(key)).toEqualTypeOf<Effect.Effect<Option.Option<unknown>, MemcacheError>>()
    expectTypeOf(cache.delete([7, key])).toEqualTypeOf<Effect.Effect<boolean, MemcacheError>>()
    expectTypeOf(cache.getMany([key])).toEqualTypeOf<Effect.Effect<Map<Key.Key, unknown>, MemcacheError>>()
    expectTypeOf(cache.deleteManyPartial([key])).toEqualTypeOf<
      Effect.Effect<{ readonly notFound: Array<Key.Key>; readonly failed: Map<Key.Key, MemcacheError> }>
    >()
    expectTypeOf(cache.get(["h", "k"])).toEqualTypeOf<
      Effect.Effect<Option.Option<unknown>, MemcacheError | KeyError>
    >()
  }))

it("batches answer under the caller's own keys", () =>
  typesOf((cache) => {
    const ids: Array<number> = []
    expectTypeOf(cache.getMany(ids)).toEqualTypeOf<Effect.Effect<Map<number, unknown>, MemcacheError | KeyError>>()
    expectTypeOf(cache.setMany(new Map<string, number>())).toEqualTypeOf<
      Effect.Effect<Array<string>, MemcacheError | KeyError | ArgumentError>
    >()
    expectTypeOf(cache.setManyPartial(new Map<bigint, number>())).toEqualTypeOf<
      Effect.Effect<
        { readonly notStored: Array<bigint>; readonly failed: Map<bigint, MemcacheError> },
        KeyError | ArgumentError
      >
    >()
    expectTypeOf(cache.getManyPartial(ids)).toEqualTypeOf<
      Effect.Effect<{ readonly values: Map<number, unknown>; readonly failed: Map<number, MemcacheError> }, KeyError>
    >()
  }))

it("what cannot be meant is refused by the types", () =>
  typesOf((cache) => {
    // @ts-expect-error: 300 would be seconds to memcached and milliseconds to Effect
    ignore(cache.set("k", 1, { ttl: 300 }))
    // @ts-expect-error: "300" has no unit either
    ignore(cache.set("k", 1, { ttl: "300" }))
    // @ts-expect-error a string is no list of keys, although its characters can be walked
    ignore(cache.getMany("user:1"))
    // @ts-expect-error a string is no list of keys, although its characters can be walked
    ignore(cache.deleteMany("user:1"))
    // @ts-expect-error: the bytes of a Key are final
    ignore(cache.getMany([key], { prefix: "p:" }))
    // @ts-expect-error: the same in a pair
    ignore(cache.deleteMany([[7, key] as const], { prefix: "p:" }))
    // @ts-expect-error: the same for entries
    ignore(cache.setMany([[key, 1] as const], { prefix: "p:" }))
    // @ts-expect-error: no object is a key
    ignore(cache.get({ key: "k" }))
    // @ts-expect-error: a server would take any prefix of a report's name
    ignore(cache.stats("r"))
    // @ts-expect-error: JSON cannot be appended to
    ignore(cache.append("k", { a: 1 }))
    // @ts-expect-error: a cas is what gets answered
    ignore(cache.compareAndSwap("k", 1, 1))
  }))

it("a layer fails with its options only", () => {
  expectTypeOf(Memcache.layer).returns.toEqualTypeOf<Layer.Layer<Memcache, OptionsError>>()
  expectTypeOf(Memcache.layerTransport).returns.toEqualTypeOf<Layer.Layer<Memcache, OptionsError, Transport>>()
  expectTypeOf(MemcacheLayer).toEqualTypeOf<Layer.Layer<Memcache, OptionsError | Config.ConfigError>>()
})
