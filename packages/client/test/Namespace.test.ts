import type { ArgumentError, KeyError, MemcacheError } from "@effect-memcache/client"
import { Memcache } from "@effect-memcache/client"
import * as Namespace from "@effect-memcache/client/Namespace"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { assert, describe, expectTypeOf, it, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { execFile } from "node:child_process"
import { join } from "node:path"
import type { It } from "./behaviour.ts"
import { reasonForNoRealMemcached, Target } from "./Target.ts"

let names = 0

const fresh = (options?: Partial<Namespace.NamespaceOptions>) =>
  Namespace.make({ name: `test-${process.pid}-${names++}`, ...options })

const inAnotherClient = <A, E>(effect: Effect.Effect<A, E, Memcache>): Effect.Effect<A, E, Target> =>
  Effect.scoped(Effect.flatMap(Target.freshClient(), (cache) => Effect.provideService(effect, Memcache, cache)))

const suite = (it: It): void => {
  it.effect("has every method of the client for its own keys, and shares none of them", () =>
    Effect.gen(function*() {
      const one = yield* fresh()
      const other = yield* fresh()
      const cache = yield* Memcache
      assert.isTrue(yield* one.set("k", "one"))
      assert.isTrue(yield* other.set("k", "other"))
      assert.deepStrictEqual(yield* one.get("k"), Option.some("one"))
      assert.deepStrictEqual(yield* other.get("k"), Option.some("other"))
      assert.deepStrictEqual(yield* cache.get("k"), Option.none())
      assert.deepStrictEqual(yield* cache.get(`${yield* one.prefix}k`), Option.some("one"))

      assert.isFalse(yield* one.add("k", 1))
      assert.isTrue(yield* one.replace("k", "plain", { compression: false }))
      assert.isTrue(yield* one.append("k", "!"))
      assert.isTrue(yield* one.prepend("k", "?"))
      const item = Option.getOrThrow(yield* one.gets("k"))
      assert.strictEqual(item.value, "?plain!")
      assert.strictEqual(yield* one.compareAndSwap("k", "swapped", item.cas), "stored")
      assert.strictEqual(yield* one.compareAndSwap("k", "late", item.cas), "exists")
      assert.deepStrictEqual(yield* one.getAndTouch("k", "1 minute"), Option.some("swapped"))
      assert.isTrue(yield* one.touch("k", "1 minute"))

      assert.deepStrictEqual(yield* one.setMany([[1, "a"], [2n, "b"], [["hash", "c"], "c"]]), [])
      const pair = ["hash", "c"] as const
      assert.deepStrictEqual(
        yield* one.getMany([1, 2n, pair, "missing"]),
        new Map<unknown, unknown>([[1, "a"], [2n, "b"], [pair, "c"]])
      )
      assert.deepStrictEqual(yield* one.get("1"), Option.some("a"))
      assert.deepStrictEqual(yield* one.increment("n", { initial: 5 }), Option.some(5n))
      assert.deepStrictEqual(yield* one.increment("n"), Option.some(6n))
      assert.deepStrictEqual(yield* one.decrement("n", { delta: 2 }), Option.some(4n))
      assert.isTrue(yield* one.delete("k"))
      assert.isFalse(yield* one.delete("k"))
      assert.deepStrictEqual(yield* one.deleteMany([1, "k"]), ["k"])
      assert.deepStrictEqual(yield* other.get("k"), Option.some("other"))
    }))

  it.effect("computes what is missing in its generation, once", () =>
    Effect.gen(function*() {
      const group = yield* fresh()
      let computed = 0
      const compute = Effect.sync(() => ++computed)
      const asked = yield* Effect.replicateEffect(group.getOrSet("k", compute, { ttl: "1 minute" }), 10, {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(asked, Array.from({ length: 10 }, () => 1))
      yield* inAnotherClient(Effect.flatMap(Namespace.make({ name: group.name }), ({ clear }) => clear))
      assert.strictEqual(yield* group.getOrSet("k", compute), 2)
      // Cleared while it was computed: it is the caller's, and nobody else's.
      const late = Effect.andThen(group.clear, compute)
      yield* group.delete("k")
      assert.strictEqual(yield* group.getOrSet("k", late), 3)
      assert.deepStrictEqual(yield* group.get("k"), Option.none())
      yield* group.set("k", 7)
      assert.isTrue(yield* group.invalidate("k"))
      assert.deepStrictEqual(yield* group.get("k"), Option.none())
    }))

  it.effect("loses a thousand keys at once to the clear of another client, and only those", () =>
    Effect.gen(function*() {
      const name = `test-${process.pid}-${names++}`
      const cache = yield* Memcache
      const group = yield* Namespace.make({ name })
      const neighbour = yield* Namespace.make({ name: `${name}0` })
      const keys = Array.from({ length: 1000 }, (_, i) => i)
      yield* group.setMany(keys.map((key) => [key, `value ${key}`]))
      yield* neighbour.set(1, "kept")
      yield* cache.set(`${name}-plain`, "kept")
      assert.strictEqual((yield* group.getMany(keys)).size, 1000)
      yield* inAnotherClient(Effect.flatMap(Namespace.make({ name }), ({ clear }) => clear))
      assert.strictEqual((yield* group.getMany(keys)).size, 0)
      for (const key of [0, 500, 999]) assert.deepStrictEqual(yield* group.get(key), Option.none())
      assert.deepStrictEqual(yield* neighbour.get(1), Option.some("kept"))
      assert.deepStrictEqual(yield* cache.get(`${name}-plain`), Option.some("kept"))
      // Also for what changes an item: there is none any more.
      assert.isFalse(yield* group.replace(1, "x"))
      assert.isFalse(yield* group.touch(1, "1 minute"))
      assert.isFalse(yield* group.delete(1))
      assert.isTrue(yield* group.add(1, "new"))
      assert.deepStrictEqual(yield* group.get(1), Option.some("new"))
    }))

  it.effect("never sees an old entry again, however often its generation is evicted", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const group = yield* fresh()
      const seen = new Set<string>()
      for (let round = 0; round < 20; round++) {
        assert.deepStrictEqual(yield* group.get("k"), Option.none())
        yield* group.set("k", round)
        assert.deepStrictEqual(yield* group.get("k"), Option.some(round))
        seen.add(yield* group.prefix)
        assert.isTrue(yield* cache.delete(`${group.name}|`))
        if (round % 3 === 0) assert.deepStrictEqual((yield* group.getMany(["k"])).size, 0)
        // Somebody with no memory of it.
        else assert.deepStrictEqual(yield* (yield* Namespace.make({ name: group.name })).get("k"), Option.none())
      }
      assert.strictEqual(seen.size, 20)
    }))

  it.effect("is empty after clears of many at once, and all agree on what comes next", () =>
    Effect.gen(function*() {
      const name = `test-${process.pid}-${names++}`
      const group = yield* Namespace.make({ name })
      for (let round = 0; round < 5; round++) {
        yield* group.set("k", "old")
        const others = yield* Effect.replicateEffect(Namespace.make({ name }), 8)
        yield* Effect.forEach(others, ({ clear }) => clear, { concurrency: "unbounded" })
        for (const one of [group, ...others]) assert.deepStrictEqual(yield* one.get("k"), Option.none())
        yield* others[round].set("k", "new")
        const prefixes = yield* Effect.forEach([group, ...others], ({ prefix }) => prefix)
        assert.strictEqual(new Set(prefixes).size, 1)
        for (const one of [group, ...others]) assert.deepStrictEqual(yield* one.get("k"), Option.some("new"))
      }
    }))

  it.effect("agrees on one generation where none was there", () =>
    Effect.gen(function*() {
      const name = `test-${process.pid}-${names++}`
      const groups = yield* Effect.replicateEffect(Namespace.make({ name }), 8)
      yield* Effect.forEach(groups, (group, i) => group.set(i, i), { concurrency: "unbounded" })
      assert.strictEqual((yield* groups[0].getMany([0, 1, 2, 3, 4, 5, 6, 7])).size, 8)
    }))

  it.effect("takes what is no generation for none", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const group = yield* fresh()
      for (const wrong of ["", 7, { a: 1 }, "0".repeat(18), "-".repeat(17)]) {
        yield* group.set("k", "old")
        yield* cache.set(`${group.name}|`, wrong)
        assert.deepStrictEqual(yield* group.get("k"), Option.none())
      }
      // The last one that could be, after which none is left to make.
      yield* cache.set(`${group.name}|`, "z".repeat(17))
      const other = yield* Namespace.make({ name: group.name })
      assert.strictEqual(yield* group.prefix, yield* other.prefix)
      yield* group.clear
      yield* group.set("k", "new")
      // One that had seen it makes another one, once. Then they agree.
      for (const one of [other, group]) assert.deepStrictEqual(yield* one.get("k"), Option.none())
      yield* group.set("k", "newer")
      for (const one of [other, group, other]) assert.deepStrictEqual(yield* one.get("k"), Option.some("newer"))
      yield* cache.set(`${group.name}|`, 7)
      yield* group.clear
      assert.match(yield* group.prefix, /\|[0-9a-z]{17}\|$/)
    }))

  it.effect("asks for the generation once for all that begins in one turn, and goes on when a caller does not", () =>
    Effect.gen(function*() {
      const group = yield* fresh()
      yield* group.setMany([[0, 0], [1, 1], [2, 2]])
      const before = yield* Target.stat("cmd_get")
      const [, ...rest] = yield* Effect.all([
        Effect.timeoutOption(group.get(0), 0),
        group.get(1),
        group.get(2),
        group.getMany<number>([0, 1, 2])
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual(rest, [Option.some(1), Option.some(2), new Map<number, unknown>([[0, 0], [1, 1], [2, 2]])])
      assert.isAtMost((yield* Target.stat("cmd_get")) - before, 7)
    }))

  it.effect("counts its name and its generation in the length of a key", () =>
    Effect.gen(function*() {
      const group = yield* fresh()
      yield* group.clear
      const room = 250 - group.name.length - 19
      assert.isTrue(yield* group.set("k".repeat(room), 1))
      const error = yield* Effect.flip(group.set("k".repeat(room + 1), 1))
      assert.strictEqual(error._tag, "KeyLengthError")
      assert.match(error.message, /251/)
      assert.strictEqual((yield* Effect.flip(group.get("a b")))._tag, "KeyCharacterError")
      assert.strictEqual((yield* Effect.flip(group.get(1.5)))._tag, "KeyEncodingError")
      assert.strictEqual((yield* Effect.flip(group.getMany(["\ud800"])))._tag, "KeyEncodingError")
    }))

  it.effect("refuses what is no key as the client does", () =>
    Effect.gen(function*() {
      const space = yield* fresh()
      for (const key of [null, undefined, {}, [], ["hash"], ["hash", null], ["hash", "k", "more"], NaN, () => "k"]) {
        const error = yield* Effect.flip(space.get(key as unknown as string))
        assert.strictEqual(error._tag, "KeyEncodingError")
      }
    }))

  it.effect("behaves like a map that is emptied, whatever happens in which order", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const name = `test-${process.pid}-${names++}`
      const remote = yield* Target.freshClient()
      const groups = [
        yield* Namespace.make({ name }),
        yield* Namespace.make({ name }),
        yield* Effect.provideService(Namespace.make({ name }), Memcache, remote)
      ]
      const model = new Map<number, number>()
      for (let step = 0; step < 1500; step++) {
        const group = groups[yield* Random.nextIntBetween(0, groups.length, { halfOpen: true })]
        const key = yield* Random.nextIntBetween(0, 12)
        const many = [key, key + 1, key + 5]
        switch (yield* Random.nextIntBetween(0, 9)) {
          case 0:
          case 1:
            assert.isTrue(yield* group.set(key, step))
            model.set(key, step)
            break
          case 2:
            assert.strictEqual(yield* group.add(key, step), !model.has(key))
            if (!model.has(key)) model.set(key, step)
            break
          case 3:
            assert.strictEqual(yield* group.delete(key), model.delete(key))
            break
          case 4:
            assert.deepStrictEqual(yield* group.setMany(many.map((one) => [one, step])), [])
            for (const one of many) model.set(one, step)
            break
          case 5:
            if ((yield* Random.nextIntBetween(0, 4)) > 0) break
            yield* group.clear
            model.clear()
            break
          case 6:
            // Eviction, by another hand.
            if ((yield* Random.nextIntBetween(0, 8)) > 0) break
            yield* cache.delete(`${name}|`)
            model.clear()
            break
          case 7:
            assert.deepStrictEqual(
              yield* group.getMany(many),
              new Map(many.flatMap((one) => model.has(one) ? [[one, model.get(one)]] : []))
            )
            break
          default:
            assert.deepStrictEqual(yield* group.get(key), Option.fromNullishOr(model.get(key)))
        }
      }
    }))
}

