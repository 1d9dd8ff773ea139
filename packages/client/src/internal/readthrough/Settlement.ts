/**
 * What becomes of a claim: its value is stored, or it is given up. And what makes it void: the value is made invalid.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ArgumentError } from "../../ArgumentError.ts"
import { isArgumentError } from "../../ArgumentError.ts"
import type { KeyErrorOf, KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import type { FulfilOptions, VivifyOptions } from "../../ReadThrough.ts"
import type { Encoded } from "../../Transcoder.ts"
import { refusal } from "../commands/Answers.ts"
import type { Session } from "../commands/Session.ts"
import { keyFailure, send } from "../commands/Session.ts"
import type { Swap } from "../commands/Storage.ts"
import { readSwap, wrongOption } from "../commands/Storage.ts"
import { admit } from "../commands/Transcoding.ts"
import type { Reading } from "../commands/Waiting.ts"
import * as Writing from "../commands/Writing.ts"
import type { Claim } from "./Claim.ts"
import { claimKeyOf } from "./Claim.ts"
import * as Policy from "./Policy.ts"
import type { State } from "./State.ts"

/** How long before its end a claim beside the item is left alone: deleted later, it might be another's. */
const MARGIN = 1000

/**
 * Stores the value that a claim was won for, over the item that was won and no other.
 *
 * @category commands
 * @since 0.1.0
 */
export const fulfil = (state: State) =>
(
  claim: Claim,
  value: unknown,
  options?: FulfilOptions
): Effect.Effect<Swap, MemcacheError | ArgumentError> =>
  Effect.suspend((): Effect.Effect<Swap, MemcacheError | ArgumentError> => {
    const { session } = state
    const wrong = wrongOption(session, options)
    if (wrong !== undefined) return Effect.fail(wrong)
    const stale = Policy.seconds("staleFor", options?.staleFor)
    if (typeof stale !== "number") return Effect.fail(stale)
    const now = state.clock.currentTimeMillisUnsafe()
    const exptime = Policy.exptimeOf(options?.ttl === undefined ? session.defaultTtl : options.ttl, stale, now)
    if (typeof exptime !== "number") return Effect.fail(exptime)
    const { cas, claimKey, key, wire } = claim
    const verb = cas === undefined ? "add" : "cas"
    return Effect.flatMap(encode(session, value, options, verb), ({ bytes, flags }) => {
      const item = { key: wire, flags, exptime, value: bytes, noreply: false }
      const store = cas === undefined
        ? send(session, SWAP, key, { _tag: "Store", mode: "add", ...item }, wire, undefined)
        : send(session, SWAP, key, { _tag: "Cas", cas, ...item }, wire, undefined)
      if (claimKey === undefined) return store
      // Whoever has made the value invalid has removed the claim.
      const touch: Command = { _tag: "Touch", key: claimKey, exptime: CLOSING_SECONDS, noreply: false }
      return Effect.flatMap(beside(state, claim, touch), (isClaimed) =>
        isClaimed
          ? Effect.tap(store, () => Effect.ignore(beside(state, claim, removal(claimKey))))
          : Effect.succeed<Swap>("notFound"))
    })
  })

const encode = (
  session: Session,
  value: unknown,
  options: FulfilOptions | undefined,
  verb: string
): Effect.Effect<Encoded, MemcacheError> => {
  const coding = session.transcoder.encode(value, options)
  return Effect.flatMap(Result.isResult(coding) ? Effect.succeed(coding) : Effect.result(coding), (result) => {
    const encoded = admit(session, result, verb)
    return isMemcacheError(encoded) ? Effect.fail(encoded) : Effect.succeed(encoded)
  })
}

/** What a claim has left when its value is being stored: time for that, and soon over should the process die there. */
const CLOSING_SECONDS = 3

const removal = (key: WireKey): Command => ({ _tag: "Delete", key, noreply: false })

/** A command about the claim key, sent where the item is; whether there was such an item. */
const beside = (state: State, { key, wire }: Claim, command: Command): Effect.Effect<boolean, MemcacheError> =>
  send(state.session, FLAG, key, command, wire, undefined)

/**
 * Gives a claim up; whether there was something to give up.
 *
 * @category commands
 * @since 0.1.0
 */
export const release = (state: State) => (claim: Claim): Effect.Effect<boolean, MemcacheError> =>
  Effect.suspend(() => {
    const { cas, claimKey, isHeld, isPlaceholder, key, wire } = claim
    if (!isHeld) return Effect.succeed(false)
    if (claimKey !== undefined) {
      return state.clock.currentTimeMillisUnsafe() < claim.until - MARGIN
        ? beside(state, claim, removal(claimKey))
        : Effect.succeed(false)
    }
    if (cas === undefined) return Effect.succeed(false)
    // A value that is due stays, and its win can be won again.
    const flags = isPlaceholder ? [`C${cas}`] : ["I", `C${cas}`]
    return send(state.session, FLAG, key, { _tag: "MetaDelete", key: wire, flags }, wire, undefined)
  })

/**
 * Removes a value or marks it stale; whether there was one.
 *
 * @category commands
 * @since 0.1.0
 */
export const invalidate = (state: State) =>
<K extends KeyInput>(
  key: K,
  options?: Pick<VivifyOptions, "staleFor">
): Effect.Effect<boolean, MemcacheError | KeyErrorOf<K> | ArgumentError> =>
  Effect.suspend((): Effect.Effect<boolean, MemcacheError | KeyErrorOf<K> | ArgumentError> => {
    const { session } = state
    const wire = Key.wireOf(key, session.prefix)
    if (typeof wire !== "string") return keyFailure<K>(wire)
    const stale = Policy.seconds("staleFor", options?.staleFor)
    if (isArgumentError(stale)) return Effect.fail(stale)
    const backend = session.pool.pick(wire, Key.hashOf(key))
    if (isMemcacheError(backend)) return Effect.fail(backend)
    const isText = state.textServers.has(backend.name)
    const commands = (isMarking: boolean): ReadonlyArray<Command> => [
      isMarking ? { _tag: "MetaDelete", key: wire, flags: ["I", `T${stale}`] } : removal(wire),
      removal(claimKeyOf(wire))
    ]
    const attempt = (isMarking: boolean): Effect.Effect<boolean, MemcacheError> =>
      Effect.flatMap(backend.sendMany(commands(isMarking)), ([first, second]) => {
        if (isMemcacheError(first)) {
          if (!isMarking || first.reason._tag !== "UnsupportedError") return Effect.fail(first)
          state.textServers.add(backend.name)
          return attempt(false)
        }
        return isMemcacheError(second) ? Effect.fail(second) : read(first, backend.name)
      })
    const read = Writing.watchAnswer(session, "delete", key, readFlag)
    return Writing.watch(session, "delete", key, attempt(stale > 0 && !isText))
  })

const readFlag = (answer: Answer, server: string): Effect.Effect<boolean, MemcacheError> => {
  switch (answer.reply._tag) {
    case "Header":
    case "Deleted":
    case "Touched":
      return Effect.succeed(true)
    case "NotFound":
    case "Exists":
    case "End":
      return Effect.succeed(false)
    default:
      return Effect.fail(refusal(answer, server))
  }
}

const FLAG: Reading<undefined, boolean> = { read: readFlag }

const SWAP: Reading<undefined, Swap> = { read: readSwap }
