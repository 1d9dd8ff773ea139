/**
 * What each policy makes of every method while a server is dead, on embedded servers: the documentation as a table.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { Target } from "./Target.ts"

// One key that lives on each server, whatever the ports are: the hash routes.
const onDead = (name: string) => [0, name] as const
const onLive = (name: string) => [1, name] as const

const byHash = () => (_: string, hash: unknown) => Number(hash)

/** Two servers, a third one to spare; the first is dead when `use` runs. */
const withDeadServer = <A, E>(
  deadHost: (spare: string) => MemcacheOptions["deadHost"],
  use: (
    cache: Memcache["Service"],
    servers: { readonly dead: EmbeddedMemcached["Service"]; readonly spare: EmbeddedMemcached["Service"] }
  ) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    const [dead, live, spare] = yield* Effect.replicateEffect(EmbeddedMemcached.make(), 3)
    const options: MemcacheOptions = {
      servers: [dead.address, live.address],
      distribution: byHash,
      deadHost: { schedule: Schedule.spaced("50 millis"), ...deadHost(spare.address) }
    }
    yield* Effect.gen(function*() {
      const cache = yield* Memcache
      for (const key of [onDead("kept"), onLive("kept")]) yield* cache.set(key, "kept")
      yield* dead.stop
      // Commands find it out.
      yield* Effect.ignore(cache.get(onDead("found"))).pipe(
        Effect.andThen(cache.servers),
        Effect.repeat({ until: ([first]) => first.status === "dead" })
      )
      yield* use(cache, { dead, spare })
      assert.deepStrictEqual(yield* cache.get(onLive("kept")), Option.some("kept"))
    }).pipe(Effect.provide(Memcache.layer(options)))
  })

const reasonOf = <A>(effect: Effect.Effect<A, { readonly _tag: string }>) =>
  Effect.match(effect, {
    onSuccess: (value) => value as unknown,
    onFailure: (error) => "reason" in error ? (error.reason as { readonly _tag: string })._tag : error._tag
  })

