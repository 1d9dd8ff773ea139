/**
 * How long a store's items live: fresh for their time to live, and behind it for as long as they may be stale.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { Period } from "../../ReadThrough.ts"
import type { TimeToLive } from "../../TimeToLive.ts"

/**
 * The time to live of an item that is fresh for `ttl`. Of what cannot be a time to live, nothing is made here: `ttl` is
 * answered as it is, for the command to refuse.
 *
 * @category combinators
 * @since 0.1.0
 */
export const of = (ttl: TimeToLive, staleFor: Period | undefined): TimeToLive => {
  if (staleFor === undefined || ttl === "Infinity") return ttl
  try {
    const stale = Duration.fromInputUnsafe(staleFor)
    if (DateTime.isDateTime(ttl)) return DateTime.addDuration(ttl, stale)
    const fresh = Duration.fromInputUnsafe(ttl)
    return Duration.isPositive(fresh) ? Duration.sum(fresh, stale) : ttl
  } catch {
    return ttl
  }
}
