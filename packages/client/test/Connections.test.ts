/**
 * More than one connection to a server: when another is opened, which one a command takes, and what is lost with one.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { BUSY } from "../src/internal/servers/Growth.ts"
import type { PoolOptions } from "../src/internal/servers/Pool.ts"
import type { ScriptedPool } from "./fixtures/ScriptedPool.ts"
import { get, make, nameOf, outcomeOf, reasonOf, settle, weighted } from "./fixtures/ScriptedPool.ts"
import type { ScriptedConnection } from "./fixtures/ScriptedTransport.ts"

const A = nameOf("a")

const keys = (count: number, prefix = "k") => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

const startMany = ({ start }: ScriptedPool, count: number, prefix?: string) =>
  Effect.forEach(keys(count, prefix), (key) => start(key))

const inFlight = (connections: ReadonlyArray<ScriptedConnection>) => connections.map(({ requests }) => requests.length)

/** A pool whose server has as many connections as it may have, all idle; none of them answers by itself. */
const open = Effect.fnUntraced(function*(connections: number, options: Partial<Omit<PoolOptions, "connect">> = {}) {
  const scripted = yield* make(["a"], { connections, behaviour: "silent", ...options })
  const fibers = yield* startMany(scripted, connections * (BUSY + 1), "opening")
  yield* settle
  const { connections: opened } = scripted.transport
  assert.strictEqual(opened.length, connections)
  for (const connection of opened) connection.answer(connection.requests.length)
  yield* Effect.forEach(fibers, Fiber.await)
  scripted.takeEvents()
  return { ...scripted, opened }
})

