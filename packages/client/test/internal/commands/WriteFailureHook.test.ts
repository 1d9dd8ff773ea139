import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { OnWriteFailure } from "../../../src/internal/commands/WriteFailureHook.ts"
import { WriteFailureHook } from "../../../src/internal/commands/WriteFailureHook.ts"
import * as Key from "../../../src/Key.ts"
import type { WriteFailure } from "../../../src/WriteFailure.ts"
import { settle } from "../../fixtures/ScriptedPool.ts"

const failureOf = (key: number): WriteFailure => ({
  key,
  itemKey: Result.getOrThrow(Key.make(key)),
  command: "delete",
  outcome: "unknown",
  error: Option.none()
})

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

const noteAll = (hook: WriteFailureHook, count: number) => hook.note(numbers(count).map(failureOf))

/** A hook in a scope of its own, and what it logs: "LEVEL message". */
const make = (onWriteFailure: OnWriteFailure) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      lines.push(`${logLevel} ${Array.isArray(message) ? message[0] : message}`)
    })
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
    const hook = yield* WriteFailureHook.make(onWriteFailure).pipe(
      Scope.provide(scope),
      Effect.provide(Logger.layer([logger]))
    )
    return { hook, lines, close: Scope.close(scope, Exit.void) }
  })

describe("WriteFailureHook", () => {
  it.effect("hears of every failure in order, after whoever noted it has gone on", () =>
    Effect.gen(function*() {
      const heard: Array<unknown> = []
      const { hook } = yield* make(({ key }) => Effect.sync(() => heard.push(key)))
      yield* noteAll(hook, 3)
      assert.deepStrictEqual(heard, [])
      yield* settle
      assert.deepStrictEqual(heard, [0, 1, 2])
      yield* noteAll(hook, 2)
      yield* settle
      assert.deepStrictEqual(heard, [0, 1, 2, 0, 1])
    }))

  it.effect("runs for 64 failures at once, and for those that wait as soon as one ends", () =>
    Effect.gen(function*() {
      let running = 0
      let ended = 0
      const { hook } = yield* make(({ key }) =>
        Effect.andThen(
          Effect.sync(() => running++),
          Effect.ensuring(
            Effect.sleep(key === 0 ? 10 : 100),
            Effect.sync(() => {
              running--
              ended++
            })
          )
        )
      )
      yield* noteAll(hook, 200)
      yield* settle
      assert.strictEqual(running, 64)
      yield* TestClock.adjust(10)
      assert.deepStrictEqual([running, ended], [64, 1])
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual([running, ended], [0, 200])
    }))

  it.effect("logs its failures and defects at the level of what nobody handles, and goes on", () =>
    Effect.gen(function*() {
      const { hook, lines } = yield* make(({ key }) => {
        if (key === 1) throw new Error("defect")
        return key === 0 ? Effect.fail("failure") : Effect.void
      })
      yield* noteAll(hook, 3)
      yield* settle
      assert.deepStrictEqual(lines, ["Error onWriteFailure failed", "Error onWriteFailure failed"])
    }))

  for (const [level, expected] of [["Warn", ["Warn onWriteFailure failed"]], [undefined, []]] as const) {
    it.effect(`logs at the level ${level}`, () =>
      Effect.gen(function*() {
        const { hook, lines } = yield* make(() => Effect.fail("failure"))
        yield* noteAll(hook, 1)
        yield* settle
        assert.deepStrictEqual<ReadonlyArray<string>>(lines, expected)
      }).pipe(Effect.provideService(References.UnhandledLogLevel, level)))
  }

  it.effect("drops what is beyond its bound, counts it, and says so when that begins and when it ends", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      let heard = 0
      const { hook, lines } = yield* make(() =>
        Effect.andThen(
          Deferred.await(gate),
          Effect.sync(() => {
            heard++
          })
        )
      )
      yield* noteAll(hook, 64)
      yield* settle
      yield* noteAll(hook, 131_072 + 5)
      yield* noteAll(hook, 5)
      yield* settle
      assert.deepStrictEqual(lines, [
        "Error onWriteFailure cannot keep up: write failures are dropped until it has caught up"
      ])
      yield* Deferred.succeed(gate, undefined)
      for (let i = 0; i < 100 && lines.length === 1; i++) yield* settle
      assert.strictEqual(heard, 64 + 131_072)
      assert.deepStrictEqual(lines.slice(1), ["Error onWriteFailure has caught up: 10 write failures were dropped"])
    }))

  it.effect("does not hear of what it does itself", () =>
    Effect.gen(function*() {
      const heard: Array<unknown> = []
      let again: Effect.Effect<void> = Effect.void
      const { hook } = yield* make(({ key }) =>
        Effect.andThen(
          Effect.sync(() => heard.push(key)),
          Effect.flatMap(Effect.forkChild(Effect.suspend(() => again)), Fiber.join)
        )
      )
      again = hook.note([failureOf(7)])
      yield* noteAll(hook, 1)
      yield* settle
      assert.deepStrictEqual(heard, [0])
    }))

  it.effect("is waited for when the layer closes", () =>
    Effect.gen(function*() {
      let heard = 0
      const { close, hook, lines } = yield* make(() =>
        Effect.andThen(
          Effect.sleep(900),
          Effect.sync(() => {
            heard++
          })
        )
      )
      yield* noteAll(hook, 3)
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      yield* TestClock.adjust(899)
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(closing)
      assert.strictEqual(heard, 3)
      yield* noteAll(hook, 1)
      yield* settle
      assert.deepStrictEqual([heard, lines], [3, []])
    }))

  it.effect("is waited for a second at most, and what it did not come to is logged", () =>
    Effect.gen(function*() {
      let interrupted = 0
      const { close, hook, lines } = yield* make(() =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.sync(() => {
            interrupted++
          }))
      )
      yield* noteAll(hook, 70)
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      yield* TestClock.adjust(1000)
      yield* Fiber.join(closing)
      assert.strictEqual(interrupted, 64)
      assert.deepStrictEqual(lines, [
        "Error onWriteFailure did not end when the layer closed: 70 write failures were dropped"
      ])
    }))
})
