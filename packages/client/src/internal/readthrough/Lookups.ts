/**
 * Reading an item and competing for it in one go.
 *
 * In the meta dialect that is one `mg`. Where there is none, or where the empty item of a claim would be in the way of
 * other programs, the claim is an item beside it, which is made by `add`.
 *
 * @since 0.1.0
 */
import type { Command, MetaFlag } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { itemAt } from "@effect-memcache/protocol/Pipeline"
import type { Value } from "@effect-memcache/protocol/Reply"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import { refusal } from "../commands/Answers.ts"
import { isBlank, isPlaceholder } from "../commands/Placeholder.ts"
import { send } from "../commands/Session.ts"
import type { Reading } from "../commands/Waiting.ts"
import * as Miss from "../servers/Miss.ts"
import { Claim, claimKeyOf } from "./Claim.ts"
import type { Policy } from "./Policy.ts"
import { release } from "./Settlement.ts"
import type { State } from "./State.ts"

/**
 * What was found, before its value is decoded.
 *
 * @category models
 * @since 0.1.0
 */
export interface Found {
  readonly _tag: "Hit" | "Stale" | "Win" | "Pending"
  /** The value, if there is one. */
  readonly item: Value | undefined
  /** Of the item, a placeholder included. */
  readonly cas: bigint | undefined
  readonly isPlaceholder: boolean
  /** Another has won. */
  readonly isWinSent: boolean
  /** This caller has won, and so keeps others from computing. */
  readonly isHeld: boolean
  readonly claimKey: WireKey | undefined
  readonly command: Command
  readonly server: string
}

/**
 * What is asked for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Question {
  readonly key: KeyInput
  readonly wire: WireKey
  readonly policy: Policy
}

/**
 * The claim of a winner. For anybody else it is what the item may be replaced by, and keeps nobody from computing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const claimOf = (
  { clock }: State,
  { key, policy, wire }: Question,
  { cas, claimKey, isHeld, isPlaceholder }: Found
): Claim => {
  const until = clock.currentTimeMillisUnsafe() + policy.claimSeconds * 1000
  return new Claim({ key, wire, until, cas, claimKey, isHeld, isPlaceholder })
}

const found = (
  _tag: Found["_tag"],
  item: Value | undefined,
  { command }: Answer,
  server: string,
  hold: Partial<Pick<Found, "cas" | "isPlaceholder" | "isWinSent" | "isHeld" | "claimKey">>
): Found => ({
  _tag,
  item,
  cas: hold.cas,
  isPlaceholder: hold.isPlaceholder ?? false,
  isWinSent: hold.isWinSent ?? false,
  isHeld: hold.isHeld ?? false,
  claimKey: hold.claimKey,
  command,
  server
})

/**
 * Reads the item, and goes on at once with what was found: its bytes may be gone later.
 *
 * @category combinators
 * @since 0.1.0
 */
export const lookup = <A>(
  state: State,
  question: Question,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const command = commandOf(state, question)
  if (command === undefined) return lookupBeside(state, question, use)
  const reading: Reading<undefined, A> = {
    read: (answer, server) => readAnswer(state, question, answer, server, use),
    late: (answer, server) => giveUp(state, question, answer, server)
  }
  return send(state.session, reading, question.key, command, question.wire, undefined)
}

/**
 * What asks for an item of a server that speaks the meta dialect; `undefined` for one that does not.
 *
 * @category constructors
 * @since 0.1.0
 */
export const commandOf = ({ session, textServers }: State, { key, policy, wire }: Question): Command | undefined => {
  if (textServers.size > 0) {
    const backend = session.pool.pick(wire, Key.hashOf(key))
    if (!isMemcacheError(backend) && textServers.has(backend.name)) return undefined
  }
  return { _tag: "MetaGet", key: wire, flags: policy.isBeside ? policy.reading : policy.vivifying }
}

/**
 * Goes on with the answer to that command.
 *
 * @category combinators
 * @since 0.1.0
 */
export const readAnswer = <A>(
  state: State,
  question: Question,
  answer: Answer,
  server: string,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const { policy, wire } = question
  const found = interpret(state, question, answer, server)
  if (isMemcacheError(found)) return Effect.fail(found)
  if (found._tag === "Hit" && !found.isWinSent) return use(found)
  if (policy.isBeside && answer.reply._tag === "End") return claimBeside(state, question, use)
  const { cas, isPlaceholder, isWinSent } = found
  if (!isWinSent || cas === undefined) return use(found)
  return state.wins.isOverdue(wire, cas, state.clock.currentTimeMillisUnsafe(), policy.claimSeconds)
    ? takeOver(state, question, isPlaceholder ? [`C${cas}`] : ["I", `C${cas}`], use)
    : use(found)
}

/**
 * Gives up what a caller has won that was interrupted before it heard of it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const giveUp = (state: State, question: Question, answer: Answer, server: string): void => {
  const found = interpret(state, question, answer, server)
  if (isMemcacheError(found) || !found.isHeld) return
  state.fork(Effect.ignore(release(state)(claimOf(state, question, found))))
}

/**
 * Whether a lookup has failed because the server does not speak the meta dialect. It is remembered, so that the lookup
 * can be tried again, in another way.
 *
 * @category guards
 * @since 0.1.0
 */
