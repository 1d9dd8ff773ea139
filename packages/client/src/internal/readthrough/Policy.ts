/**
 * The times of a read-through, from the caller's words to what is sent and compared.
 *
 * Options are usually written out at every call, so the few that a program has are remembered and not worked out again.
 *
 * @since 0.1.0
 */
import type { MetaFlag } from "@effect-memcache/protocol/Command"
import { MAX_RELATIVE_EXPTIME } from "@effect-memcache/protocol/Limits"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { ArgumentError, show } from "../../ArgumentError.ts"
import type { Period, VivifyOptions } from "../../ReadThrough.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import { toExptime } from "../../TimeToLive.ts"

/**
 * What options come to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Policy {
  readonly claimSeconds: number
  /** An item with less than this left is past its own time to live. */
  readonly staleSeconds: number
  /** Whether the claim on a missing item is an item beside it. */
  readonly isBeside: boolean
  /** The flags of `mg` that make a missing item. */
  readonly vivifying: ReadonlyArray<MetaFlag>
  /** Those that make none. */
  readonly reading: ReadonlyArray<MetaFlag>
}

/**
 * Of a call that has not begun.
 *
 * @category constants
 * @since 0.1.0
 */
export const none: Policy = { claimSeconds: 0, staleSeconds: 0, isBeside: false, vivifying: [], reading: [] }

const DEFAULT_CLAIM: Period = "10 seconds"

interface Remembered extends Required<VivifyOptions> {
  readonly policy: Policy
}

const MAX_REMEMBERED = 16

let remembered: ReadonlyArray<Remembered> = []

/**
 * The policy for options, or what is wrong with them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const resolve = (options: VivifyOptions): Policy | ArgumentError => {
  const { claim, claimFor, earlyRefresh, staleFor } = options
  for (let i = 0; i < remembered.length; i++) {
    const entry = remembered[i]
    if (
      entry.staleFor === staleFor && entry.earlyRefresh === earlyRefresh && entry.claimFor === claimFor &&
      entry.claim === claim
    ) return entry.policy
  }
  const policy = make(options)
  if (!(policy instanceof ArgumentError)) {
    remembered = [{ claim, claimFor, earlyRefresh, staleFor, policy }, ...remembered.slice(0, MAX_REMEMBERED - 1)]
  }
  return policy
}

const make = ({ claim, claimFor, earlyRefresh, staleFor }: VivifyOptions): Policy | ArgumentError => {
  if (claim !== undefined && claim !== "item" && claim !== "key") {
    return new ArgumentError({ argument: "claim", detail: `must be "item" or "key", not ${show(claim)}` })
  }
  const claimSeconds = seconds("claimFor", claimFor === undefined ? DEFAULT_CLAIM : claimFor)
  if (typeof claimSeconds !== "number") return claimSeconds
  const staleSeconds = seconds("staleFor", staleFor)
  if (typeof staleSeconds !== "number") return staleSeconds
  const earlySeconds = seconds("earlyRefresh", earlyRefresh)
  if (typeof earlySeconds !== "number") return earlySeconds
  // More would be read as a date.
  const due = Math.min(staleSeconds + earlySeconds, MAX_RELATIVE_EXPTIME)
  const reading: Array<MetaFlag> = ["v", "f", "c"]
  if (staleSeconds > 0) reading.push("t")
  if (due > 0) reading.push(`R${due}`)
  return {
    claimSeconds,
    staleSeconds,
    isBeside: claim === "key",
    reading,
    vivifying: [...reading, `N${claimSeconds}`]
  }
}

/**
 * A period in whole seconds, 0 for none, or what is wrong with it.
 *
 * @category encoding
 * @since 0.1.0
 */
export const seconds = (argument: string, period: Period | undefined): number | ArgumentError => {
  if (period === undefined) return 0
  // What a time to live may be, and has an end, is what a period may be; it knows what a bare number is, too.
  const exptime = DateTime.isDateTime(period) ? undefined : toExptime(period, 0)
  return typeof exptime === "number" && exptime > 0 && exptime <= MAX_RELATIVE_EXPTIME
    ? exptime
    : new ArgumentError({
      argument,
      detail: `must be a duration with a unit, longer than zero and at most 30 days, not ${describe(period)}`
    })
}

const describe = (period: Period): string => Duration.isDuration(period) ? Duration.format(period) : show(period)

/**
 * The exptime of an item that is fresh for `ttl` and stale for `staleSeconds` after it, or what is wrong with `ttl`.
 *
 * @category encoding
 * @since 0.1.0
 */
export const exptimeOf = (
  ttl: TimeToLive | undefined,
  staleSeconds: number,
  nowMillis: number
): number | ArgumentError => {
  const fresh = toExptime(ttl, nowMillis)
  if (typeof fresh !== "number" || fresh === 0 || staleSeconds === 0) return fresh
  const left = fresh <= MAX_RELATIVE_EXPTIME ? fresh : fresh - Math.floor(nowMillis / 1000)
  return toExptime(Duration.seconds(left + staleSeconds), nowMillis)
}
