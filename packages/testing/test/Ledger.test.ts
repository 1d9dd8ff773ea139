import { assert, describe, it } from "@effect/vitest"
import { Ledger, quantile } from "../src/Ledger.ts"

const passTime = (millis: number): void => {
  const until = performance.now() + millis
  while (performance.now() < until);
}

describe("Ledger", () => {
  it("counts operations by outcome, phase and server", () => {
    const ledger = new Ledger()
    ledger.enter("before")
    ledger.end(ledger.begin(0), "hit")
    ledger.end(ledger.begin(1), "hit")
    const across = ledger.begin(1)
    ledger.enter("after")
    ledger.end(across, "absent")
    assert.deepStrictEqual([...ledger.tally()], [["hit", 2], ["absent", 1]])
    assert.deepStrictEqual([...ledger.tally("before", 1)], [["hit", 1]])
    assert.deepStrictEqual([...ledger.tally("after")], [["absent", 1]])
  })

  it("finds what never settled, and what settled twice", () => {
    const ledger = new Ledger()
    ledger.begin()
    const twice = ledger.begin()
    ledger.end(twice, "hit")
    ledger.end(twice, "hit")
    assert.strictEqual(ledger.operations, 2)
    assert.strictEqual(ledger.unsettled, 1)
    assert.strictEqual(ledger.settledTwice, 1)
  })

  it("finds what settled late, unless the event loop was", () => {
    const ledger = new Ledger()
    const slow = ledger.begin()
    ledger.end(ledger.begin(), "quick")
    passTime(20)
    ledger.end(slow, "slow")
    assert.deepStrictEqual(ledger.late(8, 2, () => 0).map(({ outcome }) => outcome), ["slow"])
    assert.isEmpty(ledger.late(8, 2, (from, until) => until - from))
    assert.isAtLeast(ledger.longest(), 20)
    assert.isBelow(ledger.longest(() => 15), ledger.longest())
  })

  it("goes on beyond its first columns", () => {
    const ledger = new Ledger()
    const count = 150_000
    for (let i = 0; i < count; i++) ledger.end(ledger.begin(i % 3), "hit")
    assert.strictEqual(ledger.operations, count)
    assert.strictEqual(ledger.unsettled, 0)
    assert.strictEqual(ledger.tally(undefined, 2).get("hit"), count / 3)
  })

  it("takes for a percentile the smallest value that is not exceeded by its share", () => {
    const values = Float64Array.from([5, 1, 4, 2, 3])
    assert.deepStrictEqual([0, 0.5, 0.8, 0.81, 1].map((q) => quantile(values, q)), [1, 3, 4, 5, 5])
    assert.isNaN(quantile(new Float64Array(0), 0.5))
  })
})
