/**
 * What can be asked of memcached, as plain values.
 *
 * The classic verbs carry what they mean, not how they are written: the text dialect writes `Set` as `set`, the meta
 * dialect as `ms`. The `Meta…` commands exist only in the meta dialect and keep their flags in the order of the wire,
 * because the server answers in that order.
 *
 * @since 0.1.0
 */
import type { Key } from "./Key.ts"

/**
 * Reads one or more keys: `get`, or `gets` when `withCas` is set. The keys are distinct.
 *
 * @category models
 * @since 0.1.0
 */
export interface Get {
  readonly _tag: "Get"
  readonly keys: ReadonlyArray<Key>
  readonly withCas: boolean
}

/**
 * Reads keys and gives every hit a new exptime: `gat`, or `gats` when `withCas` is set (memcached 1.5.3 and later).
 *
 * @category models
 * @since 0.1.0
 */
export interface GetAndTouch {
  readonly _tag: "GetAndTouch"
  readonly keys: ReadonlyArray<Key>
  readonly withCas: boolean
  readonly exptime: number
}

/**
 * How a value is stored.
 *
 * @category models
 * @since 0.1.0
 */
export type StoreMode = "set" | "add" | "replace" | "append" | "prepend"

/**
 * Stores a value. `append` and `prepend` keep the item's own flags and exptime.
 *
 * @category models
 * @since 0.1.0
 */
export interface Store {
  readonly _tag: "Store"
  readonly mode: StoreMode
  readonly key: Key
  readonly flags: number
  readonly exptime: number
  readonly value: Uint8Array
  readonly noreply: boolean
}

/**
 * Stores a value if the item still has the cas unique that was read with it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cas {
  readonly _tag: "Cas"
  readonly key: Key
  readonly flags: number
  readonly exptime: number
  readonly value: Uint8Array
  readonly cas: bigint
  readonly noreply: boolean
}

/**
 * Counts up or down: `incr` wraps at 2^64, `decr` stops at 0. With `create`, an absent item is made with the initial
 * number and exptime; only the meta dialect can say that.
 *
 * @category models
 * @since 0.1.0
 */
export interface Arithmetic {
  readonly _tag: "Arithmetic"
  readonly mode: "incr" | "decr"
  readonly key: Key
  readonly delta: bigint
  readonly create: { readonly initial: bigint; readonly exptime: number } | undefined
  readonly noreply: boolean
}

/**
 * Removes an item.
 *
 * @category models
 * @since 0.1.0
 */
export interface Delete {
  readonly _tag: "Delete"
  readonly key: Key
  readonly noreply: boolean
}

/**
 * Gives an item a new exptime.
 *
 * @category models
 * @since 0.1.0
 */
export interface Touch {
  readonly _tag: "Touch"
  readonly key: Key
  readonly exptime: number
  readonly noreply: boolean
}

/**
 * Invalidates everything, at once or after `delay` seconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface FlushAll {
  readonly _tag: "FlushAll"
  readonly delay: number | undefined
  readonly noreply: boolean
}

/**
 * The sub-reports that can be asked for by name. memcached 1.6.40 and later match report names by prefix, so that
 * `stats r` resets the counters: a report is one of these words, never a user's text.
 *
 * @category constants
 * @since 0.1.0
 */
export const STATS_REPORTS = [
  "settings",
  "items",
  "slabs",
  "sizes",
  "conns",
  "extstore",
  "proxy",
  "proxyfuncs",
  "proxybe",
  "reset",
  "detail on",
  "detail off",
  "detail dump"
] as const

/**
 * One of the fixed reports, or `cachedump` with a slab class and a limit (0 means all).
 *
 * @category models
 * @since 0.1.0
 */
export type StatsReport = typeof STATS_REPORTS[number] | `cachedump ${number} ${number}`

/**
 * Asks for the general statistics, or for one sub-report.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stats {
  readonly _tag: "Stats"
  readonly report: StatsReport | undefined
}

/**
 * Asks for the server's version.
 *
 * @category models
 * @since 0.1.0
 */
export interface Version {
  readonly _tag: "Version"
}

/**
 * Sets how much the server writes to its own log.
 *
 * @category models
 * @since 0.1.0
 */
export interface Verbosity {
  readonly _tag: "Verbosity"
  readonly level: number
  readonly noreply: boolean
}

/**
 * Asks the server to close the connection; there is no reply.
 *
 * @category models
 * @since 0.1.0
 */
export interface Quit {
  readonly _tag: "Quit"
}

