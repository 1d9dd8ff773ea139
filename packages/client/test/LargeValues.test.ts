import type { ArgumentError, KeyError, MemcacheError } from "@effect-memcache/client"
import { Key, Memcache } from "@effect-memcache/client"
import * as LargeValues from "@effect-memcache/client/LargeValues"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { assert, describe, expectTypeOf, it, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { createHash, randomBytes } from "node:crypto"
import type { It } from "./behaviour.ts"
import { reasonForNoRealMemcached, Target } from "./Target.ts"

let keys = 0

const fresh = (): string => `large-${process.pid}-${keys++}`

const MEBIBYTE = 1_048_576

const digest = (bytes: unknown): string => createHash("sha1").update(bytes as Uint8Array).digest("hex")

/** The manifest's line, and the keys of the parts, which a test reads as a client would that knows nothing of them. */
const partsOf = (key: string) =>
  Effect.gen(function*() {
    const cache = yield* Memcache
    const error = yield* Effect.flip(cache.get(key))
    assert(error._tag === "MemcacheError" && error.reason._tag === "DecodeError")
    assert.strictEqual(error.reason.flags, 32_768)
    const line = Buffer.from(error.reason.bytes).toString("latin1")
    const [, id, length, partSize] = line.split(" ")
    const count = Math.ceil(Number(length) / Number(partSize))
    return { line, parts: Array.from({ length: count }, (_, i) => `part:${id}:${i}`) }
  })

const suite = (it: It): void => {
  it.effect("keeps ten mebibytes", () =>
    Effect.gen(function*() {
      const large = yield* LargeValues.make()
      const key = fresh()
      const value = randomBytes(10 * MEBIBYTE)
      assert.isTrue(yield* large.set(key, value))
      const back = Option.getOrThrow(yield* large.get(key))
      assert.strictEqual(digest(back), digest(value))
      assert.lengthOf((yield* partsOf(key)).parts, 21)
      assert.isTrue(yield* large.delete(key))
      assert.deepStrictEqual(yield* large.get(key), Option.none())
    }), 30_000)

  it.effect("keeps values of all kinds and sizes, divided or not", () =>
    Effect.gen(function*() {
      const large = yield* LargeValues.make({ partSize: 1000, compression: false })
      const cache = yield* Memcache
      const key = fresh()
      for (const length of [0, 1, 999, 1000, 1001, 1999, 2000, 2001, 54_321]) {
        for (const value of [new Uint8Array(randomBytes(length)), "ü".repeat(length), { text: "a".repeat(length) }]) {
          assert.isTrue(yield* large.set(key, value))
          assert.deepStrictEqual(yield* large.get(key), Option.some(value))
        }
      }
      for (const value of [true, null, 17, 2n ** 70n, 0.5, "text"]) {
        yield* large.set(key, value)
        assert.deepStrictEqual(yield* large.get(key), Option.some(value))
        // What is small is an item like any other.
        assert.deepStrictEqual(yield* cache.get(key), Option.some(value))
      }
      yield* cache.set(key, "of somebody else")
      assert.deepStrictEqual(yield* large.get(key), Option.some("of somebody else"))
    }))

  it.effect("compresses the whole before it is divided", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      for (const codec of ["zlib", "gzip", "brotli", "zstd"] as const) {
        const large = yield* LargeValues.make({ compression: { codec }, partSize: 20_000 })
        const key = fresh()
        const value = randomBytes(150_000).toString("hex")
        yield* large.set(key, value)
        assert.deepStrictEqual(yield* large.get(key), Option.some(value))
        const { parts } = yield* partsOf(key)
        assert.isAtLeast(parts.length, 7)
        assert.isAtMost(parts.length, 9)
        // Small as an item, and more than the client itself would make of one.
        const zeros = "0".repeat(12 * MEBIBYTE)
        yield* large.set(key, zeros)
        assert.isTrue(Option.getOrThrow(yield* large.get(key)) === zeros)
        assert.strictEqual((yield* Effect.flip(cache.get(key)))._tag, "MemcacheError")
        yield* large.set(key, value, { compression: false })
        assert.lengthOf((yield* partsOf(key)).parts, 15)
      }
    }), 30_000)

  it.effect("is a miss without any one of its parts", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const large = yield* LargeValues.make({ partSize: 1000 })
      const key = fresh()
      const value = new Uint8Array(randomBytes(9500))
      yield* large.set(key, value)
      const { parts } = yield* partsOf(key)
      assert.lengthOf(parts, 10)
      for (const part of parts) {
        const kept = Option.getOrThrow(yield* cache.get(part))
        assert.isTrue(yield* cache.delete(part))
        assert.deepStrictEqual(yield* large.get(key), Option.none())
        yield* cache.set(part, kept, { compression: false })
        assert.deepStrictEqual(yield* large.get(key), Option.some(value))
      }
    }))

  it.effect("is a miss if a part is another's, harmed, shorter, longer or no bytes", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const large = yield* LargeValues.make({ partSize: 1000 })
      const key = fresh()
      const value = new Uint8Array(randomBytes(4000))
      yield* large.set(key, value)
      const { parts } = yield* partsOf(key)
      const [first, second] = [value.subarray(0, 1000), value.subarray(1000, 2000)]
      const harmed = Uint8Array.from(first)
      harmed[500] ^= 1
      for (const wrong of [second, harmed, first.subarray(1), randomBytes(1001), "a".repeat(1000), 7]) {
        yield* cache.set(parts[0], wrong, { compression: false })
        assert.deepStrictEqual(yield* large.get(key), Option.none())
      }
      yield* cache.set(parts[0], first)
      const last = value.subarray(3000)
      yield* cache.set(parts[3], Buffer.concat([last, last]), { compression: false })
      assert.deepStrictEqual(yield* large.get(key), Option.none())
      yield* cache.set(parts[3], last)
      yield* cache.set(parts[0], second)
      yield* cache.set(parts[1], first)
      assert.deepStrictEqual(yield* large.get(key), Option.none())
      yield* cache.set(parts[0], first)
      yield* cache.set(parts[1], second)
      assert.deepStrictEqual(yield* large.get(key), Option.some(value))
    }))

  it.effect("never mixes what several write at once", () =>
    Effect.gen(function*() {
      const key = fresh()
      const remote = yield* Target.freshClient()
      const stores = [
        yield* LargeValues.make({ partSize: 5000 }),
        yield* Effect.provideService(LargeValues.make({ partSize: 7001 }), Memcache, remote)
      ]
      yield* stores[0].set(key, Buffer.alloc(60_000, 0))
      let read = 0
      const writer = (stamp: number) =>
        Effect.forEach(Array.from({ length: 15 }, (_, i) => i), (round) =>
          stores[stamp % 2].set(key, Buffer.alloc(50_000 + 100 * stamp + round, stamp), { compression: false }), {
          discard: true
        })
      const reader = (which: number) =>
        Effect.forEach(
          Array.from({ length: 40 }, (_, i) =>
            i),
          () =>
            Effect.map(stores[which].get(key), (found) => {
              const value = Option.getOrThrow(found) as Uint8Array
              assert.isTrue(
                value.every((byte) =>
                  byte === value[0]
                ),
                "of one writer"
              )
              read++
            }),
          { discard: true }
        )
      yield* Effect.all([writer(1), writer(2), writer(3), writer(4), reader(0), reader(1)], {
        concurrency: "unbounded",
        discard: true
      })
      assert.strictEqual(read, 80)
    }), 30_000)

  it.effect("moves many at once, a few at a time", () =>
    Effect.gen(function*() {
      const large = yield* LargeValues.make({ compression: false })
      const values = Array.from({ length: 12 }, () => [fresh(), randomBytes(3 * MEBIBYTE)] as const)
      yield* Effect.forEach(values, ([key, value]) => large.set(key, value), { concurrency: "unbounded" })
      const found = yield* Effect.forEach(values, ([key]) => large.get(key), { concurrency: "unbounded" })
      found.forEach((value, i) => assert.strictEqual(digest(Option.getOrThrow(value)), digest(values[i][1])))
      yield* Effect.forEach(values, ([key]) => large.delete(key))
    }), 60_000)

  it.effect("leaves nothing behind when it is deleted", () =>
    Effect.gen(function*() {
      const large = yield* LargeValues.make({ partSize: 1000 })
      const before = yield* Target.stat("curr_items")
      const key = fresh()
      yield* large.set(key, randomBytes(20_000))
      assert.strictEqual((yield* Target.stat("curr_items")) - before, 21)
      assert.isTrue(yield* large.delete(key))
      assert.strictEqual(yield* Target.stat("curr_items"), before)
      assert.isFalse(yield* large.delete(key))
      yield* large.set(key, "small")
      assert.isTrue(yield* large.delete(key))
    }))

  it.effect("keeps the earlier value when it is interrupted, and leaves only parts", () =>
    Effect.gen(function*() {
      const large = yield* LargeValues.make({ partSize: 50_000, compression: false })
      const key = fresh()
      yield* large.set(key, "earlier")
      for (let i = 0; i < 5; i++) {
        const writing = yield* Effect.forkChild(large.set(key, Buffer.alloc(10 * MEBIBYTE, i)), {
          startImmediately: true
        })
        yield* Effect.sleep(Duration.millis(i))
        yield* Fiber.interrupt(writing)
        const found = Option.getOrThrow(yield* large.get(key))
        // It may have been too fast for this test, and then it is all there.
        if (found !== "earlier") assert.isTrue(Buffer.alloc(10 * MEBIBYTE, i).equals(found as Uint8Array))
        yield* large.set(key, "earlier")
      }
    }), 30_000)
}

