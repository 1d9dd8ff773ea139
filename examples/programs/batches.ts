import { Memcache, MemcacheLayer } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"

const program = Effect.gen(function*() {
  const cache = yield* Memcache

  // One batch per server, all servers at once. What comes back are the keys that were not stored.
  const notStored = yield* cache.setMany([[1, "one"], [2, "two"], [3, "three"]], { ttl: "1 minute", prefix: "number:" })
  yield* Console.log(notStored)

  // The map has the caller's own keys: integers stay integers, and the prefix is nobody's concern.
  yield* Console.log(yield* cache.getMany([1, 3, 5], { prefix: "number:" }))

  // Tuples of hash and key: what belongs to one user lives on one server, whatever the keys are.
  yield* cache.setMany([[["user:7", "cart:7"], ["tea"]], [["user:7", "name:7"], "Ada"]], { ttl: "1 minute" })
  yield* Console.log(yield* cache.get(["user:7", "name:7"]))

  // If a server fails, getMany fails, because a missing entry means a miss. The partial form answers what is known.
  const { failed, values } = yield* cache.getManyPartial(["number:1", "number:2"])
  yield* Console.log(`${values.size} found, ${failed.size} failed`)
})

program.pipe(Effect.provide(MemcacheLayer), NodeRuntime.runMain)
