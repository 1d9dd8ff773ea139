/**
 * Reading through, on a server with its own clock: who wins, what the others are given, and what becomes of a claim.
 */
import type { GetOrSetOptions } from "@effect-memcache/client"
import { Memcache } from "@effect-memcache/client"
import type { Claim, Lookup } from "@effect-memcache/client/ReadThrough"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import { FaultServer } from "@effect-memcache/testing/FaultServer"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import type { It } from "./behaviour.ts"
import { Target } from "./Target.ts"

const ttl = { ttl: "1 hour" } as const

/** An effect that counts its runs and answers how many there were. */
const counter = () => {
  let runs = 0
  return { next: Effect.sync(() => ++runs), runs: () => runs }
}

const claimOf = (found: Lookup<unknown>): Claim => {
  if (found._tag !== "Win") throw new Error(`${found._tag} is no win`)
  return found.claim
}

const both = (it: It): void => {
  it.effect("of those who miss at once one computes, and all get what it has computed", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { next, runs } = counter()
      const asks = Array.from({ length: 100 }, () => cache.getOrSet("one", Effect.delay(next, "20 millis"), ttl))
      assert.deepStrictEqual(yield* Effect.all(asks, { concurrency: "unbounded" }), Array(100).fill(1))
      assert.strictEqual(runs(), 1)
      assert.deepStrictEqual(yield* cache.get("one"), Option.some(1))
    }))

  it.effect("a computation lives as long as one of its callers, and no longer", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const begun = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      let ended: Exit.Exit<unknown, unknown> | undefined
      const compute = Effect.onExit(
        Effect.as(Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(go)), "value"),
        (exit) => Effect.sync(() => ended = exit)
      )
      const first = yield* Effect.forkChild(cache.getOrSet("shared", compute, ttl))
      yield* Deferred.await(begun)
      const second = yield* Effect.forkChild(cache.getOrSet("shared", compute, ttl), { startImmediately: true })
      yield* Fiber.interrupt(first)
      assert.isUndefined(ended)
      yield* Deferred.succeed(go, undefined)
      assert.strictEqual(yield* Fiber.join(second), "value")

      const alone = yield* Effect.forkChild(cache.getOrSet("alone", Effect.never, ttl))
      yield* untilWon(cache, 2)
      yield* Fiber.interrupt(alone)
      // The claim was given up with it: nobody waits for it.
      const { next } = counter()
      assert.strictEqual(yield* cache.getOrSet("alone", next, ttl), 1)
    }))

  it.effect("a computation that needs its own key, or another that needs it, does not wait for itself", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const inner = cache.getOrSet("self", Effect.succeed("inner"), ttl)
      const outer = cache.getOrSet("self", Effect.map(inner, (value) => `outer of ${value}`), ttl)
      assert.strictEqual(yield* outer, "outer of inner")
      assert.deepStrictEqual(yield* cache.get("self"), Option.some("outer of inner"))

      const both = yield* Deferred.make<void>()
      let begun = 0
      const meet = Effect.suspend(() => ++begun === 2 ? Deferred.succeed(both, undefined) : Deferred.await(both))
      const one = (key: string, other: string) =>
        cache.getOrSet(key, Effect.andThen(meet, cache.getOrSet(other, Effect.succeed(`${other} alone`), ttl)), ttl)
      const values = yield* Effect.all([one("here", "there"), one("there", "here")], { concurrency: "unbounded" })
      // One of them has waited for the other.
      assert.strictEqual(new Set(values).size, 1)
      assert.match(values[0] as string, /^(here|there) alone$/)
    }))

  it.effect("the error of the computation is the caller's, and the next one may try", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.strictEqual(yield* Effect.flip(cache.getOrSet("fails", Effect.fail("no luck"), ttl)), "no luck")
      const exit = yield* Effect.exit(cache.getOrSet("fails", Effect.die("bug"), ttl))
      assert.isTrue(Exit.hasDies(exit))
      assert.strictEqual(yield* cache.getOrSet("fails", Effect.succeed("luck"), ttl), "luck")
    }))

  it.effect("a value that cannot be stored is answered all the same", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const before = (yield* cache.readThroughCounts).unstored
      const huge = Buffer.alloc(2_000_000, "x")
      assert.strictEqual(yield* cache.getOrSet("huge", Effect.succeed(huge), { ...ttl, compression: false }), huge)
      assert.isUndefined(yield* cache.getOrSet("nothing", Effect.undefined, ttl))
      assert.strictEqual((yield* cache.readThroughCounts).unstored - before, 2)
      assert.strictEqual(yield* cache.getOrSet("huge", Effect.succeed(1), ttl), 1)
    }))

  it.effect("whoever comes second waits, and a winner that gives up lets the next one win", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const first = yield* cache.getOrVivify("parts")
      assert.strictEqual(first._tag, "Win")
      assert.deepStrictEqual(first._tag === "Win" && first.value, Option.none())
      assert.deepStrictEqual(yield* cache.getOrVivify("parts"), { _tag: "Pending" })
      assert.isTrue(yield* cache.release(claimOf(first)))
      assert.isFalse(yield* cache.release(claimOf(first)))
      const second = yield* cache.getOrVivify("parts")
      assert.strictEqual(yield* cache.fulfil(claimOf(second), "value", ttl), "stored")
      assert.deepStrictEqual(yield* cache.getOrVivify("parts"), { _tag: "Hit", value: "value" })
      assert.notStrictEqual(yield* cache.fulfil(claimOf(second), "late"), "stored")
      assert.deepStrictEqual(yield* cache.get("parts"), Option.some("value"))
    }))

  it.effect("what was stored since is not overwritten, and what was made invalid is not stored", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const claim = claimOf(yield* cache.getOrVivify("newer"))
      yield* cache.set("newer", "set")
      assert.strictEqual(yield* cache.fulfil(claim, "computed"), "exists")
      assert.isFalse(yield* cache.release(claim))
      assert.deepStrictEqual(yield* cache.get("newer"), Option.some("set"))

      const stale = claimOf(yield* cache.getOrVivify("void"))
      yield* cache.invalidate("void")
      assert.strictEqual(yield* cache.fulfil(stale, "computed before"), "notFound")
      assert.deepStrictEqual(yield* cache.get("void"), Option.none())
    }))

  it.effect("a compression that cannot be is an ArgumentError, and nothing is computed or stored", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const claim = claimOf(yield* cache.getOrVivify("wrong"))
      const compute = Effect.die("computed")
      for (const [option, value] of [["level", 100], ["threshold", -1], ["codec", "lzma"]] as const) {
        const options = { compression: { [option]: value as never } }
        const errors = [
          yield* Effect.flip(cache.fulfil(claim, "value", options)),
          yield* Effect.flip(cache.getOrSet("other", compute, options))
        ]
        for (const error of errors) {
          assert.strictEqual(error._tag === "ArgumentError" && error.argument, `compression.${option}`)
        }
      }
      assert.strictEqual(yield* cache.fulfil(claim, "value"), "stored")
    }))

  it.effect("who asks for a value after it was made invalid does not get what was computed before", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const go = yield* Deferred.make<void>()
      const { wins } = yield* cache.readThroughCounts
      const early = yield* Effect.forkChild(cache.getOrSet("order", Effect.as(Deferred.await(go), "before"), ttl))
      yield* untilWon(cache, wins + 1)
      yield* cache.invalidate("order")
      assert.strictEqual(yield* cache.getOrSet("order", Effect.succeed("after"), ttl), "after")
      yield* Deferred.succeed(go, undefined)
      assert.strictEqual(yield* Fiber.join(early), "before")
      assert.deepStrictEqual(yield* cache.get("order"), Option.some("after"))
    }))

  it.effect("with the claim beside it, a missing item is missing to everybody", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      const found = yield* cache.getOrVivify("beside", { claim: "key" })
      assert.strictEqual(yield* raw("get beside\r\n"), "END\r\n")
      assert.deepStrictEqual(yield* cache.getOrVivify("beside", { claim: "key" }), { _tag: "Pending" })
      assert.strictEqual(yield* cache.fulfil(claimOf(found), "value", ttl), "stored")
      assert.strictEqual(yield* raw("get beside:claim\r\n"), "END\r\n")
      const long = "k".repeat(250)
      assert.strictEqual(yield* cache.getOrSet(long, Effect.succeed("long"), { ...ttl, claim: "key" }), "long")
    }))

  it.effect("wrong keys and wrong times fail before anything is sent", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const before = yield* Target.stat("bytes_read")
      assert.strictEqual((yield* Effect.flip(cache.getOrSet("a b", Effect.void)))._tag, "KeyCharacterError")
      assert.strictEqual((yield* Effect.flip(cache.getOrVivify("")))._tag, "KeyLengthError")
      assert.strictEqual((yield* Effect.flip(cache.invalidate("a b")))._tag, "KeyCharacterError")
      const wrong: ReadonlyArray<GetOrSetOptions> = [
        { ttl: "0 seconds" },
        { staleFor: "0 seconds" },
        { earlyRefresh: "60 days" }
      ]
      for (const options of wrong) {
        assert.strictEqual((yield* Effect.flip(cache.getOrSet("a", Effect.void, options)))._tag, "ArgumentError")
      }
      const bare = { staleFor: 60 as unknown as "60 seconds" }
      assert.strictEqual((yield* Effect.flip(cache.invalidate("a", bare)))._tag, "ArgumentError")
      assert.strictEqual((yield* Effect.flip(cache.getOrVivify("a", bare)))._tag, "ArgumentError")
      assert.strictEqual(yield* Target.bytesSince(before), 0)
    }))
}

