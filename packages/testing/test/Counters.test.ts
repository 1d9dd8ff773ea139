import { assert, describe, it } from "@effect/vitest"
import { Counters, fault } from "../src/Counters.ts"

describe("Counters", () => {
  it("counts by key, and nothing for a key that was never named", () => {
    const counters = new Counters()
    counters.succeeded("a")
    counters.succeeded("a")
    counters.doubted("b")
    assert.deepStrictEqual(counters.of("a"), { key: "a", successes: 2, unknown: 0 })
    assert.deepStrictEqual(counters.of("b"), { key: "b", successes: 0, unknown: 1 })
    assert.deepStrictEqual(counters.of("c"), { key: "c", successes: 0, unknown: 0 })
    assert.deepStrictEqual(counters.keys, ["a", "b"])
  })

  it("lets a counter be anything from its successes to these and the unknown", () => {
    const count = { key: "a", successes: 3, unknown: 2 }
    for (const stored of [3, 4, 5]) assert.isUndefined(fault(count, stored))
    for (const stored of [2, 6]) assert.isString(fault(count, stored))
    assert.isUndefined(fault(count, 0, { mayBeLost: true }))
    assert.isString(fault(count, 6, { mayBeLost: true }))
  })
})
