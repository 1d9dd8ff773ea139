/**
 * Through twemproxy in front of three servers: what it cannot do is an error that says so and costs nobody else anything,
 * and a dead server behind it costs its own keys.
 */
import type { Memcache, MemcacheError } from "@effect-memcache/client"
import { RealMemcached } from "@effect-memcache/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Target } from "../../packages/client/test/Target.ts"
import { connect } from "../Fleet.ts"
import * as Installed from "../Installed.ts"
import * as Nutcracker from "../Nutcracker.ts"

type Cache = Memcache["Service"]

const installed = Nutcracker.installed()

type Protocol = "auto" | "twemproxy"

const start = Effect.fnUntraced(function*(protocol: Protocol) {
  const servers = yield* Effect.orDie(Effect.forEach([1, 2, 3], () => RealMemcached.make()))
  const proxy = yield* Nutcracker.make({
    program: Installed.programOf(installed),
    servers: servers.map(({ address }) => address)
  })
  return { servers, cache: yield* connect({ servers: proxy, protocol }) }
})

const keys = Array.from({ length: 60 }, (_, i) => `key:${i}`)

/** What a read of each key comes to: "hit", "miss", or the reason of the error with its outcome. */
const readAll = (cache: Cache, some: ReadonlyArray<string> = keys) =>
  Effect.forEach(some, (key) => Effect.map(Effect.result(cache.get(key)), describeRead), { concurrency: "unbounded" })

const describeRead = (result: Result.Result<Option.Option<unknown>, unknown>): string =>
  Result.isSuccess(result) ? Option.isSome(result.success) ? "hit" : "miss" : describeError(result.failure)

const describeError = (error: unknown): string => {
  const { outcome, reason } = error as MemcacheError
  return `${reason._tag} ${outcome}`
}

/** Which keys one of the servers holds. */
const held = (address: string): Effect.Effect<ReadonlySet<string>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const raw = yield* Target.rawTo(address)
    const answer = yield* raw(`get ${keys.join(" ")}\r\n`)
    return new Set(Array.from(answer.matchAll(/^VALUE (\S+) /gm), ([, key]) => key))
  })

const test = (name: string, effect: Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => effect, { timeout: 30_000 })

const isSkipped = Installed.isSkipped(installed) || Installed.isSkipped(Installed.memcached())
const protocols: ReadonlyArray<Protocol> = ["auto", "twemproxy"]

