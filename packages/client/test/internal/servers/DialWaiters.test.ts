/**
 * That everybody who waits for a dial hears of it once, in order and in time, and is counted until then.
 */
import type { Connection } from "@effect-memcache/transport/Connection"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { DialWaiters } from "../../../src/internal/servers/DialWaiters.ts"

const connection = { server: "s:1" } as Connection

const late = MemcacheError.timeout({ server: "s:1", command: "get", outcome: "not-sent", duration: 100 })

const DIAL = Symbol()

const joined = () => DIAL

const make = Effect.gen(function*() {
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const waiters = new DialWaiters(fork, () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000, () => late)
  const heard: Array<string> = []
  const wait = (name: string, deadline: number, dial: () => symbol | undefined = joined) =>
    Effect.forkChild(
      Effect.onExit(waiters.wait({ verb: "get", bytes: 10, deadline }, dial), (exit) =>
        Effect.sync(() => {
          heard.push(
            `${name} ${Exit.isSuccess(exit) ? "connected" : Exit.hasInterrupts(exit) ? "interrupted" : "late"}`
          )
        })),
      { startImmediately: true }
    )
  return { waiters, heard, wait }
})

it.effect("all who wait are resumed in the order in which they came, and counted until then", () =>
  Effect.gen(function*() {
    const { heard, wait, waiters } = yield* make
    for (const name of ["a", "b", "c"]) yield* wait(name, 100)
    assert.deepStrictEqual([waiters.count, waiters.bytes], [3, 30])
    waiters.settle(DIAL, Effect.succeed(connection))
    assert.deepStrictEqual(heard, ["a connected", "b connected", "c connected"])
    assert.deepStrictEqual([waiters.count, waiters.bytes], [0, 0])
    yield* TestClock.adjust(1000)
    assert.strictEqual(heard.length, 3)
  }))

it.effect("who waits too long is late, and nobody else", () =>
  Effect.gen(function*() {
    const { heard, wait, waiters } = yield* make
    const fibers = yield* Effect.forEach([300, 100, 200], (deadline) => wait(`${deadline}`, deadline))
    yield* TestClock.adjust(99)
    assert.deepStrictEqual(heard, [])
    yield* TestClock.adjust(1)
    assert.deepStrictEqual(heard, ["100 late"])
    assert.strictEqual(yield* Effect.flip(Fiber.join(fibers[1])), late)
    yield* TestClock.adjust(100)
    assert.deepStrictEqual([heard, waiters.count], [["100 late", "200 late"], 1])
    waiters.settle(DIAL, Effect.succeed(connection))
    assert.strictEqual(heard[2], "300 connected")
  }))

it.effect("who is interrupted is not counted any more, and hears nothing", () =>
  Effect.gen(function*() {
    const { heard, wait, waiters } = yield* make
    const first = yield* wait("a", 100)
    yield* wait("b", 100)
    yield* Fiber.interrupt(first)
    assert.deepStrictEqual([waiters.count, waiters.bytes], [1, 10])
    waiters.settle(DIAL, Effect.succeed(connection))
    yield* Fiber.interrupt(first)
    assert.deepStrictEqual([heard, waiters.count], [["a interrupted", "b connected"], 0])
  }))

it.effect("who runs on may wait for the next dial, and interrupt others", () =>
  Effect.gen(function*() {
    const { heard, wait, waiters } = yield* make
    const again = yield* Effect.forkChild(
      Effect.flatMap(waiters.wait({ verb: "get", bytes: 1, deadline: 100 }, joined), () => {
        other.interruptUnsafe()
        return waiters.wait({ verb: "get", bytes: 1, deadline: 100 }, joined)
      }),
      { startImmediately: true }
    )
    const other = yield* wait("other", 100)
    waiters.settle(DIAL, Effect.succeed(connection))
    assert.deepStrictEqual([heard, waiters.count, waiters.bytes], [["other interrupted"], 1, 1])
    assert.isUndefined(again.pollUnsafe())
    waiters.settle(DIAL, Effect.fail(late))
    assert.strictEqual(yield* Effect.flip(Fiber.join(again)), late)
  }))

it.effect("a dial that needs no time is over before anybody waits", () =>
  Effect.gen(function*() {
    const { heard, wait, waiters } = yield* make
    yield* wait("a", 100, () => {
      waiters.settle(DIAL, Effect.succeed(connection))
      return undefined
    })
    assert.deepStrictEqual([heard, waiters.count], [["a connected"], 0])
  }))

it.effect("twenty thousand who wait are late together", () =>
  Effect.gen(function*() {
    const { heard, wait, waiters } = yield* make
    yield* Effect.forEach(Array.from({ length: 20_000 }), () => wait("x", 100), { discard: true })
    yield* TestClock.adjust(100)
    assert.deepStrictEqual([heard.length, new Set(heard).size, waiters.count], [20_000, 1, 0])
  }))

it.effect("who waits for the next dial does not hear of the end of this one", () =>
  Effect.gen(function*() {
    const { heard, wait, waiters } = yield* make
    const next = Symbol()
    yield* wait("a", 100)
    yield* wait("b", 100, () => next)
    waiters.settle(DIAL, Effect.fail(late))
    assert.deepStrictEqual([heard, waiters.count], [["a late"], 1])
    waiters.settle(next, Effect.succeed(connection))
    assert.deepStrictEqual([heard, waiters.count], [["a late", "b connected"], 0])
  }))
