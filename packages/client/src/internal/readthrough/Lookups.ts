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
import * as Miss from "../servers/Miss.ts"
import { Claim, claimKeyOf } from "./Claim.ts"
import type { Policy } from "./Policy.ts"
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
  /** What the claim on it is, or would be. */
  readonly hold: Hold
  readonly command: Command
  readonly server: string
}

/** The part of a claim that the answer says. */
type Hold = Partial<Pick<Claim, "cas" | "isPlaceholder" | "claimKey">>

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
  { _tag, hold }: Pick<Found, "_tag" | "hold">
): Claim => {
  const until = clock.currentTimeMillisUnsafe() + policy.claimSeconds * 1000
  return new Claim({ key, wire, until, isHeld: _tag === "Win" && hold !== NOBODY, ...hold })
}

/** Nobody was asked, so nobody has won. */
const NOBODY: Hold = {}

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
  const { key, policy, wire } = question
  const { session } = state
  if (state.textServers.size > 0) {
    const backend = session.pool.pick(wire, Key.hashOf(key))
    if (!isMemcacheError(backend) && state.textServers.has(backend.name)) return lookupBeside(state, question, use)
  }
  const flags = policy.isBeside ? policy.reading : policy.vivifying
  return send(session, key, { _tag: "MetaGet", key: wire, flags }, wire, (answer, server) => {
    const found = interpret(state, question, answer, server)
    if (isMemcacheError(found)) return Effect.fail(found)
    if (policy.isBeside && answer.reply._tag === "End") return claimBeside(state, question, use)
    const { hold: { cas, isPlaceholder }, item } = found
    const isWinSent = item === undefined ? found._tag === "Pending" : item.isWinSent
    if (!isWinSent || cas === undefined) return use(found)
    return state.wins.isOverdue(wire, cas, state.clock.currentTimeMillisUnsafe(), policy.claimSeconds)
      ? takeOver(state, question, isPlaceholder === true ? [`C${cas}`] : ["I", `C${cas}`], use)
      : use(found)
  })
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
  const { command, reply } = answer
  switch (reply._tag) {
    case "Value": {
      const { cas, isWin } = reply
      const isEmpty = isPlaceholder(reply)
      if (isWin || !reply.isWinSent) state.wins.forget(question.wire)
      const _tag = isWin ? "Win" : isEmpty ? "Pending" : isDue(reply, question.policy) ? "Stale" : "Hit"
      return { _tag, item: isEmpty ? undefined : reply, hold: { cas, isPlaceholder: isEmpty }, command, server }
    }
    // With `N` that is nobody's answer but our own, for a server that is dead, or a proxy's that knows no `N`.
    case "End":
      return { _tag: "Win", item: undefined, hold: NOBODY, command, server }
    default:
      return refusal(answer, server)
  }
}

const isDue = (item: Value, { staleSeconds }: Policy): boolean =>
  item.isStale || (staleSeconds > 0 && item.ttl !== undefined && item.ttl >= 0 && item.ttl < staleSeconds)

/** Lets the next reader win, who may be another, and reads once more. Of many who do so, one is heard. */
const takeOver = <A>(
  state: State,
  question: Question,
  flags: ReadonlyArray<MetaFlag>,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const { key, wire } = question
  state.wins.forget(wire)
  const freed = send(state.session, key, { _tag: "MetaDelete", key: wire, flags }, wire, (answer) => {
    if (answer.reply._tag === "Header") state.counts.takeovers++
    return Effect.void
  })
  return Effect.andThen(freed, lookup(state, question, use))
}

const lookupBeside = <A>(
  state: State,
  question: Question,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const { key, wire } = question
  return send(state.session, key, retrieval(wire), wire, (answer, server) => {
    const found = interpretText(answer, server)
    if (isMemcacheError(found)) return Effect.fail(found)
    return found === undefined ? claimBeside(state, question, use) : use(found)
  })
}

const retrieval = (wire: WireKey): Command => ({ _tag: "Get", keys: [wire], withCas: true })

const interpretText = (answer: Answer, server: string): Found | MemcacheError | undefined => {
  const item = itemAt(answer, 0)
  if (item === undefined) return answer.reply._tag === "End" ? undefined : refusal(answer, server)
  const rest = { hold: { cas: item.cas }, command: answer.command, server }
  // Nothing marks it here, and empty bytes are not worth more than a claim that is kept.
  return isBlank(item)
    ? { _tag: "Pending", item: undefined, ...rest }
    : { _tag: "Hit", item, ...rest }
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
      const found = interpretText(read, name)
      if (isMemcacheError(found)) return Effect.fail(found)
      if (found?.item !== undefined) {
        if (!hasWon) return use(found)
        return Effect.tap(
          use(found),
          () => Effect.ignore(backend.send({ _tag: "Delete", key: claimKey, noreply: false }))
        )
      }
      const rest = { item: undefined, command: read.command, server: name }
      // Where nobody is asked, nobody has won either.
      if (Miss.causeOf(added) !== undefined) {
        return use({ _tag: "Win", hold: NOBODY, ...rest })
      }
      if (!hasWon) return use({ _tag: "Pending", hold: {}, ...rest })
      // A placeholder of another program's claim is what is left to be won over.
      return use(found ?? { _tag: "Win", hold: { claimKey }, ...rest })
    }
  )
}

// One byte, so that nobody takes it for a placeholder.
const CLAIM_VALUE = new Uint8Array([0x31])
