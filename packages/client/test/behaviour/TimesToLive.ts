/**
 * How long items live: what is sent for each way of saying it, asked back from the server with `mg … t`.
 */
import type { TimeToLive } from "@effect-memcache/client"
import { Memcache } from "@effect-memcache/client"
import { assert } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { It } from "../behaviour.ts"
import { Target } from "../Target.ts"

const DAY = 86_400

/** What the server says is left, in seconds; -1 is for ever. */
const left = (key: string) =>
  Effect.gen(function*() {
    const { raw } = yield* Target
    return Number(/^HD t(-?\d+)\r\n$/.exec(yield* raw(`mg ${key} t\r\n`))?.[1])
  })

// A date is rounded up to the next second, and the server's own second ticks when it likes.
const assertAbout = (actual: number, expected: number): void =>
  assert.isTrue(
    expected === -1 ? actual === -1 : Math.abs(expected - actual) <= 3,
    `${actual} seconds, not ${expected}`
  )

const GOOD: ReadonlyArray<readonly [name: string, ttl: TimeToLive, seconds: number]> = [
  ["300 seconds", "300 seconds", 300],
  ["5 minutes", "5 minutes", 300],
  ["a Duration", Duration.hours(1), 3600],
  ["29.9 seconds, rounded up", "29900 millis", 30],
  ["30 days, the last relative number", "30 days", 30 * DAY],
  ["40 days, which is sent as a date (P5)", "40 days", 40 * DAY],
  ["infinity", "Infinity", -1],
  ["an infinite Duration", Duration.infinity, -1]
]

const BAD: ReadonlyArray<readonly [name: string, ttl: unknown]> = [
  ["zero", "0 seconds"],
  ["a negative duration", Duration.seconds(-1)],
  ["not a number", Duration.millis(Number.NaN)],
  ["a bare number", 300],
  ["a number with a command behind it", "0\r\nflush_all"],
  ["a huge number", "1e21 seconds"],
  ["a fraction below zero", "-1.5 seconds"],
  ["a moment in the past", DateTime.makeUnsafe("2001-01-01T00:00:00Z")],
  ["a moment after 2038-01-19", DateTime.makeUnsafe("2038-01-19T03:14:08Z")]
]

export const timesToLive = (it: It): void => {
  it.effect.each(GOOD)(
    "a ttl of %s is kept by every command that takes one",
    ([, ttl, seconds]) =>
      Effect.gen(function*() {
        const cache = yield* Memcache
        yield* cache.set("lives", 1, { ttl })
        assertAbout(yield* left("lives"), seconds)
        yield* cache.replace("lives", 2, { ttl: "9 seconds" })
        assertAbout(yield* left("lives"), 9)
        assert.isTrue(yield* cache.touch("lives", ttl))
        assertAbout(yield* left("lives"), seconds)
        yield* cache.touch("lives", "9 seconds")
        assert.deepStrictEqual(yield* cache.getAndTouch("lives", ttl), Option.some(2))
        assertAbout(yield* left("lives"), seconds)
        yield* cache.delete("lives")
        yield* cache.add("lives", 3, { ttl })
        assertAbout(yield* left("lives"), seconds)
        yield* cache.setMany([["lives", 4]], { ttl })
        assertAbout(yield* left("lives"), seconds)
        const { cas } = Option.getOrThrow(yield* cache.gets("lives"))
        yield* cache.compareAndSwap("lives", 5, cas, { ttl: "9 seconds" })
        assertAbout(yield* left("lives"), 9)
      })
  )

  it.effect("without a ttl an item lives for ever", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      yield* cache.set("ever", 1, { ttl: "9 seconds" })
      yield* cache.set("ever", 2)
      assert.strictEqual(yield* left("ever"), -1)
    }))

  it.effect("a ttl of 500 ms is one second, never for ever (D25, P5)", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const { raw } = yield* Target
      yield* cache.set("short", 1, { ttl: "500 millis" })
      // It may be gone already: the server's clock ticks once a second.
      assert.match(yield* raw("mg short t\r\n"), /^(HD t[01]|EN)\r\n$/)
    }))

  it.effect("a DateTime is the moment at which the item ends", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const end = DateTime.add(yield* DateTime.now, { hours: 2 })
      yield* cache.set("until", 1, { ttl: end })
      assert.isTrue(Math.abs((yield* left("until")) - 7200) <= 3)
    }))

  it.effect.each(BAD)("a ttl of %s is an ArgumentError, and not a byte is sent", ([, bad]) =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const ttl = bad as TimeToLive
      yield* cache.set("bad-ttl", 1)
      const before = yield* Target.stat("bytes_read")
      const errors = yield* Effect.all([
        Effect.flip(cache.set("bad-ttl", 2, { ttl })),
        Effect.flip(cache.add("bad-ttl", 2, { ttl })),
        Effect.flip(cache.replace("bad-ttl", 2, { ttl })),
        Effect.flip(cache.compareAndSwap("bad-ttl", 2, 1n, { ttl })),
        Effect.flip(cache.setMany([["bad-ttl", 2]], { ttl })),
        Effect.flip(cache.setManyPartial([["bad-ttl", 2]], { ttl })),
        Effect.flip(cache.increment("bad-ttl", { initial: 1, ttl })),
        Effect.flip(cache.touch("bad-ttl", ttl)),
        Effect.flip(cache.getAndTouch("bad-ttl", ttl))
      ])
      for (const error of errors) assert.strictEqual(error._tag === "ArgumentError" && error.argument, "ttl")
      assert.strictEqual(yield* Target.bytesSince(before), 0)
      assert.deepStrictEqual(yield* cache.get("bad-ttl"), Option.some(1))
    }))

  it.effect("a client's defaultTtl is for what is stored without one, and infinity says otherwise", () =>
    Effect.gen(function*() {
      const cache = yield* Target.freshClient({ defaultTtl: "1 hour" })
      yield* cache.set("default", 1)
      assertAbout(yield* left("default"), 3600)
      yield* cache.setMany([["default", 1]])
      assertAbout(yield* left("default"), 3600)
      yield* cache.set("default", 1, { ttl: "2 hours" })
      assertAbout(yield* left("default"), 7200)
      yield* cache.set("default", 1, { ttl: "Infinity" })
      assert.strictEqual(yield* left("default"), -1)
      yield* cache.increment("default-n", { initial: 1 })
      assertAbout(yield* left("default-n"), 3600)
    }))

  it.effect("touch and getAndTouch say when there is nothing to touch", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      assert.isFalse(yield* cache.touch("never-stored", "1 minute"))
      assert.deepStrictEqual(yield* cache.getAndTouch("never-stored", "1 minute"), Option.none())
    }))

  it.effect("the time counts from when the effect runs, not from when it was made", () =>
    Effect.gen(function*() {
      const cache = yield* Memcache
      const store = cache.set("again", 1, { ttl: "40 days" })
      yield* store
      yield* cache.delete("again")
      yield* store
      assertAbout(yield* left("again"), 40 * DAY)
    }))
}
