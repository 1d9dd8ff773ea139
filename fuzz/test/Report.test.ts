/**
 * The table that a run ends with, and the verdicts in it.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Row } from "../Campaign.ts"
import * as Report from "../Report.ts"
import { all } from "../Targets.ts"

const row = (about: Partial<Row>): Row => ({
  target: "meta-pipeline",
  about: "",
  inputs: 1_000_000,
  bytes: 2_000_000,
  seconds: 20,
  cpuSeconds: 10,
  inputsPerSecond: 100_000,
  nanosecondsPerByte: 50,
  longestMilliseconds: 1.234,
  heapSlope: 12,
  discoveries: 0,
  failures: 0,
  ...about
})

describe("the table", () => {
  it("has a line for each target and one for all, as wide as each other", () => {
    const lines = Report.table([row({}), row({ target: "key", failures: 2 })]).split("\n")
    assert.lengthOf(lines, 6)
    assert.strictEqual(new Set(lines.map((line) => line.length)).size, 1)
    assert.match(lines[5], /^all +2,000,000 +100,000 +50 +1\.23 +2$/)
  })
})

describe("memory", () => {
  it("grows if a run leaves more behind than a collector's mood", () => {
    assert.isFalse(Report.isGrowing(row({ heapSlope: 12 })))
    assert.isFalse(Report.isGrowing(row({ heapSlope: -1_000_000 })))
    assert.isFalse(Report.isGrowing(row({ heapSlope: null })))
    assert.isTrue(Report.isGrowing(row({ heapSlope: 20_000 })))
    assert.include(Report.table([row({ heapSlope: 20_000 })]), "GROWS")
  })
})

describe("ten million inputs", () => {
  it("take each target's share of time", () => {
    const rows = all.map(({ name }) => row({ target: name, inputsPerSecond: 10_000 }))
    assert.closeTo(Report.secondsForTenMillion(rows, all), 1000, 1)
  })
})

describe("the file of a run", () => {
  it("says how to make it again", () => {
    const json = JSON.parse(Report.toJson([row({})], all, { command: "npm run fuzz -- --runs 5", seed: 3 }))
    assert.strictEqual(json.command, "npm run fuzz -- --runs 5")
    assert.strictEqual(json.seed, 3)
    assert.strictEqual(json.inputs, 1_000_000)
    assert.strictEqual(json.targets[0].target, "meta-pipeline")
  })
})