describe("a large value", () => {
  for (const protocol of ["meta", "text"] as const) {
    layer(Target.embedded({ protocol }), { excludeTestServices: true })(`embedded, ${protocol}`, suite)
  }
  const reason = reasonForNoRealMemcached()
  if (reason !== undefined) process.stderr.write(`${reason}\n`)
  describe.skipIf(reason !== undefined)("real memcached", () => {
    for (const protocol of ["meta", "text"] as const) {
      layer(Target.real({ protocol }), { excludeTestServices: true })(protocol, suite)
    }
  })
})

const withServer = <A, E>(
  use: (server: EmbeddedMemcached["Service"]) => Effect.Effect<A, E, Memcache | Scope.Scope>
) =>
  Effect.flatMap(
    EmbeddedMemcached.make(),
    (server) => Effect.provide(use(server), Memcache.layer({ servers: server.address, commandTimeout: "10 seconds" }))
  )

describe("a large value", () => {
  it.effect("has parts that live a minute longer than it, and a day if nobody says", () =>
    withServer(({ store }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(Date.UTC(2026, 0, 1))
        const large = yield* LargeValues.make({ partSize: 1000 })
        const ends = (key: string) =>
          Effect.map(partsOf(key), ({ parts }) => {
            for (const part of parts) assert.strictEqual(store.find(part)!.exptime, store.find(key)!.exptime + 60)
            return store.find(key)!.exptime - store.time
          })
        const value = randomBytes(3500)
        yield* large.set("a", value)
        assert.strictEqual(yield* ends("a"), 86_400)
        yield* large.set("b", value, { ttl: "5 minutes" })
        assert.strictEqual(yield* ends("b"), 300)
        yield* large.set("c", value, { ttl: "60 days" })
        assert.strictEqual(yield* ends("c"), 60 * 86_400)
        yield* large.set("d", value, { ttl: DateTime.makeUnsafe(Date.UTC(2026, 0, 2)) })
        assert.strictEqual(yield* ends("d"), 86_400)
        yield* large.set("e", value, { ttl: "30 days" })
        assert.strictEqual(yield* ends("e"), 30 * 86_400)
        const short = yield* LargeValues.make({ partSize: 1000, defaultTtl: "10 seconds" })
        yield* short.set("f", value)
        assert.strictEqual(yield* ends("f"), 10)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* short.get("f"), Option.none())
      })
    ))

  it.effect("is stored part by part, a batch at a time, and its manifest after them", () =>
    withServer(() =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const calls: Array<string | number> = []
        const spy: Memcache["Service"] = {
          ...cache,
          set: (key, value, options) =>
            Effect.suspend(() => {
              calls.push("set")
              return cache.set(key, value, options)
            }),
          setManyPartial: (entries, options) =>
            Effect.suspend(() => {
              const all = [...entries]
              calls.push(all.length)
              return cache.setManyPartial(all, options)
            })
        }
        const make = (partSize: number) =>
          Effect.provideService(LargeValues.make({ partSize, compression: false }), Memcache, spy)
        yield* (yield* make(500_000)).set("k", Buffer.alloc(10 * MEBIBYTE))
        assert.deepStrictEqual(calls.splice(0), [5, 8, 8, "set"])
        yield* (yield* make(100)).set("k", Buffer.alloc(250_001))
        assert.deepStrictEqual(calls.splice(0), [501, 1000, 1000, "set"])
        yield* (yield* make(100)).set("k", Buffer.alloc(100))
        assert.deepStrictEqual(calls, ["set"])
      })
    ))

  it.effect("promises in its types what it does", () =>
    withServer(() =>
      Effect.gen(function*() {
        const large = yield* LargeValues.make()
        const checked = Result.getOrThrow(Key.make("k"))
        expectTypeOf(large.get("k")).toEqualTypeOf<Effect.Effect<Option.Option<unknown>, MemcacheError | KeyError>>()
        expectTypeOf(large.get(checked)).toEqualTypeOf<Effect.Effect<Option.Option<unknown>, MemcacheError>>()
        expectTypeOf(large.set(checked, 1))
          .toEqualTypeOf<Effect.Effect<boolean, MemcacheError | KeyError | ArgumentError>>()
        // @ts-expect-error: what is never found again must end
        void large.set(checked, 1, { ttl: "Infinity" })
        assert.isTrue(yield* large.set(checked, Buffer.alloc(2 * MEBIBYTE), { compression: false }))
        assert.lengthOf(Option.getOrThrow(yield* large.get(["user:7", checked])) as Uint8Array, 2 * MEBIBYTE)
      })
    ))

  it.effect("is refused, before a byte is sent, if it cannot be", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const large = yield* LargeValues.make({ maxSize: 5000, partSize: 1000 })
        const value = randomBytes(3000)
        const argumentOf = <A, R>(effect: Effect.Effect<A, { readonly _tag: string; readonly argument?: string }, R>) =>
          Effect.map(Effect.flip(effect), ({ _tag, argument }) => argument ?? _tag)
        assert.strictEqual(yield* argumentOf(large.set("k", value, { ttl: "Infinity" as never })), "ttl")
        assert.strictEqual(yield* argumentOf(large.set("k", value, { ttl: Duration.infinity })), "ttl")
        assert.strictEqual(yield* argumentOf(large.set("k", value, { ttl: "0 seconds" })), "ttl")
        assert.strictEqual(
          yield* argumentOf(large.set("k", value, { compression: { level: 50 } })),
          "compression.level"
        )
        assert.strictEqual(yield* argumentOf(large.set("a b", value)), "KeyCharacterError")
        assert.strictEqual(yield* argumentOf(large.get("a b")), "KeyCharacterError")
        assert.strictEqual(yield* argumentOf(large.delete("a b")), "KeyCharacterError")
        const tooLarge = yield* Effect.flip(large.set("k", randomBytes(5001)))
        assert(tooLarge._tag === "MemcacheError" && tooLarge.reason._tag === "ValueTooLargeError")
        assert.match(tooLarge.message, /5001 bytes, and maxSize is 5000/)
        const unwritable = yield* Effect.flip(large.set("k", new Map()))
        assert(unwritable._tag === "MemcacheError" && unwritable.reason._tag === "EncodeError")
        assert.strictEqual(server.counters.commands.get("ms") ?? 0, 0)

        for (const partSize of [0, 1.5, Number.NaN, 2 ** 31]) {
          assert.strictEqual(yield* argumentOf(LargeValues.make({ partSize })), "partSize")
          assert.strictEqual(yield* argumentOf(LargeValues.make({ maxSize: partSize })), "maxSize")
        }
        assert.strictEqual(yield* argumentOf(LargeValues.make({ defaultTtl: "Infinity" as never })), "defaultTtl")
        assert.strictEqual(yield* argumentOf(LargeValues.make({ compression: { level: 50 } })), "compression.level")
      })
    ))

  it.effect("that must be divided is refused, before a byte is sent, if the prefix leaves no room for its parts", () =>
    Effect.gen(function*() {
      // The keys of parts have the time in them.
      yield* TestClock.setTime(Date.UTC(2026, 0, 1))
      const server = yield* EmbeddedMemcached.make()
      const raw = yield* Target.rawTo(server.address)
      const behind = <A, E>(length: number, use: (prefix: string) => Effect.Effect<A, E, Memcache>) => {
        const prefix = "p".repeat(length)
        return Effect.provide(use(prefix), Memcache.layer({ servers: server.address, prefix }))
      }
      const sets = () => server.counters.commands.get("ms") ?? 0
      const refusal = (key: Key.KeyInput, bytes: number) =>
        Effect.gen(function*() {
          const large = yield* LargeValues.make({ compression: false })
          const before = sets()
          const error = yield* Effect.flip(large.set(key, Buffer.alloc(bytes)))
          assert.strictEqual(error._tag, "KeyLengthError")
          assert.strictEqual(sets(), before)
        })
      // One byte too long for the key of any part.
      yield* behind(216, (prefix) =>
        Effect.gen(function*() {
          const large = yield* LargeValues.make({ compression: false })
          yield* refusal("k", 600_000)
          yield* refusal(Result.getOrThrow(Key.make("k")), 600_000)
          assert.isTrue(yield* large.set("k", "small"))
          assert.deepStrictEqual(yield* large.get("k"), Option.some("small"))
          // Of somebody for whom there is room.
          const manifest = `1 ${"a".repeat(30)} 1000 100 0 0`
          yield* raw(`set ${prefix}k 32768 0 ${manifest.length}\r\n${manifest}\r\n`)
          assert.deepStrictEqual(yield* large.get("k"), Option.none())
          assert.isTrue(yield* large.delete("k"))
          assert.isFalse(yield* large.delete("k"))
        }))
      // Long enough for the eleventh part alone, which is of the second batch.
      yield* behind(215, () => refusal("k", 5_500_000))
      yield* behind(215, () =>
        Effect.gen(function*() {
          const large = yield* LargeValues.make({ compression: false })
          assert.isTrue(yield* large.set("k", Buffer.alloc(600_000)))
          assert.lengthOf(Option.getOrThrow(yield* large.get("k")) as Uint8Array, 600_000)
        }))
    }))

  it.effect("may live until the last second that memcached can hold", () =>
    withServer(({ store }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(Date.UTC(2038, 0, 1))
        const large = yield* LargeValues.make({ partSize: 1000 })
        const value = new Uint8Array(randomBytes(3500))
        assert.isTrue(yield* large.set("k", value, { ttl: DateTime.makeUnsafe(2_147_483_647_000) }))
        const { parts } = yield* partsOf("k")
        assert.lengthOf(parts, 4)
        for (const part of parts) assert.strictEqual(store.find(part)!.exptime, store.find("k")!.exptime)
        assert.deepStrictEqual(yield* large.get("k"), Option.some(value))
      })
    ))

  it.effect("is not read if its manifest promises too much, or is none", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const large = yield* LargeValues.make({ maxSize: 1_000_000 })
        const raw = yield* Target.rawTo(server.address)
        const put = (line: string) => raw(`set k 32768 0 ${line.length}\r\n${line}\r\n`)
        const id = "a".repeat(20)
        yield* put(`1 ${id} 1000000 1 0 0`)
        // A million parts, none of which is there: nobody asks for more than the first of them.
        assert.deepStrictEqual(yield* large.get("k"), Option.none())
        assert.isBelow([...server.counters.commands.values()].reduce((sum, n) => sum + n, 0), 1100)
        for (
          const line of [
            "",
            `1 ${id} 1000001 1 0 0`,
            `1 ${id} 999999999999999 1 0 0`,
            `1 ${id} 0 1 0 0`,
            `1 ${id} 10 0 0 0`,
            `1 ${id} -1 1 0 0`,
            `1 ${id} 10 10 4294967296 0`,
            `1 ${id} 10 10 0 4294967296`,
            `2 ${id} 10 10 0 0`,
            `1 ../../x 10 10 0 0`,
            `1 ${id} 10 10 0 0 `,
            "x".repeat(100_000)
          ]
        ) {
          yield* put(line)
          const error = yield* Effect.flip(large.get("k"))
          assert(error._tag === "MemcacheError" && error.reason._tag === "DecodeError", line)
          assert.strictEqual(error.reason.format, "large-value")
        }
        assert.isTrue(yield* large.set("k", "new"))
        assert.deepStrictEqual(yield* large.get("k"), Option.some("new"))
      })
    ))

  it.effect("is an error to those who read it without LargeValues", () =>
    withServer(() =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const large = yield* LargeValues.make({ partSize: 1000 })
        yield* large.set("k", randomBytes(3000))
        const error = yield* Effect.flip(cache.get("k"))
        assert(error._tag === "MemcacheError" && error.reason._tag === "DecodeError")
        assert.strictEqual(error.reason.format, "large-value")
      })
    ))

  it.effect("is not written by a client with another transcoder", () =>
    Effect.flatMap(EmbeddedMemcached.make(), (server) =>
      Effect.gen(function*() {
        const large = yield* LargeValues.make({ partSize: 1000 })
        const error = yield* Effect.flip(large.set("k", "small"))
        assert(error._tag === "MemcacheError" && error.reason._tag === "EncodeError")
      }).pipe(Effect.provide(Memcache.layer({
        servers: server.address,
        transcoder: {
          encode: (value) =>
            Result.try({
              try: () => ({ bytes: Buffer.from(JSON.stringify(value)), flags: 0 }),
              catch: () => ({ _tag: "TranscodeFault", format: "json", detail: "JSON cannot write it" } as const)
            }),
          decode: (bytes) => Result.succeed(JSON.parse(Buffer.from(bytes).toString()))
        }
      })))))
})

