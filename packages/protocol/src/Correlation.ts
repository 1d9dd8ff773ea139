/**
 * Does this reply answer that command? The poison rule, as one pure function.
 *
 * A reply that does not fit the oldest request means that the two sides no longer agree on which answer belongs to which
 * question. From there on any value could be another key's value, so the verdict is final and the connection must go.
 *
 * Three things are compared: position (the oldest request), the opaque (where the request carried one) and the key
 * (where the reply carries one). Error lines carry neither opaque nor key, so position is all there is.
 *
 * @since 0.1.0
 */
import { byteString } from "./Ascii.ts"
import type { Command } from "./Command.ts"
import { hasDataBlock } from "./Command.ts"
import type { Dialect } from "./Dialect.ts"
import type { Key } from "./Key.ts"
import { fromBase64 } from "./Key.ts"
import type { Reply, Value } from "./Reply.ts"

/**
 * What is known of the oldest request when a reply arrives.
 *
 * @category models
 * @since 0.1.0
 */
export interface Expectation {
  readonly command: Command
  /** The opaque that the reply must echo, or 0 if the request carried none. */
  readonly opaque: number
  /** The request was closed by `mn`, so that only `MN` ends its reply. */
  readonly isFenced: boolean
  /** Behind the key that was found last: values mostly come in the order of the keys. */
  readonly cursor: number
  /** What was found so far, parallel to the keys; empty while nothing was, and when nobody waits any more. */
  readonly items: ReadonlyArray<Value | undefined>
}

/**
 * What a connection has to take into account beside the oldest request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Circumstances {
  /** memcached 1.6.10 to 1.6.17 answers a miss with a bare `EN` or `NF`, without the opaque. */
  readonly hasBareMisses: boolean
  /** The reply before this one was an error line in answer to a text `get`. */
  readonly isAfterFailedRead: boolean
}

/**
 * "settles": the request is answered. "continues": a part of the answer. "ends": the request is answered, and the
 * connection must be destroyed. Anything else says why the reply fits nobody, and the connection must be destroyed.
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict = "settles" | "continues" | "ends" | { readonly poison: string }

/**
 * Whether this dialect closes the command with `mn`. A proxy may answer one key of a multi-key `get` with an error line
 * and still send `END` (memcached's own does), so that only a fence says where the reply is over.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFenced = (dialect: Dialect["name"], command: Command): boolean =>
  dialect === "meta" && command._tag === "Get" && command.keys.length > 1

/** How far ahead a key is looked for before the keys are indexed. */
const NEAR = 16

const indexes = new WeakMap<ReadonlyArray<Key>, ReadonlyMap<Key, number>>()

/**
 * Which of the keys this is, or -1. Looks from `cursor` on first, which is where the next value of a reply in order is.
 * Proxies answer in any order: then an index keeps ten thousand keys from being compared ten thousand times.
 *
 * @category accessors
 * @since 0.1.0
 */
export const keyIndex = (keys: ReadonlyArray<Key>, key: Key, cursor: number): number => {
  const end = Math.min(cursor + NEAR, keys.length)
  for (let i = cursor; i < end; i++) if (keys[i] === key) return i
  if (keys.length <= NEAR) return keys.indexOf(key)
  let index = indexes.get(keys)
  if (index === undefined) {
    index = new Map(keys.map((key, i) => [key, i]))
    indexes.set(keys, index)
  }
  return index.get(key) ?? -1
}

const poison = (reason: string): Verdict => ({ poison: reason })

/**
 * Judges a reply against the oldest request, or against nothing when no reply is owed.
 *
 * @category guards
 * @since 0.1.0
 */
export const judge = (
  reply: Reply,
  expected: Expectation | undefined,
  circumstances: Circumstances
): Verdict => {
  if (reply._tag === "Malformed") return poison(reply.reason)
  if (expected === undefined) return poison("the server sent bytes that nobody had asked for")
  const { command } = expected
  switch (reply._tag) {
    case "ServerError":
      // SERVER_ERROR is one line about one item, also behind a value: the server has read the value.
      return expected.isFenced ? "continues" : "settles"
    case "Error":
    case "ClientError":
      // memcached before 1.6.40 reads the value of a refused storage line as commands, so the replies that follow
      // answer questions nobody asked.
      if (hasDataBlock(command)) return "ends"
      return expected.isFenced ? "continues" : "settles"
  }
  if (expected.opaque !== 0) return judgeMeta(reply, expected, circumstances)
  return judgeText(reply, expected, circumstances)
}

const judgeMeta = (reply: Reply, expected: Expectation, circumstances: Circumstances): Verdict => {
  const { command } = expected
  switch (reply._tag) {
    case "Value":
    case "Header":
    case "End":
    case "NotStored":
    case "Exists":
    case "NotFound":
      break
    default:
      return misfit(reply, command)
  }
  if (reply.isText || !metaCodes(command).includes(reply._tag)) return misfit(reply, command)
  if (reply.opaque === -1) {
    const isMiss = reply._tag === "End" || reply._tag === "NotFound"
    return isMiss && circumstances.hasBareMisses ? "settles" : poison("a reply came back without its opaque")
  }
  if (reply.opaque !== expected.opaque) return poison("a reply came back with another request's opaque")
  return reply.key === undefined || isEcho(command, reply.key, reply.isBase64)
    ? "settles"
    : poison("a reply came back with another key")
}

