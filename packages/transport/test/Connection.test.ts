/**
 * One connection over a socket in memory, with the clock in the test's hands.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { itemAt } from "@effect-memcache/protocol/Pipeline"
import { make } from "@effect-memcache/transport/Connection"
import type { ConnectionOptions } from "@effect-memcache/transport/Connection"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { readFile } from "node:fs/promises"
import { Worker } from "node:worker_threads"
import { listen, until } from "./ScriptedServer.ts"
import { readError, ScriptedSocket } from "./ScriptedSocket.ts"

const D = 250
const STALL = 1000

const defaults: ConnectionOptions = {
  server: "cache:11211",
  commandTimeout: D,
  stallTimeout: STALL,
  maxInFlight: { commands: 2000, bytes: 64 * 1024 * 1024 },
  maxItemSize: 1_048_576
}

const get = (key: string): Command => ({ _tag: "Get", keys: [key as Key], withCas: false })

const set = (key: string, size = 1): Command => ({
  _tag: "Store",
  mode: "set",
  key: key as Key,
  flags: 0,
  exptime: 0,
  value: new Uint8Array(size).fill(0x78),
  noreply: false
})

const hit = (key: string, value: string) => `VALUE ${key} 0 ${value.length}\r\n${value}\r\nEND\r\n`

const valueOf = (answer: Answer): string => {
  const value = itemAt(answer, 0)
  return value === undefined ? "-" : String.fromCharCode(...value.value)
}

const outcomeOf = (result: Answer | MemcacheError): string =>
  isMemcacheError(result) ? `${result.reason._tag} ${result.outcome}` : result.reply._tag

/** What a fiber came to, or "waits". */
const stateOf = <A>(fiber: Fiber.Fiber<A, MemcacheError>): string => {
  const exit = fiber.pollUnsafe()
  if (exit === undefined) return "waits"
  if (Exit.isSuccess(exit)) {
    const answer = exit.value as Answer | ReadonlyArray<Answer | MemcacheError>
    return "reply" in answer ? valueOf(answer) : answer.map(outcomeOf).join(", ")
  }
  const error = Exit.findErrorOption(exit)
  return error._tag === "Some" ? outcomeOf(error.value) : "interrupted"
}

const open = Effect.fnUntraced(function*(options: Partial<ConnectionOptions> = {}) {
  const script = new ScriptedSocket()
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const connection = yield* Scope.provide(make(script.socket, { ...defaults, ...options }), scope)
  const send = (command: Command, deadline?: number) =>
    Effect.forkChild(connection.send(command, deadline), { startImmediately: true })
  const context = yield* Effect.context<never>()
  // In this very tick, however many there are.
  const sendNow = (command: Command) => Effect.runForkWith(context)(connection.send(command))
  // The reader begins to read.
  yield* Effect.yieldNow
  return { connection, scope, script, send, sendNow }
})

// Microtasks and whatever else is due at once.
const settle = Effect.yieldNow

/** Counts the sleeps that are under way. */
const countingSleeps = <A, E, R>(use: (sleeping: () => number) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    let sleeping = 0
    const counting: Clock.Clock = {
      ...clock,
      sleep: (duration) =>
        Effect.acquireUseRelease(
          Effect.sync(() => void sleeping++),
          () => clock.sleep(duration),
          () => Effect.sync(() => void sleeping--)
        )
    }
    return yield* Effect.provideService(use(() => sleeping), Clock.Clock, counting)
  })

