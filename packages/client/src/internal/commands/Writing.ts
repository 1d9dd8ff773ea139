/**
 * Watches writes for the user's `onWriteFailure`: what failed or was interrupted, key by key. Without the hook nothing
 * is watched, and nothing is paid for it.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import type { WriteCommand, WriteFailure } from "../../WriteFailure.ts"
import { isWriteFailure } from "../../WriteFailure.ts"
import * as Miss from "../servers/Miss.ts"
import * as Batch from "./Batch.ts"
import * as Session from "./Session.ts"
import type { Form } from "./Waiting.ts"

/**
 * Watches a write of one key. An interrupted one counts as unknown: nobody waits any more to learn what became of it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const watch = <A, E>(
  session: Session.Session,
  command: WriteCommand,
  key: KeyInput,
  write: Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const { writeFailures } = session
  return writeFailures === undefined ? write : Effect.onExit(write, (exit) => {
    if (Exit.isSuccess(exit)) return Effect.void
    const error = Option.getOrUndefined(Exit.findErrorOption(exit))
    return isMemcacheError(error) || Cause.hasInterrupts(exit.cause)
      ? writeFailures.note(failuresOf(command, session.prefix, [[key, isMemcacheError(error) ? error : undefined]]))
      : Effect.void
  })
}

/**
 * `ask` for a command that writes, of which the hook hears if there is one.
 *
 * @category combinators
 * @since 0.1.0
 */
export const ask = <I, K extends KeyInput, A, E = never>(
  session: Session.Session,
  command: WriteCommand,
  form: Form<I, A, E>,
  key: K,
  input: I
): Effect.Effect<A, MemcacheError | Key.KeyErrorOf<K> | E> =>
  session.writeFailures === undefined
    ? Session.ask(session, form, key, input)
    : askWatched(session, command, form, key, input)

const askWatched = <I, K extends KeyInput, A, E>(
  session: Session.Session,
  command: WriteCommand,
  form: Form<I, A, E>,
  key: K,
  input: I
): Effect.Effect<A, MemcacheError | Key.KeyErrorOf<K> | E> => {
  const watched = watchAnswer(session, command, key, (answer, server) => form.read(answer, server, input))
  return watch(session, command, key, Session.ask(session, { ...form, read: watched }, key, input))
}

/**
 * Watches the answer to a write of one key: the policy "miss" says "not stored" for a server that nobody has asked.
 *
 * @category combinators
 * @since 0.1.0
 */
export const watchAnswer = <A, E>(
  session: Session.Session,
  command: WriteCommand,
  key: KeyInput,
  read: (answer: Answer, server: string) => Effect.Effect<A, E>
): (answer: Answer, server: string) => Effect.Effect<A, E> => {
  const { writeFailures } = session
  return writeFailures === undefined ? read : (answer, server) => {
    const cause = Miss.causeOf(answer)
    return cause === undefined
      ? read(answer, server)
      : Effect.andThen(writeFailures.note(failuresOf(command, session.prefix, [[key, cause]])), read(answer, server))
  }
}

/**
 * Watches a write of many keys while it is prepared, when only interruption can keep it from being sent.
 *
 * @category combinators
 * @since 0.1.0
 */
export const watchPlan = <A, E>(
  session: Session.Session,
  command: WriteCommand,
  prefix: string,
  keys: ReadonlyArray<KeyInput>,
  plan: Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const { writeFailures } = session
  return writeFailures === undefined ? plan : Effect.onInterrupt(
    plan,
    () => writeFailures.note(failuresOf(command, prefix, keys.map((key) => [key, undefined])))
  )
}

/**
 * `Batch.send`, watched.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sendBatch = <K extends KeyInput, Item, Outcome>(
  session: Session.Session,
  command: WriteCommand,
  prefix: string,
  batch: Batch.Batch<K, Item, Outcome>,
  commandOf: (item: Item) => Command,
  read: (answer: Answer, server: string) => Outcome | MemcacheError
): Effect.Effect<Batch.Batch<K, Item, Outcome>> => {
  if (session.writeFailures === undefined) return Batch.send(batch, commandOf, read)
  const unasked = new Map<string, MemcacheError>()
  const sent = Batch.send(batch, commandOf, (answer, server) => {
    const cause = Miss.causeOf(answer)
    if (cause !== undefined && "key" in answer.command) unasked.set(answer.command.key, cause)
    return read(answer, server)
  })
  return watchBatch(session, command, prefix, batch, sent, unasked)
}

/**
 * Watches a planned batch. What no server has answered when it is interrupted counts as unknown; `unasked` are the keys
 * on the wire that were answered without asking a server.
 *
 * @category combinators
 * @since 0.1.0
 */
export const watchBatch = <K extends KeyInput, Item, Outcome, A, E>(
  session: Session.Session,
  command: WriteCommand,
  prefix: string,
  batch: Batch.Batch<K, Item, Outcome>,
  write: Effect.Effect<A, E>,
  unasked: ReadonlyMap<string, MemcacheError> = new Map()
): Effect.Effect<A, E> => {
  const { writeFailures } = session
  return writeFailures === undefined ? write : Effect.onExit(write, (exit) => {
    // A batch that fails before it is sent fails all of its keys.
    const error = Exit.isSuccess(exit) ? undefined : Option.getOrUndefined(Exit.findErrorOption(exit))
    const whole = isMemcacheError(error) ? error : undefined
    const outcomes = Array.from(batch.outcomes(), ([key, outcome]): readonly [KeyInput, unknown] => [
      key,
      outcome ?? whole
    ])
    return writeFailures.note(failuresOf(command, prefix, outcomes, unasked))
  })
}

/** Of keys with their outcomes, those that failed; `undefined` is an outcome that nobody waits for any more. */
const failuresOf = (
  command: WriteCommand,
  prefix: string,
  outcomes: ReadonlyArray<readonly [key: KeyInput, outcome: unknown]>,
  unasked: ReadonlyMap<string, MemcacheError> = new Map()
): ReadonlyArray<WriteFailure> =>
  outcomes.flatMap(([key, outcome]) => {
    const isTold = outcome === undefined || (isMemcacheError(outcome) && isWriteFailure(outcome))
    if (!isTold && unasked.size === 0) return []
    const wire = Key.wireOf(key, prefix)
    if (typeof wire !== "string") return []
    const error = isTold ? outcome : unasked.get(wire)
    return isTold || error !== undefined ? [failureOf(command, key, new Key.Key(wire), error)] : []
  })

const failureOf = (
  command: WriteCommand,
  key: KeyInput,
  checked: Key.Key,
  error: MemcacheError | undefined
): WriteFailure => {
  const hash = Key.hashOf(key)
  return {
    key,
    itemKey: hash === undefined ? checked : [hash, checked],
    command,
    outcome: error === undefined ? "unknown" : error.outcome,
    error: Option.fromUndefinedOr(error)
  }
}
