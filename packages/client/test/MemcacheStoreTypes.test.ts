/**
 * What the methods of a store and of read-through answer and fail with, exactly, and what cannot be passed to them.
 * `tsc -b` checks it; nothing here is run.
 */
import type {
  ArgumentError,
  Key,
  Lookup,
  Memcache,
  MemcacheError,
  OptionsError,
  ReadThroughCounts,
  StoreConflictError,
  StoreDecodeError,
  StoreEncodeError,
  Swap
} from "@effect-memcache/client"
import { MemcacheStore } from "@effect-memcache/client"
import type { KeyError } from "@effect-memcache/client/KeyError"
import type { Claim } from "@effect-memcache/client/ReadThrough"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { expectTypeOf, it } from "vitest"

class User extends Schema.Class<User>("User")({ id: Schema.Int, name: Schema.String }) {}

const UserId = Schema.Int.pipe(Schema.brand("UserId"))
type UserId = typeof UserId.Type

class Cipher extends Context.Service<Cipher, { readonly name: string }>()("test/Cipher") {}
class Clerk extends Context.Service<Clerk, { readonly name: string }>()("test/Clerk") {}

class NoUserError extends Schema.TaggedError<NoUserError>("test/NoUserError")("NoUserError", {}) {}

class Database extends Context.Service<Database, {
  readonly user: (id: UserId) => Effect.Effect<User, NoUserError>
}>()("test/Database") {}

type Common = MemcacheError | KeyError | StoreEncodeError
type CommonError = MemcacheStore.CommonError

// Never run.
const typesOf = (check: (store: MemcacheStore.MemcacheStore<UserId, User>) => void): void => void check
const typesOfClient = (check: (cache: Memcache["Service"]) => void): void => void check

declare const id: UserId
declare const ada: User
declare const key: Key.Key
declare const claim: Claim
declare const fromDatabase: Effect.Effect<User, NoUserError, Database>

it("a store speaks the types of its schemas", () =>
  typesOf((store) => {
    expectTypeOf<CommonError>().toEqualTypeOf<Common>()
    expectTypeOf(store.get(id)).toEqualTypeOf<Effect.Effect<Option.Option<User>, Common | StoreDecodeError>>()
    expectTypeOf(store.getMany([id])).toEqualTypeOf<Effect.Effect<Map<UserId, User>, Common | StoreDecodeError>>()
    expectTypeOf(store.set(id, ada)).toEqualTypeOf<Effect.Effect<boolean, Common | ArgumentError>>()
    expectTypeOf(store.setMany([[id, ada]])).toEqualTypeOf<Effect.Effect<Array<UserId>, Common | ArgumentError>>()
    expectTypeOf(store.delete(id)).toEqualTypeOf<Effect.Effect<boolean, Common>>()
    expectTypeOf(store.deleteMany([id])).toEqualTypeOf<Effect.Effect<Array<UserId>, Common>>()
    expectTypeOf(store.touch(id)).toEqualTypeOf<Effect.Effect<boolean, Common | ArgumentError>>()
    expectTypeOf(store.modify(id, (user) => user)).toEqualTypeOf<
      Effect.Effect<Option.Option<User>, Common | StoreDecodeError | StoreConflictError | ArgumentError>
    >()
    expectTypeOf(store.invalidate(id)).toEqualTypeOf<Effect.Effect<boolean, Common | ArgumentError>>()
  }))

it("getOrSet keeps the errors and requirements of its computation, and adds none of a cache that is down", () =>
  typesOf((store) => {
    expectTypeOf(store.getOrSet(id, fromDatabase)).toEqualTypeOf<
      Effect.Effect<User, NoUserError | KeyError | StoreEncodeError | ArgumentError, Database>
    >()
    expectTypeOf(store.getOrSet(id, Effect.succeed(ada), { onError: "compute", ttl: "1 hour" })).toEqualTypeOf<
      Effect.Effect<User, KeyError | StoreEncodeError | ArgumentError>
    >()
    expectTypeOf(store.getOrSet(id, fromDatabase, { onError: "fail" })).toEqualTypeOf<
      Effect.Effect<
        User,
        NoUserError | KeyError | StoreEncodeError | ArgumentError | MemcacheError | StoreDecodeError,
        Database
      >
    >()
  }))

it("what is not of the store's types is refused", () =>
  typesOf((store) => {
    // @ts-expect-error: a number is no UserId
    void store.get(7)
    // @ts-expect-error: nor is a text
    void store.delete("7")
    // @ts-expect-error: no list of keys
    void store.getMany("77")
    // @ts-expect-error: no User
    void store.set(id, { id: 7 })
    // @ts-expect-error: a value without its key
    void store.setMany([ada])
    // @ts-expect-error: the computation makes another type
    void store.getOrSet(id, Effect.succeed("Ada"))
    // @ts-expect-error: neither does what modifies
    void store.modify(id, () => "Ada")
    // @ts-expect-error: 300 would be seconds to memcached and milliseconds to Effect
    void store.set(id, ada, { ttl: 300 })
    // @ts-expect-error: nothing is stale for ever
    void store.getOrSet(id, Effect.succeed(ada), { staleFor: "Infinity" })
    // @ts-expect-error: no such word
    void store.getOrSet(id, Effect.succeed(ada), { onError: "ignore" })
    // @ts-expect-error: a store has its own codec
    void store.getOrSet(id, Effect.succeed(ada), { codec: {} })
  }))