describe("writing", () => {
  it.effect("writes what is sent in one tick at once, at its end", () =>
    Effect.gen(function*() {
      const { script, send, sendNow } = yield* open()
      for (let i = 0; i < 1000; i++) sendNow(get(`k${i}`))
      assert.strictEqual(script.writes.length, 0)
      yield* settle
      assert.strictEqual(script.writes.length, 1)
      assert.strictEqual(script.written.split("\r\n").length, 1001)
      for (let i = 0; i < 10; i++) yield* send(get("k"))
      yield* settle
      assert.strictEqual(script.writes.length, 2)
    }))

  it.effect("answers every caller with its own value", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const a = yield* send(get("a"))
      const b = yield* send(get("b"))
      const c = yield* send(get("c"))
      yield* settle
      script.deliver(hit("a", "1") + "EN", `D\r\n${hit("c", "333").slice(0, -9)}`, hit("c", "333").slice(-9))
      yield* settle
      assert.deepStrictEqual([a, b, c].map(stateOf), ["1", "-", "333"])
      assert.strictEqual(connection.inFlight, 0)
      assert.strictEqual(connection.answered, 3)
    }))

  it.effect("answers ten thousand callers out of one chunk", () =>
    Effect.gen(function*() {
      const { connection, script, sendNow } = yield* open({ maxInFlight: { commands: 20_000, bytes: 10_000_000 } })
      const fibers = Array.from({ length: 10_000 }, (_, i) => sendNow(get(`k${i}`)))
      yield* settle
      script.deliver(Array.from({ length: 10_000 }, (_, i) => hit(`k${i}`, `v${i}`)).join(""))
      yield* settle
      assert.isTrue(fibers.every((fiber, i) => stateOf(fiber) === `v${i}`))
      assert.strictEqual(connection.inFlight, 0)
    }))

  it.effect("leaves no byte of a command that is interrupted before the write", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const a = yield* send(get("a"))
      const b = yield* send(get("b"))
      yield* Effect.sync(() => a.interruptUnsafe())
      yield* settle
      assert.strictEqual(script.written, "get b\r\n")
      assert.strictEqual(stateOf(a), "interrupted")
      assert.strictEqual(connection.inFlight, 1)
      const c = yield* send(get("c"))
      c.interruptUnsafe()
      yield* settle
      assert.strictEqual(script.writes.length, 1)
      script.deliver(hit("b", "1"))
      yield* settle
      assert.strictEqual(stateOf(b), "1")
    }))

  it.effect("leaves a tombstone of a command that is interrupted after the write", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const a = yield* send(get("k"))
      yield* settle
      yield* Fiber.interrupt(a)
      const b = yield* send(get("k"))
      yield* settle
      assert.strictEqual(connection.inFlight, 2)
      script.deliver(hit("k", "old").slice(0, 18), hit("k", "old").slice(18) + hit("k", "new"))
      yield* settle
      assert.strictEqual(stateOf(b), "new")
      assert.strictEqual(connection.inFlight, 0)
      assert.isUndefined(connection.closed)
    }))

  it.effect("writes nothing more while the socket takes nothing, and fails what waits as not sent", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      script.block()
      const a = yield* send(get("a"))
      yield* settle
      yield* TestClock.adjust(100)
      const b = yield* send(set("b", 1000))
      const c = yield* send(get("c"))
      yield* settle
      assert.strictEqual(script.written, "get a\r\n")
      yield* TestClock.adjust(150)
      assert.deepStrictEqual([a, b, c].map(stateOf), ["TimeoutError unknown", "waits", "waits"])
      yield* TestClock.adjust(100)
      assert.deepStrictEqual([b, c].map(stateOf), ["TimeoutError not-sent", "TimeoutError not-sent"])
      assert.strictEqual(connection.inFlight, 1)
      const d = yield* send(get("d"))
      script.unblock()
      yield* settle
      assert.strictEqual(script.written, "get a\r\nget d\r\n")
      script.deliver(hit("a", "1") + hit("d", "4"))
      yield* settle
      assert.strictEqual(stateOf(d), "4")
      assert.strictEqual(connection.inFlight, 0)
    }))

  it.effect("writes in portions, so that what is left can still be taken back", () =>
    Effect.gen(function*() {
      const { script, send } = yield* open()
      script.block()
      const fibers: Array<Fiber.Fiber<Answer, MemcacheError>> = []
      for (let i = 0; i < 10; i++) fibers.push(yield* send(set(`k${i}`, 60_000)))
      yield* settle
      assert.strictEqual(script.writes.length, 1)
      assert.isBelow(script.written.length, 200_000)
      yield* Fiber.interrupt(fibers[9])
      script.unblock()
      yield* settle
      assert.include(script.written, "set k8 ")
      assert.notInclude(script.written, "set k9 ")
    }))

  it.effect("fails at once beyond the bound on commands", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open({ maxInFlight: { commands: 2, bytes: 1_000_000 } })
      const a = yield* send(get("a"))
      const b = yield* send(get("b"))
      assert.strictEqual(stateOf(yield* send(get("c"))), "OverloadedError not-sent")
      yield* settle
      yield* Fiber.interrupt(a)
      // Its reply is still owed.
      assert.strictEqual(stateOf(yield* send(get("c"))), "OverloadedError not-sent")
      script.deliver(hit("a", "1"))
      yield* settle
      assert.strictEqual(connection.inFlight, 1)
      assert.strictEqual(stateOf(yield* send(get("c"))), "waits")
      assert.strictEqual(stateOf(b), "waits")
    }))

  it.effect("fails at once beyond the bound on bytes", () =>
    Effect.gen(function*() {
      const { send } = yield* open({ maxInFlight: { commands: 100, bytes: 10_000 } })
      assert.strictEqual(stateOf(yield* send(set("a", 10_000))), "waits")
      assert.strictEqual(stateOf(yield* send(get("b"))), "OverloadedError not-sent")
    }))

  it.effect("refuses what the dialect cannot say", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      assert.strictEqual(stateOf(yield* send({ _tag: "MetaNoop" })), "UnsupportedError not-sent")
      connection.speak(metaDialect, { version: "1.6.45", hasBareMisses: false })
      assert.strictEqual(stateOf(yield* send({ _tag: "MetaNoop" })), "waits")
      yield* settle
      assert.strictEqual(script.written, "mn\r\n")
    }))
})

