import * as Telemetry from "@effect-memcache/client/Telemetry"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { DEFAULT_BOUNDARIES } from "../src/internal/telemetry/Histogram.ts"

const resolved = (options?: Telemetry.TelemetryOptions) =>
  Result.getOrThrowWith(Telemetry.resolve(options), (error) => new Error(error.message))

describe("the options of telemetry", () => {
  it("have defaults", () => {
    const defaults = { name: undefined, boundaries: [...DEFAULT_BOUNDARIES], spans: true }
    assert.deepStrictEqual(resolved(), defaults)
    assert.deepStrictEqual(resolved({ name: undefined, boundaries: undefined, spans: undefined }), defaults)
  })

  it("are taken as they are given", () => {
    const options = { name: "sessions", boundaries: [0.001, 1], spans: false }
    assert.deepStrictEqual(resolved(options), options)
  })

  it("are kept as they were when they were checked", () => {
    const boundaries = [0.001, 1]
    const options = resolved({ boundaries })
    boundaries.push(0)
    assert.deepStrictEqual(options.boundaries, [0.001, 1])
  })

  it.each<readonly [options: unknown, option: string]>([
    ["sessions", "telemetry"],
    [[], "telemetry"],
    [null, "telemetry"],
    [{ name: "" }, "telemetry.name"],
    [{ name: 7 }, "telemetry.name"],
    [{ boundaries: [] }, "telemetry.boundaries"],
    [{ boundaries: 1 }, "telemetry.boundaries"],
    [{ boundaries: [0, 1] }, "telemetry.boundaries"],
    [{ boundaries: [1, 1] }, "telemetry.boundaries"],
    [{ boundaries: [2, 1] }, "telemetry.boundaries"],
    [{ boundaries: [1, Infinity] }, "telemetry.boundaries"],
    [{ boundaries: [1, "2"] }, "telemetry.boundaries"],
    [{ spans: "no" }, "telemetry.spans"]
  ])("%j names what is wrong", (options, option) => {
    const result = Telemetry.resolve(options as Telemetry.TelemetryOptions)
    assert.strictEqual(Result.isFailure(result) ? result.failure.option : "none", option)
  })
})
