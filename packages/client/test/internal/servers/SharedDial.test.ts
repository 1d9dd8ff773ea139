import type { Connection } from "@effect-memcache/transport/Connection"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { BUSY } from "../../../src/internal/servers/Growth.ts"
import { SharedDial } from "../../../src/internal/servers/SharedDial.ts"
import { connectOptions, countingClock, get } from "../../fixtures/ScriptedPool.ts"
import { refused, ScriptedConnection } from "../../fixtures/ScriptedTransport.ts"

const server = "a:11211"

/** A shared dial whose next dial is `dial`, and the words it is told. */
const makeUpTo = Effect.fnUntraced(function*(connections: number) {
  const { clock, sleeping } = yield* countingClock
  const scope = yield* Effect.scope
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const told: Array<string> = []
  const control = {
    dial: Effect.never as Effect.Effect<Connection, MemcacheError, Scope.Scope>,
    dials: 0,
    /** What somebody does who hears that the server is out of reach. */
    onUnreachable: () => {}
  }
  const shared = new SharedDial({
    server,
    connect: connectOptions,
    connections,
    dial: Effect.suspend(() => {
      control.dials++
      return control.dial
    }),
    scope,
    fork,
    now: () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000,
    onConnected: () => told.push("connected"),
    onLost: () => told.push("lost"),
    onUnreachable: (error) => {
      told.push(error.reason._tag)
      control.onUnreachable()
    },
    onDialing: () => told.push(shared.isDialing ? "dialing" : "given up")
  })
  const connection = () => new ScriptedConnection(server, connectOptions, clock, true)
  const use = shared.whenConnected({ verb: "get", bytes: 10 }, undefined, (connection) => Effect.succeed(connection))
  return { shared, control, told, connection, use, fork, sleeping }
})

const make = makeUpTo(1)