describe("deadlines", () => {
  it.effect("pass when they are due and not before", () =>
    Effect.gen(function*() {
      const { send } = yield* open()
      const a = yield* send(get("a"))
      yield* settle
      yield* TestClock.adjust(100)
      const b = yield* send(get("b"))
      yield* settle
      yield* TestClock.adjust(149)
      assert.strictEqual(stateOf(a), "waits")
      yield* TestClock.adjust(1)
      assert.strictEqual(stateOf(a), "TimeoutError unknown")
      yield* TestClock.adjust(99)
      assert.strictEqual(stateOf(b), "waits")
      yield* TestClock.adjust(1)
      assert.strictEqual(stateOf(b), "TimeoutError unknown")
    }))

  it.effect("may be earlier than those that are armed, or later than the timeout", () =>
    Effect.gen(function*() {
      const { connection, send } = yield* open({ stallTimeout: 10_000 })
      const a = yield* send(get("a"))
      yield* settle
      const b = yield* send(get("b"), connection.now() + 30)
      const c = yield* send(get("c"), connection.now() + 600)
      yield* settle
      yield* TestClock.adjust(30)
      assert.deepStrictEqual([a, b, c].map(stateOf), ["waits", "TimeoutError unknown", "waits"])
      yield* TestClock.adjust(220)
      assert.deepStrictEqual([a, c].map(stateOf), ["TimeoutError unknown", "waits"])
      yield* TestClock.adjust(349)
      assert.strictEqual(stateOf(c), "waits")
      yield* TestClock.adjust(1)
      assert.strictEqual(stateOf(c), "TimeoutError unknown")
    }))

  it.effect("leave the connection and skip the reply that comes late", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const a = yield* send(get("k"))
      yield* settle
      yield* TestClock.adjust(D)
      assert.strictEqual(stateOf(a), "TimeoutError unknown")
      const b = yield* send(get("k"))
      yield* settle
      script.deliver(hit("k", "late"))
      yield* settle
      assert.strictEqual(stateOf(b), "waits")
      script.deliver(hit("k", "own"))
      yield* settle
      assert.strictEqual(stateOf(b), "own")
      assert.isUndefined(connection.closed)
      assert.strictEqual(script.destroyed, 0)
    }))

  it.effect("need one timer, and none when nothing is owed", () =>
    countingSleeps((sleeping) =>
      Effect.gen(function*() {
        const { connection, script, send } = yield* open()
        assert.strictEqual(sleeping(), 0)
        for (let i = 0; i < 100; i++) {
          const fiber = yield* send(get("k"))
          yield* settle
          assert.strictEqual(sleeping(), 1)
          script.deliver(hit("k", String(i)))
          yield* settle
          assert.strictEqual(stateOf(fiber), String(i))
          yield* TestClock.adjust(1)
        }
        yield* TestClock.adjust(D)
        assert.strictEqual(sleeping(), 0)
        assert.strictEqual(connection.inFlight, 0)
      })
    ))

  it.effect("leave no timer behind when the connection ends", () =>
    countingSleeps((sleeping) =>
      Effect.gen(function*() {
        const { scope, script, send } = yield* open()
        script.block()
        yield* send(get("a"))
        yield* settle
        // Enqueued in the same tick in which the connection ends.
        const b = yield* send(get("b"))
        script.fail(readError("gone"))
        yield* settle
        assert.strictEqual(stateOf(b), "ConnectionLostError not-sent")
        assert.strictEqual(sleeping(), 0)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(sleeping(), 0)
      })
    ))

  it.effect("leave no timer behind when a caller whose time is up closes the scope", () =>
    countingSleeps((sleeping) =>
      Effect.gen(function*() {
        const { connection, scope, send } = yield* open()
        const a = yield* Effect.forkChild(
          Effect.tapError(connection.send(get("a")), () => Scope.close(scope, Exit.void)),
          { startImmediately: true }
        )
        const b = yield* send(get("b"), connection.now() + D + 100)
        yield* settle
        yield* TestClock.adjust(D)
        assert.deepStrictEqual([a, b].map(stateOf), ["TimeoutError unknown", "ConnectionLostError unknown"])
        assert.strictEqual(sleeping(), 0)
      })
    ))

  it.effect("are not set for a command that has gone already", () =>
    Effect.gen(function*() {
      const { connection, send } = yield* open()
      const a = yield* send(get("a"))
      a.interruptUnsafe()
      yield* settle
      yield* TestClock.adjust(10_000)
      assert.isUndefined(connection.closed)
      assert.strictEqual(connection.inFlight, 0)
    }))

  it.effect("count from a time that is read once in a tick", () =>
    Effect.gen(function*() {
      const { connection, send } = yield* open()
      assert.strictEqual(connection.tickTime, 0)
      yield* TestClock.adjust(500)
      // The first command of a tick comes with a deadline of its own, and nobody has asked for the time.
      yield* send(get("a"), connection.now() + 10)
      assert.strictEqual(connection.tickTime, 500)
      yield* settle
      yield* TestClock.adjust(1)
      assert.strictEqual(connection.tickTime, 501)
    }))
})

