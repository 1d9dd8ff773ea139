/**
 * Reading: one key, or many at once.
 *
 * @since 0.1.0
 */
import type { Command, Get } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { itemAt } from "@effect-memcache/protocol/Pipeline"
import type { Value } from "@effect-memcache/protocol/Reply"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { ArgumentError } from "../../ArgumentError.ts"
import type { KeyErrorOf, KeyInput } from "../../Key.ts"
import { isKeyError } from "../../KeyError.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import type { TranscodeFault } from "../../Transcoder.ts"
import { isRefusal, refusal } from "./Answers.ts"
import * as Batch from "./Batch.ts"
import * as Placeholder from "./Placeholder.ts"
import { isPlaceholder } from "./Placeholder.ts"
import type { Session } from "./Session.ts"
import { ask, exptimeOf, keyFailure } from "./Session.ts"
import { giveBack, returnOf } from "./StaleWin.ts"
import { tracedBatch } from "./Tracing.ts"
import type { Coding } from "./Transcoding.ts"
import { decode, decodeError, missOf, settle } from "./Transcoding.ts"
import type { Form } from "./Waiting.ts"

/**
 * A value with what memcached keeps beside it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Item {
  readonly value: unknown
  /** Changes whenever the item does; what `compareAndSwap` compares. */
  readonly cas: bigint
  /** How the value was written; see `StandardTranscoder`. */
  readonly flags: number
}

/** Most keys of one multi-key `get`: from here on more of them gain nothing, and other callers wait longer. */
const MAX_KEYS = 100

/** Most bytes of keys in one line: proxies, and memcached itself for some commands, end connections over 2,048. */
const MAX_LINE = 1_900

/**
 * Reads a value.
 *
 * @category commands
 * @since 0.1.0
 */
export const get = (session: Session) => {
  const form: Form<undefined, Option.Option<unknown>> = { commandOf: retrieval, read: readValue(session) }
  return <K extends KeyInput>(key: K) => ask(session, form, key, undefined)
}

/**
 * Reads a value with its cas and flags.
 *
 * @category commands
 * @since 0.1.0
 */
export const gets = (session: Session) => {
  const form: Form<undefined, Option.Option<Item>> = { commandOf: retrievalWithCas, read: readItem(session) }
  return <K extends KeyInput>(key: K) => ask(session, form, key, undefined)
}

/**
 * Reads a value and gives its item a new time to live.
 *
 * @category commands
 * @since 0.1.0
 */
export const getAndTouch = (session: Session) => {
  const form: Form<TimeToLive, Option.Option<unknown>, ArgumentError> = {
    commandOf: (key, ttl) => {
      const exptime = exptimeOf(session, ttl)
      return typeof exptime === "number"
        ? { _tag: "GetAndTouch", keys: [key], withCas: false, exptime }
        : Effect.fail(exptime)
    },
    read: readValue(session)
  }
  return <K extends KeyInput>(key: K, ttl: TimeToLive) => ask(session, form, key, ttl)
}

/**
 * Reads many values; fails if one of them could not be read.
 *
 * @category commands
 * @since 0.1.0
 */
export const getMany = (session: Session) =>
<K extends KeyInput>(
  keys: Iterable<K>,
  options?: Batch.Options<K>
): Effect.Effect<Map<K, unknown>, MemcacheError | KeyErrorOf<K>> =>
  getAll(session, keys, options, ({ failed, values }) => Batch.orFail(failed, values))

/**
 * Reads many values: what was found, and what failed.
 *
 * @category commands
 * @since 0.1.0
 */
export const getManyPartial = (session: Session) =>
<K extends KeyInput>(
  keys: Iterable<K>,
  options?: Batch.Options<K>
): Effect.Effect<
  { readonly values: Map<K, unknown>; readonly failed: Map<K, MemcacheError> },
  KeyErrorOf<K>
> => getAll(session, keys, options, Effect.succeed)

interface Retrieved<K> {
  readonly values: Map<K, unknown>
  readonly failed: Map<K, MemcacheError>
}

const getAll = <K extends KeyInput, A, E>(
  session: Session,
  keys: Iterable<K>,
  options: Batch.Options<K> | undefined,
  finish: (retrieved: Retrieved<K>) => Effect.Effect<A, E>
): Effect.Effect<A, E | KeyErrorOf<K>> =>
  Effect.suspend((): Effect.Effect<A, E | KeyErrorOf<K>> => {
    const batch = Batch.ofKeys<K, Found | undefined>(session, keys, options)
    if (isKeyError(batch)) return keyFailure<K>(batch)
    return tracedBatch(session, "get", batch, (noteHits) =>
      Effect.flatMap(Batch.askAll(batch, retrieveShare(session)), (batch) =>
        Effect.flatMap(decodeAll(session, batch), (retrieved) => {
          noteHits(retrieved.values.size)
          return finish(retrieved)
        })))
  })

const retrieval = (key: WireKey): Command => ({ _tag: "Get", keys: [key], withCas: false })

const retrievalWithCas = (key: WireKey): Command => ({ _tag: "Get", keys: [key], withCas: true })