describe("SharedDial", () => {
  it.effect("a dial that needs no time leaves nothing that could be given up later", () =>
    Effect.gen(function*() {
      const { connection, control, shared, told, use } = yield* make
      const made = connection()
      control.dial = Effect.succeed(made)
      assert.strictEqual(yield* use, made)
      shared.stopDialing()
      assert.strictEqual(yield* use, made)
      assert.deepStrictEqual(told, ["dialing", "connected"])
      assert.strictEqual(control.dials, 1)
      assert.strictEqual(shared.waiting, 0)
    }))

  for (const isInstant of [true, false]) {
    const when = isInstant ? "at once" : "in its own time"
    it.effect(`a command sent by who hears of a dial that failed ${when} waits for its own dial`, () =>
      Effect.gen(function*() {
        const { connection, control, fork, shared, use } = yield* make
        const gate = yield* Deferred.make<void>()
        const failing = Effect.fail(refused(server))
        control.dial = isInstant ? failing : Effect.andThen(Deferred.await(gate), failing)
        const heard = yield* Deferred.make<Fiber.Fiber<Connection, MemcacheError>>()
        const made = connection()
        const open = yield* Deferred.make<void>()
        control.onUnreachable = () => {
          control.dial = Effect.as(Deferred.await(open), made)
          Deferred.doneUnsafe(heard, Effect.succeed(fork(use)))
        }
        const first = yield* Effect.forkChild(Effect.flip(use), { startImmediately: true })
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual((yield* Fiber.join(first)).reason._tag, "ConnectError")
        const second = yield* Deferred.await(heard)
        assert.isUndefined(second.pollUnsafe())
        assert.strictEqual(shared.waiting, 1)
        yield* Deferred.succeed(open, undefined)
        assert.strictEqual(yield* Fiber.join(second), made)
        assert.strictEqual(shared.waiting, 0)
      }))
  }

  it.effect("a dial that fails is forgotten, and the next command dials anew", () =>
    Effect.gen(function*() {
      const { connection, control, shared, told, use } = yield* make
      control.dial = Effect.fail(refused(server))
      assert.strictEqual((yield* Effect.flip(use)).reason._tag, "ConnectError")
      control.dial = Effect.succeed(connection())
      yield* use
      assert.deepStrictEqual(told, ["dialing", "ConnectError", "dialing", "connected"])
      assert.isFalse(shared.isDialing)
    }))

  it.effect("a dial that fails closes what it had opened before anybody hears of it", () =>
    Effect.gen(function*() {
      const { control, told, use } = yield* make
      control.dial = Effect.andThen(
        Effect.addFinalizer(() => Effect.sync(() => told.push("closed"))),
        Effect.fail(refused(server))
      )
      yield* Effect.flip(use)
      assert.deepStrictEqual(told, ["dialing", "closed", "ConnectError"])
    }))

  it.effect("a connection that a dial makes although it was given up is closed", () =>
    Effect.gen(function*() {
      const { connection, control, shared, told, use } = yield* make
      const made = connection()
      const gate = yield* Deferred.make<void>()
      control.dial = Effect.uninterruptible(
        Effect.andThen(
          Effect.addFinalizer(() => Effect.sync(() => made.lose())),
          Effect.as(Deferred.await(gate), made)
        )
      )
      const waiting = yield* Effect.forkScoped(Effect.exit(use), { startImmediately: true })
      const disconnecting = yield* Effect.forkScoped(shared.disconnect, { startImmediately: true })
      assert.isTrue(Exit.isFailure(yield* Fiber.join(waiting)))
      assert.isUndefined(disconnecting.pollUnsafe())
      const second = connection()
      control.dial = Effect.succeed(second)
      assert.strictEqual(yield* use, second)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.await(disconnecting)
      assert.isDefined(made.closed)
      assert.strictEqual(shared.open.first, second)
      assert.deepStrictEqual(told, ["dialing", "given up", "dialing", "connected"])
    }))

  it.effect("a dial that is given up while it begins is not used", () =>
    Effect.gen(function*() {
      const { connection, control, shared, use } = yield* make
      const made = connection()
      control.dial = Effect.andThen(
        Effect.addFinalizer(() => Effect.sync(() => made.lose())),
        Effect.sync(() => {
          shared.stopDialing()
          return made
        })
      )
      assert.strictEqual((yield* Effect.flip(use)).outcome, "not-sent")
      assert.isUndefined(shared.open.first)
      assert.isDefined(made.closed)
    }))

  it.effect("of two equal times the dial's comes first, because it says more", () =>
    Effect.gen(function*() {
      const { control, use } = yield* make
      control.dial = Effect.timeoutOrElse(Effect.never, {
        duration: connectOptions.commandTimeout,
        orElse: () => Effect.fail(refused(server))
      })
      const fiber = yield* Effect.forkScoped(Effect.flip(use), { startImmediately: true })
      yield* TestClock.adjust(connectOptions.commandTimeout)
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "ConnectError")
    }))

  it.effect("a connection that is lost closes its scope and is not used again", () =>
    Effect.gen(function*() {
      const { connection, control, shared, told, use } = yield* make
      const made = connection()
      const closing = Effect.addFinalizer(() => Effect.sync(() => told.push("closed")))
      control.dial = Effect.as(closing, made)
      yield* use
      made.lose()
      assert.isUndefined(shared.open.first)
      assert.deepStrictEqual(told, ["dialing", "connected", "closed", "lost"])
    }))

  it.effect("a connection that was lost while it was made is not kept", () =>
    Effect.gen(function*() {
      const { connection, control, shared, told, use } = yield* make
      const made = connection()
      made.lose()
      control.dial = Effect.succeed(made)
      assert.strictEqual(yield* use, made)
      assert.isUndefined(shared.open.first)
      assert.deepStrictEqual(told, ["dialing", "connected", "lost"])
    }))

  it.effect("a connection that takes the place of another closes it without a word", () =>
    Effect.gen(function*() {
      const { connection, control, shared, told, use } = yield* make
      const [first, second] = [connection(), connection()]
      const opened = (made: ScriptedConnection) =>
        Effect.as(Effect.addFinalizer(() => Effect.sync(() => made.lose())), made)
      control.dial = opened(first)
      yield* use
      control.dial = opened(second)
      yield* shared.dialApart((opened) => shared.adopt(opened))
      assert.isDefined(first.closed)
      assert.strictEqual(yield* use, second)
      assert.isUndefined(second.closed)
      assert.deepStrictEqual(told, ["dialing", "connected", "connected"])
    }))

  it.effect("who is let go with the connection before asks for the new one", () =>
    Effect.gen(function*() {
      const { connection, control, fork, shared, use } = yield* make
      const [first, second] = [connection(), connection()]
      control.dial = Effect.as(Effect.addFinalizer(() => Effect.sync(() => first.lose())), first)
      yield* use
      let next: Connection | undefined
      first.onClose(() => {
        fork(Effect.map(use, (connection) => {
          next = connection
        }))
      })
      control.dial = Effect.succeed(second)
      yield* shared.dialApart((opened) => shared.adopt(opened))
      assert.strictEqual(next, second)
      assert.strictEqual(control.dials, 2)
    }))

  it.effect("who waits for a dial takes a connection that is adopted meanwhile, and the dial ends", () =>
    Effect.gen(function*() {
      const { connection, control, shared, told, use } = yield* make
      const made = connection()
      const waiting = yield* Effect.forkScoped(use, { startImmediately: true })
      control.dial = Effect.succeed(made)
      yield* shared.dialApart((opened) => shared.adopt(opened))
      assert.strictEqual(yield* Fiber.join(waiting), made)
      assert.isFalse(shared.isDialing)
      assert.deepStrictEqual([shared.open.size, shared.waiting, control.dials], [1, 0, 2])
      assert.deepStrictEqual(told, ["dialing", "connected", "given up"])
    }))

  it.effect("one that is retired opens no connection beside another", () =>
    Effect.gen(function*() {
      const { connection, control, shared, use } = yield* makeUpTo(2)
      const made = connection()
      made.isEcho = false
      control.dial = Effect.succeed(made)
      yield* use
      for (let i = 0; i <= BUSY; i++) yield* Effect.forkScoped(made.send(get("k")), { startImmediately: true })
      shared.retire()
      assert.strictEqual(shared.choose(), made)
      assert.strictEqual(control.dials, 1)
    }))

  it.effect("what waits is counted off however it ends", () =>
    Effect.gen(function*() {
      const { connection, control, shared, sleeping, use } = yield* make
      const gate = yield* Deferred.make<Connection, MemcacheError>()
      control.dial = Deferred.await(gate)
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkScoped(use, { startImmediately: true }))
      assert.strictEqual(shared.waiting, 3)
      yield* Fiber.interrupt(fibers[0])
      assert.strictEqual(shared.waiting, 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(shared.waiting, 0)
      for (const fiber of fibers.slice(1)) {
        const error = yield* Effect.flip(Fiber.join(fiber))
        assert.deepStrictEqual([error.reason._tag, error.outcome], ["TimeoutError", "not-sent"])
      }
      assert.isTrue(shared.isDialing)
      yield* Deferred.succeed(gate, connection())
      yield* use
      assert.strictEqual(shared.waiting, 0)
      assert.strictEqual(sleeping(), 0)
    }))

  it.effect("the deadline that was given counts, and is handed on", () =>
    Effect.gen(function*() {
      const { connection, control, shared } = yield* make
      const gate = yield* Deferred.make<Connection, MemcacheError>()
      control.dial = Deferred.await(gate)
      const until = (deadline: number | undefined) =>
        Effect.forkScoped(
          Effect.exit(shared.whenConnected({ verb: "get", bytes: 1 }, deadline, (_, at) => Effect.succeed(at))),
          { startImmediately: true }
        )
      yield* TestClock.adjust(100)
      const [short, long, standard] = [yield* until(300), yield* until(2000), yield* until(undefined)]
      yield* TestClock.adjust(200)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(short)))
      assert.isUndefined(long.pollUnsafe())
      yield* Deferred.succeed(gate, connection())
      assert.deepStrictEqual(yield* Fiber.join(long), Exit.succeed(2000))
      assert.deepStrictEqual(yield* Fiber.join(standard), Exit.succeed(1100))
    }))
})