describe("a server without life", () => {
  it.effect("loses its connection after the stall limit", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const a = yield* send(get("a"))
      yield* settle
      yield* TestClock.adjust(STALL - 100)
      const b = yield* send(get("b"))
      yield* settle
      yield* TestClock.adjust(99)
      assert.isUndefined(connection.closed)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([a, b].map(stateOf), ["TimeoutError unknown", "ConnectionLostError unknown"])
      assert.strictEqual(connection.closed!.outcome, "not-sent")
      assert.strictEqual(script.destroyed, 1)
    }))

  it.effect("is noticed where every caller has gone", () =>
    Effect.gen(function*() {
      const { connection, send } = yield* open()
      const a = yield* send(get("a"))
      yield* settle
      yield* Fiber.interrupt(a)
      yield* TestClock.adjust(STALL)
      assert.isDefined(connection.closed)
    }))

  it.effect("is noticed before a deadline that is further away", () =>
    Effect.gen(function*() {
      const { send } = yield* open({ commandTimeout: 10_000 })
      const a = yield* send(get("a"))
      yield* settle
      yield* TestClock.adjust(STALL)
      assert.strictEqual(stateOf(a), "ConnectionLostError unknown")
    }))

  it.effect("is noticed when it owes nothing and takes nothing", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      script.block()
      const a = yield* send(set("a", 100_000))
      yield* settle
      script.deliver("SERVER_ERROR object too large for cache\r\n")
      yield* settle
      assert.strictEqual((yield* Fiber.join(a)).reply._tag, "ServerError")
      const b = yield* send(get("b"))
      yield* settle
      yield* TestClock.adjust(D)
      assert.strictEqual(stateOf(b), "TimeoutError not-sent")
      yield* TestClock.adjust(STALL)
      assert.isDefined(connection.closed)
    }))

  it.effect("is not one that was idle", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      yield* TestClock.adjust(60_000)
      const a = yield* send(get("a"))
      yield* settle
      yield* TestClock.adjust(D - 1)
      script.deliver(hit("a", "1"))
      yield* settle
      assert.strictEqual(stateOf(a), "1")
      yield* TestClock.adjust(60_000)
      assert.isUndefined(connection.closed)
    }))

  it.effect("shows life by any byte, but not for ever", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const a = yield* send(get("a"))
      yield* settle
      script.deliver("VALUE a 0 1000\r\n")
      for (let i = 1; i < 8; i++) {
        yield* TestClock.adjust(STALL / 2)
        script.deliver("x")
        yield* settle
        assert.isUndefined(connection.closed, String(i))
      }
      assert.strictEqual(stateOf(a), "TimeoutError unknown")
      yield* TestClock.adjust(STALL / 2)
      assert.strictEqual(connection.closed?.reason._tag, "ConnectionLostError")
      assert.strictEqual(script.destroyed, 1)
    }))
})

describe("the end", () => {
  const cases: ReadonlyArray<readonly [name: string, (script: ScriptedSocket) => void, tag: string, detail: string]> = [
    ["the peer closes", (script) => script.end(), "ConnectionLostError", "the server closed the connection"],
    ["reading fails", (script) => script.fail(readError("torn")), "ConnectionLostError", "torn"],
    ["bytes come that nobody asked for", (script) => script.deliver("VALUE x 0 1\r\n1\r\n"), "ProtocolError", ""],
    ["text comes for bytes", (script) => script.deliverBatch("END\r\n"), "ConnectionLostError", "text"]
  ]
  for (const [name, fault, tag, detail] of cases) {
    it.effect(`settles everybody when ${name}`, () =>
      Effect.gen(function*() {
        const { connection, script, send } = yield* open()
        const seen: Array<MemcacheError> = []
        connection.onClose((error) => seen.push(error))
        script.block()
        const a = yield* send(get("a"))
        const b = yield* send(get("b"))
        yield* settle
        const c = yield* send(get("c"))
        const d = yield* Effect.forkChild(connection.sendMany([get("d"), get("e")]), { startImmediately: true })
        fault(script)
        yield* settle
        assert.deepStrictEqual([a, b, c, d].map((fiber) => stateOf(fiber as Fiber.Fiber<Answer, MemcacheError>)), [
          `${tag} unknown`,
          `${tag} unknown`,
          `${tag} not-sent`,
          `${tag} not-sent, ${tag} not-sent`
        ])
        assert.strictEqual(script.destroyed, 1)
        assert.strictEqual(seen.length, 1)
        assert.strictEqual(seen[0], connection.closed)
        assert.include(seen[0].message, detail)
        assert.strictEqual(stateOf(yield* send(get("f"))), `${tag} not-sent`)
        connection.onClose((error) => seen.push(error))
        assert.strictEqual(seen.length, 2)
        yield* settle
        script.unblock()
        yield* settle
        assert.strictEqual(script.written, "get a\r\nget b\r\n")
      }))
  }

  it.effect("settles everybody when writing fails", () =>
    Effect.gen(function*() {
      const { script, send } = yield* open()
      script.block()
      const a = yield* send(get("a"))
      yield* settle
      const b = yield* send(get("b"))
      script.fail(readError("torn"))
      yield* settle
      assert.deepStrictEqual([a, b].map(stateOf), ["ConnectionLostError unknown", "ConnectionLostError not-sent"])
      assert.strictEqual(script.destroyed, 1)
    }))

  it.effect("settles everybody when a write fails at once", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      script.writeError = readError("torn")
      const small = yield* send(get("a"))
      const large = yield* send(set("b", 200_000))
      const unsent = yield* send(get("c"))
      yield* settle
      assert.deepStrictEqual(
        [small, large, unsent].map(stateOf),
        ["ConnectionLostError unknown", "ConnectionLostError unknown", "ConnectionLostError not-sent"]
      )
      assert.include(connection.closed?.message, "torn")
      assert.strictEqual(script.writes.length, 1)
    }))

  it.effect("settles everybody at once when the scope is closed", () =>
    Effect.gen(function*() {
      const { connection, scope, script, sendNow } = yield* open()
      const fibers: Array<Fiber.Fiber<Answer, MemcacheError>> = []
      for (let i = 0; i < 1000; i++) fibers.push(sendNow(get("k")))
      yield* settle
      script.block()
      fibers.push(sendNow(get("k")))
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(fibers.slice(0, 1000).every((fiber) => stateOf(fiber) === "ConnectionLostError unknown"))
      assert.strictEqual(stateOf(fibers[1000]), "ConnectionLostError not-sent")
      assert.include(connection.closed?.message, "the client closed the connection")
      assert.strictEqual(script.destroyed, 1)
      assert.isTrue(script.isReaderReleased)
      yield* settle
      assert.strictEqual(script.writes.length, 1)
    }))

  it.effect("is final: nothing that was sent before goes out afterwards", () =>
    Effect.gen(function*() {
      const { script, send } = yield* open()
      const a = yield* send(get("a"))
      script.end()
      const b = yield* send(get("b"))
      yield* settle
      yield* settle
      assert.deepStrictEqual(script.writes, [])
      assert.deepStrictEqual([a, b].map(stateOf), ["ConnectionLostError not-sent", "ConnectionLostError not-sent"])
    }))

  it.effect("delivers what came before the poison", () =>
    Effect.gen(function*() {
      const { script, send } = yield* open()
      const a = yield* send(get("a"))
      const b = yield* send(get("b"))
      yield* settle
      script.deliver(`${hit("a", "1")}STORED\r\n`)
      yield* settle
      assert.deepStrictEqual([a, b].map(stateOf), ["1", "ProtocolError unknown"])
    }))

  it.effect("comes behind the answer when a value is refused by an error line", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const a = yield* send(set("a"))
      const b = yield* send(get("b"))
      yield* settle
      script.deliver("CLIENT_ERROR bad data chunk\r\nERROR\r\nEND\r\n")
      yield* settle
      assert.strictEqual(Exit.isSuccess(a.pollUnsafe()!), true)
      assert.strictEqual(stateOf(b), "ProtocolError unknown")
      assert.isDefined(connection.closed)
    }))
})

