/**
 * Taking items away, and moving the moment at which they go by themselves.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type { ArgumentError } from "../../ArgumentError.ts"
import type { KeyErrorOf, KeyInput } from "../../Key.ts"
import { isKeyError } from "../../KeyError.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import { refusal } from "./Answers.ts"
import * as Batch from "./Batch.ts"
import type { Session } from "./Session.ts"
import { exptimeOf, keyFailure } from "./Session.ts"
import { tracedBatch } from "./Tracing.ts"
import type { Form } from "./Waiting.ts"
import * as Writing from "./Writing.ts"

/**
 * Removes an item; `true` if there was one.
 *
 * @category commands
 * @since 0.1.0
 */
export const remove = (session: Session) => <K extends KeyInput>(key: K) =>
  Writing.ask(session, "delete", REMOVAL, key, undefined)

/**
 * Gives an item a new time to live; `true` if there is one.
 *
 * @category commands
 * @since 0.1.0
 */
export const touch = (session: Session) => {
  const form: Form<TimeToLive, boolean, ArgumentError> = {
    commandOf: (key, ttl) => {
      const exptime = exptimeOf(session, ttl)
      return typeof exptime === "number" ? { _tag: "Touch", key, exptime, noreply: false } : Effect.fail(exptime)
    },
    read: readFlag
  }
  return <K extends KeyInput>(key: K, ttl: TimeToLive) => Writing.ask(session, "touch", form, key, ttl)
}

/**
 * Removes many items and answers the keys that had none; fails if a server failed.
 *
 * @category commands
 * @since 0.1.0
 */
export const removeMany = (session: Session) =>
<K extends KeyInput>(
  keys: Iterable<K>,
  options?: Batch.Options<K>
): Effect.Effect<Array<K>, MemcacheError | KeyErrorOf<K>> =>
  removeAll(session, keys, options, ({ failed, notFound }) => Batch.orFail(failed, notFound))

/**
 * Removes many items and says which keys had none, and which could not be removed.
 *
 * @category commands
 * @since 0.1.0
 */
export const removeManyPartial = (session: Session) =>
<K extends KeyInput>(
  keys: Iterable<K>,
  options?: Batch.Options<K>
): Effect.Effect<
  { readonly notFound: Array<K>; readonly failed: Map<K, MemcacheError> },
  KeyErrorOf<K>
> => removeAll(session, keys, options, Effect.succeed)

interface Summary<K> {
  readonly notFound: Array<K>
  readonly failed: Map<K, MemcacheError>
}

const removeAll = <K extends KeyInput, A, E>(
  session: Session,
  keys: Iterable<K>,
  options: Batch.Options<K> | undefined,
  finish: (summary: Summary<K>) => Effect.Effect<A, E>
): Effect.Effect<A, E | KeyErrorOf<K>> =>
  Effect.suspend((): Effect.Effect<A, E | KeyErrorOf<K>> => {
    const batch = Batch.ofKeys<K, boolean>(session, keys, options)
    if (isKeyError(batch)) return keyFailure<K>(batch)
    const prefix = session.prefix + (options?.prefix ?? "")
    const sent = Writing.sendBatch(session, "delete", prefix, batch, removal, readRemoved)
    return tracedBatch(session, "delete", batch, () => Effect.flatMap(sent, (batch) => finish(summary(batch))))
  })

const summary = <K>(batch: Batch.Batch<K, WireKey, boolean>): Summary<K> => {
  const notFound: Array<K> = []
  const failed = new Map<K, MemcacheError>()
  for (const [key, outcome] of batch.outcomes()) {
    if (isMemcacheError(outcome)) failed.set(key, outcome)
    else if (!outcome) notFound.push(key)
  }
  return { notFound, failed }
}

const removal = (key: WireKey): Command => ({ _tag: "Delete", key, noreply: false })

const readRemoved = (answer: Answer, server: string): boolean | MemcacheError => {
  switch (answer.reply._tag) {
    case "Deleted":
    case "Touched":
    case "Header":
      return true
    case "NotFound":
    case "End":
      return false
    default:
      return refusal(answer, server)
  }
}

const readFlag = (answer: Answer, server: string): Effect.Effect<boolean, MemcacheError> => {
  const outcome = readRemoved(answer, server)
  return isMemcacheError(outcome) ? Effect.fail(outcome) : Effect.succeed(outcome)
}

const REMOVAL: Form<undefined, boolean> = { commandOf: removal, read: readFlag }