describe("another connection", () => {
  it.effect("is dialed in the background, once, when the one that is open is busy", () =>
    Effect.gen(function*() {
      const scripted = yield* make(["a"], { connections: 4, behaviour: "wait" })
      const { pool, transport } = scripted
      const first = yield* scripted.start("first")
      const connection = transport.dials[0].accept()
      yield* startMany(scripted, BUSY)
      assert.strictEqual(transport.dials.length, 1)
      yield* startMany(scripted, 5)
      assert.strictEqual(transport.dials.length, 2)
      // Nobody waits for it.
      assert.deepStrictEqual(inFlight(transport.connections), [BUSY + 6])
      connection.answer()
      yield* settle
      assert.strictEqual(outcomeOf(first), "ok")
      assert.strictEqual((yield* pool.servers)[0].status, "connected")
      transport.dials[1].accept()
      yield* settle
      yield* startMany(scripted, BUSY + 1)
      assert.strictEqual(transport.dials.length, 2)
      assert.deepStrictEqual(inFlight(transport.connections), [BUSY + 5, BUSY + 1])
      yield* scripted.start("one more")
      assert.strictEqual(transport.dials.length, 3)
      const [state] = yield* pool.servers
      assert.deepStrictEqual([state.connections, state.inFlight], [2, 2 * BUSY + 7])
      assert.deepStrictEqual(scripted.takeEvents(), ["Connected a"])
    }))

  it.effect("is never dialed where one is the limit", () =>
    Effect.gen(function*() {
      const scripted = yield* make(["a"], { behaviour: "silent" })
      yield* startMany(scripted, 900)
      assert.strictEqual(scripted.transport.dials.length, 1)
    }))

  it.effect("is not dialed beyond the limit", () =>
    Effect.gen(function*() {
      const scripted = yield* make(["a"], { connections: 3, behaviour: "silent" })
      yield* startMany(scripted, 900)
      assert.strictEqual(scripted.transport.dials.length, 3)
      assert.deepStrictEqual(inFlight(scripted.transport.connections), [300, 300, 300])
    }))

  it.effect("is dialed for those that waited for the first dial, which they all shared", () =>
    Effect.gen(function*() {
      const scripted = yield* make(["a"], { connections: 2, behaviour: "wait" })
      const { transport } = scripted
      yield* startMany(scripted, 100)
      assert.strictEqual(transport.dials.length, 1)
      transport.behaviour.set(A, "silent")
      transport.dials[0].accept()
      yield* settle
      assert.strictEqual(transport.dials.length, 2)
      assert.deepStrictEqual(inFlight(transport.connections), [50, 50])
    }))

  it.effect("that cannot be had leaves the server alive, and the next try comes later and later", () =>
    Effect.gen(function*() {
      const { pool, send, start, takeEvents, transport, ...rest } = yield* make(["a"], {
        connections: 2,
        behaviour: "silent"
      })
      yield* start("first")
      transport.behaviour.set(A, "refuse")
      const [connection] = transport.connections
      connection.answered++
      // Commands all the time, more than one connection should have.
      for (let time = 0; time < 16_000; time += 100) {
        yield* startMany({ pool, send, start, takeEvents, transport, ...rest }, 3)
        yield* TestClock.adjust(100)
        connection.answer()
      }
      assert.deepStrictEqual(
        transport.dials.slice(1).map(({ at }) => at - transport.dials[1].at),
        [0, 1000, 3000, 7000, 15_000]
      )
      assert.strictEqual((yield* pool.servers)[0].status, "connected")
      assert.deepStrictEqual(takeEvents(), ["Connected a"])
    }))

  it.effect("that has worked for a while ends the pauses", () =>
    Effect.gen(function*() {
      const scripted = yield* open(2)
      const { opened, transport } = scripted
      const times = () => transport.dials.slice(2).map(({ at }) => at)
      const keepBusy = Effect.fnUntraced(function*(until: number) {
        while (transport.dials.length < until) {
          for (const connection of transport.connections) connection.answer(connection.requests.length)
          yield* startMany(scripted, 2 * (BUSY + 2))
          yield* TestClock.adjust(500)
        }
      })
      opened[1].lose()
      transport.behaviour.set(A, "refuse")
      yield* keepBusy(4)
      transport.behaviour.set(A, "silent")
      yield* keepBusy(5)
      assert.deepStrictEqual(times(), [0, 1000, 3000])
      yield* TestClock.adjust(5000)
      transport.connectionOf(A).answered++
      transport.connectionOf(A).lose()
      transport.behaviour.set(A, "refuse")
      yield* keepBusy(7)
      const [first, second] = times().slice(3)
      assert.strictEqual(second - first, 1000)
    }))

  it.effect("that the server closes before it was of use is not dialed again at once", () =>
    Effect.gen(function*() {
      const scripted = yield* open(2)
      const { opened, pool, takeEvents, transport } = scripted
      opened[1].lose()
      yield* startMany(scripted, BUSY + 1)
      transport.onAccept = (connection) => connection.lose()
      yield* startMany(scripted, 10)
      assert.strictEqual(transport.dials.length, 3)
      transport.onAccept = () => {}
      yield* TestClock.adjust(900)
      yield* startMany(scripted, 1)
      assert.strictEqual(transport.dials.length, 3)
      yield* TestClock.adjust(99)
      opened[0].answer(5)
      yield* TestClock.adjust(1)
      yield* startMany(scripted, BUSY + 1)
      assert.strictEqual(transport.dials.length, 4)
      assert.strictEqual((yield* pool.servers)[0].connections, 2)
      assert.deepStrictEqual(takeEvents(), [])
    }))

  it.effect("of which the dial has begun is waited for when the last open one is lost", () =>
    Effect.gen(function*() {
      const scripted = yield* make(["a"], { connections: 2, behaviour: "silent" })
      const { pool, start, transport } = scripted
      const fibers = yield* startMany(scripted, BUSY + 1)
      transport.behaviour.set(A, "wait")
      yield* start("busy")
      assert.strictEqual(transport.dials.length, 2)
      transport.connections[0].answer(BUSY + 1)
      transport.connections[0].lose()
      const waiting = yield* start("waiting")
      assert.strictEqual((yield* pool.servers)[0].status, "connecting")
      assert.strictEqual(transport.dials.length, 2)
      transport.dials[1].refuse()
      yield* settle
      assert.strictEqual(outcomeOf(waiting), "ConnectError not-sent")
      assert.strictEqual((yield* pool.servers)[0].status, "dead")
      for (const fiber of fibers) assert.strictEqual(outcomeOf(fiber), "ok")
    }))
})

