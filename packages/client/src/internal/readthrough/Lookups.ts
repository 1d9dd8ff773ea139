/**
 * Reading an item and competing for it in one go.
 *
 * In the meta dialect that is one `mg`. Where there is none, or where the empty item of a claim would be in the way of
 * other programs, the claim is an item beside it, which is made by `add`.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Value } from "@effect-memcache/protocol/Reply"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type { KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import { refusal } from "../commands/Answers.ts"
import { send } from "../commands/Session.ts"
import type { Backend } from "../servers/Backend.ts"
import * as Miss from "../servers/Miss.ts"
import { Claim, claimKeyOf } from "./Claim.ts"
import type { Policy } from "./Policy.ts"
import type { State } from "./State.ts"

/**
 * What was found, before its value is decoded. `claim` is there for a winner; for anybody else it is what the item may be
 * replaced by, which keeps nobody from computing.
 *
 * @category models
 * @since 0.1.0
 */
export interface Found {
  readonly _tag: "Hit" | "Stale" | "Win" | "Pending"
  readonly item: Value | undefined
  readonly claim: Claim
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
 * Whether an item is nothing but a claim. `get` of the meta dialect shows the marks, the text dialect does not: there an
 * empty item without flags may be somebody's empty bytes as well.
 *
 * @category guards
 * @since 0.1.0
 */
export const isPlaceholder = (item: Value): boolean =>
  item.length === 0 && item.flags === 0 && (item.isText || item.isWin || item.isWinSent || item.isStale)

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
  const { policy, wire } = question
  const { session } = state
  const backend = session.pool.pick(wire, Key.hashOf(question.key))
  if (isMemcacheError(backend)) return Effect.fail(backend)
  if (state.textServers.has(backend.name)) return lookupBeside(state, question, backend, use)
  const flags = policy.isBeside ? policy.reading : policy.vivifying
  const asked = send(session, question.key, { _tag: "MetaGet", key: wire, flags }, wire, (answer, server) => {
    const found = interpret(state, question, answer, server)
    if (isMemcacheError(found)) return Effect.fail(found)
    if (policy.isBeside && answer.reply._tag === "End") return claimBeside(state, question, backend, use)
    const { item } = found
    const isOverdue = (item === undefined ? found._tag === "Pending" : item.isWinSent) &&
      found.claim.cas !== undefined &&
      state.wins.isOverdue(wire, found.claim.cas, state.clock.currentTimeMillisUnsafe(), policy.claimSeconds)
    return isOverdue ? takeOver(state, question, found.claim, use) : use(found)
  })
  return Effect.catchIf(asked, isUnsupported, () => {
    state.textServers.add(backend.name)
    return lookupBeside(state, question, backend, use)
  })
}

const isUnsupported = (error: MemcacheError): boolean =>
  error.reason._tag === "UnsupportedError" && error.outcome !== "unknown"

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
      const item = isEmpty ? undefined : reply
      const claim = claimOf(state, question, { cas, isPlaceholder: isEmpty, isHeld: isWin })
      if (isWin || !reply.isWinSent) state.wins.forget(question.wire)
      const _tag = isWin ? "Win" : isEmpty ? "Pending" : isDue(reply, question.policy) ? "Stale" : "Hit"
      return { _tag, item, claim, command, server }
    }
    // With `N` that is nobody's answer but our own, for a server that is dead, or a proxy's that knows no `N`.
    case "End":
      return {
        _tag: "Win",
        item: undefined,
        claim: claimOf(state, question, { isHeld: false }),
        command,
        server
      }
    default:
      return refusal(answer, server)
  }
}

const isDue = (item: Value, { staleSeconds }: Policy): boolean =>
  item.isStale || (staleSeconds > 0 && item.ttl !== undefined && item.ttl >= 0 && item.ttl < staleSeconds)

