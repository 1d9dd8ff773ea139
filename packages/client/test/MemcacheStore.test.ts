import { Memcache, MemcacheStore } from "@effect-memcache/client"
import type { MemcacheStoreOptions } from "@effect-memcache/client/MemcacheStore"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { inspect } from "node:util"
import { Target } from "./Target.ts"

class User extends Schema.Class<User>("User")({
  id: Schema.Int,
  name: Schema.String,
  joined: Schema.DateTimeUtc,
  tags: Schema.Array(Schema.String)
}) {}

const ada = new User({ id: 7, name: "Ada", joined: DateTime.makeUnsafe("1833-06-05T00:00:00Z"), tags: ["math"] })
const grace = new User({ ...ada, id: 8, name: "Grace" })

const base = { prefix: "user:", key: Schema.Int, value: User, ttl: "1 hour" } as const

const users = (options: Partial<MemcacheStoreOptions<typeof Schema.Int, typeof User>> = {}) =>
  MemcacheStore.make({ ...base, ...options })

const texts = (prefix: string) =>
  MemcacheStore.make({ prefix, key: Schema.String, value: Schema.String, ttl: "1 hour" })

for (const protocol of ["meta", "text"] as const) {
  describe(protocol, () => {
    it.layer(Target.embedded({ protocol }), { excludeTestServices: true })((it) => {
      it.effect("a store answers its own types", () =>
        Effect.gen(function*() {
          const store = yield* users({ prefix: "own:" })
          assert.deepStrictEqual(yield* store.get(7), Option.none())
          assert.isTrue(yield* store.set(7, ada))
          const found = Option.getOrThrow(yield* store.get(7))
          assert.instanceOf(found, User)
          assert.deepStrictEqual(found, ada)
          assert.isTrue(yield* store.delete(7))
          assert.isFalse(yield* store.delete(7))
        }))

      it.effect("batches are under the caller's own keys", () =>
        Effect.gen(function*() {
          const store = yield* users({ prefix: "batch:" })
          assert.deepStrictEqual(yield* store.setMany([[7, ada], [8, grace]]), [])
          assert.deepStrictEqual(yield* store.getMany([8, 9, 7, 8]), new Map([[8, grace], [7, ada]]))
          assert.deepStrictEqual(yield* store.deleteMany([7, 9]), [9])
          assert.deepStrictEqual(yield* store.getMany(new Set([7, 8])), new Map([[8, grace]]))
        }))

      it.effect("what it stores, a program in another language reads as its own", () =>
        Effect.gen(function*() {
          const { raw } = yield* Target
          yield* (yield* users({ prefix: "py:" })).set(7, ada)
          const json = JSON.stringify({ id: 7, name: "Ada", joined: "1833-06-05T00:00:00.000Z", tags: ["math"] })
          assert.strictEqual(yield* raw("get py:7\r\n"), `VALUE py:7 32 ${json.length}\r\n${json}\r\nEND\r\n`)
          yield* (yield* texts("py-text:")).set("a", "é")
          assert.strictEqual(yield* raw("get py-text:a\r\n"), "VALUE py-text:a 16 2\r\n\xc3\xa9\r\nEND\r\n")
          const other = "{\"tags\": [], \"name\": \"Grace\", \"id\": 8, \"joined\": \"1833-06-05T00:00:00.000Z\"}"
          yield* raw(`set py:8 32 0 ${other.length}\r\n${other}\r\n`)
          const read = yield* (yield* users({ prefix: "py:" })).get(8)
          assert.strictEqual(Option.getOrThrow(read).name, "Grace")
        }))

      it.effect("an empty text is a value", () =>
        Effect.gen(function*() {
          const store = yield* texts("empty:")
          yield* store.set("", "")
          assert.deepStrictEqual(yield* store.get(""), Option.some(""))
          assert.deepStrictEqual(yield* store.getMany([""]), new Map([["", ""]]))
        }))

      it.effect("a binary codec round-trips, also when many values are on their way", () =>
        Effect.gen(function*() {
          const store = yield* users({ prefix: "binary:", codec: SchemaBinary.toCodec })
          const many = Array.from({ length: 100 }, (_, id) => new User({ ...ada, id, name: `user ${id}` }))
          yield* Effect.forEach(many, (user) => store.set(user.id, user), { concurrency: "unbounded" })
          assert.deepStrictEqual(yield* store.getMany(many.map(({ id }) => id)), new Map(many.map((u) => [u.id, u])))
        }))

      it.effect("another version does not read what the one before has written", () =>
        Effect.gen(function*() {
          const one = yield* users({ prefix: "versions:" })
          const two = yield* users({ prefix: "versions:", version: 2 })
          assert.strictEqual(two.prefix, "versions:v2:")
          yield* one.set(7, ada)
          assert.deepStrictEqual(yield* two.get(7), Option.none())
          yield* two.set(7, grace)
          assert.deepStrictEqual(yield* one.get(7), Option.some(ada))
        }))

      it.effect("a value that does not fit the schema is a StoreDecodeError that tells nobody what it is", () =>
        Effect.gen(function*() {
          const { raw } = yield* Target
          const store = yield* users({ prefix: "misfit:" })
          const misfit = "{\"id\":\"hush-hush\"}"
          yield* raw(`set misfit:8 32 0 ${misfit.length}\r\n${misfit}\r\n`)
          const error = yield* Effect.flip(store.get(8))
          assert.strictEqual(error._tag, "StoreDecodeError")
          if (error._tag !== "StoreDecodeError") return
          assert.strictEqual(error.key, 8)
          assert.include(String(new Schema.SchemaError(error.issue!)), "[\"id\"]")
          for (
            const text of [error.message, String(error), JSON.stringify(error), inspect(error, { showHidden: true })]
          ) {
            assert.notInclude(text, "hush")
          }
          assert.strictEqual((yield* Effect.flip(store.getMany([8])))._tag, "StoreDecodeError")
        }))

      it.effect("a key or a value that the schema does not allow is a StoreEncodeError, and nothing is sent", () =>
        Effect.gen(function*() {
          const { raw } = yield* Target
          const store = yield* users({ prefix: "refused:" })
          const secret = { ...ada, name: 1815 } as unknown as User
          const error = yield* Effect.flip(store.set(7, secret))
          assert.strictEqual(error._tag === "StoreEncodeError" && error.part, "value")
          assert.notInclude(inspect(error, { showHidden: true }), "1815")
          const wrongKey = yield* Effect.flip(store.set(0.5, ada))
          assert.strictEqual(wrongKey._tag === "StoreEncodeError" && wrongKey.part, "key")
          assert.strictEqual(yield* raw("mg refused:7\r\n"), "EN\r\n")
          const blank = yield* Effect.flip((yield* texts("refused:")).get("a b"))
          assert.strictEqual(blank._tag, "KeyCharacterError")
          const fraction = yield* MemcacheStore.make({ ...base, key: Schema.Finite })
          assert.strictEqual((yield* Effect.flip(fraction.get(0.5)))._tag, "KeyEncodingError")
        }))

      it.effect("times to live are the store's, or the call's", () =>
        Effect.gen(function*() {
          const { raw } = yield* Target
          const store = yield* users({ prefix: "ttl:", staleFor: "10 minutes" })
          const left = (key: number) =>
            Effect.map(raw(`mg ttl:${key} t\r\n`), (reply) => Number(/t(-?\d+)/.exec(reply)?.[1]))
          yield* store.set(1, ada)
          yield* store.set(2, ada, { ttl: "1 minute" })
          yield* store.set(3, ada, { ttl: "Infinity" })
          yield* store.setMany([[4, ada]])
          // Stale for ten minutes behind its own time.
          assert.approximately(yield* left(1), 4200, 3)
          assert.approximately(yield* left(2), 660, 3)
          assert.strictEqual(yield* left(3), -1)
          assert.approximately(yield* left(4), 4200, 3)
          assert.isTrue(yield* store.touch(3))
          assert.approximately(yield* left(3), 4200, 3)
          assert.isTrue(yield* store.touch(3, "1 minute"))
          assert.approximately(yield* left(3), 660, 3)
          assert.isFalse(yield* store.touch(5))
          assert.strictEqual((yield* Effect.flip(store.touch(3, "0 seconds")))._tag, "ArgumentError")
        }))

      it.effect("modify changes what is there, makes what is not, and leaves alone what it is told to", () =>
        Effect.gen(function*() {
          const store = yield* MemcacheStore.make({
            prefix: "score:",
            key: Schema.String,
            value: Schema.Int,
            ttl: "1 hour"
          })
          assert.deepStrictEqual(yield* store.modify("a", Option.map((n) => n + 1)), Option.none())
          assert.deepStrictEqual(
            yield* store.modify("a", (score) => Option.some(Option.getOrElse(score, () => 0) + 1)),
            Option.some(1)
          )
          assert.deepStrictEqual(yield* store.modify("a", Option.map((n) => n + 1)), Option.some(2))
          assert.deepStrictEqual(yield* store.modify("a", () => Option.none()), Option.some(2))
          assert.deepStrictEqual(yield* store.get("a"), Option.some(2))
        }))

      it.effect("modify loses no change of many at once", () =>
        Effect.gen(function*() {
          const store = yield* MemcacheStore.make({
            prefix: "race:",
            key: Schema.String,
            value: Schema.Int,
            ttl: "1 hour"
          })
          const add = store.modify("n", (n) => Option.some(Option.getOrElse(n, () => 0) + 1), {
            schedule: Schedule.jittered(Schedule.spaced("5 millis"))
          })
          yield* Effect.forEach(Array.from({ length: 20 }), () => add, { concurrency: "unbounded" })
          assert.deepStrictEqual(yield* store.get("n"), Option.some(20))
        }))

      it.effect("modify that loses every race is a StoreConflictError", () =>
        Effect.gen(function*() {
          const store = yield* MemcacheStore.make({
            prefix: "lost:",
            key: Schema.String,
            value: Schema.Int,
            ttl: "1 hour"
          })
          yield* store.set("n", 0)
          const other = Context.get(yield* Effect.context<Memcache>(), Memcache)
          const run = Effect.runSyncWith(yield* Effect.context<never>())
          let calls = 0
          // Another has written in between, at every attempt: what is sent here goes out before the swap.
          const error = yield* Effect.flip(store.modify("n", (n) => {
            calls++
            run(Effect.forkDetach(other.set("lost:n", calls), { startImmediately: true }))
            return n
          }, { schedule: Schedule.recurs(2) }))
          assert.strictEqual(error._tag === "StoreConflictError" && error.attempts, 3)
          assert.strictEqual(error._tag === "StoreConflictError" && error.key, "n")
          assert.strictEqual(calls, 3)
        }))

      it.effect("getOrSet computes what is missing and answers what it has computed", () =>
        Effect.gen(function*() {
          const store = yield* users({ prefix: "computed:" })
          let computed = 0
          const compute = Effect.sync(() => (computed++, ada))
          assert.strictEqual(yield* store.getOrSet(7, compute), ada)
          assert.deepStrictEqual(yield* store.getOrSet(7, compute), ada)
          assert.deepStrictEqual(yield* store.get(7), Option.some(ada))
          assert.strictEqual(computed, 1)
        }))

      it.effect("getOrSet computes anew what it cannot read, and answers what it cannot write", () =>
        Effect.gen(function*() {
          const { raw } = yield* Target
          const store = yield* users({ prefix: "mended:" })
          yield* raw("set mended:7 32 0 2\r\n{}\r\nset mended:8 1 0 2\r\n??\r\n")
          assert.strictEqual(
            (yield* Effect.flip(store.getOrSet(7, Effect.succeed(ada), { onError: "fail" })))._tag,
            "StoreDecodeError"
          )
          assert.strictEqual(
            (yield* Effect.flip(store.getOrSet(8, Effect.succeed(ada), { onError: "fail" })))._tag,
            "MemcacheError"
          )
          assert.strictEqual(yield* store.getOrSet(7, Effect.succeed(ada)), ada)
          assert.strictEqual(yield* store.getOrSet(8, Effect.succeed(grace)), grace)
          assert.deepStrictEqual(yield* store.getMany([7, 8]), new Map([[7, ada], [8, grace]]))
          const wrong = { ...ada, name: 1 } as unknown as User
          assert.strictEqual(yield* store.getOrSet(9, Effect.succeed(wrong)), wrong)
          const huge = new User({ ...ada, name: Array.from({ length: 300_000 }, (_, i) => i).join() })
          assert.strictEqual(yield* store.getOrSet(10, Effect.succeed(huge), { compression: false }), huge)
          // Nobody waits for a winner that has given up.
          assert.strictEqual(yield* store.getOrSet(9, Effect.succeed(ada)), ada)
          assert.strictEqual(yield* store.getOrSet(10, Effect.succeed(grace)), grace)
        }))

      it.effect("a claim is no value to any method", () =>
        Effect.gen(function*() {
          const cache = yield* Memcache
          const store = yield* texts("claimed:")
          const found = yield* cache.getOrVivify("claimed:a")
          assert.strictEqual(found._tag, "Win")
          assert.deepStrictEqual(yield* store.get("a"), Option.none())
          assert.deepStrictEqual(yield* store.getMany(["a", "b"]), new Map())
          assert.deepStrictEqual(
            yield* store.modify("a", Option.map(() => "x"), { schedule: Schedule.recurs(0) }),
            Option.none()
          )
        }))

      it.effect("invalidate removes, or with staleFor leaves the old value to all but one", () =>
        Effect.gen(function*() {
          const plain = yield* texts("plain:")
          yield* plain.set("a", "old")
          assert.isTrue(yield* plain.invalidate("a"))
          assert.deepStrictEqual(yield* plain.get("a"), Option.none())
          const stale = yield* MemcacheStore.make({
            prefix: "stale:",
            key: Schema.String,
            value: Schema.String,
            ttl: "1 hour",
            staleFor: "1 minute",
            refresh: "wait"
          })
          yield* stale.set("a", "old")
          assert.isTrue(yield* stale.invalidate("a"))
          assert.strictEqual(yield* stale.getOrSet("a", Effect.succeed("new")), "new")
          assert.strictEqual(yield* stale.getOrSet("a", Effect.succeed("newer")), "new")
          assert.isFalse(yield* stale.invalidate("b"))
        }))
    })
  })
}