describe("while a server is dead", () => {
  it.live("the policy fail fails everything at once, and says so", () =>
    withDeadServer(() => ({ policy: "fail" }), (cache) =>
      Effect.gen(function*() {
        const outcomes = yield* Effect.all([
          reasonOf(cache.get(onDead("a"))),
          reasonOf(cache.getMany([onDead("a"), onLive("kept")])),
          reasonOf(cache.set(onDead("a"), 1)),
          reasonOf(cache.setMany([[onDead("a"), 1]])),
          reasonOf(cache.increment(onDead("a"), { initial: 1n })),
          reasonOf(cache.delete(onDead("a"))),
          reasonOf(cache.touch(onDead("a"), "1 minute")),
          reasonOf(cache.compareAndSwap(onDead("a"), 1, 1n))
        ])
        for (const outcome of outcomes) assert.strictEqual(outcome, "ServerDeadError")
        const { failed, values } = yield* cache.getManyPartial([onDead("a"), onLive("kept")])
        assert.strictEqual(values.size, 1)
        assert.strictEqual(failed.size, 1)
      })))

  it.live("the policy miss answers as if nothing were there", () =>
    withDeadServer(() => ({ policy: "miss" }), (cache) =>
      Effect.gen(function*() {
        const key = onDead("kept")
        assert.deepStrictEqual(yield* cache.get(key), Option.none())
        assert.deepStrictEqual(yield* cache.gets(key), Option.none())
        assert.deepStrictEqual(yield* cache.getAndTouch(key, "1 minute"), Option.none())
        assert.strictEqual((yield* cache.getMany([key, onLive("kept")])).size, 1)
        assert.isFalse(yield* cache.set(key, 1))
        assert.isFalse(yield* cache.add(key, 1))
        assert.isFalse(yield* cache.replace(key, 1))
        assert.isFalse(yield* cache.append(key, "1"))
        assert.isFalse(yield* cache.prepend(key, "1"))
        assert.strictEqual(yield* cache.compareAndSwap(key, 1, 1n), "notFound")
        assert.deepStrictEqual(yield* cache.setMany([[key, 1], [onLive("new"), 1]]), [key])
        assert.deepStrictEqual(yield* cache.increment(key), Option.none())
        assert.deepStrictEqual(yield* cache.increment(key, { initial: 1n }), Option.none())
        assert.deepStrictEqual(yield* cache.decrement(key), Option.none())
        assert.isFalse(yield* cache.touch(key, "1 minute"))
        assert.isFalse(yield* cache.delete(key))
        assert.deepStrictEqual(yield* cache.deleteMany([key]), [key])
        assert.strictEqual(yield* reasonOf(cache.verbosity(0)), "ServerDeadError")
      })))

  it.live("the policy rehash uses the next server", () =>
    withDeadServer(() => ({ policy: "rehash" }), (cache) =>
      Effect.gen(function*() {
        // The distribution of this test names one server for a key, so that nobody else can take it.
        assert.strictEqual(yield* reasonOf(cache.get(onDead("kept"))), "NoServerError")
      })))

  it.live("the policy gutter keeps its keys on a spare server for a short time, and they are home again afterwards", () =>
    withDeadServer(
      (servers) => ({ policy: "gutter", gutter: { servers, ttl: "2 seconds" } }),
      (cache, { dead, spare }) =>
        Effect.gen(function*() {
          const key = onDead("kept")
          assert.deepStrictEqual(yield* cache.get(key), Option.none())
          assert.isTrue(yield* cache.set(key, "spare"))
          assert.isTrue(yield* cache.set(onDead("short"), "spare", { ttl: "1 second" }))
          assert.deepStrictEqual(yield* cache.get(key), Option.some("spare"))
          const { store } = spare
          assert.strictEqual(store.find("kept")!.exptime, store.time + 2)
          assert.strictEqual(store.find("short")!.exptime, store.time + 1)
          assert.deepStrictEqual(yield* cache.increment(onDead("count"), { initial: 7n }), Option.some(7n))
          assert.strictEqual((yield* cache.getMany([key, onDead("short"), onLive("kept")])).size, 3)
          const states = yield* cache.servers
          assert.deepStrictEqual(states.map(({ pool, status }) => [pool, status]), [
            ["main", "dead"],
            ["main", "connected"],
            ["gutter", "connected"]
          ])
          yield* dead.start
          yield* Effect.repeat(cache.servers, { until: ([first]) => first.status === "connected" })
          assert.deepStrictEqual(yield* cache.get(key), Option.none())
        })
    ))

  for (const policy of ["rehash", "gutter"] as const) {
    it.live(`every value of a batch is its own key's under the policy ${policy}, wherever it comes from`, () =>
      Effect.gen(function*() {
        const [dead, live, spare] = yield* Effect.replicateEffect(EmbeddedMemcached.make(), 3)
        const gutter = policy === "gutter" ? { gutter: { servers: spare.address } } : {}
        const layer = Memcache.layer({
          servers: [dead.address, live.address],
          deadHost: { policy, ...gutter, schedule: Schedule.spaced("10 seconds") }
        })
        yield* Effect.gen(function*() {
          const cache = yield* Memcache
          const keys = Array.from({ length: 100 }, (_, i) => `key:${i}`)
          const own = new Map(keys.map((key) => [key, `value of ${key}`]))
          yield* dead.stop
          yield* cache.setMany(own)
          assert.deepStrictEqual(yield* cache.getMany(keys), own)
          // Now the batch itself finds out that the server is dead.
          yield* cache.forgetDeadHosts
          assert.deepStrictEqual(yield* cache.getMany(keys), own)
          yield* cache.delete("key:7")
          assert.deepStrictEqual([...(yield* cache.getMany(["key:6", "key:7", "key:8"])).keys()], ["key:6", "key:8"])
        }).pipe(Effect.provide(layer))
      }))

    it.live(`a win on a stale item goes back to the server that gave it under the policy ${policy}`, () =>
      Effect.gen(function*() {
        const [dead, live, spare] = yield* Effect.replicateEffect(EmbeddedMemcached.make(), 3)
        const gutter = policy === "gutter" ? { gutter: { servers: spare.address } } : {}
        const answerer = policy === "gutter" ? spare : live
        const raw = yield* Target.rawTo(answerer.address)
        const layer = Memcache.layer({
          servers: [dead.address, live.address],
          deadHost: { policy, ...gutter, schedule: Schedule.spaced("10 seconds") }
        })
        yield* Effect.gen(function*() {
          const cache = yield* Memcache
          yield* dead.stop
          let found = 0
          for (let i = 0; i < 20; i++) {
            const key = `key:${i}`
            yield* raw(`ms ${key} 5 T60 F16\r\nvalue\r\n`, `md ${key} I T60\r\n`)
            // The first command for a key of the dead server finds it out; those behind it know.
            yield* cache.forgetDeadHosts
            for (const input of [key, [`hash:${i}`, key]] as const) {
              const many = Effect.map(cache.getMany([input]), (values) => Option.fromUndefinedOr(values.get(input)))
              for (const read of [cache.get(input), cache.getAndTouch(input, "1 minute"), many]) {
                if (Option.isSome(yield* read)) found++
                // Whoever comes next wins, and is not told that another has ("Z").
                assert.match(yield* raw(`mg ${key} t\r\n`), /^HD t\d+ X W\r\n/)
                yield* raw(`md ${key} I T60\r\n`)
              }
            }
          }
          // Of 120 reads about half begin at the dead server, and under "gutter" no others find anything.
          assert.isAbove(found, 15)
        }).pipe(Effect.provide(layer))
      }))
  }
})