describe("batches", () => {
  it.effect("answer in the order of their commands, each with its own outcome", () =>
    Effect.gen(function*() {
      const { connection, script } = yield* open()
      const fiber = yield* Effect.forkChild(
        connection.sendMany([get("a"), { _tag: "MetaNoop" }, set("b"), get("c")]),
        { startImmediately: true }
      )
      yield* settle
      assert.strictEqual(connection.inFlight, 1)
      script.deliver(`${hit("a", "1")}SERVER_ERROR out of memory\r\n`)
      yield* settle
      assert.strictEqual(stateOf(fiber), "waits")
      yield* TestClock.adjust(D)
      assert.strictEqual(stateOf(fiber), "End, UnsupportedError not-sent, ServerError, TimeoutError unknown")
    }))

  it.effect("of nothing, or of nothing that can be said, answer at once", () =>
    Effect.gen(function*() {
      const { connection, script } = yield* open()
      assert.deepStrictEqual(yield* connection.sendMany([]), [])
      const outcomes = yield* connection.sendMany([{ _tag: "MetaNoop" }, { _tag: "Quit" }])
      assert.deepStrictEqual(outcomes.map(outcomeOf), ["UnsupportedError not-sent", "UnsupportedError not-sent"])
      yield* settle
      assert.deepStrictEqual(script.writes, [])
    }))

  it.effect("count once against the bound", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open({ maxInFlight: { commands: 2, bytes: 1_000_000 } })
      const many = Array.from({ length: 100 }, (_, i) => get(`k${i}`))
      const first = yield* Effect.forkChild(connection.sendMany(many), { startImmediately: true })
      const second = yield* Effect.forkChild(connection.sendMany(many), { startImmediately: true })
      const third = yield* connection.sendMany([get("a"), get("b")])
      assert.deepStrictEqual(third.map(outcomeOf), ["OverloadedError not-sent", "OverloadedError not-sent"])
      assert.strictEqual(stateOf(yield* send(get("k"))), "OverloadedError not-sent")
      yield* settle
      script.deliver("END\r\n".repeat(200))
      yield* settle
      assert.strictEqual(stateOf(first), stateOf(second))
      assert.strictEqual(connection.inFlight, 0)
    }))

  it.effect("are taken back whole", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const fiber = yield* Effect.forkChild(connection.sendMany([get("a"), get("b")]), { startImmediately: true })
      fiber.interruptUnsafe()
      yield* settle
      assert.deepStrictEqual(script.writes, [])
      const sent = yield* Effect.forkChild(connection.sendMany([get("a"), get("b")]), { startImmediately: true })
      yield* settle
      script.deliver(hit("a", "1"))
      yield* settle
      yield* Fiber.interrupt(sent)
      const next = yield* send(get("b"))
      yield* settle
      script.deliver(hit("b", "2") + hit("b", "3"))
      yield* settle
      assert.strictEqual(stateOf(next), "3")
      assert.strictEqual(connection.inFlight, 0)
    }))
})