it.layer(Target.embedded({ protocol: "auto" }), { excludeTestServices: true })((it) => {
  class Cipher extends Context.Service<Cipher, { readonly shift: number }>()("test/Cipher") {}

  const shifted = (sign: number) => (text: string) =>
    Effect.delay(
      Effect.map(Cipher, ({ shift }) => String.fromCharCode(...[...text].map((c) => c.charCodeAt(0) + sign * shift))),
      "1 millis"
    )

  it.effect("schemas that need services, and time, have them", () =>
    Effect.gen(function*() {
      const Sealed = Schema.String.pipe(Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transformEffect(shifted(-1)),
        encode: SchemaGetter.transformEffect(shifted(1))
      }))
      const { raw } = yield* Target
      const store = yield* MemcacheStore.make({ prefix: "sealed:", key: Sealed, value: Sealed, ttl: "1 hour" }).pipe(
        Effect.provideService(Cipher, { shift: 1 })
      )
      yield* store.set("a", "HAL")
      assert.include(yield* raw("get sealed:b\r\n"), "IBM")
      assert.deepStrictEqual(yield* store.get("a"), Option.some("HAL"))
      assert.deepStrictEqual(yield* store.getMany(["a"]), new Map([["a", "HAL"]]))
      assert.strictEqual(yield* store.getOrSet("c", Effect.succeed("VMS")), "VMS")
      assert.strictEqual(yield* store.getOrSet("c", Effect.succeed("")), "VMS")
    }))

  it.effect("options that cannot be are OptionsErrors", () =>
    Effect.gen(function*() {
      const refused: ReadonlyArray<readonly [option: string, options: Parameters<typeof users>[0]]> = [
        ["prefix", { prefix: "" }],
        ["prefix", { prefix: "a b" }],
        ["prefix", { prefix: "x".repeat(250) }],
        ["version", { version: "1 " }],
        ["ttl", { ttl: "0 seconds" }],
        ["ttl", { ttl: 60 as unknown as "60 seconds" }],
        ["staleFor", { staleFor: "-1 seconds" }],
        ["earlyRefresh", { earlyRefresh: "31 days" }],
        ["claimFor", { claimFor: "0 seconds" }],
        ["claim", { claim: "lease" as "key" }]
      ]
      for (const [option, options] of refused) {
        assert.strictEqual((yield* Effect.flip(users(options))).option, option)
      }
    }))
})
