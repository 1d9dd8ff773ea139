import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Outcome } from "../src/Checker.ts"
import * as Checker from "../src/Checker.ts"

class Failure {
  readonly _tag = "Failure"
  readonly outcome: Outcome
  constructor(outcome: Outcome) {
    this.outcome = outcome
  }
}

const make = (deadline = 1000) =>
  Checker.make({
    deadline,
    slack: 10,
    isExpected: (error): error is Failure => error instanceof Failure,
    outcomeOf: ({ outcome }) => outcome
  })

/** A cache in a map, as a client of some kind would offer it. */
const cache = () => {
  const items = new Map<string, string>()
  return {
    items,
    get: (key: string) => Effect.sync(() => items.get(key)),
    set: (key: string, value: string) => Effect.sync(() => items.set(key, value) === items),
    delete: (key: string) => Effect.sync(() => items.delete(key))
  }
}

describe("Checker", () => {
  it.live("finds nothing in a cache that is well", () =>
    Effect.gen(function*() {
      const checker = yield* make()
      const { delete: remove, get, items, set } = cache()
      const ended = [
        yield* checker.read("a", get("a")),
        yield* checker.write("a", (value) => set("a", value), 500),
        yield* checker.read("a", get("a")),
        yield* checker.readMany(["a", "b"], Effect.succeed(items)),
        yield* checker.remove("a", remove("a")),
        yield* checker.remove("a", remove("a")),
        yield* checker.count("n", Effect.succeed(1)),
        yield* checker.operation(Effect.succeed(true)),
        yield* checker.operation(Effect.fail(new Failure("rejected")))
      ]
      assert.deepStrictEqual(ended.map(({ ended }) => ended), [
        "absent",
        "stored",
        "hit",
        "hit",
        "deleted",
        "absent",
        "counted",
        "ok",
        "Failure rejected"
      ])
      assert.deepStrictEqual(checker.problems(), [])
      assert.strictEqual(checker.ledger.operations, ended.length)
    }))

  it.live("finds another key's value, in a read of one and of many", () =>
    Effect.gen(function*() {
      const checker = yield* make()
      const { get, items, set } = cache()
      for (const key of ["a", "b"]) yield* checker.write(key, (value) => set(key, value))
      assert.strictEqual((yield* checker.read("a", get("b"))).ended, "wrong")
      const swapped = new Map([["a", items.get("b")], ["b", items.get("b")]])
      assert.strictEqual((yield* checker.readMany(["a", "b"], Effect.succeed(swapped))).ended, "wrong")
      assert.lengthOf(checker.problems(), 1)
      assert.strictEqual(checker.stamps.wrongCount, 2)
    }))

  it.live("finds a value that was deleted, and one that was overwritten", () =>
    Effect.gen(function*() {
      const checker = yield* make()
      const { get, items, set } = cache()
      yield* checker.write("a", (value) => set("a", value))
      const old = items.get("a")!
      yield* checker.remove("a", Effect.succeed(true))
      assert.strictEqual((yield* checker.read("a", get("a"))).ended, "stale")
      yield* checker.write("a", (value) => set("a", value))
      assert.strictEqual((yield* checker.read("a", Effect.succeed(old))).ended, "stale")
      assert.lengthOf(checker.problems(), 1)
    }))

  it.live("a write of unknown outcome may be read or not, one that was not sent may not", () =>
    Effect.gen(function*() {
      const checker = yield* make()
      const { get, items } = cache()
      const lose = (outcome: Outcome) => (value: string) =>
        Effect.andThen(Effect.sync(() => items.set("a", value)), Effect.fail(new Failure(outcome)))
      yield* checker.write("a", lose("unknown"))
      assert.strictEqual((yield* checker.read("a", get("a"))).ended, "hit")
      yield* checker.write("a", lose("not-sent"))
      assert.strictEqual((yield* checker.read("a", get("a"))).ended, "wrong")
    }))

  it.live("finds what settles late, and what never does", () =>
    Effect.gen(function*() {
      const checker = yield* make(20)
      yield* checker.operation(Effect.sleep(100))
      assert.lengthOf(checker.problems(), 1)
      yield* Effect.forkScoped(checker.operation(Effect.never), { startImmediately: true })
      assert.lengthOf(checker.problems(), 2)
    }))

  it.live("finds every failure that was not promised", () =>
    Effect.gen(function*() {
      const bad: ReadonlyArray<Effect.Effect<never, unknown>> = [
        Effect.fail("a string"),
        Effect.die(new Failure("unknown")),
        Effect.interrupt
      ]
      for (const effect of bad) {
        const checker = yield* make()
        const fiber = yield* Effect.forkScoped(checker.operation(effect))
        yield* Fiber.await(fiber)
        assert.lengthOf(checker.problems(), 1, String(effect))
      }
    }))

  it.live("an interruption from outside settles an operation and makes a write doubtful", () =>
    Effect.gen(function*() {
      const checker = yield* make()
      const { get, items } = cache()
      const fiber = yield* Effect.forkScoped(
        checker.write("a", (value) => Effect.andThen(Effect.sync(() => items.set("a", value)), Effect.never)),
        { startImmediately: true }
      )
      yield* Effect.sleep(1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual([...checker.ledger.tally().keys()], ["interrupted"])
      assert.strictEqual((yield* checker.read("a", get("a"))).ended, "hit")
      assert.deepStrictEqual(checker.problems(), [])
    }))

  it.live("tells of failures as they happen, and counts increments that are unknown", () =>
    Effect.gen(function*() {
      const heard: Array<string> = []
      const checker = yield* Checker.make({
        deadline: 1000,
        isExpected: (error): error is Failure => error instanceof Failure,
        outcomeOf: ({ outcome }) => outcome,
        nameOf: ({ outcome }) => outcome,
        onFailure: (_, name) => heard.push(name)
      })
      yield* checker.count("n", Effect.fail(new Failure("unknown")))
      yield* checker.count("n", Effect.fail(new Failure("not-sent")))
      yield* checker.count("n", Effect.succeed(1))
      assert.deepStrictEqual(heard, ["unknown", "not-sent"])
      assert.deepStrictEqual(checker.counters.of("n"), { key: "n", successes: 1, unknown: 1 })
    }))

  it("sums up how operations ended and how long the longest took", () => {
    const operations = [{ ended: "hit", start: 0, settle: 5 }, { ended: "hit", start: 5, settle: 6 }]
    assert.deepStrictEqual(Checker.endings(operations), { hit: 2 })
    assert.strictEqual(Checker.longest(operations), 5)
    assert.strictEqual(Checker.longest([]), 0)
  })
})
