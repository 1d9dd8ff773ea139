/**
 * The client of this repository, asked by promises: what it answers is what its fibers answer.
 */
import { Memcache } from "@effect-memcache/client"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import type { MakeAdapter } from "../Adapter.ts"

export const make: MakeAdapter = async (address, timeout) => {
  const limit = Duration.millis(timeout)
  const runtime = ManagedRuntime.make(
    Memcache.layer({ servers: address, commandTimeout: limit, connectTimeout: limit, compression: false })
  )
  const cache = await runtime.runPromise(Memcache)
  return {
    get: async (key, signal) => {
      const found = await runtime.runPromise(cache.get(key), signal === undefined ? undefined : { signal })
      return Option.isSome(found) ? String(found.value) : undefined
    },
    set: (key, value) => runtime.runPromise(Effect.map(cache.set(key, value), (stored) => stored)),
    close: () => runtime.dispose(),
    canCancel: true
  }
}
