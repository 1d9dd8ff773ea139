import { Memcache, MemcacheLayer, Namespace } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Option } from "effect"

/** Everything that is kept of one user, to be dropped at once. */
const ofUser = (id: number) => Namespace.make({ name: `user:${id}` })

const program = Effect.gen(function*() {
  const ada = yield* ofUser(1)
  yield* ada.set("orders", [{ thing: "tea" }], { ttl: "1 hour" })
  yield* ada.set("recommendations", ["ink"], { ttl: "1 hour" })
  const grace = yield* ofUser(2)
  yield* grace.set("orders", [{ thing: "coffee" }], { ttl: "1 hour" })

  // Nobody keeps a list of the keys, and no other group is touched.
  yield* ada.clear
  const found = yield* ada.getMany(["orders", "recommendations"])
  yield* Console.log(`of user 1: ${found.size}, of user 2: ${Option.isSome(yield* grace.get("orders"))}`)

  // For what is computed when it is missing: the prefix of the group's present generation.
  const cache = yield* Memcache
  const report = Effect.gen(function*() {
    const prefix = yield* ada.prefix
    return yield* cache.getOrSet(`${prefix}report`, Console.log("computed").pipe(Effect.as("a report")), {
      ttl: "1 hour"
    })
  })
  yield* report
  yield* report
  yield* ada.clear
  yield* report
})

program.pipe(Effect.provide(MemcacheLayer), NodeRuntime.runMain)