describe("a namespace", () => {
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

/** One server, and a client for it whose commands are counted. */
const withServer = <A, E>(
  use: (server: EmbeddedMemcached["Service"]) => Effect.Effect<A, E, Memcache>
) =>
  Effect.flatMap(
    EmbeddedMemcached.make(),
    (server) => Effect.provide(use(server), Memcache.layer({ servers: server.address, commandTimeout: "10 seconds" }))
  )

describe("a namespace", () => {
  it.live("is emptied by another process", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const group = yield* Namespace.make({ name: "group" })
        const keys = Array.from({ length: 1000 }, (_, i) => i)
        yield* group.setMany(keys.map((key) => [key, key]))
        assert.strictEqual((yield* group.getMany(keys)).size, 1000)
        yield* Effect.callback<void>((resume) => {
          const script = join(import.meta.dirname, "fixtures/clear-namespace.ts")
          const args = ["--conditions=@effect-memcache/source", script, server.address, "group"]
          execFile(process.execPath, args, (error) => resume(error === null ? Effect.void : Effect.die(error)))
        })
        assert.strictEqual((yield* group.getMany(keys)).size, 0)
      })
    ), 20_000)

  it.effect("asks once in a while if told so, and never sees again what it has cleared itself", () =>
    withServer((server) =>
      Effect.gen(function*() {
        const group = yield* Namespace.make({ name: "group", checkEvery: "1 second" })
        const other = yield* Namespace.make({ name: "group" })
        yield* group.set("k", 1)
        const gets = () => [...server.counters.commands].reduce((sum, [name, n]) => name === "mg" ? sum + n : sum, 0)
        const before = gets()
        for (let i = 0; i < 10; i++) assert.deepStrictEqual(yield* group.get("k"), Option.some(1))
        assert.strictEqual(gets() - before, 10)
        yield* other.clear
        yield* TestClock.adjust("999 millis")
        assert.deepStrictEqual(yield* group.get("k"), Option.some(1))
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* group.get("k"), Option.none())
        yield* group.set("k", 2)
        yield* group.clear
        assert.deepStrictEqual(yield* group.get("k"), Option.none())
      })
    ))

  it.effect("keeps its generation for ever, whatever the client's default is", () =>
    Effect.flatMap(EmbeddedMemcached.make(), (server) =>
      Effect.gen(function*() {
        const group = yield* Namespace.make({ name: "group" })
        yield* group.set("k", 1)
        assert.strictEqual(server.store.find("group|")!.exptime, 0)
        yield* group.clear
        assert.strictEqual(server.store.find("group|")!.exptime, 0)
      }).pipe(Effect.provide(Memcache.layer({ servers: server.address, defaultTtl: "1 second" })))))

  it.effect("drops what is stored behind the prefix of an earlier generation", () =>
    withServer(() =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const group = yield* Namespace.make({ name: "group" })
        const prefix = yield* group.prefix
        yield* cache.setMany([["k", "computed before"]], { prefix })
        assert.deepStrictEqual(yield* group.get("k"), Option.some("computed before"))
        yield* group.clear
        yield* cache.setMany([["k", "computed before"]], { prefix })
        assert.deepStrictEqual(yield* group.get("k"), Option.none())
      })
    ))

  it.effect("does not mind clocks that disagree, also where the generation is lost", () =>
    withServer(() =>
      Effect.gen(function*() {
        yield* TestClock.adjust("40 days")
        const cache = yield* Memcache
        const clock = yield* Clock.Clock
        const at = (millis: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Effect.provideService(effect, Clock.Clock, {
            ...clock,
            sleep: (duration) => clock.sleep(duration),
            currentTimeMillisUnsafe: () => millis,
            currentTimeNanosUnsafe: () => BigInt(millis) * 1_000_000n,
            monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe()
          })
        const [ahead, behind] = [at(2_000_000_000_000), at(1_000_000_000_000)]
        const fast = yield* Namespace.make({ name: "group" })
        const slow = yield* Namespace.make({ name: "group" })
        yield* ahead(fast.set("k", "of the fast one"))
        // Later than the one that it has seen, whatever its own clock says.
        yield* behind(slow.clear)
        yield* behind(slow.set("other", "new"))
        assert.deepStrictEqual(yield* ahead(fast.get("k")), Option.none())
        assert.deepStrictEqual(yield* ahead(fast.get("other")), Option.some("new"))
        yield* ahead(fast.set("k", "again"))
        yield* cache.delete("group|")
        const newcomer = yield* Namespace.make({ name: "group" })
        assert.deepStrictEqual(yield* behind(newcomer.get("k")), Option.none())
        yield* behind(newcomer.set("k", "of the slow one"))
        // The fast one has seen a later generation and replaces this one. Nothing old is there for anybody.
        assert.deepStrictEqual(yield* ahead(fast.get("k")), Option.none())
        assert.deepStrictEqual(yield* behind(newcomer.get("k")), Option.none())
        // They agree from now on.
        yield* ahead(fast.set("k", "shared"))
        assert.deepStrictEqual(yield* behind(newcomer.get("k")), Option.some("shared"))
      })
    ))

  it.effect("refuses names and times that cannot be", () =>
    withServer(() =>
      Effect.gen(function*() {
        const reasons = ["", "a|b", 7 as never].map((name) => ({ name }))
        for (const options of reasons) {
          const error = yield* Effect.flip(Namespace.make(options))
          assert.strictEqual(error._tag === "ArgumentError" ? error.argument : "", "name")
        }
        assert.strictEqual((yield* Effect.flip(Namespace.make({ name: "a b" })))._tag, "KeyCharacterError")
        assert.strictEqual((yield* Effect.flip(Namespace.make({ name: "a".repeat(232) })))._tag, "KeyLengthError")
        for (const checkEvery of [-1, Number.NaN, "Infinity", "soon" as never] as const) {
          const error = yield* Effect.flip(Namespace.make({ name: "a", checkEvery }))
          assert.strictEqual(error._tag === "ArgumentError" ? error.argument : "", "checkEvery")
        }
      })
    ))

  it.effect("promises in its types what it does", () =>
    withServer(() =>
      Effect.gen(function*() {
        const group = yield* Namespace.make({ name: "group" })
        type Own = KeyError | ArgumentError
        expectTypeOf(group.get("k")).toEqualTypeOf<Effect.Effect<Option.Option<unknown>, MemcacheError | KeyError>>()
        expectTypeOf(group.clear).toEqualTypeOf<Effect.Effect<void, MemcacheError | KeyError>>()
        expectTypeOf(group.getMany<number>([1, 2])).toEqualTypeOf<
          Effect.Effect<Map<number, unknown>, MemcacheError | KeyError>
        >()
        expectTypeOf(group.getOrSet("k", Effect.fail("no" as const))).toEqualTypeOf<
          Effect.Effect<unknown, Own | "no">
        >()
        expectTypeOf(group.getOrSet("k", Effect.succeed(1), { onError: "fail" })).toEqualTypeOf<
          Effect.Effect<unknown, Own | MemcacheError>
        >()
      })
    ))

  it("has no place for a key whose bytes are final", () => {
    expectTypeOf<Parameters<Namespace.Namespace["get"]>[0]>().toEqualTypeOf<
      string | number | bigint | readonly [hash: string | number | bigint, key: string | number | bigint]
    >()
  })
})