describe("a command", () => {
  it.effect("goes to the open connection with the least in flight", () =>
    Effect.gen(function*() {
      const scripted = yield* open(3)
      const { opened, start } = scripted
      yield* startMany(scripted, 9)
      assert.deepStrictEqual(inFlight(opened), [3, 3, 3])
      opened[1].answer(2)
      yield* start("x")
      assert.deepStrictEqual(inFlight(opened), [3, 2, 3])
      opened[2].answer(3)
      yield* start("x")
      assert.deepStrictEqual(inFlight(opened), [3, 2, 1])
    }))

  it.effect("that comes after the one before was answered stays on one connection", () =>
    Effect.gen(function*() {
      const { opened, send } = yield* open(3)
      for (const connection of opened) connection.isEcho = true
      const before = opened.map(({ written }) => written.length)
      for (const key of keys(10)) yield* send(key)
      assert.deepStrictEqual(opened.map(({ written }, i) => written.length - before[i]), [10, 0, 0])
    }))

  it.effect("of a batch goes with its batch", () =>
    Effect.gen(function*() {
      const { opened, pool, start } = yield* open(3)
      yield* start("x")
      yield* Effect.forkScoped(pool.backends()[0].sendMany(keys(5).map((key) => get(key))), { startImmediately: true })
      assert.deepStrictEqual(inFlight(opened), [1, 5, 0])
    }))
})

describe("a connection that is lost among others", () => {
  it.effect("costs only what was sent on it; the rest goes to another at once", () =>
    Effect.gen(function*() {
      const scripted = yield* open(3)
      const { opened, pool, start, takeEvents, transport } = scripted
      const others = yield* startMany(scripted, 3)
      opened[1].isWritable = false
      opened[0].answer()
      opened[2].answer()
      yield* start("on the first")
      yield* start("on the third")
      opened[1].requests[0].isSent = true
      const unsent = yield* start("on the first")
      opened[0].requests.push(...opened[1].requests.splice(1))
      const batch = yield* Effect.forkScoped(pool.backends()[0].sendMany([get("b")]), { startImmediately: true })
      assert.deepStrictEqual(inFlight(opened), [2, 2, 1])
      opened[1].lose()
      yield* settle
      assert.deepStrictEqual(others.map(outcomeOf), ["ok", "ConnectionLostError unknown", "ok"])
      assert.deepStrictEqual(inFlight(opened), [2, 0, 2])
      assert.deepStrictEqual(opened[2].written.at(-1), get("b"))
      opened[0].answer(2)
      opened[2].answer(2)
      yield* settle
      assert.strictEqual(outcomeOf(unsent), "ok")
      assert.strictEqual(outcomeOf(batch), "ok")
      assert.strictEqual(transport.dials.length, 3)
      const [state] = yield* pool.servers
      assert.deepStrictEqual([state.status, state.connections], ["connected", 2])
      assert.deepStrictEqual(takeEvents(), [])
    }))

  it.effect("is replaced when those that are left are busy", () =>
    Effect.gen(function*() {
      const scripted = yield* open(2)
      scripted.opened[0].lose()
      yield* startMany(scripted, BUSY + 1)
      assert.strictEqual(scripted.transport.dials.length, 2)
      yield* startMany(scripted, 1)
      assert.strictEqual(scripted.transport.dials.length, 3)
      yield* startMany(scripted, 1)
      assert.deepStrictEqual(inFlight(scripted.transport.connections), [0, BUSY + 2, 1])
    }))

  it.effect("leaves what was sent twice in vain to its caller", () =>
    Effect.gen(function*() {
      const { opened, start, transport } = yield* open(3)
      for (const connection of opened) connection.isWritable = false
      const unsent = yield* start("x")
      opened[0].lose()
      yield* settle
      assert.deepStrictEqual(inFlight(opened), [0, 1, 0])
      opened[1].lose()
      yield* settle
      assert.strictEqual(outcomeOf(unsent), "ConnectionLostError not-sent")
      assert.strictEqual(transport.dials.length, 3)
    }))

  it.effect("is one of all when the server ends: one failure, one event, one dial for everybody", () =>
    Effect.gen(function*() {
      const scripted = yield* make(["a", "b"], { connections: 4, behaviour: "silent", failureLimit: 2 })
      const { pool, takeEvents, transport } = scripted
      const [backend] = pool.backends()
      const send = Effect.forkScoped(backend.send(get("x")), { startImmediately: true })
      const fibers = yield* Effect.replicateEffect(send, 4 * (BUSY + 1))
      const { connections } = transport
      assert.strictEqual(connections.length, 4)
      for (const connection of connections) connection.answer(1)
      transport.behaviour.set(A, "wait")
      for (const connection of connections) connection.lose()
      yield* settle
      const lost = fibers.filter((fiber) => outcomeOf(fiber) === "ConnectionLostError unknown")
      assert.strictEqual(lost.length, 4 * BUSY)
      assert.deepStrictEqual(takeEvents(), ["Connected a", "Disconnected a"])
      assert.strictEqual((yield* pool.servers)[0].status, "idle")
      const again = yield* Effect.replicateEffect(send, 100)
      assert.strictEqual(transport.dials.length, 5)
      transport.dials[4].accept().isEcho = true
      yield* settle
      assert.strictEqual(transport.connectionOf(A).requests.length, 100)
      transport.connectionOf(A).answer(100)
      yield* settle
      for (const fiber of again) assert.strictEqual(outcomeOf(fiber), "ok")
    }))
})

