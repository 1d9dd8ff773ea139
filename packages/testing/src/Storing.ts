/**
 * How values come to be stored and counted, for both dialects.
 *
 * `set` and `ms`, `incr` and `ma` differ in how they are written and in what they may ask for, not in what they do to an
 * item: that is decided here once.
 *
 * @since 0.1.0
 */
import { bytes, byteString } from "@effect-memcache/protocol/Ascii"
import type { StoreMode } from "@effect-memcache/protocol/Command"
import { MAX_UINT64 } from "@effect-memcache/protocol/Limits"
import type { Item, ItemStore } from "./ItemStore.ts"
import * as SlabClass from "./SlabClass.ts"
import type { Statistics } from "./Statistics.ts"

/**
 * What both need: the items, and where it is counted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Target {
  readonly store: ItemStore
  readonly statistics: Statistics
}

/**
 * A value on its way into the store. `exptime` is as it came in the command.
 *
 * @category models
 * @since 0.1.0
 */
export interface Candidate {
  readonly mode: StoreMode | "cas"
  readonly key: string
  readonly isBase64: boolean
  readonly flags: number
  readonly exptime: number
  readonly value: Uint8Array
  /** The cas that the stored item must have: for `append` and `prepend` 0 means any, for `cas` it matches nothing. */
  readonly compare: bigint
  /** The new item's cas, if the caller chooses it. */
  readonly newCas: bigint | undefined
  /** A `cas` that is older than the item stores too, and leaves it stale (`ms … I`). */
  readonly isInvalidating: boolean
  /** `append` and `prepend` of nothing store (`ms … N`). */
  readonly isVivifying: boolean
  /** Whether a refusal for size or memory drops what is stored. */
  readonly dropsOnRefusal: boolean
}

/**
 * What came of it. `length` is how long the stored value is now.
 *
 * @category models
 * @since 0.1.0
 */
export type StoreResult =
  | { readonly _tag: "Stored"; readonly cas: bigint; readonly length: number }
  | { readonly _tag: "NotStored" | "Exists" | "NotFound" }
  | { readonly _tag: "Refused"; readonly message: string }

const NOT_STORED: StoreResult = { _tag: "NotStored" }
const EXISTS: StoreResult = { _tag: "Exists" }
const NOT_FOUND: StoreResult = { _tag: "NotFound" }

/**
 * Drops the old value where a value was refused before it was looked at: too large, or no room for it. Answers the
 * words of the error line.
 *
 * @category combinators
 * @since 0.1.0
 */
export const refuse = (
  { statistics, store }: Target,
  reason: "tooLarge" | "noMemory",
  key: string,
  dropsOnRefusal: boolean
): StoreResult => {
  statistics.count(reason === "tooLarge" ? "store_too_large" : "store_no_memory")
  if (dropsOnRefusal) {
    const old = store.find(key)
    if (old !== undefined) store.unlink(old)
  }
  return {
    _tag: "Refused",
    message: reason === "tooLarge" ? "object too large for cache" : "out of memory storing object"
  }
}

/**
 * Stores a value, if its mode and its cas allow that.
 *
 * @category combinators
 * @since 0.1.0
 */
export const put = (target: Target, candidate: Candidate): StoreResult => {
  const { statistics, store } = target
  const { flags, key, value } = candidate
  const admission = store.admit(key, flags, value.length)
  if (admission !== "ok") return refuse(target, admission, key, candidate.dropsOnRefusal)
  statistics.countIn(slabClass(store, candidate), "cmd_set")
  const old = store.find(key)
  return old === undefined ? putNew(target, candidate) : putOver(target, candidate, old)
}

const putNew = (target: Target, candidate: Candidate): StoreResult => {
  switch (candidate.mode) {
    case "set":
    case "add":
      return linkNew(target, candidate)
    case "append":
    case "prepend":
      return candidate.isVivifying ? linkNew(target, candidate) : NOT_STORED
    case "replace":
      return NOT_STORED
    case "cas":
      target.statistics.count("cas_misses")
      return NOT_FOUND
  }
}