const claimOf = (state: State, { key, policy, wire }: Question, fields: Partial<Claim>): Claim =>
  new Claim({ key, wire, until: state.clock.currentTimeMillisUnsafe() + policy.claimSeconds * 1000, ...fields })

/** Lets the next reader win, who may be another, and reads once more. Of many who do so, one is heard. */
const takeOver = <A>(
  state: State,
  question: Question,
  { cas, isPlaceholder }: Claim,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const { key, wire } = question
  state.wins.forget(wire)
  const flags = isPlaceholder ? [`C${cas}`] : ["I", `C${cas}`]
  const freed = send(state.session, key, { _tag: "MetaDelete", key: wire, flags }, wire, (answer) => {
    if (answer.reply._tag === "Header") state.counts.takeovers++
    return Effect.void
  })
  return Effect.andThen(freed, lookup(state, question, use))
}

const lookupBeside = <A>(
  state: State,
  question: Question,
  backend: Backend,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const { key, wire } = question
  return send(state.session, key, retrieval(wire), wire, (answer, server) => {
    const found = interpretText(state, question, answer, server)
    if (isMemcacheError(found)) return Effect.fail(found)
    return found === undefined ? claimBeside(state, question, backend, use) : use(found)
  })
}

const retrieval = (wire: WireKey): Command => ({ _tag: "Get", keys: [wire], withCas: true })

const interpretText = (
  state: State,
  question: Question,
  answer: Answer,
  server: string
): Found | MemcacheError | undefined => {
  const item = answer.items[0]
  if (item === undefined) return answer.reply._tag === "End" ? undefined : refusal(answer, server)
  const { command } = answer
  const claim = claimOf(state, question, { cas: item.cas, isHeld: false })
  return isPlaceholder(item)
    ? { _tag: "Pending", item: undefined, claim, command, server }
    : { _tag: "Hit", item, claim, command, server }
}

/**
 * Competes for a missing item by `add` of the claim, and looks for the item once more behind it: the winner before may
 * have stored it, and given up its claim, in between.
 */
const claimBeside = <A>(
  state: State,
  question: Question,
  backend: Backend,
  use: (found: Found) => Effect.Effect<A, MemcacheError>
): Effect.Effect<A, MemcacheError> => {
  const { policy, wire } = question
  const claimKey = claimKeyOf(wire)
  const exptime = policy.claimSeconds
  const add: Command = {
    _tag: "Store",
    mode: "add",
    key: claimKey,
    flags: 0,
    exptime,
    value: CLAIM_VALUE,
    noreply: false
  }
  return Effect.flatMap(backend.sendMany([add, retrieval(wire)]), ([added, read]) => {
    if (isMemcacheError(added)) return Effect.fail(added)
    if (isMemcacheError(read)) return Effect.fail(read)
    const { name } = backend
    const { _tag } = added.reply
    const hasWon = _tag === "Stored" || _tag === "Header"
    if (!hasWon && _tag !== "NotStored") return Effect.fail(refusal(added, name))
    const found = interpretText(state, question, read, name)
    if (isMemcacheError(found)) return Effect.fail(found)
    const nobody = claimOf(state, question, { isHeld: false })
    if (found?.item !== undefined) {
      if (!hasWon) return use(found)
      const freed = backend.send({ _tag: "Delete", key: claimKey, noreply: false })
      return Effect.tap(use(found), () => Effect.ignore(freed))
    }
    const rest = { item: undefined, command: read.command, server: name }
    // Where nobody is asked, nobody has won either.
    if (Miss.causeOf(added) !== undefined) return use({ _tag: "Win", claim: nobody, ...rest })
    return hasWon && found === undefined
      ? use({ _tag: "Win", claim: claimOf(state, question, { claimKey }), ...rest })
      : use({ _tag: "Pending", claim: found?.claim ?? nobody, ...rest })
  })
}

// One byte, so that nobody takes it for a placeholder.
const CLAIM_VALUE = new Uint8Array([0x31])
