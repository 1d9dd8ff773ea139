/**
 * What the classic commands do to a store, and what they answer.
 *
 * `noreply` is nobody's business here: whoever writes the replies leaves them out.
 *
 * @since 0.1.0
 */
import type { Arithmetic, Cas, Delete, Get, GetAndTouch, Store, Touch } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Reply } from "@effect-memcache/protocol/Reply"
import * as Replies from "@effect-memcache/protocol/Reply"
import type { Item } from "./ItemStore.ts"
import { count, put, refuse, slabClass } from "./Storing.ts"
import type { StoreResult, Target } from "./Storing.ts"

const STORED: Reply = { _tag: "Stored" }
const DELETED: Reply = { _tag: "Deleted" }
const TOUCHED: Reply = { _tag: "Touched" }
const NOT_FOUND = Replies.status("NotFound", true)
const NOT_STORED = Replies.status("NotStored", true)
const EXISTS = Replies.status("Exists", true)

/**
 * `END`, behind the values of a get and the lines of a report.
 *
 * @category constants
 * @since 0.1.0
 */
export const END: Reply = Replies.status("End", true)

/**
 * `get`, `gets`, `gat`, `gats`: a value for every hit, in the order of the keys, and the end.
 *
 * @category commands
 * @since 0.1.0
 */
export const get = ({ statistics, store }: Target, command: Get | GetAndTouch): ReadonlyArray<Reply> => {
  const replies: Array<Reply> = []
  const isTouching = command._tag === "GetAndTouch"
  for (const key of command.keys) {
    const item = store.find(key)
    statistics.countPrefix(key, "get")
    statistics.count(isTouching ? "cmd_touch" : "cmd_get")
    if (item === undefined) {
      statistics.count(isTouching ? "touch_misses" : "get_misses")
      continue
    }
    if (isTouching) item.exptime = store.expiry(command.exptime)
    statistics.countPrefix(key, "hit")
    statistics.countIn(slabClass(store, item), isTouching ? "touch_hits" : "get_hits")
    store.access(item)
    replies.push(valueOf(key, item, command.withCas))
  }
  replies.push(END)
  return replies
}

const valueOf = (key: Key, item: Item, withCas: boolean): Reply => {
  const reply = Replies.value(true)
  reply.key = key
  reply.flags = item.flags
  reply.length = item.value.length
  reply.value = item.value
  if (withCas) reply.cas = item.cas
  return reply
}

/**
 * `set`, `add`, `replace`, `append`, `prepend` and `cas`.
 *
 * @category commands
 * @since 0.1.0
 */
export const store = (target: Target, command: Store | Cas): Reply => {
  target.statistics.countPrefix(command.key, "set")
  return replyOf(put(target, {
    mode: command._tag === "Cas" ? "cas" : command.mode,
    key: command.key,
    isBase64: false,
    flags: command.flags >>> 0,
    exptime: command.exptime,
    value: command.value,
    compare: command._tag === "Cas" ? command.cas : 0n,
    newCas: undefined,
    isInvalidating: false,
    isVivifying: false,
    dropsOnRefusal: isSet(command)
  }))
}

/**
 * A storage command whose value was too large to be read. A `set` drops the old value, so that nobody goes on reading
 * what was meant to be replaced; the others leave it.
 *
 * @category commands
 * @since 0.1.0
 */
export const refuseStore = (target: Target, command: Store | Cas): Reply =>
  replyOf(refuse(target, "tooLarge", command.key, isSet(command)))

const isSet = (command: Store | Cas): boolean => command._tag === "Store" && command.mode === "set"

const replyOf = (result: StoreResult): Reply => {
  switch (result._tag) {
    case "Stored":
      return STORED
    case "NotStored":
      return NOT_STORED
    case "Exists":
      return EXISTS
    case "NotFound":
      return NOT_FOUND
    case "Refused":
      return { _tag: "ServerError", message: result.message }
  }
}

/**
 * `incr` and `decr`.
 *
 * @category commands
 * @since 0.1.0
 */
export const arithmetic = (target: Target, command: Arithmetic): Reply => {
  const result = count(target, command.key, command.mode, command.delta, 0n, undefined)
  switch (result._tag) {
    case "Counted":
      return { _tag: "Counter", value: result.number }
    case "NotNumber":
      return { _tag: "ClientError", message: "cannot increment or decrement non-numeric value" }
    case "NoMemory":
      return { _tag: "ServerError", message: "out of memory" }
    default:
      target.statistics.count(command.mode === "incr" ? "incr_misses" : "decr_misses")
      return NOT_FOUND
  }
}

/**
 * `delete`.
 *
 * @category commands
 * @since 0.1.0
 */
export const remove = ({ statistics, store }: Target, command: Delete): Reply => {
  statistics.countPrefix(command.key, "del")
  const item = store.find(command.key)
  if (item === undefined) {
    statistics.count("delete_misses")
    return NOT_FOUND
  }
  statistics.countIn(slabClass(store, item), "delete_hits")
  store.unlink(item)
  return DELETED
}

/**
 * `touch`.
 *
 * @category commands
 * @since 0.1.0
 */
export const touch = ({ statistics, store }: Target, command: Touch): Reply => {
  statistics.count("cmd_touch")
  const item = store.find(command.key)
  if (item === undefined) {
    statistics.count("touch_misses")
    return NOT_FOUND
  }
  item.exptime = store.expiry(command.exptime)
  statistics.countIn(slabClass(store, item), "touch_hits")
  store.access(item)
  return TOUCHED
}
