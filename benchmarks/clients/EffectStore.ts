/**
 * The measured client with what lies above it: structs with and without a schema, and `getOrSet` where there is nothing to
 * set. All of them look at every field that they get.
 */
import { Memcache, MemcacheStore } from "@effect-memcache/client"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Driver, MakeDriver } from "../Driver.ts"
import { stopAfter, wrongValue } from "../Driver.ts"
import { type Struct, structOf } from "../Items.ts"

const StructSchema = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  email: Schema.String,
  isActive: Schema.Boolean,
  score: Schema.Finite
})

const isSame = (found: unknown, struct: Struct): boolean => {
  if (typeof found !== "object" || found === null) return false
  const { email, id, isActive, name, score } = found as Struct
  return id === struct.id && name === struct.name && email === struct.email && isActive === struct.isActive &&
    score === struct.score
}

export const make: MakeDriver = async ({ client, servers }, { keys, values }): Promise<Driver> => {
  const runtime = ManagedRuntime.make(Memcache.layer({ servers: [...servers] }))
  const cache = await runtime.runPromise(Memcache)
  const prefix = keys[0]!.slice(0, keys[0]!.lastIndexOf(":") + 1)
  const ids = keys.map((key) => key.slice(prefix.length))
  const store = await runtime.runPromise(
    MemcacheStore.make({ prefix, key: Schema.String, value: StructSchema, ttl: "1 hour" })
  )
  const structs = client === "effect-get-or-set" ? [] : keys.map((_, i) => structOf(i))
  // What would be computed is never right, so that a miss is noticed.
  const nothing = Effect.succeed("")

  const isRight = (i: number, found: unknown): boolean =>
    client === "effect-get-or-set"
      ? found === values[i]
      : isSame(Option.getOrUndefined(found as Option.Option<unknown>), structs[i]!)
  const ask = (i: number): Effect.Effect<unknown, unknown> =>
    client === "effect-store"
      ? store.get(ids[i]!)
      : client === "effect-structs"
      ? cache.get(keys[i]!)
      : cache.getOrSet(keys[i]!, nothing, { ttl: "1 hour" })

  let turn = 0
  const loop = Effect.fnUntraced(function*(stop: { readonly isOver: boolean }) {
    let done = 0
    do {
      const i = turn++ % keys.length
      if (!isRight(i, yield* ask(i))) throw wrongValue(keys[i]!, "something else")
      done++
    } while (!stop.isOver)
    return done
  })

  return {
    round: (milliseconds, inFlight) => {
      const stop = stopAfter(milliseconds)
      const all = Effect.forEach(Array.from({ length: inFlight }), () => loop(stop), { concurrency: "unbounded" })
      return runtime.runPromise(Effect.map(all, (done) => done.reduce((sum, n) => sum + n, 0)))
    },
    verify: async () => {},
    touch: async (i) => {
      if (!isRight(i, await runtime.runPromise(ask(i)))) throw wrongValue(keys[i]!, "something else")
    },
    close: () => runtime.dispose()
  }
}
