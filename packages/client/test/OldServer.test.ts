/**
 * The client against releases of memcached that speak text only: what they can do works as it does elsewhere, and what
 * they cannot is an error that says so.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { batches } from "./behaviour/Batches.ts"
import { conditions } from "./behaviour/Conditions.ts"
import { counters } from "./behaviour/Counters.ts"
import { keys } from "./behaviour/Keys.ts"
import { timesToLive } from "./behaviour/TimesToLive.ts"
import { values } from "./behaviour/Values.ts"
import { wire } from "./behaviour/Wire.ts"
import * as OldServer from "./OldServer.ts"
import { Target } from "./Target.ts"

const connect = (options: MemcacheOptions) =>
  Effect.map(
    Effect.orDie(Layer.build(Layer.fresh(Memcache.layer({ commandTimeout: "10 seconds", ...options })))),
    (context) => Context.get(context, Memcache)
  )

const target = Effect.gen(function*() {
  const server = yield* OldServer.make()
  return Target.of({
    options: { servers: [server.address], commandTimeout: "10 seconds" },
    isEmbedded: true,
    raw: yield* Target.rawTo(server.behind)
  })
})

/** 1.4 knows no `gat`: with two commands in its place, the suite asks the same of both. */
const client = Effect.gen(function*() {
  const cache = yield* connect((yield* Target).options)
  const getAndTouch: typeof cache.getAndTouch = (key, ttl) =>
    Effect.flatMap(cache.touch(key, ttl), (isThere) => isThere ? cache.get(key) : Effect.succeedNone)
  return Memcache.of({ ...cache, getAndTouch })
})

const both = Layer.orDie(Layer.provideMerge(Layer.effect(Memcache, client), Layer.effect(Target, target)))

layer(both, { excludeTestServices: true, timeout: "30 seconds" })("what has a key works on memcached 1.4.39", (it) => {
  values(it)
  wire(it)
  keys(it)
  conditions(it)
  counters(it)
  timesToLive(it)
  batches(it)
})

/** What the only server said, or the reason that it did not. */
const only = <A, E>(answers: ReadonlyMap<string, Result.Result<A, E>>): A => Result.getOrThrow([...answers.values()][0])

describe("a release that speaks text only", () => {
  it.live("is spoken to in text, without a try of anything else", () =>
    Effect.gen(function*() {
      for (const [version, tried] of [["1.4.39", []], ["1.5.22", []], ["1.6.9", []], ["1.6.45", ["mn"]]] as const) {
        const server = yield* OldServer.make(version)
        const cache = yield* connect({ servers: server.address })
        yield* cache.setMany([["a", "one"], ["b", 2]])
        assert.deepStrictEqual([...yield* cache.getMany(["a", "b", "c"])], [["a", "one"], ["b", 2]])
        assert.strictEqual(only(yield* cache.version), version)
        assert.isTrue(only(yield* cache.stats()).size > 10)
        yield* cache.verbosity(1)
        yield* cache.flushAll()
        assert.deepStrictEqual(yield* cache.get("a"), Option.none())
        const [state] = yield* cache.servers
        assert.deepStrictEqual([state.dialect, state.version], [Option.some("text"), Option.some(version)])
        assert.deepStrictEqual([server.refused, server.accepted()], [tried, 1])
      }
    }))

  it.live("refuses gat by a typed error that is nobody else's, on a connection that lives on", () =>
    Effect.gen(function*() {
      const server = yield* OldServer.make()
      const cache = yield* connect({ servers: server.address })
      yield* cache.set("a", "one")
      const reads = Array.from({ length: 20 }, () => cache.get("a"))
      const [before, error, after] = yield* Effect.all([
        Effect.all(reads, { concurrency: "unbounded" }),
        Effect.flip(cache.getAndTouch("a", "1 minute")),
        Effect.all(reads, { concurrency: "unbounded" })
      ], { concurrency: "unbounded" })
      assert.isTrue([...before, ...after].every((value) => Option.contains(value, "one")))
      if (error._tag !== "MemcacheError") return assert.fail(error._tag)
      assert.deepStrictEqual([error.reason._tag, error.outcome], ["UnsupportedError", "rejected"])
      assert.match(error.message, /does not support gat\. It needs a newer memcached/)
      assert.deepStrictEqual([server.refused, server.accepted()], [["gat"], 1])
    }))

  it.live("is an error that names its version where the meta dialect is insisted on", () =>
    Effect.gen(function*() {
      const server = yield* OldServer.make()
      const cache = yield* connect({ servers: server.address, protocol: "meta" })
      const error = yield* Effect.flip(cache.get("a"))
      if (error._tag !== "MemcacheError") return assert.fail(error._tag)
      assert.deepStrictEqual([error.reason._tag, error.outcome], ["UnsupportedError", "not-sent"])
      assert.match(error.message, /1\.4\.39/)
    }))

  it.live("is asked for nothing but what twemproxy forwards, where that proxy is named", () =>
    Effect.gen(function*() {
      const server = yield* OldServer.make()
      const cache = yield* connect({ servers: server.address, protocol: "twemproxy" })
      yield* cache.setMany([["a", "one"], ["b", 2]])
      assert.deepStrictEqual([...yield* cache.getMany(["a", "b", "c"])], [["a", "one"], ["b", 2]])
      const errors = yield* Effect.all([
        Effect.flip(cache.getAndTouch("a", "1 minute")),
        Effect.flip(cache.flushAll()),
        Effect.flip(cache.verbosity(1)),
        Effect.flip(Effect.flatMap(cache.stats(), (answers) => Effect.fromResult([...answers.values()][0])))
      ])
      for (const error of errors) {
        if (error._tag !== "MemcacheError") return assert.fail(error._tag)
        assert.deepStrictEqual([error.reason._tag, error.outcome], ["UnsupportedError", "not-sent"])
      }
      assert.deepStrictEqual([server.refused, server.accepted()], [[], 1])
    }))
})
