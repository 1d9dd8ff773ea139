import { assert, describe, it } from "@effect/vitest"
import { Statistics } from "../src/Statistics.ts"

describe("Statistics", () => {
  it("sums over the slab classes what it counts in them", () => {
    const statistics = new Statistics()
    statistics.countIn(1, "get_hits")
    statistics.countIn(1, "get_hits")
    statistics.countIn(7, "get_hits")
    assert.strictEqual(statistics.valueIn(1, "get_hits"), 2)
    assert.strictEqual(statistics.sum("get_hits"), 3)
    assert.strictEqual(statistics.sum("cas_hits"), 0)
  })

  it("counts prefixes only while asked to, and only of keys that have one", () => {
    const statistics = new Statistics()
    statistics.countPrefix("a:1", "get")
    statistics.isDetailed = true
    statistics.countPrefix("a:2", "get")
    statistics.countPrefix("a:2", "hit")
    statistics.countPrefix("b:x:y", "set")
    statistics.countPrefix("plain", "get")
    assert.deepStrictEqual([...statistics.detail], [
      ["a", { get: 1, hit: 1, set: 0, del: 0 }],
      ["b", { get: 0, hit: 0, set: 1, del: 0 }]
    ])
  })

  it("begins anew after a reset", () => {
    const statistics = new Statistics()
    statistics.count("cmd_flush", 3)
    statistics.countIn(1, "cmd_set")
    statistics.reset()
    assert.strictEqual(statistics.value("cmd_flush"), 0)
    assert.strictEqual(statistics.sum("cmd_set"), 0)
  })
})
