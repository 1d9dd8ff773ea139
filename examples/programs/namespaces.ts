import { Memcache, MemcacheLayer, Namespace } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"

const program = Effect.gen(function*() {
  // All that is cached of one user. Every program that names it so means the same keys.
  const user = yield* Namespace.make({ name: "user:7" })
  yield* user.set("profile", { name: "Ada" }, { ttl: "1 hour" })
  yield* user.setMany([["cart", ["tea"]], ["orders", [17, 18]]], { ttl: "1 hour" })
  yield* Console.log(yield* user.getMany(["profile", "cart", "orders"]))

  // Whoever changes the user drops it all, by one small command to one server.
  yield* user.clear
  yield* Console.log(yield* user.getMany(["profile", "cart", "orders"]))

  // What is computed from old data must not be stored as new: take the prefix first, and store behind it.
  const cache = yield* Memcache
  const prefix = yield* user.prefix
  const profile = { name: "Ada" }
  yield* user.clear
  yield* cache.setMany([["profile", profile]], { prefix, ttl: "1 hour" })
  yield* Console.log(yield* user.get("profile"))
})

program.pipe(Effect.provide(MemcacheLayer), NodeRuntime.runMain)
