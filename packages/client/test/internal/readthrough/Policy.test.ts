import { isArgumentError } from "@effect-memcache/client/ArgumentError"
import type { VivifyOptions } from "@effect-memcache/client/ReadThrough"
import { assert, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Policy from "../../../src/internal/readthrough/Policy.ts"

const resolve = (options: VivifyOptions = {}): Policy.Policy => {
  const policy = Policy.resolve(options)
  if (isArgumentError(policy)) throw policy
  return policy
}

it("asks for no more than it must know", () => {
  assert.deepStrictEqual(resolve().vivifying, ["v", "f", "c", "N10"])
  assert.deepStrictEqual(resolve({ earlyRefresh: "1500 millis" }).vivifying, ["v", "f", "c", "R2", "N10"])
  assert.deepStrictEqual(resolve({ staleFor: Duration.minutes(1), earlyRefresh: { seconds: 5 } }).reading, [
    "v",
    "f",
    "c",
    "t",
    "R65"
  ])
  assert.deepStrictEqual(resolve({ claimFor: "1 minute", claim: "key" }), {
    claimSeconds: 60,
    staleSeconds: 0,
    isBeside: true,
    reading: ["v", "f", "c"],
    vivifying: ["v", "f", "c", "N60"]
  })
  // More than 30 days would be a date.
  assert.include(resolve({ staleFor: "30 days", earlyRefresh: "30 days" }).reading, "R2592000")
})

it("is worked out once for the same options, however often they are written out", () => {
  assert.strictEqual(resolve({ staleFor: "7 seconds" }), resolve({ staleFor: "7 seconds" }))
  assert.notStrictEqual(resolve({ staleFor: "7 seconds" }), resolve({ earlyRefresh: "7 seconds" }))
  for (let i = 1; i < 100; i++) assert.strictEqual(resolve({ claimFor: `${i} seconds` }).claimSeconds, i)
  assert.strictEqual(resolve({ staleFor: "7 seconds" }).staleSeconds, 7)
})

it("refuses what is no period, and names it", () => {
  const refused: ReadonlyArray<readonly [argument: string, options: unknown]> = [
    ["staleFor", { staleFor: 7 }],
    ["staleFor", { staleFor: "Infinity" }],
    ["staleFor", { staleFor: "7" }],
    ["earlyRefresh", { earlyRefresh: "-1 seconds" }],
    ["earlyRefresh", { earlyRefresh: DateTime.makeUnsafe(86_400_000) }],
    ["claimFor", { claimFor: "0 millis" }],
    ["claimFor", { claimFor: "31 days" }],
    ["claimFor", { claimFor: null }],
    ["staleFor", { staleFor: null }],
    ["claim", { claim: "lease" }]
  ]
  for (const [argument, options] of refused) {
    const error = Policy.resolve(options as VivifyOptions)
    assert.strictEqual(isArgumentError(error) && error.argument, argument)
  }
})

it("an item lives for its own time and the stale one together, in memcached's ways of saying it", () => {
  const now = 1_700_000_000_000
  const day = 86_400
  assert.strictEqual(Policy.exptimeOf(undefined, 60, now), 0)
  assert.strictEqual(Policy.exptimeOf("Infinity", 60, now), 0)
  assert.strictEqual(Policy.exptimeOf("1 minute", 0, now), 60)
  assert.strictEqual(Policy.exptimeOf("1 minute", 60, now), 120)
  assert.strictEqual(Policy.exptimeOf("30 days", 60, now), 1_700_000_000 + 30 * day + 60)
  assert.strictEqual(Policy.exptimeOf(DateTime.makeUnsafe(now + 60_000), 60, now), 120)
  assert.strictEqual(Policy.exptimeOf("60 days", 60, now), 1_700_000_000 + 60 * day + 60)
  assert.isTrue(isArgumentError(Policy.exptimeOf("0 seconds", 60, now)))
})
