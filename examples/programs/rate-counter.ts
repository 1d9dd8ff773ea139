import { Memcache, MemcacheLayer } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Clock, Console, Effect, Option } from "effect"

const LIMIT = 3n
const WINDOW_SECONDS = 60

/** Whether the user may go on: at most three times a minute, whichever process is asked. */
const mayPass = Effect.fnUntraced(
  function*(user: string) {
    const cache = yield* Memcache
    const window = Math.floor((yield* Clock.currentTimeMillis) / (WINDOW_SECONDS * 1000))
    // Counting is atomic. The counter of a window outlives it by one more, and is never reset.
    const count = yield* cache.increment(`rate:${user}:${window}`, { initial: 1n, ttl: "2 minutes" })
    return Option.getOrElse(count, () => 0n) <= LIMIT
  },
  // A cache that is down, or has lost the counter, lets everybody pass.
  Effect.catchTag("MemcacheError", () => Effect.succeed(true))
)

const program = Effect.gen(function*() {
  // Four times within one minute, wherever that begins.
  yield* Effect.delay(Effect.void, (yield* Clock.currentTimeMillis) % 60_000 > 55_000 ? "6 seconds" : "0 seconds")
  for (let attempt = 1; attempt <= 4; attempt++) {
    yield* Console.log(`attempt ${attempt}: ${(yield* mayPass("ada")) ? "pass" : "wait"}`)
  }
  yield* Console.log(`another user: ${(yield* mayPass("grace")) ? "pass" : "wait"}`)
})

program.pipe(Effect.provide(MemcacheLayer), NodeRuntime.runMain)
