/**
 * What a namespace does while the server of its generation is dead, under each policy.
 */
import { Memcache } from "@effect-memcache/client"
import * as Namespace from "@effect-memcache/client/Namespace"
import type { ServerStatus } from "@effect-memcache/client/ServerState"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"

/** Two servers and one to spare. The first holds the generation and is dead when `use` runs; the items are on the other. */
const withDeadGeneration = <A, E>(
  policy: "fail" | "miss" | "gutter",
  use: (group: Namespace.Namespace, revive: Effect.Effect<void>, old: unknown) => Effect.Effect<A, E, Memcache>
) =>
  Effect.gen(function*() {
    const [dead, live, spare] = yield* Effect.replicateEffect(EmbeddedMemcached.make(), 3)
    const options = {
      servers: [dead.address, live.address],
      distribution: () => (key: string) => key.endsWith("|") ? 0 : 1,
      deadHost: {
        policy,
        schedule: Schedule.spaced("20 millis"),
        ...policy === "gutter" ? { gutter: { servers: spare.address } } : {}
      }
    } as const
    yield* Effect.gen(function*() {
      const cache = yield* Memcache
      const group = yield* Namespace.make({ name: "group" })
      yield* group.set("k", "old")
      const old = Option.getOrThrow(yield* cache.get("group|"))
      yield* dead.stop
      const until = (status: ServerStatus) =>
        Effect.ignore(cache.get("|")).pipe(
          Effect.andThen(cache.servers),
          Effect.repeat({ until: ([first]) => first.status === status, schedule: Schedule.spaced("5 millis") })
        )
      yield* until("dead")
      yield* use(group, Effect.andThen(Effect.orDie(dead.start), until("connected")), old)
    }).pipe(Effect.provide(Memcache.layer(options)))
  })

const tagOf = <A>(effect: Effect.Effect<A, { readonly _tag: string }>) =>
  Effect.map(
    Effect.flip(effect),
    (error) => "reason" in error ? (error.reason as { readonly _tag: string })._tag : error._tag
  )

describe("while the server of its generation is dead, a namespace", () => {
  it.live("does not say that nothing was sent of what it may have changed", () =>
    withDeadGeneration("fail", (group, _, old) =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        yield* cache.set(`group|${old}|n`, 1)
        const error = yield* Effect.flip(group.increment("n"))
        assert.deepStrictEqual(yield* cache.get(`group|${old}|n`), Option.some(2))
        assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "unknown")
        assert.strictEqual(error._tag === "MemcacheError" && error.isRetryable, false)
        assert.match(error.message, /^Server 127/)
        // Nothing of these can have been changed.
        const wrong = yield* Effect.flip(group.increment("k"))
        assert.strictEqual(wrong._tag === "MemcacheError" && wrong.outcome, "not-sent")
        const read = yield* Effect.flip(group.get("k"))
        assert.strictEqual(read._tag === "MemcacheError" && read.outcome, "not-sent")
      })))

  it.live("fails under the policy fail, though its items are there", () =>
    withDeadGeneration("fail", (group, revive) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* tagOf(group.get("k")), "ServerDeadError")
        assert.strictEqual(yield* tagOf(group.getMany(["k"])), "ServerDeadError")
        assert.strictEqual(yield* tagOf(group.set("k", 1)), "ServerDeadError")
        assert.strictEqual(yield* tagOf(group.clear), "ServerDeadError")
        assert.strictEqual(yield* tagOf(group.prefix), "ServerDeadError")
        assert.strictEqual(yield* tagOf(group.getOrSet("k", Effect.succeed(1), { onError: "fail" })), "ServerDeadError")
        assert.strictEqual(yield* group.getOrSet("k", Effect.succeed("computed")), "computed")
        yield* revive
        yield* group.set("k", 2)
        assert.deepStrictEqual(yield* group.get("k"), Option.some(2))
      })))

  it.live("is empty under the policy miss, stores nothing, and fails to clear", () =>
    withDeadGeneration("miss", (group) =>
      Effect.gen(function*() {
        for (const one of [group, yield* Namespace.make({ name: "group" })]) {
          assert.deepStrictEqual(yield* one.get("k"), Option.none())
          assert.deepStrictEqual(yield* one.gets("k"), Option.none())
          assert.deepStrictEqual(yield* one.getAndTouch("k", "1 minute"), Option.none())
          assert.strictEqual((yield* one.getMany(["k"])).size, 0)
          assert.isFalse(yield* one.set("k", 1))
          assert.isFalse(yield* one.add("k", 1))
          assert.isFalse(yield* one.replace("k", 1))
          assert.isFalse(yield* one.append("k", "1"))
          assert.isFalse(yield* one.prepend("k", "1"))
          assert.strictEqual(yield* one.compareAndSwap("k", 1, 1n), "notFound")
          assert.deepStrictEqual(yield* one.setMany([["k", 1]]), ["k"])
          assert.deepStrictEqual(yield* one.increment("n", { initial: 1 }), Option.none())
          assert.deepStrictEqual(yield* one.decrement("n"), Option.none())
          assert.isFalse(yield* one.delete("k"))
          assert.deepStrictEqual(yield* one.deleteMany(["k"]), ["k"])
          assert.isFalse(yield* one.touch("k", "1 minute"))
          assert.isFalse(yield* one.invalidate("k"))
          assert.strictEqual(yield* one.getOrSet("k", Effect.succeed("computed")), "computed")
          assert.strictEqual(yield* tagOf(one.clear), "NoServerError")
          assert.strictEqual(yield* tagOf(one.prefix), "NoServerError")
        }
      })))

  it.live("does not go back to what was cleared meanwhile when the server comes back with the old generation", () =>
    withDeadGeneration("gutter", (group, revive, old) =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        // On the spare server there is none: a new one, and nothing in it.
        assert.deepStrictEqual(yield* group.get("k"), Option.none())
        yield* group.set("k", "meanwhile")
        assert.deepStrictEqual(yield* group.get("k"), Option.some("meanwhile"))
        yield* group.clear
        yield* revive
        // As if it had been unreachable and not dead: the embedded server forgets.
        yield* cache.set("group|", old)
        assert.deepStrictEqual(yield* group.get("k"), Option.none())
        yield* group.set("k", "new")
        assert.deepStrictEqual(yield* (yield* Namespace.make({ name: "group" })).get("k"), Option.some("new"))
      })))
})