it("a store takes what its schemas need when it is made, and nothing later", () => {
  const Sealed = Schema.String.pipe(Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.transformEffect((text: string) => Effect.as(Cipher, text)),
    encode: SchemaGetter.transformEffect((text: string) => Effect.as(Clerk, text))
  }))
  const plain = () => MemcacheStore.make({ prefix: "user:", key: UserId, value: User, ttl: "1 hour" })
  expectTypeOf(plain).returns.toEqualTypeOf<
    Effect.Effect<MemcacheStore.MemcacheStore<UserId, User>, OptionsError, Memcache>
  >()
  const sealed = () => MemcacheStore.make({ prefix: "sealed:", key: Schema.String, value: Sealed, ttl: "1 hour" })
  expectTypeOf(sealed).returns.toEqualTypeOf<
    Effect.Effect<MemcacheStore.MemcacheStore<string, string>, OptionsError, Memcache | Cipher | Clerk>
  >()
  const binary = () =>
    MemcacheStore.make({ prefix: "b:", key: UserId, value: User, ttl: "1 hour", codec: SchemaBinary.toCodec })
  expectTypeOf(binary).returns.toEqualTypeOf<
    Effect.Effect<MemcacheStore.MemcacheStore<UserId, User>, OptionsError, Memcache>
  >()
})

it("a store cannot be made of what has no key, no value or no end", () => {
  const refused = () => [
    // @ts-expect-error: a struct is no key
    MemcacheStore.make({ prefix: "x:", key: User, value: User, ttl: "1 hour" }),
    // @ts-expect-error: how long?
    MemcacheStore.make({ prefix: "x:", key: UserId, value: User }),
    // @ts-expect-error: a bare number has no unit
    MemcacheStore.make({ prefix: "x:", key: UserId, value: User, ttl: 60 }),
    // @ts-expect-error: a codec of another type
    MemcacheStore.make({ prefix: "x:", key: UserId, value: User, ttl: "1 hour", codec: () => Schema.String })
  ]
  void refused
})

it("the client's getOrSet answers what get answers, or what its codec makes of it", () =>
  typesOfClient((cache) => {
    expectTypeOf(cache.getOrSet("k", fromDatabase)).toEqualTypeOf<
      Effect.Effect<unknown, NoUserError | KeyError | ArgumentError, Database>
    >()
    expectTypeOf(cache.getOrSet(key, Effect.succeed(1), { onError: "fail" })).toEqualTypeOf<
      Effect.Effect<unknown, MemcacheError | ArgumentError>
    >()
    const codec = { encode: (n: number) => Effect.succeed(n), decode: () => Effect.fail("no number" as const) }
    expectTypeOf(cache.getOrSet(key, Effect.succeed(1), { codec })).toEqualTypeOf<
      Effect.Effect<number, ArgumentError>
    >()
    expectTypeOf(cache.getOrSet(key, Effect.succeed(1), { codec, onError: "fail" })).toEqualTypeOf<
      Effect.Effect<number, ArgumentError | MemcacheError | "no number">
    >()
  }))

it("the parts say winner, stale and pending", () =>
  typesOfClient((cache) => {
    expectTypeOf(cache.getOrVivify("k")).toEqualTypeOf<
      Effect.Effect<Lookup<unknown>, MemcacheError | KeyError | ArgumentError>
    >()
    expectTypeOf<Lookup<string>["_tag"]>().toEqualTypeOf<"Hit" | "Stale" | "Win" | "Pending">()
    expectTypeOf<Extract<Lookup<string>, { _tag: "Win" }>>().toEqualTypeOf<
      { readonly _tag: "Win"; readonly claim: Claim; readonly value: Option.Option<string> }
    >()
    expectTypeOf(cache.fulfil(claim, 1)).toEqualTypeOf<Effect.Effect<Swap, MemcacheError | ArgumentError>>()
    expectTypeOf(cache.release(claim)).toEqualTypeOf<Effect.Effect<boolean, MemcacheError>>()
    expectTypeOf(cache.invalidate(key)).toEqualTypeOf<Effect.Effect<boolean, MemcacheError | ArgumentError>>()
    expectTypeOf(cache.readThroughCounts).toEqualTypeOf<Effect.Effect<ReadThroughCounts>>()
  }))

it("a store is a service like any other", () => {
  class Users extends Context.Service<Users, MemcacheStore.MemcacheStore<UserId, User>>()("test/Users") {
    static readonly layer = Layer.effect(
      Users,
      MemcacheStore.make({ prefix: "user:", key: UserId, value: User, ttl: "1 hour" })
    )
  }
  expectTypeOf(Users.layer).toEqualTypeOf<Layer.Layer<Users, OptionsError, Memcache>>()
})
