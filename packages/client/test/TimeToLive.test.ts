import { ArgumentError } from "@effect-memcache/client/ArgumentError"
import type { TimeToLive } from "@effect-memcache/client/TimeToLive"
import { toExptime } from "@effect-memcache/client/TimeToLive"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { expectTypeOf } from "vitest"

const now = Date.UTC(2026, 10, 22, 12)
const nowSeconds = now / 1000
const month = 30 * 86_400

const good: ReadonlyArray<readonly [name: string, ttl: TimeToLive | undefined, exptime: number]> = [
  ["nothing is for ever", undefined, 0],
  ["infinity is for ever", "Infinity", 0],
  ["an infinite duration is for ever", Duration.infinity, 0],
  ["minutes are seconds", "5 minutes", 300],
  ["an object is a duration", { minutes: 1, seconds: 30 }, 90],
  ["a duration is itself", Duration.hours(1), 3600],
  ["a millisecond is a second, not for ever", "1 millis", 1],
  ["a nanosecond is a second, not for ever", "1 nano", 1],
  ["fractions are rounded up", "1001 millis", 2],
  ["30 days are relative", "30 days", month],
  ["a little more than 30 days is a date", Duration.millis(month * 1000 + 1), nowSeconds + month + 1],
  ["31 days are a date", "31 days", nowSeconds + 31 * 86_400],
  ["a moment is a date", DateTime.makeUnsafe(now + 5000), nowSeconds + 5],
  ["a moment between two seconds is rounded up", DateTime.makeUnsafe(now + 1), nowSeconds + 1],
  ["the last second of the 32-bit time is a date", DateTime.makeUnsafe(2_147_483_647_000), 2_147_483_647]
]

const bad: ReadonlyArray<readonly [name: string, ttl: unknown, detail: RegExp]> = [
  ["zero", "0 seconds", /longer than zero/],
  ["zero as a duration", Duration.zero, /longer than zero/],
  ["negative", "-5 minutes", /longer than zero/],
  ["negative infinity", "-Infinity", /longer than zero/],
  ["an empty object", {}, /longer than zero/],
  ["not a number", Duration.millis(Number.NaN), /longer than zero/],
  ["now", DateTime.makeUnsafe(now), /past/],
  ["the past", DateTime.makeUnsafe(now - 1), /past/],
  ["beyond 2038", DateTime.makeUnsafe(2_147_483_647_001), /2038/],
  ["a duration beyond 2038", "5000 days", /2038/],
  ["a duration beyond everything", Duration.millis(Number.MAX_VALUE), /2038/],
  ["a bare number", 300, /unit/],
  ["NaN", Number.NaN, /unit/],
  ["1e21", 1e21, /unit/],
  ["a bigint", 18_446_744_073_709_551_616n, /unit/],
  ["a number in a text", "300", /unit/],
  ["a command in a text", "0\r\nflush_all", /unit/],
  ["a tuple", [1, 0], /unit/],
  ["null", null, /unit/],
  ["true", true, /unit/],
  ["a symbol", Symbol("x"), /unit/],
  ["a function", () => 1, /unit/],
  ["a Date", new Date(now + 5000), /longer than zero/],
  ["a command in an object", { seconds: "0\r\nflush_all" }, /longer than zero/],
  ["an object that throws", {
    get seconds(): never {
      throw new Error("no")
    }
  }, /unit/],
  ["an object without a prototype", Object.create(null), /longer than zero|unit/],
  [
    "a proxy that throws",
    new Proxy({}, {
      has: () => {
        throw new Error("no")
      }
    }),
    /unit/
  ]
]

describe("toExptime", () => {
  it.each(good)("%s", (_, ttl, exptime) => {
    assert.strictEqual(toExptime(ttl, now), exptime)
    assert.strictEqual(toExptime(ttl, now), exptime)
  })

  it.each(bad)("refuses %s", (_, ttl, detail) => {
    const error = toExptime(ttl as TimeToLive, now)
    if (typeof error === "number") return assert.fail(`answered ${error}`)
    assert.instanceOf(error, ArgumentError)
    assert.strictEqual(error.argument, "ttl")
    assert.match(error.detail, detail)
    assert.notMatch(error.message, /[\r\n]/)
  })

  it("reads a moment on a test's clock as relative", () => {
    assert.strictEqual(toExptime(DateTime.makeUnsafe(61_500), 1000), 61)
  })

  it("does not remember one text for another", () => {
    assert.strictEqual(toExptime("1 minute", now), 60)
    assert.strictEqual(toExptime("2 minutes", now), 120)
    assert.instanceOf(toExptime("2 minute5" as TimeToLive, now), ArgumentError)
    assert.strictEqual(toExptime("2 minutes", now), 120)
  })

  it.prop(
    "never ends early, nor more than a second late",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 * 86_400_000 }))],
    ([millis]) => {
      const exptime = toExptime(Duration.millis(millis), now)
      if (typeof exptime !== "number") return assert.fail(exptime.message)
      const end = exptime > month ? exptime * 1000 - now : exptime * 1000
      assert.isAtLeast(end, millis)
      assert.isBelow(end, millis + 1000)
    }
  )

  it.prop("answers an exptime that the server takes, or an error, and never throws", [Schema.Unknown], ([ttl]) => {
    const exptime = toExptime(ttl as TimeToLive, now)
    if (typeof exptime !== "number") return assert.instanceOf(exptime, ArgumentError)
    assert.isTrue(Number.isInteger(exptime) && exptime >= 0 && exptime <= 2_147_483_647)
  })
})

it("the type refuses what has no unit", () => {
  expectTypeOf<"5 minutes">().toExtend<TimeToLive>()
  expectTypeOf<Duration.Duration>().toExtend<TimeToLive>()
  expectTypeOf<DateTime.Utc>().toExtend<TimeToLive>()
  expectTypeOf<number>().not.toExtend<TimeToLive>()
  expectTypeOf<bigint>().not.toExtend<TimeToLive>()
  expectTypeOf<readonly [number, number]>().not.toExtend<TimeToLive>()
  expectTypeOf<Date>().not.toExtend<TimeToLive>()
  expectTypeOf<"300">().not.toExtend<TimeToLive>()
  expectTypeOf<"-Infinity">().not.toExtend<TimeToLive>()
})
