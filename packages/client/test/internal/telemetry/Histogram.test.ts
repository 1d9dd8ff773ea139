import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { DEFAULT_BOUNDARIES, Histogram } from "../../../src/internal/telemetry/Histogram.ts"

describe("Histogram", () => {
  it("counts a duration in the first bucket that it fits into, and in all above", () => {
    const durations = new Histogram([0.001, 0.01, 0.1])
    for (const millis of [0.5, 1, 1.5, 10, 11, 100, 101, 5000]) durations.record(millis)
    assert.deepStrictEqual(durations.state(), {
      buckets: [[0.001, 2], [0.01, 4], [0.1, 6]],
      count: 8,
      sum: 5.225,
      min: 0.0005,
      max: 5
    })
  })

  it("has nothing to say before the first duration", () => {
    const { count, sum, buckets } = new Histogram([1]).state()
    assert.deepStrictEqual({ count, sum, buckets }, { count: 0, sum: 0, buckets: [[1, 0]] })
  })

  it("has default boundaries that rise", () => {
    assert.deepStrictEqual([...DEFAULT_BOUNDARIES], [...DEFAULT_BOUNDARIES].sort((a, b) => a - b))
  })

  it.prop(
    "counts as Effect's own histogram does",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4000 })))],
    ([durations]) => {
      const ours = new Histogram(DEFAULT_BOUNDARIES)
      const theirs = Metric.histogram("theirs", { boundaries: DEFAULT_BOUNDARIES })
      const context = Context.make(Metric.MetricRegistry, new Map())
      for (const millis of durations) {
        ours.record(millis)
        theirs.updateUnsafe(millis / 1000, context)
      }
      const expected = theirs.valueUnsafe(context)
      const actual = ours.state()
      assert.closeTo(actual.sum, expected.sum, 1e-9)
      assert.deepStrictEqual({ ...actual, sum: 0 }, { ...expected, sum: 0 })
    }
  )
})
