/**
 * Several connections to a server as its sockets see them, through a relay that counts and holds what passes.
 */
import { Memcache } from "@effect-memcache/client"
import { EmbeddedMemcached } from "@effect-memcache/testing"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { once } from "node:events"
import * as Net from "node:net"

interface Relayed {
  readonly socket: Net.Socket
  readonly upstream: Net.Socket
  gets: number
}

/** Relays to a port of this machine. */
const relay = Effect.fnUntraced(function*(port: number) {
  const connections: Array<Relayed> = []
  const server = Net.createServer({ noDelay: true }, (socket) => {
    const upstream = Net.connect({ host: "127.0.0.1", port, noDelay: true })
    const relayed: Relayed = { socket, upstream, gets: 0 }
    connections.push(relayed)
    let tail = ""
    socket.on("data", (chunk: Buffer) => {
      const text = tail + chunk.toString("latin1")
      relayed.gets += text.split("mg ").length - 1
      // A chunk may end within a request.
      tail = text.slice(-2)
      upstream.write(chunk)
    })
    upstream.on("data", (chunk: Buffer) => socket.write(chunk))
    for (const end of [socket, upstream]) end.on("error", () => {})
    socket.on("close", () => upstream.destroy())
    upstream.on("close", () => socket.destroy())
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening")),
    () =>
      Effect.promise(async () => {
        for (const { socket } of connections) socket.destroy()
        await new Promise((resolve) => server.close(resolve))
      })
  )
  const gets = () => connections.map(({ gets }) => gets)
  return { address: `127.0.0.1:${(server.address() as Net.AddressInfo).port}`, connections, gets }
})

const COUNT = 1000

/** A server that holds a thousand numbers, and a client with four connections to it, as soon as all four are open. */
const four = Effect.gen(function*() {
  const server = yield* EmbeddedMemcached.make()
  const through = yield* relay(server.port)
  const layer = Memcache.layer({
    servers: through.address,
    protocol: "meta",
    connections: 4,
    connectTimeout: "10 seconds",
    commandTimeout: "10 seconds"
  })
  const cache = Context.get(yield* Effect.orDie(Layer.build(Layer.fresh(layer))), Memcache)
  const numbers = Array.from({ length: COUNT }, (_, i) => i)
  yield* Effect.forEach(numbers, (i) => cache.set(`key:${i}`, i), { concurrency: "unbounded", discard: true })
  const getAll = Effect.forEach(numbers, (i) => Effect.result(cache.get(`key:${i}`)), { concurrency: "unbounded" })
  const right = numbers.map((i) => Result.succeed(Option.some(i)))
  for (let round = 0; round < 20 && server.counters.accepted < 4; round++) {
    assert.deepStrictEqual(yield* getAll, right)
  }
  assert.strictEqual(server.counters.accepted, 4)
  return { server, through, cache, getAll, right }
})

it.live("a thousand commands at once use four connections and no more, and every value is right", () =>
  Effect.gen(function*() {
    const { cache, getAll, right, server, through } = yield* four
    const before = through.gets()
    for (let round = 0; round < 5; round++) assert.deepStrictEqual(yield* getAll, right)
    const used = through.gets().map((gets, i) => gets - before[i])
    assert.strictEqual(used.length, 4)
    // Each takes its share.
    for (const gets of used) assert.isAbove(gets, COUNT / 2)
    assert.strictEqual(server.counters.accepted, 4)
    const [state] = yield* cache.servers
    assert.deepStrictEqual([state.connections, state.inFlight], [4, 0])
  }))

it.live("a connection that is killed among four costs its own commands and no other", () =>
  Effect.gen(function*() {
    const { cache, getAll, right, server, through } = yield* four
    for (const { upstream } of through.connections) upstream.pause()
    const before = through.gets()
    const sum = (gets: ReadonlyArray<number>) => gets.reduce((sum, n) => sum + n, 0)
    const fiber = yield* Effect.forkScoped(getAll, { startImmediately: true })
    while (sum(through.gets()) < sum(before) + COUNT) yield* Effect.sleep(2)
    const [victim] = through.connections
    const own = victim.gets - before[0]
    assert.isAbove(own, 0)
    assert.isBelow(own, COUNT / 2)
    victim.socket.destroy()
    while ((yield* cache.servers)[0].connections === 4) yield* Effect.sleep(2)
    for (const { upstream } of through.connections) upstream.resume()
    const outcomes = yield* Fiber.join(fiber)
    const failures = outcomes.filter(Result.isFailure)
    assert.strictEqual(failures.length, own)
    for (const { failure } of failures) {
      assert(failure._tag === "MemcacheError")
      assert.strictEqual(`${failure.reason._tag} ${failure.outcome}`, "ConnectionLostError unknown")
    }
    outcomes.forEach((outcome, i) => {
      if (Result.isSuccess(outcome)) assert.deepStrictEqual(outcome.success, Option.some(i))
    })
    // The server is as alive as before, and gets its fourth connection back.
    while (server.counters.accepted < 5) assert.deepStrictEqual(yield* getAll, right)
    assert.strictEqual((yield* cache.servers)[0].status, "connected")
  }))

it.live("a server that takes no more connections serves those that it has, and is seldom asked (FAULTS row 63)", () =>
  Effect.gen(function*() {
    const server = yield* EmbeddedMemcached.make({ maxConnections: 2 })
    const through = yield* relay(server.port)
    const layer = Memcache.layer({ servers: through.address, connections: 4, commandTimeout: "10 seconds" })
    const cache = Context.get(yield* Effect.orDie(Layer.build(Layer.fresh(layer))), Memcache)
    const entries = Array.from({ length: COUNT }, (_, i) => [`key:${i}`, i] as const)
    const setAll = Effect.forEach(entries, ([key, i]) => cache.set(key, i), { concurrency: "unbounded", discard: true })
    while (through.connections.length < 3) yield* setAll
    for (let round = 0; round < 5; round++) yield* setAll
    assert.strictEqual((yield* cache.getMany(entries.map(([key]) => key))).size, COUNT)
    const [state] = yield* cache.servers
    assert.deepStrictEqual([state.status, state.connections], ["connected", 2])
    assert.strictEqual(server.counters.accepted, 2)
    // The third was refused; nobody asks again within a second, however busy the two are.
    assert.isAtMost(through.connections.length, 5)
  }))