/** The value in the answer to a retrieval of one key, or the answer's word that there is none. */
const single = (answer: Answer, server: string): Value | MemcacheError | undefined => {
  const item = itemAt(answer, 0)
  if (item === undefined) return answer.reply._tag === "End" ? undefined : refusal(answer, server)
  return isPlaceholder(item) ? undefined : item
}

const readValue = (session: Session) => {
  const missed = missOf(session)
  return (answer: Answer, server: string): Effect.Effect<Option.Option<unknown>, MemcacheError> => {
    const item = single(answer, server)
    if (item === undefined) return Effect.succeedNone
    if (isMemcacheError(item)) return Effect.fail(item)
    const read = decode<Option.Option<unknown>>(session.transcoder, item, answer.command, server, Option.some, missed)
    return item.isWin ? giveBack(session, item, answer.command, server, read) : read
  }
}

const readItem = (session: Session) => {
  const missed = missOf(session)
  return (answer: Answer, server: string): Effect.Effect<Option.Option<Item>, MemcacheError> => {
    const item = single(answer, server)
    if (item === undefined) return Effect.succeedNone
    if (isMemcacheError(item)) return Effect.fail(item)
    const { cas, flags } = item
    // Asked for, and left out: whatever this is, it does not do compare-and-swap.
    if (cas === undefined) return Effect.fail(refusal(answer, server))
    const found = (value: unknown): Option.Option<Item> => Option.some({ value, cas, flags })
    // A win on a stale item is kept: see `StaleWin.returnOf`.
    return decode(session.transcoder, item, answer.command, server, found, missed)
  }
}

/** A value of a batch, and where it came from. */
interface Found {
  readonly item: Value
  readonly server: string
}

const retrieveShare = (session: Session) => (share: Batch.Share<WireKey, Found | undefined>): Effect.Effect<void> => {
  const { backend, items, outcomes } = share
  const commands = retrievals(items)
  const asked = session.readRetry === undefined
    ? backend.sendMany(commands)
    : session.readRetry.sendMany(backend, commands)
  return Effect.flatMap(asked, (answers) => {
    answers.forEach((answer, i) => {
      // An error line beside values is about the keys that have none, unless it is known which.
      const error = isMemcacheError(answer) ? answer : errorIn(answer, backend.name)
      for (let slot = 0; slot < commands[i].keys.length; slot++) {
        const item = isMemcacheError(answer) ? undefined : itemAt(answer, slot)
        if (item !== undefined) outcomes.push({ item, server: backend.name })
        else if (isMemcacheError(answer) || answer.replies === undefined) outcomes.push(error)
        else outcomes.push(errorIn({ ...answer, reply: answer.replies[slot] }, backend.name))
      }
    })
    // A command of one key is answered as `get` is, also the last one of a batch.
    const giving = outcomes.flatMap((found, i) =>
      found === undefined || isMemcacheError(found) ? [] : returnOf(found.item, items[i]) ?? []
    )
    const removed = Placeholder.remove(backend, items, outcomes)
    return giving.length === 0 ? removed : Effect.andThen(removed, backend.sendMany(giving))
  })
}

const errorIn = (answer: Answer, server: string): MemcacheError | undefined =>
  isRefusal(answer) ? refusal(answer, server) : undefined

/** The keys in order, in commands of bounded size. */
const retrievals = (keys: ReadonlyArray<WireKey>): Array<Get> => {
  const commands: Array<Get> = []
  let some: Array<WireKey> = []
  let size = 0
  for (const key of keys) {
    if (some.length === MAX_KEYS || (some.length > 0 && size + key.length + 1 > MAX_LINE)) {
      commands.push({ _tag: "Get", keys: some, withCas: false })
      some = []
      size = 0
    }
    some.push(key)
    size += key.length + 1
  }
  commands.push({ _tag: "Get", keys: some, withCas: false })
  return commands
}

/** A value that is waited for. */
interface Later<K> extends Found {
  readonly key: K
  readonly coding: Coding<unknown>
}

const decodeAll = <K>(session: Session, batch: Batch.Batch<K, WireKey, Found | undefined>) => {
  const values = new Map<K, unknown>()
  const failed = new Map<K, MemcacheError>()
  const later: Array<Later<K>> = []
  const note = (key: K, result: Result.Result<unknown, TranscodeFault>, { item, server }: Found): void => {
    if (Result.isSuccess(result)) values.set(key, result.success)
    else {
      values.delete(key)
      if (result.failure.isForeign === true && session.onForeign === "miss") return
      failed.set(key, decodeError(result.failure, item, "get", server))
    }
  }
  batch.forEach((key, outcome) => {
    if (outcome === undefined) return
    if (isMemcacheError(outcome)) {
      failed.set(key, outcome)
      return
    }
    const coding = session.transcoder.decode(outcome.item.value, outcome.item.flags)
    if (Result.isResult(coding)) return note(key, coding, outcome)
    // Keeps its place in the order.
    values.set(key, undefined)
    later.push({ key, coding, ...outcome })
  })
  if (later.length === 0) return Effect.succeed({ values, failed })
  return Effect.map(settle(later.map(({ coding }) => coding)), (results) => {
    results.forEach((result, i) => note(later[i].key, result, later[i]))
    return { values, failed }
  })
}
