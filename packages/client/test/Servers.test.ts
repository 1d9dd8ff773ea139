/**
 * One client on several servers: where items are, batches that reach all of them, and what one failing server means for
 * the others.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { EmbeddedMemcached } from "@effect-memcache/testing"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

const client = (options: MemcacheOptions) =>
  Effect.map(
    Effect.orDie(Layer.build(Layer.fresh(Memcache.layer(options)))),
    (context) => Context.get(context, Memcache)
  )

const start = (count: number) => Effect.forEach(Array.from({ length: count }), () => EmbeddedMemcached.make())

/** Three servers and a client that waits long enough for a busy machine. */
const three = Effect.gen(function*() {
  const servers = yield* start(3)
  const addresses = servers.map(({ address }) => address)
  return { servers, addresses, cache: yield* client({ servers: addresses, commandTimeout: "10 seconds" }) }
})

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

const reasonOf = (error: { readonly _tag: string; readonly reason?: { readonly _tag: string } }) => error.reason?._tag

it.live("every item is on one server, on each server are some, and another client finds them all (D14, D21)", () =>
  Effect.gen(function*() {
    const { addresses, cache, servers } = yield* three
    const entries = numbers(300).map((i) => [`key:${i}`, i] as const)
    assert.deepStrictEqual(yield* cache.setMany(entries), [])
    const sizes = servers.map(({ store }) => store.count)
    assert.strictEqual(sizes[0] + sizes[1] + sizes[2], 300)
    for (const size of sizes) assert.isAbove(size, 30)
    // The order of the list is not part of the placement.
    const other = yield* client({ servers: addresses.toReversed(), commandTimeout: "10 seconds" })
    for (const [key, value] of entries.slice(0, 50)) assert.deepStrictEqual(yield* other.get(key), Option.some(value))
    assert.strictEqual((yield* other.getMany(entries.map(([key]) => key))).size, 300)
  }))

it.live("a weight gives a server its share, in every way of writing it", () =>
  Effect.gen(function*() {
    const [small, large] = yield* start(2)
    const entries = numbers(1000).map((i) => [`key:${i}`, i] as const)
    const lists: ReadonlyArray<MemcacheOptions["servers"]> = [
      `${small.address},${large.address}:4`,
      [small.address, [large.address, 4]],
      [{ host: small.host, port: small.port }, { host: large.host, port: large.port, weight: 4 }]
    ]
    for (const list of lists) {
      const cache = yield* client({ servers: list })
      yield* cache.flushAll()
      yield* cache.setMany(entries)
      assert.isAbove((yield* cache.getMany(entries.map(([key]) => key))).size, 999)
      assert.deepStrictEqual((yield* cache.servers).map(({ weight }) => weight), [1, 4])
      const items = Result.getOrThrow((yield* cache.stats()).get(large.address)!).get("curr_items")
      assert.isTrue(Number(items) > 650 && Number(items) < 950, items)
    }
  }))

it.live("one hash keeps one user's objects on one server", () =>
  Effect.gen(function*() {
    const { cache, servers } = yield* three
    for (const hash of ["user 7, with blanks", 7, 7n, "\ud800 no text at all", "x".repeat(1000)]) {
      yield* cache.flushAll()
      const entries = numbers(30).map((i) => [[hash, `object:${i}`], i] as const)
      assert.deepStrictEqual(yield* cache.setMany(entries), [])
      const found = yield* cache.getMany(entries.map(([key]) => key))
      assert.deepStrictEqual([...found], entries.map((entry) => [...entry]))
      for (const [key, value] of entries) assert.deepStrictEqual(yield* cache.get(key), Option.some(value))
      const holding = yield* Effect.forEach(servers, ({ address }) =>
        Effect.map(
          client({ servers: address }),
          (one) => Effect.map(one.getMany(numbers(30).map((i) => `object:${i}`)), (found) => found.size)
        ))
      const sizes = yield* Effect.all(holding)
      assert.deepStrictEqual(sizes.toSorted((a, b) => a - b), [0, 0, 30])
    }
  }))

