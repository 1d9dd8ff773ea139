/**
 * Random commands and replies of the text dialect, whose bytes must survive the way there and back.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { STATS_REPORTS } from "@effect-memcache/protocol/Command"
import type { Reply } from "@effect-memcache/protocol/Reply"
import * as Replies from "@effect-memcache/protocol/Reply"
import * as Arbitrary from "effect/Arbitrary"
import { boolean, bytes, exptime, int, key, oneOf, uint64 } from "../meta/Generators.ts"

export { boolean, bytes, int, key, oneOf, uint64 }

const flags = int(0, 0xffff_ffff)

const keys = Arbitrary.array(key, { minLength: 1, maxLength: 5 })

/** Text as it may stand at the end of a line: any byte but CR and LF. */
const restOfLine = Arbitrary.map(
  Arbitrary.array(int(0, 255), { maxLength: 40 }),
  (units) => units.filter((unit) => unit !== 0x0d && unit !== 0x0a).map((unit) => String.fromCharCode(unit)).join("")
)

/** Commands that text can say, `noreply` among them. */
export const command: Arbitrary.Arbitrary<Command> = Arbitrary.map(
  Arbitrary.all([
    int(0, 11),
    keys,
    Arbitrary.all({ flags, exptime, value: bytes(0, 64) }),
    uint64,
    boolean,
    oneOf(["set", "add", "replace", "append", "prepend"]),
    int(0, STATS_REPORTS.length + 1)
  ]),
  ([which, keys, item, wide, flag, mode, report]): Command => {
    const key = keys[0]
    switch (which) {
      case 0:
        return { _tag: "Get", keys, withCas: flag }
      case 1:
        return { _tag: "GetAndTouch", keys, withCas: flag, exptime: item.exptime }
      case 2:
      case 3: {
        const isJoined = mode === "append" || mode === "prepend"
        const kept = isJoined ? { flags: 0, exptime: 0, value: item.value } : item
        return { _tag: "Store", mode, key, ...kept, noreply: flag }
      }
      case 4:
        return { _tag: "Cas", key, ...item, cas: wide, noreply: flag }
      case 5:
        return { _tag: "Arithmetic", mode: flag ? "incr" : "decr", key, delta: wide, create: undefined, noreply: flag }
      case 6:
        return { _tag: "Delete", key, noreply: flag }
      case 7:
        return { _tag: "Touch", key, exptime: item.exptime, noreply: flag }
      case 8:
        return { _tag: "FlushAll", delay: flag ? undefined : item.exptime, noreply: item.flags % 2 === 0 }
      case 9:
        return {
          _tag: "Stats",
          report: report < STATS_REPORTS.length
            ? STATS_REPORTS[report]
            : report === STATS_REPORTS.length
            ? undefined
            : `cachedump ${item.flags % 64} ${item.flags}`
        }
      case 10:
        return { _tag: "Verbosity", level: item.flags, noreply: flag }
      default:
        return flag ? { _tag: "Version" } : { _tag: "Quit" }
    }
  }
)

const WORDS = ["Stored", "Deleted", "Touched", "Ok", "Reset"] as const
const STATUSES = ["End", "NotStored", "Exists", "NotFound"] as const
const ERRORS = ["Error", "ClientError", "ServerError"] as const

/** Replies that text has words for. */
export const reply: Arbitrary.Arbitrary<Reply> = Arbitrary.map(
  Arbitrary.all([int(0, 6), key, flags, uint64, boolean, bytes(0, 64), restOfLine]),
  ([which, key, n, wide, flag, block, rest]): Reply => {
    switch (which) {
      case 0:
      case 1: {
        const cas = flag ? wide : undefined
        return { ...Replies.value(true), key, flags: n, cas, length: block.length, value: block }
      }
      case 2:
        return { _tag: WORDS[n % WORDS.length] }
      case 3:
        return Replies.status(STATUSES[n % STATUSES.length], true)
      case 4:
        return { _tag: ERRORS[n % ERRORS.length], message: rest }
      case 5:
        return { _tag: "Stat", name: key, value: rest }
      default:
        return flag ? { _tag: "Counter", value: wide } : { _tag: "Version", version: `1.${n}` }
    }
  }
)
