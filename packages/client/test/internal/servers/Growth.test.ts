import { assert, describe, it } from "@effect/vitest"
import { Growth } from "../../../src/internal/servers/Growth.ts"

/** How long the pause is that begins now. */
const pauseFrom = (growth: Growth, now: number): number => {
  let pause = 0
  while (!growth.mayDial(now + pause)) pause += 500
  return pause
}

/** Fails at every chance, dials taking so long. */
const failures = (growth: Growth, count: number, dial = 0, now = 0) =>
  Array.from({ length: count }, () => {
    now += dial
    growth.failed(now)
    const pause = pauseFrom(growth, now)
    now += pause
    return pause
  })

describe("Growth", () => {
  it("nothing keeps the first dial back", () => {
    assert.isTrue(new Growth().mayDial(-1000))
  })

  it("each dial that fails doubles the pause, up to a minute", () => {
    const pauses = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
    assert.deepStrictEqual(failures(new Growth(), 8), pauses)
    // However long a dial takes to fail.
    assert.deepStrictEqual(failures(new Growth(), 8, 90_000), pauses)
  })

  it("a connection that lived longer than the last pause ends the pauses", () => {
    const growth = new Growth()
    failures(growth, 3)
    growth.opened(10_000)
    growth.failed(14_001)
    assert.strictEqual(pauseFrom(growth, 14_001), 1000)
    growth.failed(16_000)
    assert.strictEqual(pauseFrom(growth, 16_000), 2000)
  })

  it("a connection that was lost sooner than that does not", () => {
    const growth = new Growth()
    failures(growth, 3)
    growth.opened(10_000)
    growth.failed(14_000)
    assert.strictEqual(pauseFrom(growth, 14_000), 8000)
  })
})
