import { LargeValues, Memcache, MemcacheLayer } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Option } from "effect"

const program = Effect.gen(function*() {
  const cache = yield* Memcache
  const large = yield* LargeValues.make()

  // Three megabytes, which no server takes as one item.
  const report = Array.from(
    { length: 50_000 },
    (_, i) => ({ id: i, hash: Math.sin(i).toString(36), done: i % 3 === 0 })
  )
  yield* large.set("report", report, { ttl: "1 hour", compression: false })
  const found = yield* large.get("report")
  yield* Console.log(Option.map(found, (value) => (value as typeof report).length))

  // What is small, or gets small, is an item as any other.
  yield* large.set("summary", { rows: 50_000 }, { ttl: "1 hour" })
  yield* Console.log(yield* cache.get("summary"))

  // Those who know nothing of parts are told so.
  yield* cache.get("report").pipe(
    Effect.catchReason("MemcacheError", "DecodeError", ({ format }) => Console.log(`not readable here: ${format}`))
  )

  yield* large.delete("report")
  yield* Console.log(yield* large.get("report"))
})

program.pipe(Effect.provide(MemcacheLayer), NodeRuntime.runMain)