export const isForText = (state: State, { key, wire }: Question, error: MemcacheError): boolean => {
  const { command } = error.reason
  if (error.reason._tag !== "UnsupportedError" || Option.isNone(command) || command.value !== "mg") return false
  const backend = state.session.pool.pick(wire, Key.hashOf(key))
  if (isMemcacheError(backend)) return false
  state.textServers.add(backend.name)
  return true
}

const interpret = (
  state: State,
  question: Question,
  answer: Answer,
  server: string
): Found | MemcacheError => {
  const { reply } = answer
  switch (reply._tag) {
    case "Value": {
      const { cas, isWin, isWinSent } = reply
      if (isWin || !isWinSent) state.wins.forget(question.wire)
      const isEmpty = isPlaceholder(reply)
      return {
        _tag: isWin ? "Win" : isEmpty ? "Pending" : isDue(reply, question.policy) ? "Stale" : "Hit",
        item: isEmpty ? undefined : reply,
        cas,
        isPlaceholder: isEmpty,
        isWinSent,
        isHeld: isWin,
        claimKey: undefined,
        command: answer.command,
        server
      }
    }
    // With `N` that is nobody's answer but our own, for a server that is dead, or a proxy's that knows no `N`.
    case "End":
      return found("Win", undefined, answer, server, {})
    default:
      return refusal(answer, server)
  }
}

const isDue = (item: Value, { staleSeconds }: Policy): boolean =>
  item.isStale || (staleSeconds > 0 && item.ttl !== undefined && item.ttl >= 0 && item.ttl < staleSeconds)

/**
 * Whether an item is a value that nobody computes anew at the moment, and nobody has to.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFresh = (item: Value, policy: Policy): boolean => !item.isWin && !item.isWinSent && !isDue(item, policy)

/** Lets the next reader win, who may be another, and reads once more. Of many who do so, one is heard. */
const takeOver = <A>(
  state: State,
  question: Question,
  flags: ReadonlyArray<MetaFlag>,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const { key, wire } = question
  state.wins.forget(wire)
  const reading: Reading<undefined, void> = {
    read: (answer) => {
      if (answer.reply._tag === "Header") state.counts.takeovers++
      return Effect.void
    }
  }
  const freed = send(state.session, reading, key, { _tag: "MetaDelete", key: wire, flags }, wire, undefined)
  return Effect.andThen(freed, lookup(state, question, use))
}

const lookupBeside = <A>(
  state: State,
  question: Question,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const { key, wire } = question
  const reading: Reading<undefined, A> = {
    read: (answer, server) => {
      const there = interpretText(answer, server)
      if (isMemcacheError(there)) return Effect.fail(there)
      return there === undefined ? claimBeside(state, question, use) : use(there)
    }
  }
  return send(state.session, reading, key, retrieval(wire), wire, undefined)
}

const retrieval = (wire: WireKey): Command => ({ _tag: "Get", keys: [wire], withCas: true })

const interpretText = (answer: Answer, server: string): Found | MemcacheError | undefined => {
  const item = itemAt(answer, 0)
  if (item === undefined) return answer.reply._tag === "End" ? undefined : refusal(answer, server)
  // Nothing marks it here, and empty bytes are not worth more than a claim that is kept.
  return isBlank(item)
    ? found("Pending", undefined, answer, server, { cas: item.cas })
    : found("Hit", item, answer, server, { cas: item.cas })
}

/**
 * Competes for a missing item by `add` of the claim, and looks for the item once more behind it: the winner before may
 * have stored it, and given up its claim, in between.
 */
const claimBeside = <A>(
  state: State,
  question: Question,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const { key, policy, wire } = question
  const backend = state.session.pool.pick(wire, Key.hashOf(key))
  if (isMemcacheError(backend)) return Effect.fail(backend)
  const claimKey = claimKeyOf(wire)
  const exptime = policy.claimSeconds
  const item = { key: claimKey, flags: 0, exptime, value: CLAIM_VALUE, noreply: false }
  return Effect.flatMap(
    backend.sendMany([{ _tag: "Store", mode: "add", ...item }, retrieval(wire)]),
    ([added, read]) => {
      if (isMemcacheError(added)) return Effect.fail(added)
      if (isMemcacheError(read)) return Effect.fail(read)
      const { name } = backend
      const { _tag } = added.reply
      const hasWon = _tag === "Stored" || _tag === "Header"
      if (!hasWon && _tag !== "NotStored") return Effect.fail(refusal(added, name))
      const there = interpretText(read, name)
      if (isMemcacheError(there)) return Effect.fail(there)
      if (there?.item !== undefined) {
        if (!hasWon) return use(there)
        return Effect.tap(
          use(there),
          () => Effect.ignore(backend.send({ _tag: "Delete", key: claimKey, noreply: false }))
        )
      }
      // Where nobody is asked, nobody has won either.
      if (Miss.causeOf(added) !== undefined) return use(found("Win", undefined, read, name, {}))
      if (!hasWon) return use(found("Pending", undefined, read, name, {}))
      // A placeholder of another program's claim is what is left to be won over.
      return use(there ?? found("Win", undefined, read, name, { isHeld: true, claimKey }))
    }
  )
}

// One byte, so that nobody takes it for a placeholder.
const CLAIM_VALUE = new Uint8Array([0x31])