describe("callers that run on inside the socket's event", () => {
  it.effect("send again, and share a flush", () =>
    Effect.gen(function*() {
      const { connection, script } = yield* open()
      const chain = (key: string) =>
        Effect.forkChild(
          Effect.flatMap(connection.send(get(key)), () => connection.send(get(`${key}2`))),
          { startImmediately: true }
        )
      const a = yield* chain("a")
      const b = yield* chain("b")
      yield* settle
      script.deliver(hit("a", "1") + hit("b", "2"))
      yield* settle
      assert.deepStrictEqual(script.writes, ["get a\r\nget b\r\n", "get a2\r\nget b2\r\n"])
      script.deliver(hit("a2", "3") + hit("b2", "4"))
      yield* settle
      assert.deepStrictEqual([a, b].map(stateOf), ["3", "4"])
    }))

  it.effect("share a flush with those whose replies are still in the kernel, after as much as is read at once", () =>
    Effect.gen(function*() {
      const { connection, script } = yield* open()
      const chain = (key: string) =>
        Effect.forkChild(
          Effect.flatMap(connection.send(get(key)), () => connection.send(get(`${key}2`))),
          { startImmediately: true }
        )
      const a = yield* chain("a")
      const b = yield* chain("b")
      yield* settle
      const rest = 65_536 - hit("a", "").length - 4
      script.deliver(hit("a", "x".repeat(rest)))
      yield* Effect.promise(() => Promise.resolve())
      assert.strictEqual(script.writes.length, 1)
      script.deliver(hit("b", "2"))
      yield* settle
      assert.deepStrictEqual(script.writes, ["get a\r\nget b\r\n", "get a2\r\nget b2\r\n"])
      script.deliver(hit("a2", "3") + hit("b2", "4"))
      yield* settle
      assert.deepStrictEqual([a, b].map(stateOf), ["3", "4"])
    }))

  it.effect("have their whole time, although the timer looks before their flush", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const wakes: Array<() => void> = []
      const still: Clock.Clock = {
        ...clock,
        sleep: () => Effect.callback<void>((resume) => void wakes.push(() => resume(Effect.void)))
      }
      const { connection, script } = yield* Effect.provideService(open(), Clock.Clock, still)
      const a = yield* Effect.forkChild(
        Effect.flatMap(connection.send(get("a")), () => connection.send(get("a2"))),
        { startImmediately: true }
      )
      yield* settle
      for (const wake of wakes.splice(0)) wake()
      script.deliver(hit("a", "x".repeat(65_536)))
      yield* settle
      assert.strictEqual(stateOf(a), "waits")
      script.deliver(hit("a2", "1"))
      yield* settle
      assert.strictEqual(stateOf(a), "1")
    }))

  it.effect("interrupt others, whose replies are already there", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const victims: Array<Fiber.Fiber<Answer, MemcacheError>> = []
      const a = yield* Effect.forkChild(
        Effect.tap(connection.send(get("a")), () => Effect.sync(() => victims[0].interruptUnsafe())),
        { startImmediately: true }
      )
      const victim = yield* send(get("b"))
      victims.push(victim)
      const c = yield* send(get("c"))
      yield* settle
      script.deliver(hit("a", "1") + hit("b", "2") + hit("c", "3"))
      yield* settle
      assert.deepStrictEqual([a, victim, c].map(stateOf), ["1", "interrupted", "3"])
      assert.isUndefined(connection.closed)
    }))

  it.effect("close the scope, and nobody is settled twice", () =>
    Effect.gen(function*() {
      const { connection, scope, script, send } = yield* open()
      const a = yield* Effect.forkChild(
        Effect.tap(connection.send(get("a")), () => Scope.close(scope, Exit.void)),
        { startImmediately: true }
      )
      const b = yield* send(get("b"))
      const c = yield* send(get("c"))
      yield* settle
      script.deliver(hit("a", "1") + hit("b", "2"))
      yield* settle
      yield* settle
      assert.strictEqual(stateOf(a), "1")
      assert.include(["2", "ConnectionLostError unknown"], stateOf(b))
      assert.strictEqual(stateOf(c), "ConnectionLostError unknown")
      assert.isDefined(connection.closed)
      assert.strictEqual(script.destroyed, 1)
    }))

  it.effect("abandon others when their own deadline passes", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      const victims: Array<Fiber.Fiber<Answer, MemcacheError>> = []
      const a = yield* Effect.forkChild(
        Effect.tapError(connection.send(get("a")), () => Effect.sync(() => victims[0].interruptUnsafe())),
        { startImmediately: true }
      )
      const victim = yield* send(get("b"))
      victims.push(victim)
      yield* settle
      yield* TestClock.adjust(D)
      assert.deepStrictEqual([a, victim].map(stateOf), ["TimeoutError unknown", "interrupted"])
      script.deliver("END\r\nEND\r\n")
      yield* settle
      assert.strictEqual(connection.inFlight, 0)
    }))

  it.effect("send on failure to a connection that is closed", () =>
    Effect.gen(function*() {
      const { connection, script } = yield* open()
      const again = (n: number): Effect.Effect<Answer, MemcacheError> =>
        Effect.catch(connection.send(get("a")), (error) => n === 0 ? Effect.fail(error) : again(n - 1))
      const a = yield* Effect.forkChild(again(3), { startImmediately: true })
      const b = yield* Effect.forkChild(again(3), { startImmediately: true })
      yield* settle
      script.end()
      yield* settle
      assert.deepStrictEqual([a, b].map(stateOf), ["ConnectionLostError not-sent", "ConnectionLostError not-sent"])
      assert.strictEqual(script.written, "get a\r\nget a\r\n")
    }))

  it.effect("throw, which harms nobody else", () =>
    Effect.gen(function*() {
      const { connection, scope, script, send, sendNow } = yield* open()
      const thrown: Array<unknown> = []
      const listeners = process.listeners("uncaughtException")
      process.removeAllListeners("uncaughtException")
      process.on("uncaughtException", (error) => thrown.push(error.message))
      // Only what runs outside of Effect can throw.
      const rude = (name: string) =>
        sendNow(get("k")).addObserver(() => {
          throw new Error(name)
        })
      rude("answered")
      const a = yield* send(get("k"))
      yield* settle
      script.deliver(hit("k", "1") + hit("k", "2"))
      yield* settle
      rude("late")
      const b = yield* send(get("k"))
      yield* settle
      yield* TestClock.adjust(D)
      rude("closed")
      const c = yield* send(get("k"))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      yield* settle
      process.removeAllListeners("uncaughtException")
      for (const listener of listeners) process.on("uncaughtException", listener)
      assert.deepStrictEqual([a, b, c].map(stateOf), ["2", "TimeoutError unknown", "ConnectionLostError unknown"])
      assert.include(connection.closed?.message, "the client closed")
      assert.deepStrictEqual(thrown, ["answered", "late", "closed"])
    }))

  it.effect("are answered inside the write", () =>
    Effect.gen(function*() {
      const { connection, script, send } = yield* open()
      script.onWrite = (text) => script.deliver(text.replace(/get (\w+)\r\n/g, (_, key) => hit(key, key)))
      const a = yield* Effect.forkChild(
        Effect.flatMap(connection.send(get("a")), () => connection.send(get("c"))),
        { startImmediately: true }
      )
      const b = yield* send(get("b"))
      yield* settle
      yield* settle
      assert.deepStrictEqual([a, b].map(stateOf), ["c", "b"])
      assert.strictEqual(connection.inFlight, 0)
    }))
})

