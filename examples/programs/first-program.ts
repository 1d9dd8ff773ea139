import { Memcache, MemcacheLayer } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"

const program = Effect.gen(function*() {
  const cache = yield* Memcache
  yield* cache.set("user:1", { name: "Ada", born: 1815 }, { ttl: "5 minutes" })
  yield* Console.log(yield* cache.get("user:1"))
  yield* Console.log(yield* cache.get("user:2"))
})

program.pipe(Effect.provide(MemcacheLayer), NodeRuntime.runMain)
