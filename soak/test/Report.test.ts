/**
 * The verdicts of a soak, and the slope of its memory.
 */
import { OpaqueSet } from "@effect-memcache/testing/OpaqueSet"
import { assert, describe, it } from "@effect/vitest"
import * as Report from "../Report.ts"
import type { Result } from "../Soak.ts"
import type { Sample } from "../Tally.ts"
import { slope, Tally } from "../Tally.ts"

const MEBIBYTE = 1_048_576

/** Two looks a second, `perMinute` MiB more each minute. */
const growing = (seconds: number, perMinute: number): ReadonlyArray<Sample> =>
  Array.from({ length: 2 * seconds }, (_, i) => ({
    at: 1000 + 500 * i,
    heapUsed: 50 * MEBIBYTE + perMinute * MEBIBYTE * i / 120
  }))

const soaked = (about: Partial<Result> = {}): Result => {
  const tally = new Tally()
  tally.endings.set("hit", 3)
  tally.endings.set("TimeoutError unknown", 2)
  return {
    tally,
    troubles: new Map([["frozen", 1]]),
    seconds: 120,
    requests: 9,
    connections: 4,
    opaques: new OpaqueSet(),
    malformed: [],
    malformedCount: 0,
    socketsLeft: 0,
    serversLost: 0,
    worstLag: 1,
    memcached: "1.6.45",
    ...about
  }
}

const failed = (result: Result): ReadonlyArray<string> =>
  Report.checks(result).filter(({ isPassed }) => !isPassed).map(({ invariant, name }) => `${invariant} ${name}`)

describe("the checks", () => {
  it("hold of a soak in which nothing was wrong", () => {
    assert.deepStrictEqual(failed(soaked()), [])
  })

  it("fail one by one", () => {
    const opaques = new OpaqueSet()
    for (const opaque of ["1", "2", "2"]) opaques.add(opaque)
    assert.deepStrictEqual(failed(soaked({ opaques })), ["A7 opaques sent twice"])
    assert.deepStrictEqual(failed(soaked({ malformedCount: 1 })), ["A8 malformed requests"])
    assert.deepStrictEqual(failed(soaked({ socketsLeft: 1 })), ["A6 sockets left"])
    assert.deepStrictEqual(failed(soaked({ serversLost: 1 })), [" servers that did not come back"])
    for (
      const [fault, name] of [
        ["wrong", "A1 wrong values"],
        ["stale", "A1 stale values"],
        ["late", "A2 settled late"],
        ["unsettled", "A2 never settled"],
        ["untyped", "A3 failures without a type"],
        ["unhandled", "A4 unhandled rejections"],
        ["left", "A6 timers, listeners and other things left"],
        ["sums", "A7 counters and appended values that do not add up"]
      ] as const
    ) {
      const result = soaked()
      result.tally[fault].add(1, ["what was seen"])
      assert.deepStrictEqual(failed(result), [name])
      assert.include(Report.verdict(Report.checks(result)), "what was seen")
    }
  })

  it("fail when a reply was refused: these servers make no mistakes", () => {
    const result = soaked()
    result.tally.endings.set("ProtocolError unknown", 1)
    result.tally.failedKeys.set("ProtocolError not-sent", 1)
    assert.deepStrictEqual(failed(result), ["A1 replies that fit no request, of servers that make no mistake"])
    assert.include(Report.verdict(Report.checks(result)), "1 ProtocolError unknown")
  })

  it("fail of a soak that found nothing in the cache", () => {
    const result = soaked()
    result.tally.endings.delete("hit")
    assert.deepStrictEqual(failed(result), [" hits, without which nothing is shown"])
  })
})

describe("memory", () => {
  it("is the slope of the line that fits best", () => {
    assert.closeTo(slope(growing(100, 6)), 6 * MEBIBYTE / 60_000, 1e-6)
    assert.strictEqual(slope([]), 0)
    assert.strictEqual(slope(growing(1, 5).slice(0, 1)), 0)
  })

  it("is judged in a run of ten minutes and not in a shorter one", () => {
    const grown = (seconds: number, perMinute: number): Result => {
      const result = soaked({ seconds })
      result.tally.samples.push(...growing(seconds, perMinute))
      return result
    }
    assert.lengthOf(failed(grown(120, 1)), 0)
    assert.lengthOf(failed(grown(600, 0.09)), 0)
    assert.lengthOf(failed(grown(600, 0.11)), 1)
  })

  it("does not count what is needed to begin with", () => {
    const warmUp = growing(59, 100)
    const rest = growing(600, 0).map(({ at, heapUsed }) => ({ at: at + 60_000, heapUsed: heapUsed + 100 * MEBIBYTE }))
    assert.closeTo(Report.growth([...warmUp, ...rest]), 0, 1e-6)
  })
})

describe("the tables", () => {
  it("tell errors from other endings", () => {
    const text = Report.table(soaked())
    const [head, errors] = text.split("errors, with their outcome")
    assert.match(head, /^ {2}hit +3$/m)
    assert.match(errors, /^ {2}TimeoutError unknown +2$/m)
    assert.match(errors, /^ {2}frozen +1$/m)
  })

  it("are in the file, too", () => {
    const result = soaked()
    const file: unknown = JSON.parse(
      Report.toJson(result, Report.checks(result), { command: "c", seed: 1, rate: 8000 })
    )
    assert.deepInclude(file, { command: "c", seconds: 120, errors: { "TimeoutError unknown": 2 }, endings: { hit: 3 } })
  })
})