const putOver = (target: Target, candidate: Candidate, old: Item): StoreResult => {
  const { statistics, store } = target
  switch (candidate.mode) {
    case "set":
    case "replace":
      return linkNew(target, candidate)
    case "add":
      // The item was asked for, so it is worth keeping.
      store.promote(old)
      return NOT_STORED
    case "append":
    case "prepend":
      if (candidate.compare !== 0n && candidate.compare !== old.cas) return EXISTS
      return join(target, candidate, old)
    case "cas": {
      const isMatch = candidate.compare !== 0n && candidate.compare === old.cas
      const isOlder = candidate.isInvalidating && candidate.compare !== 0n && candidate.compare < old.cas
      if (!isMatch && !isOlder) {
        statistics.countIn(slabClass(store, old), "cas_badval")
        return EXISTS
      }
      statistics.countIn(slabClass(store, old), "cas_hits")
      if (isMatch) return linkNew(target, candidate)
      const fields = { ...candidate, exptime: old.exptime }
      const item = store.link(fields, candidate.value.slice(), candidate.newCas)
      item.isStale = true
      item.isWinSent = old.isWinSent
      return { _tag: "Stored", cas: item.cas, length: item.value.length }
    }
  }
}

const linkNew = ({ store }: Target, candidate: Candidate): StoreResult => {
  const fields = { ...candidate, exptime: store.expiry(candidate.exptime) }
  // Copied, because what was received is a view of something larger.
  const item = store.link(fields, candidate.value.slice(), candidate.newCas)
  return { _tag: "Stored", cas: item.cas, length: item.value.length }
}

// The item keeps its flags and exptime; its name is the one it was stored under.
const join = ({ store }: Target, candidate: Candidate, old: Item): StoreResult => {
  const { value } = candidate
  const length = old.value.length + value.length
  if (store.admit(old.key, old.flags, length) !== "ok") return NOT_STORED
  const joined = new Uint8Array(length)
  joined.set(old.value, candidate.mode === "append" ? 0 : value.length)
  joined.set(value, candidate.mode === "append" ? old.value.length : 0)
  const item = store.link(old, joined, candidate.newCas)
  return { _tag: "Stored", cas: item.cas, length }
}

/**
 * What came of counting.
 *
 * @category models
 * @since 0.1.0
 */
export type CountResult =
  | { readonly _tag: "Counted"; readonly item: Item; readonly number: bigint }
  | { readonly _tag: "NotFound" | "Exists" }
  | { readonly _tag: "NotNumber" }
  | { readonly _tag: "NoMemory" }

/**
 * Adds to a stored number, or subtracts from it. The item keeps its flags and exptime. A number that has become shorter
 * leaves the item as long as it was, with blanks behind it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const count = (
  { statistics, store }: Target,
  key: string,
  mode: "incr" | "decr",
  delta: bigint,
  compare: bigint,
  newCas: bigint | undefined
): CountResult => {
  const item = store.find(key)
  // Whether that is a miss depends on what the caller makes of it.
  if (item === undefined) return { _tag: "NotFound" }
  if (item.value.length === 0) return { _tag: "NotNumber" }
  if (compare !== 0n && compare !== item.cas) return { _tag: "Exists" }
  const before = parse(item.value)
  if (before === undefined) return { _tag: "NotNumber" }
  const number = mode === "incr" ? BigInt.asUintN(64, before + delta) : delta > before ? 0n : before - delta
  statistics.countIn(slabClass(store, item), mode === "incr" ? "incr_hits" : "decr_hits")
  const digits = bytes(String(number))
  if (digits.length <= item.value.length) {
    item.value.fill(0x20)
    item.value.set(digits)
    item.cas = store.newCas(newCas)
    store.promote(item)
    return { _tag: "Counted", item, number }
  }
  if (store.admit(key, item.flags, digits.length) !== "ok") return { _tag: "NoMemory" }
  return { _tag: "Counted", item: store.link(item, digits, newCas), number }
}

// As C's strtoull reads: white space and a plus before it, and anything behind the first white space or NUL after it.
const NUMBER = /^[ \t\n\v\f\r]*\+?([0-9]+)(?:[ \t\n\v\f\r\0]|$)/

const NUMBER_SEARCH_LENGTH = 4096

const parse = (value: Uint8Array): bigint | undefined => {
  const match = NUMBER.exec(byteString(value, 0, Math.min(value.length, NUMBER_SEARCH_LENGTH)))
  if (match === null) return undefined
  const number = BigInt(match[1])
  return number > MAX_UINT64 ? undefined : number
}

/**
 * The slab class of an item.
 *
 * @category accessors
 * @since 0.1.0
 */
export const slabClass = (store: ItemStore, item: Pick<Item, "key" | "flags" | "value">): number =>
  SlabClass.ofSize(store.size(item))
