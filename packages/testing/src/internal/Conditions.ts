/**
 * What a list of toxics means for one direction, in numbers that a channel can work with.
 */
import * as Duration from "effect/Duration"
import type { Ending, Toxic } from "../Toxic.ts"

export interface Conditions {
  /** Milliseconds. */
  readonly delay: number
  readonly jitter: number
  readonly bytesPerSecond: number
  readonly pieceSize: number
  /** Milliseconds from piece to piece. */
  readonly pieceInterval: number
  readonly limit: number
  readonly ending: Ending
  readonly isHole: boolean
  /** Nothing is wrong. */
  readonly isClear: boolean
}

const CLEAR: Conditions = {
  delay: 0,
  jitter: 0,
  bytesPerSecond: Infinity,
  pieceSize: Infinity,
  pieceInterval: 0,
  limit: Infinity,
  ending: "fin",
  isHole: false,
  isClear: true
}

/** Throws a `RangeError` for a number that means nothing. */
export const of = (toxics: ReadonlyArray<Toxic>, direction: "up" | "down"): Conditions => {
  const conditions = { ...CLEAR }
  for (const toxic of toxics) {
    if (toxic._tag === "CutAfterForward") {
      if (toxic.after !== undefined) atLeast(toxic.after, 1, "after")
      continue
    }
    if (toxic.direction !== direction && toxic.direction !== "both") continue
    conditions.isClear = false
    switch (toxic._tag) {
      case "Latency":
        conditions.delay = milliseconds(toxic.delay, "delay")
        conditions.jitter = milliseconds(toxic.jitter ?? 0, "jitter")
        break
      case "Bandwidth":
        if (!(toxic.bytesPerSecond > 0)) throw new RangeError("bytesPerSecond must be a number above 0")
        conditions.bytesPerSecond = toxic.bytesPerSecond
        break
      case "Slicer":
        conditions.pieceSize = atLeast(toxic.bytes, 1, "bytes")
        conditions.pieceInterval = milliseconds(toxic.every, "every")
        break
      case "LimitBytes":
        conditions.limit = atLeast(toxic.bytes, 0, "bytes")
        conditions.ending = toxic.ending
        break
      case "BlackHole":
        conditions.isHole = true
        break
    }
  }
  return conditions
}

const atLeast = (n: number, least: number, name: string): number => {
  if (!Number.isSafeInteger(n) || n < least) throw new RangeError(`${name} must be an integer of at least ${least}`)
  return n
}

// The longest that a timer of Node can wait.
const MAX_DELAY = 2_147_483_647

const milliseconds = (duration: Duration.Input, name: string): number => {
  const millis = Duration.toMillis(duration)
  if (!(millis >= 0 && millis <= MAX_DELAY)) throw new RangeError(`${name} must be from 0 to ${MAX_DELAY} ms`)
  return millis
}
