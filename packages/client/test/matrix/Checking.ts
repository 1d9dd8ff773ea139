/**
 * A client whose every operation is checked.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client"
import { isArgumentError } from "@effect-memcache/client/ArgumentError"
import { isKeyError } from "@effect-memcache/client/KeyError"
import type { ServerEvent } from "@effect-memcache/client/ServerState"
import type { Checker, Outcome } from "@effect-memcache/testing/Checker"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { Transport } from "@effect-memcache/transport/Transport"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Checked, Client, Promised } from "./Row.ts"
import { CONNECT_TIMEOUT, POOL, PROBE_INTERVAL } from "./Row.ts"

export const isPromised = (error: unknown): error is Promised =>
  isMemcacheError(error) || isKeyError(error) || isArgumentError(error)

/** A wrong key or argument is found before a byte is sent. */
export const outcomeOf = (error: Promised): Outcome => isMemcacheError(error) ? error.outcome : "not-sent"

/** `reason outcome`, as it stands in tables. */
export const nameOf = (error: Promised): string =>
  isMemcacheError(error) ? `${error.reason._tag} ${error.outcome}` : error._tag

/** As many as the matrix allows a server; the client's bound is one connection's. */
const MAX_IN_FLIGHT = 1000

const defaults = (deadline: number): MemcacheOptions => ({
  commandTimeout: deadline,
  connectTimeout: CONNECT_TIMEOUT,
  connections: POOL,
  maxInFlight: { commands: MAX_IN_FLIGHT },
  // So that a value has the same size on the wire.
  compression: false,
  deadHost: { schedule: Schedule.spaced(PROBE_INTERVAL) }
})

export const make = Effect.fnUntraced(function*(
  checker: Checker<Promised>,
  deadline: number,
  options: MemcacheOptions,
  transport?: Layer.Layer<Transport>
): Effect.fn.Return<Client, never, Scope.Scope> {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const standard = defaults(deadline)
  const all = { ...standard, ...options, deadHost: { ...standard.deadHost, ...options.deadHost } }
  const layer = transport === undefined
    ? Memcache.layer(all)
    : Layer.provide(Memcache.layerTransport(all), transport)
  const cache = Context.get(yield* Effect.orDie(Scope.provide(Layer.build(Layer.fresh(layer)), scope)), Memcache)
  const events: Array<ServerEvent & { readonly heard: number }> = []
  const listening = Stream.runForEach(cache.events, (event) =>
    Effect.sync(() => {
      events.push({ ...event, heard: performance.now() })
    }))
  yield* Scope.provide(Effect.forkScoped(listening, { startImmediately: true }), scope)
  return { cache, checked: checkedOf(checker, cache), events, close: Scope.close(scope, Exit.void) }
})

const checkedOf = (checker: Checker<Promised>, cache: Memcache["Service"]): Checked => ({
  get: (key) => checker.read(key, Effect.map(cache.get(key), Option.getOrUndefined)),
  getMany: (keys) => checker.readMany(keys, cache.getMany(keys)),
  set: (key, size) => checker.write(key, (value) => cache.set(key, value), size),
  add: (key, size) => checker.write(key, (value) => cache.add(key, value), size),
  delete: (key) => checker.remove(key, cache.delete(key)),
  increment: (key) => checker.count(key, Effect.map(cache.increment(key, { initial: 1 }), Option.getOrUndefined)),
  operation: (effect, word) => checker.operation(effect, word)
})