describe.skipIf(isSkipped).each(protocols)("through twemproxy, with the protocol %s", (protocol) => {
  test(
    "the client speaks text, and what it stores is spread over the servers",
    Effect.gen(function*() {
      const { cache, servers } = yield* start(protocol)
      assert.deepStrictEqual(yield* cache.setMany(keys.map((key, i) => [key, i])), [])
      assert.deepStrictEqual([...yield* cache.getMany(keys)], keys.map((key, i) => [key, i]))
      const [state] = yield* cache.servers
      assert.deepStrictEqual(state.dialect, Option.some("text"))
      assert.deepStrictEqual(state.version, Option.some(servers[0].version))
      const sizes = yield* Effect.forEach(servers, ({ address }) => Effect.map(held(address), ({ size }) => size))
      assert.strictEqual(sizes.reduce((sum, size) => sum + size, 0), keys.length)
      assert.isTrue(sizes.every((size) => size > 0), `${sizes}`)
      assert.deepStrictEqual([...(yield* cache.version).values()], [Result.succeed(servers[0].version)])
    })
  )

  test(
    "what it closes connections on is an UnsupportedError, and nobody else's command is harmed",
    Effect.gen(function*() {
      const { cache } = yield* start(protocol)
      yield* cache.setMany(keys.map((key) => [key, key]))
      const [before] = yield* cache.servers
      const unsupported: Record<string, Effect.Effect<unknown, unknown>> = {
        gat: cache.getAndTouch(keys[0], "1 minute"),
        stats: Effect.flatMap(cache.stats(), (answers) => Effect.fromResult([...answers.values()][0])),
        flush_all: cache.flushAll(),
        verbosity: cache.verbosity(1)
      }
      for (const [command, effect] of Object.entries(unsupported)) {
        const [first, error, second] = yield* Effect.all([readAll(cache), Effect.flip(effect), readAll(cache)], {
          concurrency: "unbounded"
        })
        assert.strictEqual(describeError(error), "UnsupportedError not-sent", command)
        assert.match((error as MemcacheError).message, new RegExp(`does not support ${command}: it is a proxy`))
        assert.deepStrictEqual([...new Set([...first, ...second])], ["hit"])
      }
      const [after] = yield* cache.servers
      assert.deepStrictEqual([after.status, after.since], ["connected", before.since])
    })
  )

  test(
    "a dead server costs its own keys, by typed errors and never by misses, and is back when it is back",
    Effect.gen(function*() {
      const { cache, servers } = yield* start(protocol)
      const [victim] = servers
      yield* cache.setMany(keys.map((key) => [key, key]))
      const all = keys.flatMap((key) => [key, `absent:${key}`])
      const lost = yield* held(victim.address)
      assert.isTrue(lost.size > 0 && lost.size < keys.length)
      const [before] = yield* cache.servers
      yield* victim.kill

      const reads = yield* readAll(cache)
      assert.deepStrictEqual(reads, keys.map((key) => lost.has(key) ? "ServerError rejected" : "hit"))
      // A miss may follow an error: the proxy's error lines have no END behind them.
      const mixed = yield* readAll(cache, all)
      assert.deepStrictEqual(mixed.filter((_, i) => i % 2 === 0), reads)
      assert.sameMembers([...new Set(mixed.filter((_, i) => i % 2 === 1))], ["miss", "ServerError rejected"])
      const error = yield* Effect.flip(cache.getMany(all))
      assert.strictEqual(describeError(error), "ServerError rejected")
      assert.include((error as MemcacheError).message, "Connection refused")
      for (let i = 0; i < 10; i++) {
        const { failed, values } = yield* cache.getManyPartial(all)
        assert.deepStrictEqual([...values.keys()], all.filter((_, i) => mixed[i] === "hit"))
        assert.deepStrictEqual([...failed.keys()], all.filter((_, i) => mixed[i] === "ServerError rejected"))
        assert.deepStrictEqual([...new Set([...failed.values()].map(describeError))], ["ServerError rejected"])
      }
      const stores = yield* cache.setManyPartial(keys.map((key) => [key, "new"]))
      assert.sameMembers([...stores.failed.keys()], [...lost])
      assert.deepStrictEqual(stores.notStored, [])

      // All of it was asked on one connection: no error has cost anybody another.
      const [after] = yield* cache.servers
      assert.deepStrictEqual([after.status, after.since], ["connected", before.since])

      yield* victim.restart
      assert.deepStrictEqual(yield* readAll(cache), keys.map((key) => lost.has(key) ? "miss" : "hit"))
    })
  )

  test(
    "a server that hangs costs its own keys: whether a store was carried out is unknown",
    Effect.gen(function*() {
      const { cache, servers } = yield* start(protocol)
      const [victim] = servers
      yield* cache.setMany(keys.map((key) => [key, key]))
      const lost = yield* held(victim.address)
      yield* Effect.acquireRelease(victim.stop, () => victim.resume)
      const reads = yield* readAll(cache)
      assert.deepStrictEqual(reads, keys.map((key) => lost.has(key) ? "ServerError unknown" : "hit"))
      const stores = yield* cache.setManyPartial(keys.map((key) => [key, "new"]))
      assert.sameMembers([...stores.failed.keys()], [...lost])
      assert.deepStrictEqual([...new Set([...stores.failed.values()].map(describeError))], ["ServerError unknown"])
    })
  )
})