describe("while a server is dead that has parts of it, a large value", () => {
  for (const policy of ["fail", "miss"] as const) {
    it.live(
      policy === "fail" ? "fails" : "is a miss under the policy miss, and is not stored",
      () =>
        Effect.gen(function*() {
          const [dead, live] = yield* Effect.replicateEffect(EmbeddedMemcached.make(), 2)
          yield* Effect.gen(function*() {
            const cache = yield* Memcache
            const large = yield* LargeValues.make({ partSize: 1000 })
            const value = randomBytes(5500)
            yield* large.set("k", value)
            assert.strictEqual(digest(Option.getOrThrow(yield* large.get("k"))), digest(value))
            yield* dead.stop
            yield* Effect.ignore(cache.get("part:0")).pipe(
              Effect.andThen(cache.servers),
              Effect.repeat({ until: ([first]) => first.status === "dead" })
            )
            const [read, written] = [yield* Effect.result(large.get("k")), yield* Effect.result(large.set("k", value))]
            if (policy === "miss") {
              assert.deepStrictEqual(read, Result.succeed(Option.none()))
              assert.deepStrictEqual(written, Result.succeed(false))
            } else {
              const results: ReadonlyArray<Result.Result<unknown, ArgumentError | KeyError | MemcacheError>> = [
                read,
                written
              ]
              for (const result of results) {
                assert(Result.isFailure(result) && result.failure._tag === "MemcacheError")
                assert.strictEqual(result.failure.reason._tag, "ServerDeadError")
              }
            }
            assert.isTrue(yield* large.set("k", "small"))
          }).pipe(Effect.provide(Memcache.layer({
            servers: [dead.address, live.address],
            distribution: () => (key: string) => key.endsWith("0") ? 0 : 1,
            deadHost: { policy, schedule: Schedule.spaced("20 millis") }
          })))
        })
    )
  }
})
