import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { failure, get, make, nameOf, outcomeOf, reasonOf, settle, weighted } from "../../fixtures/ScriptedPool.ts"

const A = nameOf("a")

describe("Server", () => {
  describe("dialing", () => {
    it.effect("a hundred cold commands share one dial", () =>
      Effect.gen(function*() {
        const { pool, start, transport } = yield* make(["a"], { behaviour: "wait" })
        const fibers = yield* Effect.forEach(Array.from({ length: 100 }, (_, i) => `k${i}`), (key) => start(key))
        assert.strictEqual(transport.dials.length, 1)
        const [state] = yield* pool.servers
        assert.strictEqual(state.status, "connecting")
        assert.strictEqual(state.inFlight, 100)
        const connection = transport.dials[0].accept()
        yield* settle
        assert.strictEqual(connection.requests.length, 100)
        connection.answer(100)
        for (const fiber of fibers) assert.strictEqual(failure(yield* Fiber.await(fiber)), "ok")
        assert.strictEqual((yield* pool.servers)[0].inFlight, 0)
        assert.strictEqual(transport.dials.length, 1)
      }))

    it.effect("a dial that fails fails all who wait, and the next command at once", () =>
      Effect.gen(function*() {
        const { send, start, transport } = yield* make(["a"], { behaviour: "wait" })
        const fibers = yield* Effect.forEach(["x", "y", "z"], (key) => start(key))
        yield* TestClock.adjust(300)
        transport.dials[0].refuse()
        yield* settle
        for (const fiber of fibers) assert.strictEqual(outcomeOf(fiber), "ConnectError not-sent")
        yield* TestClock.adjust(400)
        const error = yield* Effect.flip(send("x"))
        assert.strictEqual(error.outcome, "not-sent")
        assert(error.reason._tag === "ServerDeadError")
        assert.strictEqual(error.reason.retryAfter.toString(), Duration.millis(600).toString())
        const first = yield* Effect.flip(Fiber.join(fibers[0]))
        assert.strictEqual(error.reason.cause, first)
        assert.strictEqual(yield* Effect.flip(send("y")), error, "one error for all in the same millisecond")
        yield* TestClock.adjust(100)
        const later = yield* Effect.flip(send("x"))
        assert(later.reason._tag === "ServerDeadError")
        assert.strictEqual(later.reason.retryAfter.toString(), Duration.millis(500).toString())
        assert.strictEqual(transport.dials.length, 1)
      }))

    it.effect("a dial that dies is a failure to connect", () =>
      Effect.gen(function*() {
        const { pool, send, transport } = yield* make(["a"])
        transport.onAccept = () => {
          throw new Error("broken transport")
        }
        assert.strictEqual(yield* reasonOf(send("x")), "ConnectError not-sent")
        assert.strictEqual((yield* pool.servers)[0].status, "dead")
      }))

    it.effect("a command that waits longer than its timeout fails at its own time, and the dial goes on", () =>
      Effect.gen(function*() {
        const { start, transport } = yield* make(["a"], { behaviour: "wait" })
        const first = yield* start("x")
        yield* TestClock.adjust(400)
        const second = yield* start("y")
        yield* TestClock.adjust(599)
        assert.strictEqual(outcomeOf(first), "pending")
        yield* TestClock.adjust(1)
        assert.strictEqual(outcomeOf(first), "TimeoutError not-sent")
        assert.strictEqual(outcomeOf(second), "pending")
        transport.dials[0].accept()
        yield* settle
        assert.strictEqual(transport.connectionOf(A).requests.length, 1)
        // The time spent waiting is part of the command's own.
        yield* TestClock.adjust(399)
        assert.strictEqual(outcomeOf(second), "pending")
        yield* TestClock.adjust(1)
        assert.strictEqual(outcomeOf(second), "TimeoutError unknown")
        assert.strictEqual(transport.dials.length, 1)
      }))

    it.effect("a waiting command that is interrupted leaves the dial to the others", () =>
      Effect.gen(function*() {
        const { pool, start, transport } = yield* make(["a"], { behaviour: "wait" })
        const first = yield* start("x")
        const second = yield* start("y")
        yield* Fiber.interrupt(first)
        assert.strictEqual((yield* pool.servers)[0].inFlight, 1)
        assert.strictEqual(transport.dials[0].state, "open")
        yield* Fiber.interrupt(second)
        assert.strictEqual((yield* pool.servers)[0].inFlight, 0)
        const third = yield* start("z")
        const connection = transport.dials[0].accept()
        yield* settle
        assert.deepStrictEqual(connection.written, [get("z")])
        connection.answer()
        assert.strictEqual(failure(yield* Fiber.await(third)), "ok")
      }))

    it.effect("beyond the bound a command that would wait is refused at once", () =>
      Effect.gen(function*() {
        const { pool, send, start, transport } = yield* make(["a"], {
          behaviour: "wait",
          connect: { maxInFlight: { commands: 3, bytes: 1_000_000 } }
        })
        const fibers = yield* Effect.forEach(["x", "y", "z"], (key) => start(key))
        assert.strictEqual(yield* reasonOf(send("w")), "OverloadedError not-sent")
        assert.strictEqual((yield* pool.servers)[0].inFlight, 3)
        yield* Fiber.interrupt(fibers[0])
        const late = yield* start("w")
        assert.strictEqual(outcomeOf(late), "pending")
        transport.dials[0].accept().answer(0)
        yield* settle
        assert.strictEqual(transport.connectionOf(A).requests.length, 3)
        assert.strictEqual((yield* pool.servers)[0].status, "connected")
      }))

    it.effect("beyond the bound of bytes a command that would wait is refused at once", () =>
      Effect.gen(function*() {
        const { pool, send, start } = yield* make(["a"], {
          behaviour: "wait",
          connect: { maxInFlight: { commands: 1000, bytes: 100 } }
        })
        const [backend] = pool.backends()
        const value = new Uint8Array(200)
        const big = backend.send({
          _tag: "Store",
          mode: "set",
          key: "k" as never,
          flags: 0,
          exptime: 0,
          value,
          noreply: false
        })
        const fiber = yield* Effect.forkScoped(big, { startImmediately: true })
        assert.strictEqual(yield* reasonOf(send("w")), "OverloadedError not-sent")
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(outcomeOf(yield* start("w")), "pending")
      }))

    it.effect("disconnecting while dialing fails who waits, and the next command dials anew", () =>
      Effect.gen(function*() {
        const { pool, start, transport } = yield* make(["a"], { behaviour: "wait" })
        // Closing what was half open takes a while.
        transport.interruption = Effect.sleep(50)
        const waiting = yield* start("x")
        const disconnecting = yield* Effect.forkScoped(pool.disconnectAll, { startImmediately: true })
        const next = yield* start("y")
        assert.strictEqual(outcomeOf(waiting), "ConnectionLostError not-sent")
        assert.strictEqual(transport.dials[0].state, "interrupted")
        assert.strictEqual(transport.dials.length, 2)
        assert.strictEqual(outcomeOf(disconnecting), "pending")
        yield* TestClock.adjust(50)
        assert.strictEqual(outcomeOf(disconnecting), "ok")
        transport.dials[1].accept().isEcho = true
        yield* settle
        transport.connectionOf(A).answer()
        yield* settle
        assert.strictEqual(outcomeOf(next), "ok")
        assert.strictEqual((yield* pool.servers)[0].status, "connected")
      }))
  })

  describe("losing a connection", () => {
    it.effect("unsent commands are sent once more within their deadline, sent ones never", () =>
      Effect.gen(function*() {
        const { start, transport } = yield* make(["a"], { behaviour: "silent" })
        const warm = yield* start("w")
        const first = transport.connectionOf(A)
        first.answer()
        yield* Fiber.await(warm)
        const sent = yield* start("sent")
        first.isWritable = false
        const unsent = yield* start("unsent")
        yield* TestClock.adjust(300)
        first.lose()
        yield* settle
        assert.strictEqual(outcomeOf(sent), "ConnectionLostError unknown")
        assert.strictEqual(outcomeOf(unsent), "pending")
        const second = transport.connectionOf(A)
        assert.notStrictEqual(second, first)
        assert.deepStrictEqual(second.written, [get("unsent")])
        yield* TestClock.adjust(699)
        assert.strictEqual(outcomeOf(unsent), "pending")
        yield* TestClock.adjust(1)
        assert.strictEqual(outcomeOf(unsent), "TimeoutError unknown")
        assert.strictEqual(transport.dials.length, 2)
      }))

    it.effect("an unsent command is sent once more and not twice more", () =>
      Effect.gen(function*() {
        const { start, transport } = yield* make(["a"], { behaviour: "silent" })
        yield* start("w")
        transport.onAccept = (connection) => {
          connection.isWritable = false
          // Somebody is answered, so that the connection counts as one that works.
          connection.answered++
        }
        transport.connectionOf(A).answer()
        transport.connectionOf(A).isWritable = false
        const unsent = yield* start("unsent")
        transport.connectionOf(A).lose()
        yield* settle
        assert.strictEqual(outcomeOf(unsent), "pending")
        transport.connectionOf(A).answered++
        transport.connectionOf(A).lose()
        yield* settle
        assert.strictEqual(outcomeOf(unsent), "ConnectionLostError not-sent")
        assert.strictEqual(transport.dials.length, 2)
      }))

    it.effect("a command that waited for its first connection is sent once more as well, and not twice more", () =>
      Effect.gen(function*() {
        const { start, transport } = yield* make(["a"], { behaviour: "wait" })
        const one = yield* start("one")
        const two = yield* start("two")
        transport.onAccept = (connection) => {
          connection.isWritable = false
        }
        const first = transport.dials[0].accept()
        yield* settle
        first.requests[0].isSent = true
        // The first is written and answered; the second waits for the socket.
        first.answer()
        yield* settle
        assert.strictEqual(outcomeOf(one), "ok")
        first.lose()
        yield* settle
        assert.strictEqual(outcomeOf(two), "pending")
        const three = yield* start("three")
        const second = transport.dials[1].accept()
        yield* settle
        second.requests[1].isSent = true
        second.requests.push(...second.requests.splice(0, 1))
        second.answer()
        yield* settle
        assert.strictEqual(outcomeOf(three), "ok")
        second.lose()
        yield* settle
        assert.strictEqual(outcomeOf(two), "ConnectionLostError not-sent")
        assert.strictEqual(transport.dials.length, 2)
      }))

    it.effect("an idle connection that the server closes costs the next command a dial and no error", () =>
      Effect.gen(function*() {
        const { pool, send, takeEvents, transport } = yield* make(["a"])
        for (let i = 0; i < 20; i++) {
          yield* send("x")
          transport.connectionOf(A).lose("idle")
          yield* settle
          assert.strictEqual((yield* pool.servers)[0].status, "idle")
        }
        assert.strictEqual(transport.dials.length, 20)
        assert.isFalse(takeEvents().some((event) => event.startsWith("Dead")))
      }))

    it.effect("an idle connection that has never been used is closed without harm while a command is queued", () =>
      Effect.gen(function*() {
        const { pool, start, transport } = yield* make(["a"], { behaviour: "silent" })
        const first = yield* start("x")
        yield* Fiber.interrupt(first)
        const connection = transport.connectionOf(A)
        connection.isWritable = false
        const queued = yield* start("y")
        connection.lose("idle")
        yield* settle
        assert.strictEqual(outcomeOf(queued), "pending")
        transport.connectionOf(A).answer()
        yield* settle
        assert.strictEqual(outcomeOf(queued), "ok")
        assert.strictEqual((yield* pool.servers)[0].status, "connected")
      }))

    it.effect("a connection that ends before it answered anything marks the server dead", () =>
      Effect.gen(function*() {
        const { pool, send, start, transport } = yield* make(["a"], { behaviour: "silent" })
        const fiber = yield* start("x")
        transport.connectionOf(A).lose()
        yield* settle
        assert.strictEqual(outcomeOf(fiber), "ConnectionLostError unknown")
        assert.strictEqual((yield* pool.servers)[0].status, "dead")
        assert.strictEqual(yield* reasonOf(send("y")), "ServerDeadError not-sent")
        assert.strictEqual(transport.dials.length, 1)
      }))

    it.effect("a server that accepts and hangs up before anything is written is not dialed for every command", () =>
      Effect.gen(function*() {
        const { send, transport } = yield* make(["a"], { behaviour: "silent" })
        transport.onAccept = (connection) => connection.lose()
        for (let i = 0; i < 50; i++) {
          const reason = yield* reasonOf(send("x"))
          assert.match(reason, /not-sent$/)
          yield* TestClock.adjust(10)
        }
        assert.isAtMost(transport.dials.length, 3)
      }))

    it.effect("a dial that succeeds while the server is dead brings it back", () =>
      Effect.gen(function*() {
        const { pool, sleeping, start, takeEvents, transport } = yield* make(["a"], { behaviour: "silent" })
        const first = yield* start("x")
        yield* Fiber.interrupt(first)
        transport.connectionOf(A).isWritable = false
        const unsent = yield* start("unsent")
        transport.connectionOf(A).isWritable = true
        const sent = yield* start("sent")
        transport.behaviour.set(A, "wait")
        // The first asks for a new connection, then the second finds that the old one never answered.
        transport.connectionOf(A).lose()
        assert.strictEqual(outcomeOf(sent), "ConnectionLostError unknown")
        assert.strictEqual((yield* pool.servers)[0].status, "dead")
        const connection = transport.dials[1].accept()
        yield* settle
        connection.answer()
        yield* settle
        assert.strictEqual(outcomeOf(unsent), "ok")
        assert.strictEqual((yield* pool.servers)[0].status, "connected")
        assert.deepStrictEqual(
          takeEvents(),
          ["Connected a", "Disconnected a", "Dead a", "Returned a", "Connected a"]
        )
        assert.strictEqual(sleeping(), 0)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(transport.dials.length, 2)
      }))

    it.effect("what the client closes by itself says nothing about the server", () =>
      Effect.gen(function*() {
        const { pool, start, takeEvents, transport } = yield* make(["a"], { behaviour: "silent", failureLimit: 1 })
        const fiber = yield* start("x")
        yield* pool.disconnectAll
        yield* settle
        assert.strictEqual(outcomeOf(fiber), "ConnectionLostError unknown")
        assert.strictEqual((yield* pool.servers)[0].status, "idle")
        assert.deepStrictEqual(takeEvents(), ["Connected a", "Disconnected a"])
        yield* start("y")
        assert.strictEqual(transport.dials.length, 2)
      }))

    it.effect("a batch sends only its unsent commands once more", () =>
      Effect.gen(function*() {
        const { pool, send, transport } = yield* make(["a"], { behaviour: "silent" })
        const warm = yield* Effect.forkScoped(send("w"), { startImmediately: true })
        const first = transport.connectionOf(A)
        first.answer()
        yield* Fiber.await(warm)
        first.isWritable = false
        const [backend] = pool.backends()
        const batch = yield* Effect.forkScoped(backend.sendMany(["1", "2", "3"].map((key) => get(key))), {
          startImmediately: true
        })
        first.requests[1].isSent = true
        yield* TestClock.adjust(300)
        first.lose()
        yield* settle
        const second = transport.connectionOf(A)
        assert.deepStrictEqual(second.requests.map(({ deadline }) => deadline), [1000, 1000])
        assert.deepStrictEqual(second.written, [get("1"), get("3")])
        second.answer(2)
        const outcomes = yield* Fiber.join(batch)
        assert.deepStrictEqual(
          outcomes.map((outcome) => isMemcacheError(outcome) ? outcome.outcome : outcome.command),
          [get("1"), "unknown", get("3")]
        )
      }))
  })

  describe("a batch", () => {
    const batchOf = (...keys: ReadonlyArray<string>) => keys.map((key) => get(key))

    it.effect("that waited for its first connection sends its unsent commands once more as well", () =>
      Effect.gen(function*() {
        const { pool, transport } = yield* make(["a"], { behaviour: "wait" })
        const [backend] = pool.backends()
        const fiber = yield* Effect.forkScoped(backend.sendMany(batchOf("1", "2")), { startImmediately: true })
        transport.onAccept = (connection) => {
          connection.isWritable = false
        }
        const first = transport.dials[0].accept()
        yield* settle
        first.answer()
        first.lose()
        yield* settle
        const second = transport.dials[1].accept()
        yield* settle
        assert.deepStrictEqual(second.requests.map(({ command }) => command), batchOf("2"))
        second.answer()
        const outcomes = yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          outcomes.map((outcome) => isMemcacheError(outcome) ? outcome.message : outcome.command),
          batchOf("1", "2")
        )
      }))

    it.effect("of which one command was sent in vain says that the server does not answer", () =>
      Effect.gen(function*() {
        const { pool, start, transport } = yield* make(["a"], { behaviour: "silent" })
        yield* Fiber.interrupt(yield* start("x"))
        const connection = transport.connectionOf(A)
        connection.isWritable = false
        const [backend] = pool.backends()
        const fiber = yield* Effect.forkScoped(backend.sendMany(batchOf("1", "2")), { startImmediately: true })
        connection.requests[1].isSent = true
        connection.lose()
        const outcomes = yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          outcomes.map((outcome) => isMemcacheError(outcome) ? outcome.reason._tag : "ok"),
          ["ServerDeadError", "ConnectionLostError"]
        )
        assert.strictEqual(transport.dials.length, 1)
      }))

    it.effect("of nothing needs no server", () =>
      Effect.gen(function*() {
        const { pool, transport } = yield* make(["a"])
        assert.deepStrictEqual(yield* pool.backends()[0].sendMany([]), [])
        assert.strictEqual(transport.dials.length, 0)
      }))
  })

  describe("state", () => {
    it.effect("since is when the status became what it is", () =>
      Effect.gen(function*() {
        const { pool, transport } = yield* make(["a", "b"], { behaviour: "wait", failureLimit: 1 })
        const since = Effect.map(pool.servers, ([{ since, status }]) => `${status} ${Number(since.epochMilliseconds)}`)
        const key = "k"
        const [backend] = pool.backends()
        const run = Effect.forkScoped(backend.send(get(key)), { startImmediately: true })
        assert.strictEqual(yield* since, "idle 0")
        yield* TestClock.adjust(100)
        yield* run
        assert.strictEqual(yield* since, "connecting 100")
        yield* TestClock.adjust(100)
        const connection = transport.dials[0].accept()
        yield* settle
        assert.strictEqual(yield* since, "connected 200")
        connection.answer()
        yield* settle
        yield* TestClock.adjust(100)
        yield* run
        yield* TestClock.adjust(1000)
        assert.strictEqual(yield* since, "dead 1300")
        yield* TestClock.adjust(100)
        // Its old connection ends; it was dead before and is dead still.
        connection.lose()
        yield* settle
        assert.strictEqual(yield* since, "dead 1300")
      }))

    it.effect("a state says what the connection is", () =>
      Effect.gen(function*() {
        const { pool, send, transport } = yield* make(["a*3"])
        const [cold] = yield* pool.servers
        assert.deepStrictEqual(
          { ...cold, since: 0 },
          {
            server: A,
            pool: "main",
            weight: 3,
            status: "idle",
            since: 0,
            inFlight: 0,
            connections: 0,
            version: Option.none(),
            dialect: Option.none(),
            nextProbe: Option.none(),
            error: Option.none()
          } as never
        )
        yield* send("x")
        const [warm] = yield* pool.servers
        assert.deepStrictEqual([warm.version, warm.dialect], [Option.some("1.6.45"), Option.some("meta")])
        assert.strictEqual(warm.connections, 1)
        transport.behaviour.set(A, "refuse")
        transport.connectionOf(A).lose()
        const error = yield* Effect.flip(send("x"))
        const [dead] = yield* pool.servers
        assert.strictEqual(Option.getOrUndefined(dead.error), error)
        assert.strictEqual(Option.map(dead.nextProbe, (at) => at.epochMilliseconds).valueOrUndefined, 1000)
        assert.deepStrictEqual(dead.version, Option.none())
      }))
  })

  describe("listeners", () => {
    it.effect("who hears of a death and forgets it, or removes the server, ends the probing", () =>
      Effect.gen(function*() {
        for (const end of ["forgetDeadHosts", "setServers"] as const) {
          const { pool, send, sleeping, transport } = yield* make(["a"], { behaviour: "refuse" })
          const act = end === "setServers" ? Effect.orDie(pool.setServers(weighted("b"))) : pool.forgetDeadHosts
          yield* Effect.forkScoped(
            Stream.runForEach(pool.events, ({ _tag }) => _tag === "ServerDead" ? act : Effect.void),
            { startImmediately: true }
          )
          yield* settle
          assert.strictEqual(yield* reasonOf(send("x")), "ConnectError not-sent")
          yield* TestClock.adjust(10_000)
          assert.strictEqual(transport.dials.length, 1)
          assert.strictEqual(sleeping(), 0)
        }
      }))
  })
})