// The server echoes a key as base64 if the item was stored so, whatever the request's own spelling.
const isEcho = (command: Command, echoed: Key, isBase64: boolean): boolean => {
  if (!("key" in command)) return false
  if (echoed === command.key) return true
  const raw = rawKey(command.key, "flags" in command && Array.isArray(command.flags) && command.flags.includes("b"))
  return raw !== undefined && raw === rawKey(echoed, isBase64)
}

const rawKey = (key: Key, isBase64: boolean): string | undefined => {
  if (!isBase64) return key
  const bytes = fromBase64(key)
  return bytes === undefined ? undefined : byteString(bytes, 0, bytes.length)
}

const VALUE_OR_MISS = ["Value", "End"]
const HEADER_OR_MISS = ["Header", "End"]
const READ = ["Value", "Header", "End"]
const STORE = ["Header", "NotStored", "Exists", "NotFound"]
const NUMBER = ["Value", "NotFound", "NotStored", "Exists"]
const COUNT = ["Value", "Header", "NotFound", "NotStored", "Exists"]
const REMOVE = ["Header", "NotFound"]
const REMOVE_IF = ["Header", "NotFound", "Exists", "NotStored"]

// The classic verbs ask for fixed flags, so that only some codes can come; a meta command asks for what its caller wants.
const metaCodes = (command: Command): ReadonlyArray<string> => {
  switch (command._tag) {
    case "Get":
    case "GetAndTouch":
      return VALUE_OR_MISS
    case "Touch":
      return HEADER_OR_MISS
    case "MetaGet":
      return READ
    case "Store":
    case "Cas":
    case "MetaSet":
      return STORE
    case "Arithmetic":
      return NUMBER
    case "MetaArithmetic":
      return COUNT
    case "Delete":
      return REMOVE
    case "MetaDelete":
      return REMOVE_IF
    default:
      return []
  }
}

const judgeText = (reply: Reply, expected: Expectation, circumstances: Circumstances): Verdict => {
  const { command } = expected
  switch (command._tag) {
    case "Get":
    case "GetAndTouch":
      if (reply._tag === "Value" && reply.isText) {
        const index = reply.key === undefined ? -1 : keyIndex(command.keys, reply.key, expected.cursor)
        if (index < 0) return poison("a value came back under a key that was not asked for")
        return expected.items[index] === undefined ? "continues" : poison("a second value came back under one key")
      }
      if (expected.isFenced) {
        if (reply._tag === "Noop") return "settles"
        return reply._tag === "End" && reply.isText ? "continues" : misfit(reply, command)
      }
      if (reply._tag !== "End" || !reply.isText) return misfit(reply, command)
      return circumstances.isAfterFailedRead ? ambiguousEnd() : "settles"
    case "Store":
    case "Cas":
      if (reply._tag === "Stored") return "settles"
      return isTextStatus(reply, "NotStored", "Exists", "NotFound") ? "settles" : misfit(reply, command)
    case "Arithmetic":
      return reply._tag === "Counter" || isTextStatus(reply, "NotFound") ? "settles" : misfit(reply, command)
    case "Delete":
      return reply._tag === "Deleted" || isTextStatus(reply, "NotFound") ? "settles" : misfit(reply, command)
    case "Touch":
      return reply._tag === "Touched" || isTextStatus(reply, "NotFound") ? "settles" : misfit(reply, command)
    case "FlushAll":
    case "Verbosity":
      return reply._tag === "Ok" ? "settles" : misfit(reply, command)
    case "Version":
      return reply._tag === "Version" ? "settles" : misfit(reply, command)
    case "MetaNoop":
      return reply._tag === "Noop" ? "settles" : misfit(reply, command)
    case "MetaDebug":
      if (reply._tag === "Debug") {
        return isEcho(command, reply.key, false) || isEcho(command, reply.key, true)
          ? "settles"
          : poison("an ME came back with another key")
      }
      return reply._tag === "End" && !reply.isText && reply.opaque === -1 ? "settles" : misfit(reply, command)
    case "Stats": {
      if (reply._tag === "Stat") return "continues"
      if (command.report === "reset") return reply._tag === "Reset" ? "settles" : misfit(reply, command)
      if (command.report?.startsWith("detail o")) return reply._tag === "Ok" ? "settles" : misfit(reply, command)
      if (!isTextStatus(reply, "End")) return misfit(reply, command)
      return circumstances.isAfterFailedRead ? ambiguousEnd() : "settles"
    }
    default:
      return misfit(reply, command)
  }
}

const ambiguousEnd = (): Verdict => poison("an END after a failed get may belong to either of two requests")

const isTextStatus = (reply: Reply, ...tags: ReadonlyArray<Reply["_tag"]>): boolean =>
  tags.includes(reply._tag) && "isText" in reply && reply.isText

const misfit = (reply: Reply, command: Command): Verdict =>
  poison(`a reply of the kind ${reply._tag} cannot answer ${command._tag}`)