// In a thread of its own, because a server that shares the stalled loop is stalled too.
const ANSWERING_SERVER = `
  const { parentPort } = require("node:worker_threads")
  const server = require("node:net").createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {})
    socket.on("data", (data) => {
      socket.write("VALUE k 0 1\\r\\n1\\r\\nEND\\r\\n".repeat(data.toString().split("get k").length - 1))
    })
  })
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port))
`

const answeringServer = Effect.map(
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly worker: Worker }>((resume) => {
      const worker = new Worker(ANSWERING_SERVER, { eval: true })
      worker.once("message", (port: number) => resume(Effect.succeed({ port, worker })))
    }),
    ({ worker }) => Effect.promise(() => worker.terminate())
  ),
  ({ port }) => port
)

describe("over a real socket", () => {
  it.live("finds replies in the kernel after a stall of the event loop, and nobody late", () =>
    Effect.gen(function*() {
      const port = yield* answeringServer
      const socket = yield* NodeSocket.makeNet({ host: "127.0.0.1", port })
      const connection = yield* make(socket, { ...defaults, commandTimeout: 100 })
      const context = yield* Effect.context<never>()
      const stall = () => {
        const until = performance.now() + 300
        while (performance.now() < until);
      }
      const places: ReadonlyArray<(f: () => void) => void> = [
        setImmediate,
        (f) => void setTimeout(f, 0),
        (f) => process.nextTick(() => process.nextTick(f)),
        (f) => void readFile(import.meta.filename).then(f)
      ]
      for (const place of places) {
        const fibers = Array.from({ length: 25 }, () => Effect.runForkWith(context)(connection.send(get("k"))))
        yield* Effect.callback<void>((resume) => {
          place(() => {
            stall()
            resume(Effect.void)
          })
        })
        for (const fiber of fibers) assert.strictEqual(valueOf(yield* Fiber.join(fiber)), "1")
      }
      assert.strictEqual(connection.answered, 100)
    }))

  it.live("judges nothing by a time at which its socket has not had a turn, however often the loop stalls", () =>
    Effect.gen(function*() {
      const port = yield* answeringServer
      const socket = yield* NodeSocket.makeNet({ host: "127.0.0.1", port })
      const connection = yield* make(socket, { ...defaults, commandTimeout: 100 })
      const outcomes: Array<string> = []
      const stall = () => {
        const until = performance.now() + 300
        while (performance.now() < until);
      }
      yield* Effect.callback<void>((resume) => {
        // Each reply is read after the timer has gone off and before it judges, and its caller sends, and stalls, there.
        const next = (): void => {
          // Nobody gives up here, so what would abandon the command is not kept.
          connection.submit(get("k"), {
            settle: (outcome) => {
              outcomes.push(isMemcacheError(outcome) ? outcomeOf(outcome) : valueOf(outcome))
              if (outcomes.length === 5) resume(Effect.void)
              else next()
            }
          })
          // After the flush, which the end of the tick makes.
          queueMicrotask(stall)
        }
        next()
      })
      assert.deepStrictEqual(outcomes, ["1", "1", "1", "1", "1"])
    }))

  it.live("reads while it cannot write, so that neither side waits for the other", () =>
    Effect.gen(function*() {
      const value = "v".repeat(500_000)
      // Reads no more while its own answers are not taken, as memcached does.
      const server = yield* listen(({ socket }) => {
        let skip = 0
        let rest = ""
        let isStuck = false
        const read = (): void => {
          while (!isStuck) {
            if (rest.length < skip) return
            const end = rest.indexOf("\r\n", skip)
            if (end < 0) return
            const isSet = rest.startsWith("set", skip)
            rest = rest.slice(end + 2)
            skip = isSet ? 500_002 : 0
            isStuck = !socket.write(isSet ? "STORED\r\n" : hit("k", value))
          }
          socket.pause()
          socket.once("drain", () => {
            isStuck = false
            socket.resume()
            read()
          })
        }
        socket.on("data", (data) => {
          rest += data.toString("latin1")
          if (!isStuck) read()
        })
      })
      const socket = yield* NodeSocket.makeNet({ host: "127.0.0.1", port: server.port })
      const connection = yield* make(socket, { ...defaults, commandTimeout: 10_000, stallTimeout: 10_000 })
      const commands = Array.from({ length: 60 }, (_, i) => i % 2 === 0 ? set("k", 500_000) : get("k"))
      const outcomes = yield* connection.sendMany(commands)
      assert.deepStrictEqual(
        outcomes.map((outcome) => isMemcacheError(outcome) ? outcome.message : itemAt(outcome, 0)?.value.length ?? 0),
        commands.map((command) => command._tag === "Get" ? 500_000 : 0)
      )
    }))

  it.live("answers nobody with another's value, whoever gives up and whenever", () =>
    Effect.gen(function*() {
      let seed = 12_345
      const random = (n: number): number => {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
        return Math.floor(seed / 4_294_967_296 * n)
      }
      // Answers in pieces that end anywhere, and late.
      const server = yield* listen(({ socket }) => {
        let rest = ""
        let replies = ""
        socket.on("data", (data) => {
          const lines = (rest + data.toString("latin1")).split("\r\n")
          rest = lines.pop()!
          for (const line of lines) {
            const [word, key] = line.split(" ")
            const opaque = /O\d+/.exec(line)?.[0]
            const value = `${key}:`.repeat(1 + key.length * 7 % 40)
            if (key.endsWith("9")) replies += word === "get" ? "END\r\n" : `EN ${opaque}\r\n`
            else if (word === "get") replies += hit(key, value)
            else replies += `VA ${value.length} f0 ${opaque}\r\n${value}\r\n`
          }
        })
        const speak = setInterval(() => {
          const length = random(20_000)
          socket.write(replies.slice(0, length))
          replies = replies.slice(length)
        }, 1)
        socket.on("close", () => clearInterval(speak))
      })
      for (const dialect of ["text", "meta"] as const) {
        const socket = yield* NodeSocket.makeNet({ host: "127.0.0.1", port: server.port })
        const connection = yield* make(socket, { ...defaults, commandTimeout: 5000, stallTimeout: 10_000 })
        if (dialect === "meta") connection.speak(metaDialect, { version: "", hasBareMisses: false })
        const counts = { value: 0, miss: 0, late: 0, interrupted: 0 }
        let number = 0
        const one = Effect.suspend(() => {
          const key = `key${number++ % 997}`
          // Some have less time than an answer takes.
          const deadline = random(8) === 0 ? connection.now() + 1 : undefined
          return Effect.match(connection.send(get(key), deadline), {
            onSuccess: (answer) => {
              const value = valueOf(answer)
              assert.strictEqual(value, key.endsWith("9") ? "-" : `${key}:`.repeat(1 + key.length * 7 % 40))
              counts[value === "-" ? "miss" : "value"]++
            },
            onFailure: (error) => {
              assert.strictEqual(error.reason._tag, "TimeoutError")
              counts.late++
            }
          })
        })
        const worker = Effect.gen(function*() {
          for (let i = 0; i < 100; i++) {
            if (random(4) > 0) {
              yield* one
              continue
            }
            const fiber = yield* Effect.forkChild(one, { startImmediately: true })
            for (let turns = random(4); turns > 0; turns--) yield* Effect.yieldNow
            yield* Fiber.interrupt(fiber)
            if (Exit.isFailure(yield* Fiber.await(fiber))) counts.interrupted++
          }
        })
        yield* Effect.forEach(Array.from({ length: 50 }), () => worker, { concurrency: "unbounded", discard: true })
        assert.isUndefined(connection.closed)
        assert.isAbove(counts.value, 1000)
        for (const count of Object.values(counts)) assert.isAbove(count, 10)
        assert.isTrue(yield* until(() => connection.inFlight === 0))
      }
      assert.strictEqual(server.peers.length, 2)
    }))
})
