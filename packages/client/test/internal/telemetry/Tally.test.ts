import { assert, describe, it } from "@effect/vitest"
import type { Histogram } from "../../../src/internal/telemetry/Histogram.ts"
import { Tally } from "../../../src/internal/telemetry/Tally.ts"

const make = () => {
  const series: Array<readonly [operation: string, errorType: string | undefined, durations: Histogram]> = []
  const tally = new Tally([1], (...one) => series.push(one))
  const counts = () =>
    series.map(([operation, errorType, durations]) => [operation, errorType, durations.state().count])
  return { tally, counts }
}

describe("Tally", () => {
  it("has a series for each operation, and one for each way in which it fails", () => {
    const { counts, tally } = make()
    for (let i = 0; i < 3; i++) tally.answered("get", 1)
    tally.answered("set", 1)
    tally.failed("get", "TimeoutError", 1000)
    tally.failed("get", "TimeoutError", 1000)
    tally.failed("get", "ServerDeadError", 0)
    tally.failed("set", "TimeoutError", 1000)
    assert.deepStrictEqual(counts(), [
      ["get", undefined, 3],
      ["set", undefined, 1],
      ["get", "TimeoutError", 2],
      ["get", "ServerDeadError", 1],
      ["set", "TimeoutError", 1]
    ])
  })

  it("has no series before something happens", () => {
    assert.deepStrictEqual(make().counts(), [])
  })
})
