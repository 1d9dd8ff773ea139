/**
 * What the tests of single faults have in common: a client with the short times of these tests, and operations that say
 * how they ended and when.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { Transport } from "@effect-memcache/transport/Transport"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

/** Milliseconds, as FAULTS has them. */
const COMMAND_TIMEOUT = 250
const CONNECT_TIMEOUT = 200
export const PROBE_INTERVAL = 500

const times: MemcacheOptions = {
  commandTimeout: COMMAND_TIMEOUT,
  connectTimeout: CONNECT_TIMEOUT,
  deadHost: { schedule: Schedule.spaced(PROBE_INTERVAL) }
}

/** A client of its own, on Node's sockets or on another transport. */
export const client = (
  options: MemcacheOptions,
  transport?: Layer.Layer<Transport>
): Effect.Effect<Memcache["Service"], never, Scope.Scope> => {
  const all = { ...times, ...options }
  const layer = transport === undefined
    ? Memcache.layer(all)
    : Layer.provide(Memcache.layerTransport(all), transport)
  return Effect.map(Effect.orDie(Layer.build(Layer.fresh(layer))), (context) => Context.get(context, Memcache))
}

interface Timed {
  /** "ok", or `reason outcome`. */
  readonly ended: string
  readonly value: unknown
  readonly error: MemcacheError | undefined
  readonly start: number
  readonly settle: number
}

/** Runs an operation to its end, whatever that is; a failure that is not ours is a defect of the test. */
export const timed = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<Timed> =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.flatMap(Effect.exit(effect), (exit) => {
      const settle = performance.now()
      if (Exit.isSuccess(exit)) {
        return Effect.succeed<Timed>({ ended: "ok", value: exit.value, error: undefined, start, settle })
      }
      const [reason, ...others] = exit.cause.reasons
      const error: unknown = reason?._tag === "Fail" ? reason.error : undefined
      if (others.length > 0 || !isMemcacheError(error)) return Effect.die(exit.cause)
      return Effect.succeed<Timed>({
        ended: `${error.reason._tag} ${error.outcome}`,
        value: undefined,
        error,
        start,
        settle
      })
    })
  })

/** Tries every 10 ms until it succeeds; answers how many milliseconds after `from` it did. */
export const firstSuccess = <A, E>(effect: Effect.Effect<A, E>, from: number): Effect.Effect<number> =>
  Effect.map(
    Effect.repeat(timed(effect), {
      until: ({ ended }) => ended === "ok",
      schedule: Schedule.spaced("10 millis"),
      times: 1000
    }),
    () => performance.now() - from
  )
