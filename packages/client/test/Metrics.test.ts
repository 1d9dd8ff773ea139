/**
 * What a client's metrics say, against what was done with it: on embedded servers, by the page that Prometheus reads.
 */
import type { ArgumentError } from "@effect-memcache/client/ArgumentError"
import type { KeyError } from "@effect-memcache/client/KeyError"
import { Memcache } from "@effect-memcache/client/Memcache"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as ScriptedServer from "./ScriptedServer.ts"

const client = (options: MemcacheOptions) =>
  Effect.map(Layer.build(Memcache.layer(options)), (context) => Effect.provide(Memcache, context)).pipe(Effect.flatten)

const alone = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

/** All figures: the sum over servers, by name and by the attributes that tell operations apart. */
const figures = Effect.map(Metric.snapshot, (snapshot) => {
  const sums = new Map<string, number>()
  for (const { attributes, id, state } of snapshot) {
    const words = [attributes?.["db.operation.name"], attributes?.["error.type"]].filter((word) => word !== undefined)
    const name = [id.replace("db.client.operation.duration", "duration").replace("memcached.client.", ""), ...words]
      .join(" ")
    const value = "count" in state ? Number(state.count) : "value" in state ? Number(state.value) : 0
    sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return sums
})

const durations = (sums: ReadonlyMap<string, number>) =>
  Object.fromEntries(
    [...sums].filter(([name]) => name.startsWith("duration ")).map(([name, n]) => [name.slice("duration ".length), n])
      .sort()
  )

describe("metrics", () => {
  it.effect("count what was done, whatever it was", () =>
    alone(Effect.gen(function*() {
      const servers = yield* Effect.forEach([1, 2, 3], () => EmbeddedMemcached.make())
      const cache = yield* client({ servers: servers.map(({ address }) => address) })
      const expected = new Map<string, number>()
      const store = new Set<string>()
      let hits = 0
      let misses = 0
      const counted = (operation: string) => expected.set(operation, (expected.get(operation) ?? 0) + 1)
      const looked = (key: string) => store.has(key) ? hits++ : misses++
      for (let i = 0; i < 400; i++) {
        const key = `key-${yield* Random.nextIntBetween(0, 30)}`
        switch (yield* Random.nextIntBetween(0, 7)) {
          case 0:
            counted("get")
            looked(key)
            yield* cache.get(key)
            break
          case 1:
            counted("gets")
            looked(key)
            yield* cache.gets(key)
            break
          case 2:
            counted("gat")
            looked(key)
            yield* cache.getAndTouch(key, "1 hour")
            break
          case 3:
            counted("set")
            store.add(key)
            yield* cache.set(key, "value")
            break
          case 4:
            counted("add")
            store.add(key)
            yield* cache.add(key, "value")
            break
          case 5:
            counted("delete")
            store.delete(key)
            yield* cache.delete(key)
            break
          case 6:
            counted("touch")
            yield* cache.touch(key, "1 hour")
            break
        }
      }
      const sums = yield* figures
      assert.deepStrictEqual(durations(sums), Object.fromEntries([...expected].sort()))
      assert.strictEqual(sums.get("hits"), hits)
      assert.strictEqual(sums.get("misses"), misses)
      assert.strictEqual(sums.get("active_operations"), 0)
      assert.strictEqual(sums.get("connections.opened"), 3)
      assert.strictEqual(sums.get("db.client.connection.count"), 3)
      assert.strictEqual(sums.get("server.alive"), 3)
      assert.strictEqual(sums.get("retries"), 0)
      assert.isAbove(sums.get("network.io")!, 400 * 20)
    })))

  it.effect("count the keys of a batch as hits and misses, and what each server was asked as operations", () =>
    alone(Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const cache = yield* client({ servers: server.address })
      yield* cache.setMany(Array.from({ length: 30 }, (_, i) => [`k${i}`, i] as const))
      yield* cache.getMany(Array.from({ length: 120 }, (_, i) => `k${i}`))
      yield* cache.getMany(["k1"])
      yield* cache.deleteMany(["k1", "k2"])
      const sums = yield* figures
      assert.deepStrictEqual(durations(sums), { "BATCH get": 2, delete: 2, get: 1, set: 30 })
      assert.strictEqual(sums.get("hits"), 31)
      assert.strictEqual(sums.get("misses"), 90)
    })))

  it.effect("tell failures apart by what went wrong", () =>
    alone(Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const cache = yield* client({ servers: server.address, maxItemSize: 2_000_000 })
      yield* cache.set("text", "text")
      yield* Effect.exit(cache.increment("text"))
      yield* Effect.exit(cache.set("large", new Uint8Array(1_500_000), { compression: false }))
      const sums = yield* figures
      assert.deepStrictEqual(durations(sums), {
        "incr NotNumberError": 1,
        set: 1,
        "set ValueTooLargeError": 1
      })
    })))

  it.effect("count what timed out, and what was interrupted, as long as it took", () =>
    alone(Effect.gen(function*() {
      const server = yield* ScriptedServer.make({ onData: () => {} })
      const cache = yield* client({ servers: server.address, commandTimeout: 200, telemetry: { boundaries: [0.2] } })
      const late = yield* Effect.forkChild(Effect.exit(cache.get("late")), { startImmediately: true })
      const unpatient = yield* Effect.forkChild(cache.get("unpatient"), { startImmediately: true })
      yield* Effect.promise(() => until(() => server.received().includes("unpatient")))
      assert.strictEqual((yield* figures).get("active_operations"), 2)
      yield* TestClock.adjust(50)
      yield* Fiber.interrupt(unpatient)
      yield* TestClock.adjust(150)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(late)))
      const snapshot = yield* Metric.snapshot
      const sums = snapshot.flatMap(({ attributes, id, state }) =>
        id === "db.client.operation.duration" && "sum" in state
          ? [[attributes?.["error.type"], state.count, Number(state.sum.toFixed(3))]]
          : []
      )
      assert.deepStrictEqual(sums, [["interrupted", 1, 0.05], ["TimeoutError", 1, 0.2]])
    })))

  it.effect("tell of a server that dies and comes back", () =>
    alone(Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const cache = yield* client({ servers: server.address })
      yield* cache.set("k", 1)
      yield* server.stop
      for (let i = 0; i < 3; i++) yield* Effect.exit(cache.get("k"))
      const dead = yield* figures
      assert.strictEqual(dead.get("server.alive"), 0)
      assert.strictEqual(dead.get("server.deaths"), 1)
      assert.strictEqual(dead.get("connections.lost"), 1)
      assert.strictEqual(dead.get("db.client.connection.count"), 0)
      assert.isAtLeast(dead.get("duration get ServerDeadError")!, 1)
      yield* server.start
      yield* cache.forgetDeadHosts
      assert.strictEqual((yield* cache.get("k"))._tag, "None")
      const back = yield* figures
      assert.strictEqual(back.get("server.alive"), 1)
      assert.strictEqual(back.get("server.deaths"), 1)
      assert.strictEqual(back.get("connections.opened"), 2)
      assert.strictEqual(back.get("misses"), 1)
    })))

  it.effect("count as misses what the policy \"miss\" answers", () =>
    alone(Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const cache = yield* client({ servers: server.address, deadHost: { policy: "miss" } })
      yield* cache.set("k", 1)
      yield* server.stop
      while ((yield* figures).get("server.alive") === 1) yield* Effect.exit(cache.get("k"))
      const before = (yield* figures).get("misses")!
      yield* cache.get("k")
      yield* cache.getMany(["k", "l", "m"])
      yield* cache.set("k", 1)
      assert.strictEqual((yield* figures).get("misses"), before + 4)
    })))

  it.effect("count no failure for which no server was asked, and what cannot be read as answered", () =>
    alone(Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const cache = yield* client({ servers: server.address, maxItemSize: 2000 })
      const failure = <A>(effect: Effect.Effect<A, MemcacheError | KeyError | ArgumentError>) =>
        Effect.map(Effect.flip(effect), (error) => error._tag === "MemcacheError" ? error.reason._tag : error._tag)
      const failures = yield* Effect.all([
        failure(cache.get("k".repeat(251))),
        failure(cache.set("a b", 1)),
        failure(cache.getMany(["k", "\ud800"])),
        failure(cache.set("k", 1, { ttl: "0 seconds" })),
        failure(cache.set("k", new Map())),
        failure(cache.set("k", new Uint8Array(2001), { compression: false }))
      ])
      assert.deepStrictEqual(failures, [
        "KeyLengthError",
        "KeyCharacterError",
        "KeyEncodingError",
        "ArgumentError",
        "EncodeError",
        "ValueTooLargeError"
      ])
      assert.deepStrictEqual(durations(yield* figures), {})
      const writer = yield* client({
        servers: server.address,
        transcoder: {
          encode: () => Result.succeed({ bytes: Buffer.from("{"), flags: 32 }),
          decode: () => Result.succeed(undefined)
        }
      })
      yield* writer.set("k", 1)
      assert.strictEqual(yield* failure(cache.get("k")), "DecodeError")
      const rehashing = yield* client({ servers: server.address, deadHost: { policy: "rehash" } })
      yield* server.stop
      assert.strictEqual(yield* failure(rehashing.get("k")), "ConnectError")
      assert.strictEqual(yield* failure(rehashing.get("k")), "NoServerError")
      const sums = yield* figures
      assert.deepStrictEqual(durations(sums), { get: 1, "get ConnectError": 1, set: 1 })
      assert.strictEqual(sums.get("hits"), 1)
    })))

  it.effect("count what is tried again", () =>
    alone(Effect.gen(function*() {
      const answers = ["SERVER_ERROR busy\r\n", "SERVER_ERROR busy\r\n", "VALUE k 16 1\r\nx\r\nEND\r\n"]
      const server = yield* ScriptedServer.make({ onData: (socket) => void socket.write(answers.shift()!) })
      const cache = yield* client({ servers: server.address, readRetry: { schedule: Schedule.recurs(2) } })
      yield* cache.get("k")
      const sums = yield* figures
      assert.strictEqual(sums.get("retries"), 2)
      assert.deepStrictEqual(durations(sums), { get: 1, "get ServerError": 2 })
      assert.strictEqual(sums.get("hits"), 1)
    })))

  it.effect("do not take connections that the client closes for lost", () =>
    alone(Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const cache = yield* client({ servers: server.address })
      yield* cache.get("k")
      yield* cache.disconnectAll
      yield* cache.get("k")
      const sums = yield* figures
      assert.strictEqual(sums.get("connections.opened"), 2)
      assert.strictEqual(sums.get("connections.lost"), 0)
    })))

  it.effect("have nothing to say of servers that nobody has asked", () =>
    alone(Effect.gen(function*() {
      const cache = yield* client({ servers: "127.0.0.1:1, 127.0.0.1:2" })
      assert.strictEqual((yield* cache.servers).length, 2)
      assert.deepStrictEqual(yield* Metric.snapshot, [])
    })))

  it.effect("keep their counts when the client is closed, and nothing that describes it", () =>
    alone(Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const scope = yield* Scope.make()
      const cache = yield* Scope.provide(client({ servers: server.address }), scope)
      yield* cache.get("k")
      yield* Scope.close(scope, Exit.void)
      const sums = yield* figures
      assert.deepStrictEqual(durations(sums), { get: 1 })
      assert.strictEqual(sums.get("misses"), 1)
      for (const gauge of ["active_operations", "db.client.connection.count", "server.alive"]) {
        assert.isFalse(sums.has(gauge), gauge)
      }
      const next = yield* client({ servers: server.address })
      yield* next.get("k")
      assert.strictEqual((yield* figures).get("misses"), 2)
    })))

  it.effect("forget a server that is taken from the list", () =>
    alone(Effect.gen(function*() {
      const [one, two] = yield* Effect.forEach([1, 2], () => EmbeddedMemcached.make())
      const cache = yield* client({ servers: one.address })
      yield* cache.get("k")
      yield* cache.setServers(two.address)
      yield* cache.get("k")
      yield* TestClock.adjust("2 seconds")
      yield* Effect.promise(() => until(() => one.counters.current === 0))
      const ports = new Set((yield* Metric.snapshot).map(({ attributes }) => attributes?.["server.port"]))
      assert.deepStrictEqual([...ports], [String(two.port)])
    })))

  it.effect("of two clients are added up, or told apart by their names", () =>
    alone(Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const options = { servers: server.address }
      const clients = [
        yield* client(options),
        yield* client(options),
        yield* client({ ...options, telemetry: { name: "sessions" } })
      ]
      for (const cache of clients) yield* cache.get("k")
      const hits = (yield* PrometheusMetrics.format()).split("\n").filter((line) => line.includes("misses{"))
      assert.deepStrictEqual(hits.map((line) => line.replace(/^.*"memcached",(?:(db_namespace="\w+"),)?.*} /, "$1 ")), [
        " 2",
        "db_namespace=\"sessions\" 1"
      ])
    })))

  it.effect("have neither keys nor values nor credentials in them", () =>
    alone(Effect.gen(function*() {
      const users = [{ username: "USERNAME", password: "PASSWORD" }]
      const server = yield* EmbeddedMemcached.make({ users })
      for (const password of ["PASSWORD", "PASSWORD2"]) {
        const auth = { username: "USERNAME", password: Redacted.make(password) }
        const cache = yield* client({ servers: server.address, auth, prefix: "PREFIX" })
        yield* Effect.exit(cache.set("KEY", "VALUE"))
        yield* Effect.exit(cache.increment("KEY"))
        yield* Effect.exit(cache.getMany(["KEY", "KEY2"]))
      }
      const all = (yield* PrometheusMetrics.format()) + JSON.stringify(yield* Metric.snapshot)
      for (const word of ["NotNumberError", "AuthenticationError"]) assert.include(all, word)
      assert.notMatch(all, /KEY|VALUE|USERNAME|PASSWORD|PREFIX/)
    })))
})

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
}
