/**
 * The end of a generation: what the servers hold is compared with what the client said.
 */
import type { LoopLag } from "@effect-memcache/testing/LoopLag"
import { assert, describe, it } from "@effect/vitest"
import { DOWN_FROM, Generation } from "../Generation.ts"

const punctual: LoopLag = { between: () => 0, worst: () => 0 }

const stocks = (held: Record<string, string>) => [new Map<string, string>(), new Map(Object.entries(held))]

/** One success and one of which nobody knows, on each of two counters. */
const counted = () => {
  const generation = new Generation(1, [0, 0], punctual, () => undefined)
  const [up, down] = [generation.key("up", 0), generation.key("down", 0)]
  for (const key of [up, down]) {
    generation.checker.counters.succeeded(key)
    generation.checker.counters.doubted(key)
  }
  return {
    faults: (n: number, kills: ReadonlyArray<number>) =>
      generation.faults(stocks({ [up]: String(n), [down]: `${DOWN_FROM - n} ` }), kills).length,
    faultsOfNothing: (kills: ReadonlyArray<number>) => generation.faults(stocks({}), kills).length
  }
}

describe("a counter", () => {
  it("is no more than all that may have counted it", () => {
    const { faults } = counted()
    assert.deepStrictEqual([1, 2, 3].map((n) => faults(n, [0, 0])), [0, 0, 2])
    assert.deepStrictEqual([1, 2, 3].map((n) => faults(n, [0, 1])), [0, 0, 2])
  })

  it("is no less than all that have counted it, unless its own server was killed", () => {
    const { faults, faultsOfNothing } = counted()
    assert.strictEqual(faults(0, [0, 0]), 2)
    assert.strictEqual(faults(0, [1, 0]), 2)
    assert.strictEqual(faults(0, [0, 1]), 0)
    assert.strictEqual(faultsOfNothing([0, 0]), 2)
    assert.strictEqual(faultsOfNothing([1, 0]), 0)
  })
})