it.live("a batch asks each server once, and all at the same time", () =>
  Effect.gen(function*() {
    const { cache, servers } = yield* three
    yield* cache.setMany(numbers(60).map((i) => [i, `value ${i}`]))
    const gets = () => servers.map(({ counters }) => counters.commands.get("get") ?? 0)
    const before = gets()
    const found = yield* cache.getMany(numbers(60))
    assert.deepStrictEqual([...found.keys()], numbers(60))
    assert.deepStrictEqual(gets().map((count, i) => count - before[i]), [1, 1, 1])
  }))

it.live("ten thousand keys with duplicates over three servers come back, and one dead server is told from misses", () =>
  Effect.gen(function*() {
    const { addresses, cache, servers } = yield* three
    const keys = numbers(10_000).map((i) => `key:${i % 8000}`)
    yield* cache.setMany(numbers(8000).map((i) => [`key:${i}`, i]))
    const found = yield* cache.getMany([...keys, "absent"])
    assert.strictEqual(found.size, 8000)
    for (const [key, value] of found) assert.strictEqual(key, `key:${String(value)}`)

    yield* servers[1].stop
    const error = yield* Effect.flip(cache.getMany(keys))
    assert.strictEqual(error._tag, "MemcacheError")
    const { failed, values } = yield* cache.getManyPartial([...keys, "absent"])
    assert.strictEqual(values.size + failed.size, failed.has("absent") ? 8001 : 8000)
    assert.isAbove(failed.size, 1000)
    assert.isAbove(values.size, 3000)
    for (const error of failed.values()) assert.deepStrictEqual(error.server, Option.some(addresses[1]))
    for (const [key, value] of values) assert.strictEqual(key, `key:${String(value)}`)

    const stored = yield* cache.setManyPartial(numbers(300).map((i) => [`key:${i}`, -i]))
    assert.deepStrictEqual(stored.notStored, [])
    assert.isTrue(stored.failed.size > 30 && stored.failed.size < 200)
    for (const [key, error] of stored.failed) {
      assert.isTrue(failed.has(key))
      assert.strictEqual(error.outcome, "not-sent")
    }
    assert.strictEqual(
      (yield* Effect.flip(cache.setMany(numbers(300).map((i) => [`key:${i}`, -i]))))._tag,
      "MemcacheError"
    )
    const removed = yield* cache.deleteManyPartial(numbers(300).map((i) => `key:${i}`))
    assert.deepStrictEqual(removed.notFound, [])
    assert.deepStrictEqual([...removed.failed.keys()], [...stored.failed.keys()])
    assert.strictEqual(
      (yield* Effect.flip(cache.deleteMany(numbers(300).map((i) => `key:${i}`))))._tag,
      "MemcacheError"
    )
  }))

it.live("with one server down the others go on, and its commands fail at once (D2, D24)", () =>
  Effect.gen(function*() {
    const { cache, servers } = yield* three
    yield* cache.setMany(numbers(30).map((i) => [i, i]))
    yield* servers[0].stop
    const exits = yield* Effect.forEach(numbers(30), (i) => Effect.result(cache.get(i)))
    assert.isTrue(exits.some(Result.isSuccess) && exits.some(Result.isFailure))
    const started = performance.now()
    const again = yield* Effect.forEach(numbers(30), (i) => Effect.result(cache.get(i)))
    assert.isBelow(performance.now() - started, 200)
    for (const result of again) {
      if (Result.isSuccess(result)) continue
      assert.strictEqual(reasonOf(result.failure), "ServerDeadError")
      assert.strictEqual(result.failure._tag === "MemcacheError" && result.failure.outcome, "not-sent")
    }
    const [dead, ...alive] = yield* cache.servers
    assert.deepStrictEqual([dead.status, ...alive.map(({ status }) => status)], ["dead", "connected", "connected"])
    assert.isTrue(Option.isSome(dead.nextProbe) && Option.isSome(dead.error))

    yield* servers[0].start
    yield* cache.forgetDeadHosts
    for (const i of numbers(30)) yield* cache.set(i, i)
    assert.strictEqual((yield* cache.getMany(numbers(30))).size, 30)
  }))

