import { assert, describe, it } from "@effect/vitest"
import { RetryBudget } from "../../../src/internal/commands/RetryBudget.ts"

/** How many withdrawals of one are granted in a row. */
const drain = (budget: RetryBudget): number => {
  let granted = 0
  while (budget.withdraw(1)) granted++
  return granted
}

describe("RetryBudget", () => {
  it("has a burst of ten without any request", () => {
    assert.strictEqual(drain(new RetryBudget()), 10)
  })

  it("grants one for every ten requests, to the last one", () => {
    const budget = new RetryBudget()
    drain(budget)
    for (let i = 0; i < 9; i++) budget.deposit(1)
    assert.isFalse(budget.withdraw(1))
    budget.deposit(1)
    assert.isTrue(budget.withdraw(1))
    assert.isFalse(budget.withdraw(1))
  })

  it("saves no more than the burst, however many requests there were", () => {
    const budget = new RetryBudget()
    budget.deposit(1_000_000)
    assert.strictEqual(drain(budget), 10)
    budget.deposit(1_000_000)
    assert.strictEqual(drain(budget), 10)
  })

  it("grants at most a tenth and ten when everything fails", () => {
    const budget = new RetryBudget()
    let granted = 0
    for (let i = 1; i <= 10_000; i++) {
      budget.deposit(1)
      while (budget.withdraw(1)) granted++
      assert.isAtMost(granted, i / 10 + 10)
    }
    assert.strictEqual(granted, 1009)
  })

  it("grants several commands together or none of them", () => {
    const budget = new RetryBudget()
    assert.isFalse(budget.withdraw(11))
    assert.isTrue(budget.withdraw(8))
    assert.isFalse(budget.withdraw(3))
    assert.isTrue(budget.withdraw(2))
  })
})
