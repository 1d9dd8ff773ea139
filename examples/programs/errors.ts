import { Memcache, MemcacheLayer } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"

const program = Effect.gen(function*() {
  const cache = yield* Memcache

  // A wrong key never reaches the network. Its error has a tag of its own.
  yield* cache.get("two words").pipe(
    Effect.catchTag("KeyCharacterError", (error) => Console.log(error.message))
  )

  // Everything that goes wrong with a server is one MemcacheError, whose reason says what.
  yield* cache.set("name", "Ada", { ttl: "1 minute" })
  yield* cache.increment("name").pipe(
    Effect.catchReason("MemcacheError", "NotNumberError", (reason) => Console.log(`not a number: ${reason.outcome}`))
  )

  // A cache that is down need not take the program down: here it is a miss, by choice.
  const user = yield* cache.get("user:unknown").pipe(
    Effect.catchTag("MemcacheError", () => Effect.succeedNone)
  )
  yield* Console.log(user)

  // The outcome says whether a failed command may have been carried out.
  yield* cache.increment("visits", { initial: 1n }).pipe(
    Effect.catchTag(
      "MemcacheError",
      (error) =>
        error.outcome === "unknown" ? Console.log("perhaps counted, perhaps not") : Console.log("certainly not counted")
    )
  )
})

program.pipe(Effect.provide(MemcacheLayer), NodeRuntime.runMain)
