/**
 * What the meta commands do to a store, and what they answer.
 *
 * The request parser has checked the lines, so every command here is a legal one. Replies repeat the order of the
 * request's flags; `X`, `W` and `Z` come after them.
 *
 * @since 0.1.0
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type {
  MetaArithmetic,
  MetaDebug,
  MetaDelete,
  MetaFlag,
  MetaGet,
  MetaSet,
  StoreMode
} from "@effect-memcache/protocol/Command"
import * as Key from "@effect-memcache/protocol/Key"
import type { MetaReply } from "@effect-memcache/protocol/meta/ResponseEncoder"
import type { Item } from "./ItemStore.ts"
import type { MetaOptions } from "./MetaOptions.ts"
import * as Options from "./MetaOptions.ts"
import { count, put, refuse, slabClass } from "./Storing.ts"
import type { Candidate, StoreResult, Target } from "./Storing.ts"

/**
 * A reply, an error line, or nothing because the command was quiet.
 *
 * @category models
 * @since 0.1.0
 */
export type MetaOutcome = MetaReply | string | undefined

const EMPTY = new Uint8Array(0)

/**
 * `mg`: reads, and by its flags touches, makes, or hands out the right to store anew.
 *
 * @category commands
 * @since 0.1.0
 */
export const get = (target: Target, command: MetaGet): MetaOutcome => {
  const { statistics, store } = target
  const options = Options.make(command.key, command.flags)
  let item = store.find(options.key)
  const isMade = item === undefined && options.vivify !== undefined && store.admit(options.key, 0, 0) === "ok"
  if (isMade) item = store.link({ ...options, flags: 0, exptime: 0 }, EMPTY, options.newCas)
  if (item === undefined) {
    statistics.count("cmd_get")
    statistics.count("get_misses")
    return options.isQuiet ? undefined : { code: "EN", flags: echo(command.flags, options) }
  }
  const flags: Array<MetaFlag> = []
  let isWinner = false
  for (const flag of command.flags) {
    switch (flag[0]) {
      case "T":
        item.exptime = store.expiry(options.exptime!)
        break
      case "N":
        if (!isMade) break
        item.exptime = store.expiry(options.vivify!)
        isWinner = true
        break
      case "R":
        if (!item.isWinSent && !isMade && item.exptime !== 0 && item.exptime < store.expiry(options.recache!)) {
          isWinner = true
        }
        break
      case "k":
        pushKey(flags, item.key, item.isBase64)
        break
      case "l":
        flags.push(`l${store.time - item.lastAccess}`)
        break
      case "h":
        flags.push(item.isFetched ? "h1" : "h0")
        break
      default:
        pushField(flags, flag, target, item)
    }
  }
  if (item.isWinSent) flags.push("Z")
  if (item.isStale) {
    flags.push("X")
    if (!item.isWinSent) isWinner = true
  }
  if (isWinner) {
    flags.push("W")
    item.isWinSent = true
  }
  statistics.count(options.exptime === undefined ? "cmd_get" : "cmd_touch")
  statistics.countIn(slabClass(store, item), options.exptime === undefined ? "get_hits" : "touch_hits")
  if (!options.isUncounted) store.access(item)
  // A client that has this very version already is spared the value.
  const isKnown = options.compare !== undefined && options.compare === item.cas
  return options.wantsValue && !isKnown ? { code: "VA", value: item.value, flags } : { code: "HD", flags }
}

const MODES: Readonly<Record<string, StoreMode>> = {
  E: "add",
  A: "append",
  P: "prepend",
  R: "replace",
  S: "set"
}

/**
 * `ms`: stores. With `C` a plain or replacing one compares.
 *
 * @category commands
 * @since 0.1.0
 */
