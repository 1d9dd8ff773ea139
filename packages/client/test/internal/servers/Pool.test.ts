import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Pool } from "../../../src/internal/servers/Pool.ts"
import {
  get,
  hostOf,
  keyOf,
  make,
  nameOf,
  outcomeOf,
  reasonOf,
  settle,
  statuses,
  weighted,
  wire
} from "../../fixtures/ScriptedPool.ts"

describe("Pool", () => {
  describe("probes", () => {
    it.effect("follow the schedule, one at a time, and bring the server back", () =>
      Effect.gen(function*() {
        const { pool, send, sleeping, takeEvents, transport } = yield* make(["a"], {
          behaviour: "refuse",
          schedule: Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 3 }))
        })
        assert.strictEqual(yield* reasonOf(send("x")), "ConnectError not-sent")
        for (let i = 0; i < 16; i++) {
          assert.strictEqual(yield* reasonOf(send("x")), "ServerDeadError not-sent")
          yield* TestClock.adjust("1 second")
        }
        assert.deepStrictEqual(transport.dials.map(({ at }) => at), [0, 1000, 3000, 7000, 11_000, 15_000])
        assert.deepStrictEqual(takeEvents(), ["Dead a"])
        transport.behaviour.set(nameOf("a"), "wait")
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(transport.dials.length, 7)
        // However long it takes, there is no other.
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(transport.dials.length, 7)
        const error = yield* Effect.flip(send("x"))
        assert(error.reason._tag === "ServerDeadError")
        assert.isTrue(Duration.isZero(error.reason.retryAfter))
        transport.dials[6].accept().isEcho = true
        yield* settle
        assert.strictEqual(yield* statuses(pool), "connected")
        assert.deepStrictEqual(takeEvents(), ["Returned a", "Connected a"])
        assert.strictEqual(yield* reasonOf(send("x")), "ok")
        assert.strictEqual(transport.dials.length, 7)
        assert.strictEqual(sleeping(), 0)
      }))

    it.effect("a server that dies again soon goes on with its schedule, one that lived longer begins anew", () =>
      Effect.gen(function*() {
        const { pool, send, transport } = yield* make(["a"], { schedule: Schedule.exponential("1 second") })
        const A = nameOf("a")
        const die = Effect.gen(function*() {
          transport.behaviour.set(A, "refuse")
          if (transport.connections.length > 0) transport.connectionOf(A).lose()
          yield* reasonOf(send("x"))
          transport.behaviour.set(A, "echo")
          const [{ nextProbe, since }] = yield* pool.servers
          const delay = Option.getOrThrow(nextProbe).epochMilliseconds - since.epochMilliseconds
          yield* TestClock.adjust(delay)
          assert.strictEqual(yield* statuses(pool), "connected")
          return delay
        })
        assert.strictEqual(yield* die, 1000)
        assert.strictEqual(yield* die, 2000)
        yield* TestClock.adjust(1999)
        assert.strictEqual(yield* die, 4000)
        yield* TestClock.adjust(4000)
        assert.strictEqual(yield* die, 1000)
      }))

    it.effect("a transport that throws is probed on", () =>
      Effect.gen(function*() {
        const { pool, send, transport } = yield* make(["a"])
        transport.onAccept = () => {
          throw new Error("broken transport")
        }
        yield* reasonOf(send("x"))
        yield* TestClock.adjust("3 seconds")
        transport.onAccept = () => {}
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* statuses(pool), "connected")
      }))

    it.effect("forgetting dead hosts lets the next command try", () =>
      Effect.gen(function*() {
        const { pool, send, sleeping, takeEvents, transport } = yield* make(["a"], { behaviour: "refuse" })
        yield* reasonOf(send("x"))
        yield* pool.forgetDeadHosts
        assert.strictEqual(yield* statuses(pool), "idle")
        assert.strictEqual(sleeping(), 0)
        yield* settle
        assert.deepStrictEqual(takeEvents(), ["Dead a", "Returned a"])
        yield* pool.forgetDeadHosts
        yield* settle
        assert.deepStrictEqual(takeEvents(), [])
        transport.behaviour.set(nameOf("a"), "echo")
        assert.strictEqual(yield* reasonOf(send("x")), "ok")
      }))

    it.effect("forgetting dead hosts ends a probe that is dialing", () =>
      Effect.gen(function*() {
        const { pool, send, takeEvents, transport } = yield* make(["a"], { behaviour: "refuse" })
        yield* reasonOf(send("x"))
        transport.behaviour.set(nameOf("a"), "wait")
        yield* TestClock.adjust("1 second")
        yield* pool.forgetDeadHosts
        yield* settle
        assert.strictEqual(transport.dials[1].state, "interrupted")
        transport.dials[1].accept()
        transport.behaviour.set(nameOf("a"), "echo")
        assert.strictEqual(yield* reasonOf(send("x")), "ok")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(takeEvents(), ["Dead a", "Returned a", "Connected a"])
        assert.strictEqual(transport.dials.length, 3)
      }))
  })

  describe("failure counting", () => {
    const timeOut = (pool: Pool, key: string, times: number) =>
      Effect.gen(function*() {
        for (let i = 0; i < times; i++) {
          const backend = pool.pick(wire(key))
          if (isMemcacheError(backend)) return
          yield* Effect.forkScoped(backend.send(get(key)), { startImmediately: true })
          yield* TestClock.adjust("1 second")
        }
      })

    const warm = (behaviour: { readonly hosts: ReadonlyArray<string> }) =>
      Effect.gen(function*() {
        const made = yield* make(behaviour.hosts, { behaviour: "silent", failureLimit: 3 })
        for (const backend of made.pool.backends()) {
          yield* Effect.forkScoped(backend.send(get("w")), { startImmediately: true })
          made.transport.connections.at(-1)?.answer()
        }
        yield* settle
        made.takeEvents()
        return made
      })

    it.effect("as many timeouts in a row as the limit mark one of several servers dead", () =>
      Effect.gen(function*() {
        const { pool, send, takeEvents, transport } = yield* warm({ hosts: ["a", "b", "c"] })
        const key = keyOf(pool, "b")
        yield* timeOut(pool, key, 2)
        assert.strictEqual(yield* statuses(pool), "connected connected connected")
        yield* timeOut(pool, key, 1)
        assert.strictEqual(yield* statuses(pool), "connected dead connected")
        assert.strictEqual(yield* reasonOf(send(key)), "ServerDeadError not-sent")
        const [, state] = yield* pool.servers
        assert.strictEqual(Option.getOrThrow(state.error).reason._tag, "TimeoutError")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* statuses(pool), "connected connected connected")
        assert.deepStrictEqual(takeEvents(), ["Dead b", "Returned b", "Connected b"])
        assert.strictEqual(transport.dialsOf(nameOf("b")).length, 2)
      }))

    it.effect("a server that all commands in flight find failing dies once and is probed once", () =>
      Effect.gen(function*() {
        const { pool, start, takeEvents, transport } = yield* warm({ hosts: ["a", "b", "c", "d"] })
        for (let i = 0; i < 20; i++) yield* start(keyOf(pool, "a"))
        yield* TestClock.adjust("1 second")
        transport.behaviour.set(nameOf("a"), "refuse")
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(takeEvents(), ["Dead a"])
        assert.strictEqual(transport.dialsOf(nameOf("a")).length, 4)
      }))

    it.effect("an answer in between begins the count anew", () =>
      Effect.gen(function*() {
        const { pool, start, transport } = yield* warm({ hosts: ["a", "b", "c"] })
        const key = keyOf(pool, "a")
        for (let i = 0; i < 3; i++) {
          yield* timeOut(pool, key, 2)
          const fiber = yield* start(key)
          transport.connectionOf(nameOf("a")).answer()
          yield* Fiber.await(fiber)
        }
        assert.strictEqual(yield* statuses(pool), "connected connected connected")
      }))

    it.effect("a lone server is never marked dead for failing", () =>
      Effect.gen(function*() {
        const { pool } = yield* warm({ hosts: ["a"] })
        yield* timeOut(pool, "x", 10)
        assert.strictEqual(yield* statuses(pool), "connected")
      }))

    it.effect("at most half of the servers are marked dead for failing", () =>
      Effect.gen(function*() {
        const { pool, send, transport } = yield* warm({ hosts: ["a", "b", "c", "d"] })
        for (const host of ["a", "b", "c", "d"]) transport.behaviour.set(nameOf(host), "wait")
        for (const host of ["a", "b", "c", "d"]) yield* timeOut(pool, keyOf(pool, host), 4)
        assert.strictEqual(yield* statuses(pool), "dead dead connected connected")
        // Those that cannot be reached are no matter of counting.
        transport.behaviour.set(nameOf("c"), "refuse")
        transport.connectionOf(nameOf("c")).lose()
        yield* reasonOf(send(keyOf(pool, "c")))
        assert.strictEqual(yield* statuses(pool), "dead dead dead connected")
      }))

    it.effect("what fails with a connection that a probe replaces does not mark the server dead again", () =>
      Effect.gen(function*() {
        const { pool, start, takeEvents, transport } = yield* make(["a", "b"], {
          behaviour: "silent",
          failureLimit: 1,
          schedule: Schedule.spaced("400 millis")
        })
        const key = keyOf(pool, "a")
        const first = yield* start(key)
        yield* TestClock.adjust(500)
        const late = yield* start(key)
        yield* TestClock.adjust(500)
        assert.strictEqual(outcomeOf(first), "TimeoutError unknown")
        assert.strictEqual(yield* statuses(pool), "dead idle")
        assert.strictEqual(outcomeOf(late), "pending")
        yield* TestClock.adjust(400)
        assert.strictEqual(outcomeOf(late), "ConnectionLostError unknown")
        assert.isDefined(transport.connections[0].closed)
        assert.strictEqual(yield* statuses(pool), "connected idle")
        assert.deepStrictEqual(takeEvents(), ["Connected a", "Dead a", "Returned a", "Connected a"])
      }))
  })

  describe("a batch", () => {
    it.effect("that times out as a whole is one failure", () =>
      Effect.gen(function*() {
        const { pool } = yield* make(["a", "b"], { behaviour: "silent", failureLimit: 3 })
        const [backend] = pool.backends()
        const commands = Array.from({ length: 50 }, (_, i) => get(`k${i}`))
        yield* Effect.forkScoped(backend.sendMany(commands), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* statuses(pool), "connected idle")
      }))
  })

  describe("setServers", () => {
    it.effect("servers that stay keep their connection, those that go settle what is in flight and close", () =>
      Effect.gen(function*() {
        const { pool, sleeping, start, takeEvents, transport } = yield* make(["a", "b"], { behaviour: "silent" })
        const stays = yield* start(keyOf(pool, "a"))
        const goes = yield* start(keyOf(pool, "b"))
        const late = yield* start(keyOf(pool, "b"))
        yield* settle
        takeEvents()
        const b = transport.connectionOf(nameOf("b"))
        yield* pool.setServers(weighted("a", "c"))
        yield* settle
        assert.deepStrictEqual(takeEvents(), ["Removed b", "Added c"])
        assert.strictEqual(yield* statuses(pool), "connected idle")
        yield* TestClock.adjust(500)
        b.answer()
        transport.connectionOf(nameOf("a")).answer()
        yield* settle
        assert.strictEqual(outcomeOf(stays), "ok")
        assert.strictEqual(outcomeOf(goes), "ok")
        assert.strictEqual(outcomeOf(late), "pending")
        yield* TestClock.adjust(500)
        assert.strictEqual(outcomeOf(late), "TimeoutError unknown")
        yield* TestClock.adjust(100)
        assert.isDefined(b.closed)
        assert.strictEqual(transport.dials.length, 2)
        assert.strictEqual(sleeping(), 0)
        assert.deepStrictEqual(takeEvents(), [])
      }))

    it.effect("a server that goes while commands wait for its dial still carries them out", () =>
      Effect.gen(function*() {
        const { pool, start, takeEvents, transport } = yield* make(["a", "b"], { behaviour: "wait" })
        const fiber = yield* start(keyOf(pool, "b"))
        yield* pool.setServers(weighted("a"))
        yield* TestClock.adjust(500)
        const connection = transport.dials[0].accept()
        yield* settle
        connection.answer()
        yield* settle
        assert.strictEqual(outcomeOf(fiber), "ok")
        yield* TestClock.adjust(600)
        assert.isDefined(connection.closed)
        assert.deepStrictEqual(takeEvents(), ["Removed b"])
      }))

    it.effect("a server that goes while idle, dead or dialing for nobody closes at once", () =>
      Effect.gen(function*() {
        const { pool, send, sleeping, start, transport } = yield* make(["a", "b", "c"])
        transport.behaviour.set(nameOf("b"), "refuse")
        transport.behaviour.set(nameOf("c"), "wait")
        yield* send(keyOf(pool, "a"))
        yield* reasonOf(send(keyOf(pool, "b")))
        yield* Fiber.interrupt(yield* start(keyOf(pool, "c")))
        yield* pool.setServers(weighted("d"))
        yield* settle
        assert.isDefined(transport.connectionOf(nameOf("a")).closed)
        assert.strictEqual(transport.dialsOf(nameOf("c"))[0].state, "interrupted")
        assert.strictEqual(sleeping(), 0)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(transport.dials.length, 3)
      }))

    it.effect("a dead server that goes with commands in flight is not probed any more", () =>
      Effect.gen(function*() {
        const { pool, start, takeEvents, transport } = yield* make(["a", "b"], {
          behaviour: "silent",
          failureLimit: 1,
          schedule: Schedule.spaced("100 millis")
        })
        yield* start(keyOf(pool, "a"))
        yield* TestClock.adjust(500)
        const late = yield* start(keyOf(pool, "a"))
        yield* TestClock.adjust(500)
        assert.strictEqual(yield* statuses(pool), "dead idle")
        yield* pool.setServers(weighted("b"))
        yield* TestClock.adjust(500)
        assert.strictEqual(outcomeOf(late), "TimeoutError unknown")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(transport.dials.length, 1)
        assert.deepStrictEqual(takeEvents(), ["Connected a", "Dead a", "Removed a"])
      }))

    it.effect("a command for a server that is gone fails and was not sent", () =>
      Effect.gen(function*() {
        const { pool } = yield* make(["a"])
        const [gone] = pool.backends()
        yield* pool.setServers(weighted("b"))
        assert.strictEqual(yield* reasonOf(gone.send(get("x"))), "ConnectionLostError not-sent")
        const [outcome] = yield* gone.sendMany([get("x")])
        assert.isTrue(isMemcacheError(outcome) && outcome.outcome === "not-sent")
      }))

    it.effect("a server that comes back is a new one", () =>
      Effect.gen(function*() {
        const { pool, send, takeEvents, transport } = yield* make(["a"], { behaviour: "refuse" })
        yield* reasonOf(send("x"))
        yield* pool.setServers([])
        assert.strictEqual(hostOf(pool, "x"), "NoServerError")
        transport.behaviour.set(nameOf("a"), "echo")
        yield* pool.setServers(weighted("a"))
        assert.strictEqual(yield* reasonOf(send("x")), "ok")
        yield* settle
        assert.deepStrictEqual(takeEvents(), ["Dead a", "Removed a", "Added a", "Connected a"])
      }))

    it.effect("no server at all is an error under each policy", () =>
      Effect.gen(function*() {
        for (const policy of ["fail", "rehash"] as const) {
          const { pool } = yield* make([], { policy })
          assert.strictEqual(hostOf(pool, "x"), "NoServerError")
          assert.deepStrictEqual(pool.backends(), [])
        }
      }))

    it.effect("a server that is listed twice is one server", () =>
      Effect.gen(function*() {
        const { pool, send, sleeping, start, takeEvents, transport } = yield* make(["a", "a", "b"])
        assert.strictEqual(pool.backends().length, 2)
        yield* send(keyOf(pool, "a"))
        yield* pool.setServers(weighted("a", "b", "a"))
        yield* send(keyOf(pool, "a", 1))
        assert.strictEqual(transport.dialsOf(nameOf("a")).length, 1)
        transport.behaviour.set(nameOf("b"), "silent")
        yield* Fiber.interrupt(yield* start(keyOf(pool, "b")))
        yield* pool.setServers(weighted("b"))
        yield* settle
        assert.isDefined(transport.connectionOf(nameOf("a")).closed)
        assert.deepStrictEqual(takeEvents(), ["Connected a", "Connected b", "Removed a"])
        assert.strictEqual(sleeping(), 0)
      }))

    it.effect("changed weights move keys and keep connections", () =>
      Effect.gen(function*() {
        const { pool, send, takeEvents, transport } = yield* make(["a", "b"])
        const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`)
        const share = () => keys.filter((key) => hostOf(pool, key) === "a").length
        yield* send(keyOf(pool, "a"))
        yield* send(keyOf(pool, "b"))
        const before = share()
        yield* pool.setServers(weighted("a*3", "b"))
        assert.isAbove(share(), before + 100)
        yield* send(keyOf(pool, "a"))
        yield* send(keyOf(pool, "b"))
        yield* settle
        assert.strictEqual(transport.dials.length, 2)
        assert.deepStrictEqual((yield* pool.servers).map(({ weight }) => weight), [3, 1])
        assert.deepStrictEqual(takeEvents(), ["Connected a", "Connected b"])
      }))

    it.effect("a server more moves about its share of the keys", () =>
      Effect.gen(function*() {
        const { pool } = yield* make(["a", "b", "c", "d"])
        const keys = Array.from({ length: 10_000 }, (_, i) => `key-${i}`)
        const before = keys.map((key) => hostOf(pool, key))
        yield* pool.setServers(weighted("a", "b", "c", "d", "e"))
        const moved = keys.filter((key, i) => hostOf(pool, key) !== before[i])
        assert.isAtMost(moved.length / keys.length, 1 / 5 * 1.1)
        for (const key of moved) assert.strictEqual(hostOf(pool, key), "e")
      }))

    it.effect("two changes at once leave no server behind", () =>
      Effect.gen(function*() {
        const { pool, send, takeEvents, transport } = yield* make(["z"])
        const many = (name: string) => Array.from({ length: 20 }, (_, i) => `${name}${i}`)
        // Fibers make way for each other often.
        yield* Effect.all([pool.setServers(weighted(...many("x"))), pool.setServers(weighted(...many("y")))], {
          concurrency: "unbounded"
        }).pipe(Effect.provideService(Scheduler.MaxOpsBeforeYield, 3))
        const hosts = (yield* pool.servers).map(({ server }) => server[0])
        assert.strictEqual(new Set(hosts).size, 1)
        assert.strictEqual(hosts.length, 20)
        yield* settle
        const removed = takeEvents().filter((event) => event.startsWith("Removed"))
        assert.strictEqual(removed.length, 21)
        yield* send("k")
        assert.strictEqual(transport.dials.length, 1)
      }))
  })

  describe("closing the scope", () => {
    it.effect("settles everybody, ends probes and sleeps, and dials no more", () =>
      Effect.gen(function*() {
        const { close, pool, send, sleeping, start, transport } = yield* make(["a", "b", "c", "d"], {
          behaviour: "silent"
        })
        const sent = yield* Effect.forEach([0, 1, 2], (n) => start(keyOf(pool, "a", n)))
        transport.connectionOf(nameOf("a")).isWritable = false
        const unsent = yield* start(keyOf(pool, "a", 3))
        transport.behaviour.set(nameOf("b"), "wait")
        const waiting = yield* Effect.forEach([0, 1, 2], (n) => start(keyOf(pool, "b", n)))
        transport.behaviour.set(nameOf("c"), "refuse")
        yield* reasonOf(send(keyOf(pool, "c")))
        const removed = yield* start(keyOf(pool, "d"))
        yield* pool.setServers(weighted("a", "b", "c"))
        assert.isAbove(sleeping(), 0)
        yield* close
        yield* settle
        for (const fiber of sent) assert.strictEqual(outcomeOf(fiber), "ConnectionLostError unknown")
        assert.strictEqual(outcomeOf(unsent), "ConnectionLostError not-sent")
        for (const fiber of waiting) assert.strictEqual(outcomeOf(fiber), "ConnectionLostError not-sent")
        assert.strictEqual(outcomeOf(removed), "ConnectionLostError unknown")
        assert.strictEqual(sleeping(), 0)
        assert.strictEqual(transport.dials.length, 4)
        for (const connection of transport.connections) assert.isDefined(connection.closed)
        assert.strictEqual(transport.dialsOf(nameOf("b"))[0].state, "interrupted")
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(transport.dials.length, 4)
      }))

    it.effect("commands fail afterwards and were not sent, whatever the server was", () =>
      Effect.gen(function*() {
        for (const policy of ["fail", "rehash"] as const) {
          const { close, pool, send, sleeping, transport } = yield* make(["a", "b"], { policy })
          yield* send(keyOf(pool, "a"))
          const keys = [keyOf(pool, "a"), keyOf(pool, "b")]
          yield* close
          for (const key of keys) assert.strictEqual(yield* reasonOf(send(key)), "ConnectionLostError not-sent")
          yield* pool.setServers(weighted("c"))
          assert.strictEqual(yield* reasonOf(send("x")), "ConnectionLostError not-sent")
          yield* pool.forgetDeadHosts
          yield* pool.disconnectAll
          assert.strictEqual(transport.dials.length, 1)
          assert.strictEqual(sleeping(), 0)
        }
      }))

    it.effect("ends a probe that is dialing", () =>
      Effect.gen(function*() {
        const { close, send, sleeping, transport } = yield* make(["a"], { behaviour: "refuse" })
        yield* reasonOf(send("x"))
        transport.behaviour.set(nameOf("a"), "wait")
        yield* TestClock.adjust("1 second")
        yield* close
        yield* settle
        assert.strictEqual(transport.dials[1].state, "interrupted")
        assert.strictEqual(sleeping(), 0)
      }))

    it.effect("ends the stream of events", () =>
      Effect.gen(function*() {
        const { close, pool } = yield* make(["a"])
        const fiber = yield* Effect.forkScoped(Stream.runDrain(pool.events), { startImmediately: true })
        yield* close
        yield* settle
        assert.notStrictEqual(outcomeOf(fiber), "pending")
      }))
  })

  describe("events", () => {
    it.effect("are published as things happen", () =>
      Effect.gen(function*() {
        const { events, pool, send, start, transport } = yield* make(["a"], { behaviour: "silent" })
        const A = nameOf("a")
        yield* start("x")
        transport.connectionOf(A).answer()
        yield* TestClock.adjust(100)
        transport.connectionOf(A).lose()
        yield* TestClock.adjust(100)
        yield* start("x")
        const lost = transport.connectionOf(A)
        lost.lose()
        yield* settle
        transport.behaviour.set(A, "echo")
        yield* TestClock.adjust(1000)
        yield* send("x")
        yield* pool.disconnectAll
        yield* settle
        assert.deepStrictEqual(
          events.map((event) => `${event._tag} ${event.at.epochMilliseconds}`),
          [
            "ServerConnected 0",
            "ServerDisconnected 100",
            "ServerConnected 200",
            "ServerDisconnected 200",
            "ServerDead 200",
            "ServerReturned 1200",
            "ServerConnected 1200",
            "ServerDisconnected 1200"
          ]
        )
        const dead = events.find((event) => event._tag === "ServerDead")
        assert(dead?._tag === "ServerDead")
        assert.strictEqual(dead.nextProbe.epochMilliseconds, 1200)
        assert.strictEqual(dead.error.reason._tag, "ConnectionLostError")
      }))

    it.effect("a subscriber that does not listen loses the oldest and blocks nobody", () =>
      Effect.gen(function*() {
        const { pool, send, transport } = yield* make(["a"])
        const seen: Array<number> = []
        const slow = Stream.runForEach(pool.events, (event) =>
          Effect.andThen(
            Effect.sync(() => {
              seen.push(event.at.epochMilliseconds)
            }),
            Effect.sleep("1 minute")
          ))
        yield* Effect.forkScoped(slow, { startImmediately: true })
        for (let i = 0; i < 400; i++) {
          assert.strictEqual(yield* reasonOf(send("x")), "ok")
          transport.connectionOf(nameOf("a")).lose()
          yield* TestClock.adjust(1)
        }
        yield* TestClock.adjust("10 hours")
        assert.isBelow(seen.length, 800)
        assert.strictEqual(seen.at(-1), 399)
      }))
  })

  describe("disconnectAll", () => {
    it.effect("closes every connection, and the next command makes a new one", () =>
      Effect.gen(function*() {
        const { pool, send, transport } = yield* make(["a", "b"])
        yield* send(keyOf(pool, "a"))
        yield* send(keyOf(pool, "b"))
        yield* pool.disconnectAll
        for (const connection of transport.connections) assert.isDefined(connection.closed)
        assert.strictEqual(yield* statuses(pool), "idle idle")
        assert.strictEqual(yield* reasonOf(send(keyOf(pool, "a"))), "ok")
        assert.strictEqual(transport.dials.length, 3)
      }))
  })
})
