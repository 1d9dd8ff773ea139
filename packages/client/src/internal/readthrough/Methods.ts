/**
 * The read-through methods of one client.
 *
 * @since 0.1.0
 */
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { ArgumentError } from "../../ArgumentError.ts"
import type { KeyErrorOf, KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import type { Lookup, ReadThrough, VivifyOptions } from "../../ReadThrough.ts"
import type { Session } from "../commands/Session.ts"
import { keyFailure } from "../commands/Session.ts"
import { decode } from "../commands/Transcoding.ts"
import { Flights } from "./Flights.ts"
import { getOrSet } from "./GetOrSet.ts"
import type { Found, Question } from "./Lookups.ts"
import { claimOf, isForText, lookup } from "./Lookups.ts"
import * as Policy from "./Policy.ts"
import * as Settlement from "./Settlement.ts"
import * as State from "./State.ts"

/**
 * Makes the methods; what they compute in the background ends with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  session: Session
): Effect.fn.Return<ReadThrough, never, Scope.Scope> {
  const state = yield* State.make(session)
  const flights = new Flights(yield* Effect.scope)
  const invalidate = Settlement.invalidate(state)
  return {
    // What a call answers and fails with follows from its own arguments, which the machine does not look at.
    getOrSet: getOrSet(state, flights) as ReadThrough["getOrSet"],
    getOrVivify: getOrVivify(state),
    fulfil: Settlement.fulfil(state),
    release: Settlement.release(state),
    invalidate: (key, options) =>
      Effect.suspend(() => {
        const wire = Key.wireOf(key, session.prefix)
        // What is computed from now on is new, what was begun before may be old.
        if (typeof wire === "string") flights.forget(wire)
        return invalidate(key, options)
      }),
    readThroughCounts: Effect.sync(() => ({ ...state.counts }))
  }
})

const getOrVivify = (state: State.State) =>
<K extends KeyInput>(
  key: K,
  options: VivifyOptions = {}
): Effect.Effect<Lookup<unknown>, MemcacheError | KeyErrorOf<K> | ArgumentError> =>
  Effect.suspend((): Effect.Effect<Lookup<unknown>, MemcacheError | KeyErrorOf<K> | ArgumentError> => {
    const wire = Key.wireOf(key, state.session.prefix)
    if (typeof wire !== "string") return keyFailure<K>(wire)
    const policy = Policy.resolve(options)
    if (policy instanceof ArgumentError) return Effect.fail(policy)
    const question = { key, wire, policy }
    const attempt = Effect.suspend(() => lookup(state, question, (found) => read(state, question, found)))
    const again: Effect.Effect<Lookup<unknown>, MemcacheError> = Effect.catchIf(
      attempt,
      (error) => isForText(state, question, error),
      () => attempt
    )
    return again
  })

const read = (
  state: State.State,
  question: Question,
  found: Found
): Effect.Effect<Lookup<unknown>, MemcacheError> => {
  const { _tag, command, item, server } = found
  const { transcoder } = state.session
  switch (_tag) {
    case "Pending":
      return Effect.succeed({ _tag })
    case "Win": {
      const claim = claimOf(state, question, found)
      return item === undefined
        ? Effect.succeed({ _tag, claim, value: Option.none() })
        : decode(transcoder, item, command, server, (value): Lookup<unknown> => ({
          _tag,
          claim,
          value: Option.some(value)
        }))
    }
    default:
      return item === undefined
        ? Effect.succeed({ _tag: "Pending" })
        : decode(transcoder, item, command, server, (value): Lookup<unknown> => ({ _tag, value }))
  }
}