const untilWon = (cache: Memcache["Service"], wins: number): Effect.Effect<void> =>
  Effect.flatMap(
    cache.readThroughCounts,
    (counts) => counts.wins >= wins ? Effect.void : Effect.andThen(Effect.sleep(2), untilWon(cache, wins))
  )

describe("meta", () => {
  it.layer(Target.embedded({ protocol: "meta" }), { excludeTestServices: true })((it) => {
    both(it)

    it.effect("a value that is due is given out while one computes the next", () =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const { raw } = yield* Target
        const { next, runs } = counter()
        yield* raw("set due 16 5 3\r\nold\r\n")
        const options = { ...ttl, earlyRefresh: "10 seconds" } as const
        const go = yield* Deferred.make<void>()
        const ask = cache.getOrSet("due", Effect.andThen(Deferred.await(go), next), options)
        assert.deepStrictEqual(yield* Effect.all([ask, ask, ask]), ["old", "old", "old"])
        yield* Deferred.succeed(go, undefined)
        while ((yield* ask) === "old") yield* Effect.sleep(2)
        assert.strictEqual(yield* ask, 1)
        assert.strictEqual(runs(), 1)
      }))

    it.effect("a value past its time is stale to all but the winner, who may wait for the new one", () =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const { raw } = yield* Target
        // Five seconds are left of it, all of them behind its own time.
        yield* raw("set past 16 5 3\r\nold\r\n")
        const times = { staleFor: "10 seconds" } as const
        const found = yield* cache.getOrVivify("past", times)
        assert.deepStrictEqual(found._tag === "Win" && found.value, Option.some("old"))
        assert.deepStrictEqual(yield* cache.getOrVivify("past", times), { _tag: "Stale", value: "old" })
        assert.isTrue(yield* cache.release(claimOf(found)))
        const { next } = counter()
        assert.strictEqual(yield* cache.getOrSet("past", next, { ...ttl, ...times, refresh: "wait" }), 1)
        assert.match(yield* raw("mg past t\r\n"), /^HD t36(10|09)\r\n$/)
      }))

    it.effect("an invalidated value can be won, and the old one stays until it is replaced", () =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const { raw } = yield* Target
        yield* cache.set("invalid", "old", ttl)
        assert.isTrue(yield* cache.invalidate("invalid", { staleFor: "1 minute" }))
        assert.match(yield* raw("me invalid\r\n"), /exp=(60|59)/)
        // Those who only read do not win.
        assert.deepStrictEqual(yield* cache.get("invalid"), Option.some("old"))
        assert.deepStrictEqual(yield* cache.getMany(["invalid"]), new Map([["invalid", "old"]]) as Map<string, unknown>)
        // A batch may end in a command for one key.
        const keys = Array.from({ length: 100 }, (_, i) => `before-${i}`)
        assert.strictEqual((yield* cache.getMany([...keys, "invalid"])).get("invalid"), "old")
        const found = yield* cache.getOrVivify("invalid")
        assert.deepStrictEqual(found._tag === "Win" && found.value, Option.some("old"))
        assert.deepStrictEqual(yield* cache.getOrVivify("invalid"), { _tag: "Stale", value: "old" })
        assert.deepStrictEqual(yield* cache.get("invalid"), Option.some("old"))
        assert.strictEqual(yield* cache.fulfil(claimOf(found), "new", ttl), "stored")
        assert.deepStrictEqual(yield* cache.getOrVivify("invalid"), { _tag: "Hit", value: "new" })
        assert.isFalse(yield* cache.invalidate("absent", { staleFor: "1 minute" }))
      }))

    it.effect("an invalidated value can be compared and swapped", () =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        yield* cache.set("swapped", "old", ttl)
        assert.isTrue(yield* cache.invalidate("swapped", { staleFor: "1 minute" }))
        const item = Option.getOrThrow(yield* cache.gets("swapped"))
        assert.strictEqual(item.value, "old")
        assert.strictEqual(yield* cache.compareAndSwap("swapped", "new", item.cas, ttl), "stored")
        assert.deepStrictEqual(yield* cache.getOrVivify("swapped"), { _tag: "Hit", value: "new" })
      }))

    it.effect("a refresh that fails is logged, and the value that was there can be won again", () =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        yield* cache.set("unlucky", "old", ttl)
        yield* cache.invalidate("unlucky", { staleFor: "1 minute" })
        const logged: Array<unknown> = []
        const logger = Logger.make(({ cause, message }) => void logged.push(message, cause.reasons.length))
        const { failed } = yield* cache.readThroughCounts
        const value = yield* cache.getOrSet("unlucky", Effect.fail("no luck"), { ...ttl, staleFor: "1 minute" }).pipe(
          Effect.provide(Logger.layer([logger])),
          Effect.provideService(References.UnhandledLogLevel, "Error")
        )
        assert.strictEqual(value, "old")
        while (logged.length === 0) yield* Effect.sleep(2)
        assert.strictEqual((yield* cache.readThroughCounts).failed, failed + 1)
        assert.deepStrictEqual(logged, [["a value that is due could not be computed anew"], 1])
        assert.strictEqual((yield* cache.getOrVivify("unlucky"))._tag, "Win")
      }))

    it.effect("who is interrupted before it hears that it has won holds nobody up", () =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const { raw } = yield* Target
        const options = { claimFor: "1 hour" } as const
        for (const ask of [cache.getOrSet("gone", Effect.never, options), cache.getOrVivify("gone", options)]) {
          const fiber = yield* Effect.forkChild(ask, { startImmediately: true })
          // It is written behind this microtask, and answered by the loop.
          yield* Effect.promise(() => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve))))
          yield* Fiber.interrupt(fiber)
          // Until it has certainly been carried out.
          yield* Effect.sleep(100)
          while ((yield* raw("mg gone\r\n")) !== "EN\r\n") yield* Effect.sleep(2)
        }
        assert.strictEqual((yield* cache.getOrVivify("gone"))._tag, "Win")
      }))

    it.effect("the empty item of a claim is a miss to every read", () =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        yield* cache.getOrVivify("empty")
        assert.deepStrictEqual(yield* cache.get("empty"), Option.none())
        assert.deepStrictEqual(yield* cache.gets("empty"), Option.none())
        // Made invalid while it is empty, it is no value either.
        yield* cache.invalidate("empty", { staleFor: "1 minute" })
        assert.deepStrictEqual(yield* cache.get("empty"), Option.none())
        yield* cache.set("bytes", new Uint8Array(0))
        const found: Map<string, unknown> = yield* cache.getMany(["bytes", "empty"])
        assert.deepStrictEqual(found, new Map([["bytes", new Uint8Array(0)]]))
        assert.deepStrictEqual(yield* cache.getOrSet("bytes", Effect.succeed(1), ttl), new Uint8Array(0))
      }))
  })
})