export const set = (target: Target, command: MetaSet): MetaOutcome => {
  const options = Options.make(command.key, command.flags)
  const result = put(target, candidate(options, command.value))
  if (result._tag === "Refused") return `SERVER_ERROR ${result.message}`
  if (result._tag === "Stored" && options.isQuiet) return undefined
  const flags: Array<MetaFlag> = []
  for (const flag of command.flags) {
    switch (flag[0]) {
      case "O":
        flags.push(flag)
        break
      case "k":
        pushKey(flags, options.key, options.isBase64)
        break
      case "c":
        flags.push(`c${result._tag === "Stored" ? result.cas : 0n}`)
        break
      case "s":
        flags.push(`s${result._tag === "Stored" ? result.length : command.value.length}`)
        break
    }
  }
  return { code: STORE_CODES[result._tag], flags }
}

const STORE_CODES: Readonly<Record<Exclude<StoreResult["_tag"], "Refused">, MetaReply["code"]>> = {
  Stored: "HD",
  NotStored: "NS",
  Exists: "EX",
  NotFound: "NF"
}

const candidate = (options: MetaOptions, value: Uint8Array): Candidate => {
  const mode = MODES[options.mode ?? "S"]
  const isJoining = mode === "append" || mode === "prepend"
  const isComparing = options.compare !== undefined && (mode === "set" || mode === "replace")
  return {
    mode: isComparing ? "cas" : mode,
    key: options.key,
    isBase64: options.isBase64,
    flags: options.flags,
    exptime: (isJoining && options.vivify !== undefined ? options.vivify : options.exptime) ?? 0,
    value,
    compare: options.compare ?? 0n,
    newCas: options.newCas,
    isInvalidating: options.isInvalidating,
    isVivifying: options.vivify !== undefined,
    dropsOnRefusal: true
  }
}

/**
 * An `ms` whose value was too large to be read. Unlike `set`, it drops the old value in every mode.
 *
 * @category commands
 * @since 0.1.0
 */
export const refuseSet = (target: Target, command: MetaSet): MetaOutcome => {
  const result = refuse(target, "tooLarge", Options.make(command.key, command.flags).key, true)
  return result._tag === "Refused" ? `SERVER_ERROR ${result.message}` : undefined
}

/**
 * `md`: removes an item, marks it stale (`I`) or empties it (`x`).
 *
 * @category commands
 * @since 0.1.0
 */
export const remove = (target: Target, command: MetaDelete): MetaOutcome => {
  const { statistics, store } = target
  const options = Options.make(command.key, command.flags)
  const flags = echo(command.flags, options)
  let item = store.find(options.key)
  if (item === undefined || (options.compare !== undefined && options.compare !== item.cas)) {
    statistics.count("delete_misses")
    return { code: item === undefined ? "NF" : "EX", flags }
  }
  if (options.isEmptying) {
    const exptime = options.exptime === undefined ? 0 : store.expiry(options.exptime)
    item = store.link({ ...options, exptime }, EMPTY, options.newCas ?? item.cas)
  }
  if (options.isInvalidating) {
    if (options.exptime !== undefined) item.exptime = store.expiry(options.exptime)
    item.isStale = true
    item.isWinSent = false
    item.cas = store.newCas(options.newCas)
  } else {
    statistics.countIn(slabClass(store, item), "delete_hits")
    if (!options.isEmptying) store.unlink(item)
  }
  return options.isQuiet ? undefined : { code: "HD", flags }
}

/**
 * `ma`: counts, and with `N` makes what is not there.
 *
 * @category commands
 * @since 0.1.0
 */