describe("a server with several connections", () => {
  const failing = Effect.gen(function*() {
    const scripted = yield* make(["a", "b"], { connections: 3, behaviour: "silent", failureLimit: 4 })
    const { pool, transport } = scripted
    const [backend] = pool.backends()
    const start = Effect.forkScoped(backend.send(get("x")), { startImmediately: true })
    const fibers = yield* Effect.replicateEffect(start, 3 * (BUSY + 1))
    for (const connection of transport.connections) connection.answer(connection.requests.length)
    yield* Effect.forEach(fibers, Fiber.await)
    scripted.takeEvents()
    return { ...scripted, opened: [...transport.connections], start }
  })

  it.effect("dies of failures in a row over all of them, and a probe's connection replaces them all", () =>
    Effect.gen(function*() {
      const { opened, pool, start, takeEvents, transport } = yield* failing
      transport.behaviour.set(A, "wait")
      yield* Effect.replicateEffect(start, 3)
      yield* TestClock.adjust(1000)
      assert.strictEqual((yield* pool.servers)[0].status, "connected")
      yield* start
      yield* TestClock.adjust(1000)
      const [dead] = yield* pool.servers
      assert.deepStrictEqual([dead.status, dead.connections], ["dead", 3])
      assert.strictEqual(transport.dials.length, 3)
      yield* TestClock.adjust(1000)
      const probe = transport.dials[3].accept()
      yield* settle
      for (const connection of opened) assert.isDefined(connection.closed)
      assert.isUndefined(probe.closed)
      const [back] = yield* pool.servers
      assert.deepStrictEqual([back.status, back.connections, back.inFlight], ["connected", 1, 0])
      assert.deepStrictEqual(takeEvents(), ["Dead a", "Returned a", "Connected a"])
      // The old ones count no more: this one is all there is, and ends without an answer.
      yield* start
      probe.lose()
      assert.strictEqual((yield* pool.servers)[0].status, "dead")
    }))

  it.effect("dies when all of them end before any has answered", () =>
    Effect.gen(function*() {
      const scripted = yield* make(["a"], { connections: 2, behaviour: "silent" })
      const { pool, transport: { connections } } = scripted
      yield* startMany(scripted, BUSY + 2)
      assert.deepStrictEqual(inFlight(connections), [BUSY + 2, 0])
      connections[1].lose()
      yield* settle
      assert.strictEqual((yield* pool.servers)[0].status, "connected")
      connections[0].lose()
      yield* settle
      assert.strictEqual((yield* pool.servers)[0].status, "dead")
    }))

  it.effect("lives when any of them answers", () =>
    Effect.gen(function*() {
      const { opened, pool, start } = yield* failing
      for (let i = 0; i < 10; i++) {
        yield* Effect.replicateEffect(start, 3)
        yield* TestClock.adjust(500)
        const waitedFor = opened.filter(({ requests }) => requests.length > 0)
        waitedFor[i % waitedFor.length].answer(1)
        yield* TestClock.adjust(500)
      }
      assert.strictEqual((yield* pool.servers)[0].status, "connected")
    }))

  it.effect("is not dialed for another one while it is dead, nor by a dial that had begun", () =>
    Effect.gen(function*() {
      const { opened, pool, start, transport } = yield* failing
      opened[2].lose()
      transport.behaviour.set(A, "wait")
      yield* Effect.replicateEffect(start, 2 * (BUSY + 1) + 1)
      assert.deepStrictEqual(transport.dials.map(({ state }) => state), ["accepted", "accepted", "accepted", "open"])
      yield* TestClock.adjust(999)
      assert.strictEqual(transport.dials[3].state, "open")
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* pool.servers)[0].status, "dead")
      assert.strictEqual(transport.dials[3].state, "interrupted")
      assert.strictEqual(yield* reasonOf(pool.backends()[0].send(get("x"))), "ServerDeadError not-sent")
      assert.strictEqual(transport.dials.length, 4)
    }))

  it.effect("closes all of them when the client disconnects, and the dial for another", () =>
    Effect.gen(function*() {
      const scripted = yield* open(3)
      const { opened, pool, takeEvents, transport } = scripted
      opened[2].lose()
      transport.behaviour.set(A, "wait")
      const fibers = yield* startMany(scripted, 2 * (BUSY + 1) + 1)
      assert.strictEqual(transport.dials[3].state, "open")
      yield* pool.disconnectAll
      yield* settle
      for (const connection of opened) assert.isDefined(connection.closed)
      assert.strictEqual(transport.dials[3].state, "interrupted")
      for (const fiber of fibers) assert.strictEqual(outcomeOf(fiber), "ConnectionLostError unknown")
      const [state] = yield* pool.servers
      assert.deepStrictEqual([state.status, state.connections, state.inFlight], ["idle", 0, 0])
      assert.deepStrictEqual(takeEvents(), ["Disconnected a"])
      // What we closed ourselves keeps no dial back.
      transport.behaviour.set(A, "silent")
      yield* startMany(scripted, BUSY + 2)
      assert.strictEqual(transport.dials.length, 6)
    }))

  it.effect("sends what had not been sent on a new one when the client disconnects", () =>
    Effect.gen(function*() {
      const scripted = yield* open(3)
      const { opened, pool, transport } = scripted
      for (const connection of opened) connection.isWritable = false
      transport.onAccept = (connection) => {
        connection.isEcho = true
      }
      const fibers = yield* startMany(scripted, 9)
      yield* pool.disconnectAll
      yield* settle
      for (const fiber of fibers) assert.strictEqual(outcomeOf(fiber), "ok")
      assert.strictEqual(transport.dials.length, 4)
    }))

  it.effect("drains all of them when it is removed, and opens no more", () =>
    Effect.gen(function*() {
      const scripted = yield* open(3)
      const { opened, pool, transport } = scripted
      opened[2].lose()
      transport.behaviour.set(A, "wait")
      const [backend] = pool.backends()
      const fibers = yield* startMany(scripted, 2 * (BUSY + 1) + 1)
      yield* pool.setServers(weighted("b"))
      yield* settle
      assert.strictEqual(transport.dials[3].state, "interrupted")
      assert.isUndefined(opened[0].closed)
      assert.isUndefined(opened[1].closed)
      const late = yield* Effect.forkScoped(backend.send(get("late")), { startImmediately: true })
      assert.deepStrictEqual(inFlight(opened), [BUSY + 2, BUSY + 2, 0])
      for (const connection of opened) connection.answer(connection.requests.length)
      yield* settle
      for (const fiber of fibers) assert.strictEqual(outcomeOf(fiber), "ok")
      assert.strictEqual(outcomeOf(late), "ok")
      assert.strictEqual(transport.dials.length, 4)
      yield* TestClock.adjust(1100)
      for (const connection of opened) assert.isDefined(connection.closed)
    }))

  it.effect("closes all of them with the scope, and dials none", () =>
    Effect.gen(function*() {
      const scripted = yield* open(3)
      const { close, opened, send, sleeping, transport } = scripted
      for (const connection of opened) connection.isWritable = false
      const stubborn = (key: string) => Effect.catch(send(key), () => send(key))
      const fibers = yield* Effect.forEach(
        keys(300),
        (key) => Effect.forkScoped(stubborn(key), { startImmediately: true })
      )
      yield* close
      yield* settle
      for (const fiber of fibers) assert.strictEqual(outcomeOf(fiber), "ConnectionLostError not-sent")
      for (const connection of opened) assert.isDefined(connection.closed)
      assert.strictEqual(transport.dials.length, 3)
      assert.strictEqual(sleeping(), 0)
    }))
})