describe("text", () => {
  it.layer(Target.embedded({ protocol: "text" }), { excludeTestServices: true })((it) => {
    both(it)

    it.effect("the empty item of another program's claim is waited for", () =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        const { raw } = yield* Target
        yield* raw("mg foreign N30 v\r\n")
        assert.deepStrictEqual(yield* cache.getOrVivify("foreign"), { _tag: "Pending" })
        const waiting = yield* Effect.forkChild(cache.getOrSet("foreign", Effect.succeed(1), ttl), {
          startImmediately: true
        })
        yield* raw("set foreign 16 0 5\r\nvalue\r\n")
        assert.strictEqual(yield* Fiber.join(waiting), "value")
      }))

    it.effect("an invalidated value is removed", () =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        yield* cache.set("invalid", "old", ttl)
        assert.isTrue(yield* cache.invalidate("invalid", { staleFor: "1 minute" }))
        assert.deepStrictEqual(yield* cache.get("invalid"), Option.none())
        assert.isFalse(yield* cache.invalidate("invalid", { staleFor: "1 minute" }))
      }))
  })
})

describe("a cache that is down", () => {
  it.live("never takes the program down, and is counted", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      yield* server.stop
      const cache = Context.get(yield* Layer.build(Memcache.layer({ servers: [server.address] })), Memcache)
      const { next, runs } = counter()
      const asks = Array.from({ length: 10 }, () => cache.getOrSet("k", Effect.delay(next, "5 millis"), ttl))
      assert.deepStrictEqual(yield* Effect.all(asks, { concurrency: "unbounded" }), Array(10).fill(1))
      assert.strictEqual(runs(), 1)
      assert.strictEqual((yield* cache.readThroughCounts).errors, 10)
      const error = yield* Effect.flip(cache.getOrSet("k", next, { ...ttl, onError: "fail" }))
      assert.strictEqual(error._tag, "MemcacheError")
      assert.strictEqual(runs(), 1)
    }))

  it.live("lets everybody win under the policy \"miss\"", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      yield* server.stop
      for (const protocol of ["meta", "text"] as const) {
        const layer = Memcache.layer({ servers: [server.address], deadHost: { policy: "miss" }, protocol })
        const cache = Context.get(yield* Layer.build(Layer.fresh(layer)), Memcache)
        for (const claim of ["item", "key"] as const) {
          assert.strictEqual((yield* cache.getOrVivify("k", { claim }))._tag, "Win")
          assert.strictEqual(yield* cache.getOrSet("k", Effect.succeed(claim), { ...ttl, claim }), claim)
        }
      }
    }))
})

it.live("who is interrupted on the very first connection before it hears that it has won holds nobody up either", () =>
  Effect.gen(function*() {
    const rule = FaultScript.on({ verb: "mg", times: 1 }, FaultScript.delay(50), FaultScript.reply)
    const server = yield* FaultServer.make({ rules: [rule] })
    yield* Effect.gen(function*() {
      const cache = yield* Memcache
      const options = { claimFor: "1 hour" } as const
      const fiber = yield* Effect.forkChild(cache.getOrSet("gone", Effect.never, options), { startImmediately: true })
      yield* server.until((log) => log.count("mg") === 1)
      yield* Fiber.interrupt(fiber)
      yield* server.until((log) => log.count("md") === 1)
      assert.strictEqual((yield* cache.getOrVivify("gone"))._tag, "Win")
    }).pipe(Effect.provide(Memcache.layer({ servers: server.address })))
  }))