/**
 * One flag of a meta command as it stands on the wire: a letter and its token, without a blank.
 *
 * @category models
 * @since 0.1.0
 */
export type MetaFlag = string

/**
 * `mg`: reads an item, its fields, or both.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetaGet {
  readonly _tag: "MetaGet"
  readonly key: Key
  readonly flags: ReadonlyArray<MetaFlag>
}

/**
 * `ms`: stores an item.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetaSet {
  readonly _tag: "MetaSet"
  readonly key: Key
  readonly value: Uint8Array
  readonly flags: ReadonlyArray<MetaFlag>
}

/**
 * `md`: removes an item or marks it stale.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetaDelete {
  readonly _tag: "MetaDelete"
  readonly key: Key
  readonly flags: ReadonlyArray<MetaFlag>
}

/**
 * `ma`: counts.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetaArithmetic {
  readonly _tag: "MetaArithmetic"
  readonly key: Key
  readonly flags: ReadonlyArray<MetaFlag>
}

/**
 * `mn`: answered after everything before it.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetaNoop {
  readonly _tag: "MetaNoop"
}

/**
 * `me`: what the server knows of an item, in words.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetaDebug {
  readonly _tag: "MetaDebug"
  readonly key: Key
  readonly flags: ReadonlyArray<MetaFlag>
}

/**
 * Every command of both dialects.
 *
 * @category models
 * @since 0.1.0
 */
export type Command =
  | Get
  | GetAndTouch
  | Store
  | Cas
  | Arithmetic
  | Delete
  | Touch
  | FlushAll
  | Stats
  | Version
  | Verbosity
  | Quit
  | MetaGet
  | MetaSet
  | MetaDelete
  | MetaArithmetic
  | MetaNoop
  | MetaDebug

/**
 * Whether a value follows the command line. An error line in answer to one of these leaves open whether the server
 * took the value as a value or as commands.
 *
 * @category guards
 * @since 0.1.0
 */
export const hasDataBlock = (command: Command): command is Store | Cas | MetaSet =>
  command._tag === "Store" || command._tag === "Cas" || command._tag === "MetaSet"

/**
 * Whether sending the command a second time changes nothing and answers the same question: pure reads. A `set` is not
 * among them, because a late second copy can overwrite a newer value.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRepeatable = (command: Command): boolean => {
  switch (command._tag) {
    case "Get":
    case "Version":
    case "MetaNoop":
    case "MetaDebug":
      return true
    case "Stats":
      return command.report !== "reset" && command.report !== "detail on" && command.report !== "detail off"
    case "MetaGet":
      return command.flags.every((flag) => !isWritingFlag(flag))
    default:
      return false
  }
}

// Vivify, touch, recache and a new cas change the item, and so may `x`.
const isWritingFlag = (flag: MetaFlag): boolean => "NTREx".includes(flag[0])

/**
 * About how many bytes the command takes on the wire and in memory: what the bound on bytes in flight counts.
 *
 * @category accessors
 * @since 0.1.0
 */
export const sizeEstimate = (command: Command): number => {
  switch (command._tag) {
    case "Get":
    case "GetAndTouch": {
      let size = 32
      for (const key of command.keys) size += key.length + 1
      return size
    }
    case "Store":
    case "Cas":
    case "MetaSet":
      return 64 + command.key.length + command.value.length
    case "Arithmetic":
    case "Delete":
    case "Touch":
    case "MetaGet":
    case "MetaDelete":
    case "MetaArithmetic":
    case "MetaDebug":
      return 64 + command.key.length
    default:
      return 32
  }
}

/**
 * The command's word, for errors and logs: memcached's own.
 *
 * @category accessors
 * @since 0.1.0
 */
export const verb = (command: Command): string => {
  switch (command._tag) {
    case "Get":
      return command.withCas ? "gets" : "get"
    case "GetAndTouch":
      return command.withCas ? "gats" : "gat"
    case "Store":
    case "Arithmetic":
      return command.mode
    case "Cas":
      return "cas"
    case "Delete":
      return "delete"
    case "Touch":
      return "touch"
    case "FlushAll":
      return "flush_all"
    case "Stats":
      return "stats"
    case "Version":
      return "version"
    case "Verbosity":
      return "verbosity"
    case "Quit":
      return "quit"
    case "MetaGet":
      return "mg"
    case "MetaSet":
      return "ms"
    case "MetaDelete":
      return "md"
    case "MetaArithmetic":
      return "ma"
    case "MetaNoop":
      return "mn"
    case "MetaDebug":
      return "me"
  }
}