export const arithmetic = (target: Target, command: MetaArithmetic): MetaOutcome => {
  const { statistics, store } = target
  const options = Options.make(command.key, command.flags)
  const mode = options.mode === "D" || options.mode === "-" ? "decr" : "incr"
  const result = count(target, options.key, mode, options.delta, options.compare ?? 0n, options.newCas)
  switch (result._tag) {
    case "Counted":
      return counted(target, command, options, result.item, bytes(String(result.number)), false)
    case "Exists":
      return { code: "EX", flags: echo(command.flags, options) }
    case "NotNumber":
      return "CLIENT_ERROR cannot increment or decrement non-numeric value"
    case "NoMemory":
      return "SERVER_ERROR out of memory"
    case "NotFound": {
      if (options.vivify === undefined) {
        statistics.count(mode === "incr" ? "incr_misses" : "decr_misses")
        return { code: "NF", flags: echo(command.flags, options) }
      }
      const digits = bytes(String(options.initial))
      if (store.admit(options.key, 0, digits.length) !== "ok") {
        return "SERVER_ERROR Out of memory allocating new item"
      }
      const item = store.link({ ...options, flags: 0, exptime: 0 }, digits, options.newCas)
      return counted(target, command, options, item, digits, true)
    }
  }
}

const counted = (
  target: Target,
  command: MetaArithmetic,
  options: MetaOptions,
  item: Item,
  digits: Uint8Array,
  isMade: boolean
): MetaOutcome => {
  const flags: Array<MetaFlag> = []
  for (const flag of command.flags) {
    switch (flag[0]) {
      case "T":
        item.exptime = target.store.expiry(options.exptime!)
        break
      case "N":
        if (isMade) item.exptime = target.store.expiry(options.vivify!)
        break
      case "k":
        pushKey(flags, options.key, options.isBase64)
        break
      case "c":
      case "t":
      case "O":
        pushField(flags, flag, target, item)
        break
    }
  }
  if (options.isQuiet) return undefined
  return options.wantsValue ? { code: "VA", value: digits, flags } : { code: "HD", flags }
}

/**
 * `me`: what is known of an item. Asking changes nothing.
 *
 * @category commands
 * @since 0.1.0
 */
export const debug = (target: Target, command: MetaDebug): MetaOutcome => {
  const { statistics, store } = target
  statistics.count("cmd_meta")
  // Only a `b` right behind the key counts.
  const item = store.find(Options.make(command.key, command.flags[0] === "b" ? ["b"] : []).key)
  if (item === undefined) return { code: "EN", flags: [] }
  const exptime = item.exptime === 0 ? -1 : item.exptime - store.time
  const text = `${shown(item.key, item.isBase64)} exp=${exptime} la=${store.time - item.lastAccess} cas=${item.cas}` +
    ` fetch=${item.isFetched ? "yes" : "no"} cls=${slabClass(store, item)} size=${store.size(item)}`
  return { code: "ME", text, flags: [] }
}

const pushField = (flags: Array<MetaFlag>, flag: MetaFlag, { store }: Target, item: Item): void => {
  switch (flag[0]) {
    case "O":
      flags.push(flag)
      break
    case "c":
      flags.push(`c${item.cas}`)
      break
    case "f":
      flags.push(`f${item.flags}`)
      break
    case "s":
      flags.push(`s${item.value.length}`)
      break
    case "t":
      // An item that was expired by this very command shows an unsigned number, as the real server does.
      flags.push(item.exptime === 0 ? "t-1" : `t${(item.exptime - store.time) >>> 0}`)
      break
  }
}

// What a reply repeats when there is no item to tell of: the opaque, and the key as it was asked for.
const echo = (asked: ReadonlyArray<MetaFlag>, options: MetaOptions): Array<MetaFlag> => {
  const flags: Array<MetaFlag> = []
  for (const flag of asked) {
    if (flag[0] === "O") flags.push(flag)
    else if (flag[0] === "k") pushKey(flags, options.key, options.isBase64)
  }
  return flags
}

const pushKey = (flags: Array<MetaFlag>, key: string, isBase64: boolean): void => {
  flags.push(`k${shown(key, isBase64)}`)
  if (isBase64) flags.push("b")
}

const shown = (key: string, isBase64: boolean): string => {
  const text = isBase64 ? Key.toBase64(bytes(key)) : key
  return typeof text === "string" ? text : key
}
