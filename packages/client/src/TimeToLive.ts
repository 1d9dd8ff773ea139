/**
 * How long an item lives, in the caller's words, and as the number that memcached takes.
 *
 * That number has four traps: 0 means for ever, more than 30 days means a date, from 2^31 on it wraps into the past, and
 * a bare `300` is seconds to memcached and milliseconds to Effect. Each of them loses data without an error, so here
 * every one of them is an `ArgumentError` or cannot be written.
 *
 * @since 0.1.0
 */
import { MAX_EXPTIME, MAX_RELATIVE_EXPTIME } from "@effect-memcache/protocol/Limits"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { ArgumentError, show } from "./ArgumentError.ts"

/**
 * A time to live that says its unit, or the moment at which the item ends. `"Infinity"` means for ever.
 *
 * Bare numbers are refused: write `"300 seconds"`.
 *
 * @category models
 * @since 0.1.0
 */
export type TimeToLive =
  | Duration.Duration
  | `${number} ${Duration.Unit}`
  | "Infinity"
  | Duration.DurationObject
  | DateTime.DateTime

/**
 * The exptime to send for `ttl`, or the error. `nowMillis` is the reading of Effect's `Clock`.
 *
 * Rounded up to whole seconds, because 0 would mean for ever; absent and infinite are 0; more than 30 days becomes a
 * Unix time, as a `DateTime` does. Never throws, whatever a cast lets in.
 *
 * @category encoding
 * @since 0.1.0
 */
export const toExptime = (ttl: TimeToLive | undefined, nowMillis: number): number | ArgumentError => {
  if (ttl === undefined) return 0
  try {
    return DateTime.isDateTime(ttl) ? fromDateTime(ttl, nowMillis) : fromDuration(ttl, nowMillis)
  } catch {
    return refuse(`must be a duration with a unit, such as "5 minutes", or a DateTime, not ${show(ttl)}`)
  }
}

const fromDuration = (ttl: Exclude<TimeToLive, DateTime.DateTime>, nowMillis: number): number | ArgumentError => {
  const millis = toMillis(ttl)
  if (millis === Infinity) return 0
  if (!(millis > 0)) return refuse(`must be longer than zero, not ${describe(ttl)}; to remove an item, delete it`)
  const seconds = Math.ceil(millis / 1000)
  if (seconds <= MAX_RELATIVE_EXPTIME) return seconds
  return checkAbsolute(Math.ceil((nowMillis + millis) / 1000))
}

const fromDateTime = (ttl: DateTime.DateTime, nowMillis: number): number | ArgumentError => {
  const millis = DateTime.toEpochMillis(ttl)
  if (!(millis > nowMillis)) return refuse("is in the past; to remove an item, delete it")
  const seconds = Math.ceil(millis / 1000)
  // A moment in January 1970 would be read as relative. Only a test's clock can be there.
  return seconds <= MAX_RELATIVE_EXPTIME ? Math.ceil((millis - nowMillis) / 1000) : checkAbsolute(seconds)
}

const checkAbsolute = (seconds: number): number | ArgumentError =>
  seconds <= MAX_EXPTIME
    ? seconds
    : refuse("ends after 2038-01-19, which memcached's 32-bit time cannot hold; leave it out to store for ever")

// The same few texts are given at every call, and reading one takes longer than all the rest.
let lastText = ""
let lastMillis = 0

const toMillis = (ttl: Exclude<TimeToLive, DateTime.DateTime>): number => {
  switch (typeof ttl) {
    case "string": {
      if (ttl === lastText) return lastMillis
      const millis = Duration.toMillis(Duration.fromInputUnsafe(ttl))
      lastText = ttl
      lastMillis = millis
      return millis
    }
    case "object":
      if (!Array.isArray(ttl)) return Duration.toMillis(Duration.fromInputUnsafe(ttl))
  }
  throw new TypeError("no unit")
}

const describe = (ttl: Exclude<TimeToLive, DateTime.DateTime>): string =>
  Duration.isDuration(ttl) ? Duration.format(ttl) : show(ttl)

const refuse = (detail: string): ArgumentError => new ArgumentError({ argument: "ttl", detail })
