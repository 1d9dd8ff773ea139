/**
 * Counting, atomic on the server: each step is one command, and no step is ever sent twice.
 *
 * A counter with an initial number is made with `add`, not by the meta dialect's own flag: that one stores flags of 0,
 * so that a `get` of the counter would answer bytes and not a number, and the text dialect does not have it. The price
 * is one or two more commands when a counter is counted for the first time.
 *
 * @since 0.1.0
 */
import * as Ascii from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import { MAX_UINT64 } from "@effect-memcache/protocol/Limits"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ArgumentError, isArgumentError, show } from "../../ArgumentError.ts"
import type { KeyErrorOf, KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import type { Backend } from "../servers/Backend.ts"
import * as Miss from "../servers/Miss.ts"
import { refusal } from "./Answers.ts"
import type { Session } from "./Session.ts"
import { exptimeOf, keyFailure } from "./Session.ts"
import { traced } from "./Tracing.ts"
import type { Form } from "./Waiting.ts"
import * as Writing from "./Writing.ts"

/**
 * Options of `increment` and `decrement`.
 *
 * @category options
 * @since 0.1.0
 */
export interface CounterOptions {
  /** How much to count, from 0 to 2^64 - 1; 1 if absent. With 0 the counter is only read. */
  readonly delta?: number | bigint | undefined
  /** What to store, and to answer, where there is no counter yet; from 0 to 2^64 - 1. */
  readonly initial?: number | bigint | undefined
  /** How long a counter that is made here lives. One that exists keeps its time. */
  readonly ttl?: TimeToLive | undefined
}

/** The flags of an integer where the transcoder has none of its own, so that a `get` of a counter answers a number. */
const INTEGER_FLAGS = 2

/** How often a counter may vanish between two of our commands before it counts as absent. */
const MAX_ROUNDS = 3

/**
 * Adds to a counter, or takes away from it.
 *
 * @category commands
 * @since 0.1.0
 */
export const count = (session: Session, mode: "incr" | "decr") => {
  const form: Form<CounterOptions | undefined, Option.Option<bigint>, ArgumentError> = {
    commandOf: (key, options) => arithmetic(mode, key, options),
    read: readCounter
  }
  return <K extends KeyInput>(
    key: K,
    options?: CounterOptions
  ): Effect.Effect<Option.Option<bigint>, MemcacheError | KeyErrorOf<K> | ArgumentError> =>
    options?.initial === undefined
      ? Writing.ask(session, mode, form, key, options)
      : Writing.watch(session, mode, key, countFrom(session, mode, key, { ...options, initial: options.initial }))
}

/** Counts a counter that may have to be made first. */
const countFrom = <K extends KeyInput>(
  session: Session,
  mode: "incr" | "decr",
  key: K,
  options: CounterOptions & { readonly initial: number | bigint }
): Effect.Effect<Option.Option<bigint>, MemcacheError | KeyErrorOf<K> | ArgumentError> =>
  Effect.suspend((): Effect.Effect<Option.Option<bigint>, MemcacheError | KeyErrorOf<K> | ArgumentError> => {
    const wire = Key.wireOf(key, session.prefix)
    if (typeof wire !== "string") return keyFailure<K>(wire)
    const command = arithmetic(mode, wire, options)
    if (Effect.isEffect(command)) return command
    const initial = toUint64("initial", options.initial)
    if (isArgumentError(initial)) return Effect.fail(initial)
    const exptime = exptimeOf(session, options.ttl)
    if (isArgumentError(exptime)) return Effect.fail(exptime)
    const backend = session.pool.pick(wire, Key.hashOf(key))
    const counted = isMemcacheError(backend)
      ? Effect.fail(backend)
      : countOrCreate(
        {
          backend,
          deadline: backend.deadline,
          command,
          creation: creation(wire, session.transcoder.counterFlags ?? INTEGER_FLAGS, initial, exptime),
          initial,
          read: Writing.watchAnswer(session, mode, key, readCounter),
          giveUp: Writing.watchAnswer(session, mode, key, () => Effect.succeedNone)
        },
        MAX_ROUNDS
      )
    return traced(session, mode, backend, counted)
  })

const arithmetic = (
  mode: "incr" | "decr",
  key: WireKey,
  options: CounterOptions | undefined
): Command | Effect.Effect<never, ArgumentError> => {
  const delta = toUint64("delta", options?.delta ?? 1)
  return isArgumentError(delta)
    ? Effect.fail(delta)
    : { _tag: "Arithmetic", mode, key, delta, create: undefined, noreply: false }
}

interface Creating {
  readonly backend: Backend
  /** Of all commands together: they are one operation to the caller. */
  readonly deadline: number
  readonly command: Command
  readonly creation: Command
  readonly initial: bigint
  /** Both tell the hook for failed writes if no server was asked. */
  readonly read: typeof readCounter
  readonly giveUp: typeof readCounter
}

/** `isTold`: the hook has heard of this count already, and one failure is told once. */
const countOrCreate = (
  creating: Creating,
  rounds: number,
  isTold = false
): Effect.Effect<Option.Option<bigint>, MemcacheError> => {
  const { backend, command, creation, deadline, giveUp, initial, read } = creating
  return Effect.flatMap(backend.send(command, deadline), (answer) => {
    const isToldNow = isTold || Miss.causeOf(answer) !== undefined
    return Effect.filterOrElse(
      (isTold ? readCounter : read)(answer, backend.name),
      (counted) => Option.isSome(counted) || rounds === 0,
      () =>
        Effect.flatMap(backend.send(creation, deadline), (made) => {
          switch (made.reply._tag) {
            case "Stored":
            case "Header":
              return Effect.succeedSome(initial)
            case "NotStored":
              // Not by a server: there is nobody to ask again.
              if (Miss.causeOf(made) !== undefined) {
                return isToldNow ? Effect.succeedNone : giveUp(made, backend.name)
              }
              // Somebody else was faster.
              return countOrCreate(creating, rounds - 1, isToldNow)
            default:
              return Effect.fail(refusal(made, backend.name))
          }
        })
    )
  })
}

const creation = (key: WireKey, flags: number, initial: bigint, exptime: number): Command => ({
  _tag: "Store",
  mode: "add",
  key,
  flags,
  exptime,
  value: Ascii.bytes(String(initial)),
  noreply: false
})

const readCounter = (answer: Answer, server: string): Effect.Effect<Option.Option<bigint>, MemcacheError> => {
  const { reply } = answer
  switch (reply._tag) {
    case "Counter":
      return Effect.succeedSome(reply.value)
    case "Value": {
      const number = Ascii.uint64(reply.value, 0, reply.value.length)
      return number === undefined ? Effect.fail(refusal(answer, server)) : Effect.succeedSome(number)
    }
    case "NotFound":
      return Effect.succeedNone
    default:
      return Effect.fail(refusal(answer, server))
  }
}

const toUint64 = (argument: string, value: number | bigint): bigint | ArgumentError => {
  const number = typeof value === "bigint" ? value : Number.isSafeInteger(value) ? BigInt(value) : -1n
  return number >= 0n && number <= MAX_UINT64
    ? number
    : new ArgumentError({ argument, detail: `must be a whole number from 0 to 2^64 - 1, not ${show(value)}` })
}