it.live("with the policy rehash, the keys of a dead server go to the others", () =>
  Effect.gen(function*() {
    const servers = yield* start(3)
    const cache = yield* client({ servers: servers.map(({ address }) => address), deadHost: { policy: "rehash" } })
    yield* servers[2].stop
    for (const i of numbers(30)) assert.isTrue(yield* cache.set(i, i))
    assert.deepStrictEqual([...yield* cache.getMany(numbers(30))], numbers(30).map((i) => [i, i]))
    assert.deepStrictEqual(yield* cache.deleteMany(numbers(30)), [])
    yield* servers[0].stop
    yield* servers[1].stop
    yield* Effect.forEach(numbers(30), (i) => Effect.ignore(cache.get(i)))
    assert.strictEqual(reasonOf(yield* Effect.flip(cache.get(1))), "NoServerError")
    assert.strictEqual(reasonOf(yield* Effect.flip(cache.setMany([[1, 1]]))), "NoServerError")
    const { failed } = yield* cache.getManyPartial([1, 2])
    assert.deepStrictEqual([...failed.values()].map(reasonOf), ["NoServerError", "NoServerError"])
  }))

it.live("stats, version and flushAll try every server, and one that is down is an entry with its error", () =>
  Effect.gen(function*() {
    const { addresses, cache, servers } = yield* three
    yield* cache.setMany(numbers(30).map((i) => [i, i]))
    yield* servers[0].stop
    const stats = yield* cache.stats()
    assert.deepStrictEqual([...stats.keys()], addresses)
    assert.deepStrictEqual([...stats.values()].map(Result.isSuccess), [false, true, true])
    const versions = yield* cache.version
    assert.deepStrictEqual([...versions.keys()], addresses)
    assert.deepStrictEqual([...versions.values()].map(Result.isSuccess), [false, true, true])
    const error = yield* Effect.flip(cache.flushAll())
    assert.deepStrictEqual(error._tag === "MemcacheError" && error.server, Option.some(addresses[0]))
    assert.strictEqual((yield* cache.getManyPartial(numbers(30))).values.size, 0)
    const loud = yield* Effect.flip(cache.verbosity(1))
    assert.strictEqual(loud._tag, "MemcacheError")
    assert.deepStrictEqual(servers.map(({ counters }) => counters.commands.get("verbosity") ?? 0), [0, 1, 1])
  }))

it.live("the list of servers is replaced while commands are in flight, and all of them are answered", () =>
  Effect.gen(function*() {
    const { addresses, cache, servers } = yield* three
    yield* cache.setMany(numbers(500).map((i) => [i, i]))
    const inFlight = yield* Effect.forkChild(
      Effect.forEach(numbers(500), (i) => cache.get(i), { concurrency: "unbounded" }),
      { startImmediately: true }
    )
    const accepted = servers.map(({ counters }) => counters.accepted)
    yield* cache.setServers([addresses[0], addresses[1]])
    assert.deepStrictEqual(yield* Fiber.join(inFlight), numbers(500).map(Option.some))
    assert.deepStrictEqual((yield* cache.servers).map(({ server }) => server), addresses.slice(0, 2))
    assert.deepStrictEqual([...(yield* cache.version).keys()], addresses.slice(0, 2))
    yield* cache.setMany(numbers(500).map((i) => [i, -i]))
    assert.strictEqual((yield* cache.getMany(numbers(500))).get(7), -7)
    assert.strictEqual(servers[2].counters.commands.get("ms") ?? 0, servers[2].store.count)
    // Those that stay keep their connections.
    assert.deepStrictEqual(servers.map(({ counters }) => counters.accepted), accepted)
    const error = yield* Effect.flip(cache.setServers([]))
    assert.strictEqual(error.option, "servers")
    assert.strictEqual((yield* Effect.flip(cache.setServers("host:70000"))).option, "servers[0]")
    assert.strictEqual((yield* cache.servers).length, 2)
  }))
