import { Memcache, MemcacheLayer } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Option } from "effect"

const program = Effect.gen(function*() {
  const cache = yield* Memcache

  // Counting is atomic, and a counter is a bigint: it wraps at 2^64, and decrement stops at 0.
  yield* cache.delete("visits")
  yield* Console.log(yield* cache.increment("visits", { initial: 1n, ttl: "1 day" }))
  yield* Console.log(yield* cache.increment("visits", { delta: 41 }))

  // Change a value only if nobody else has changed it meanwhile.
  yield* cache.set("cart", ["tea"], { ttl: "1 hour" })
  const addToCart = (item: string) =>
    Effect.gen(function*() {
      const cart = Option.getOrThrow(yield* cache.gets("cart"))
      return yield* cache.compareAndSwap("cart", [...cart.value as Array<string>, item], cart.cas, { ttl: "1 hour" })
    })
  yield* Console.log(yield* Effect.repeat(addToCart("milk"), { while: (outcome) => outcome === "exists" }))
  yield* Console.log(yield* cache.get("cart"))
})

program.pipe(Effect.provide(MemcacheLayer), NodeRuntime.runMain)
