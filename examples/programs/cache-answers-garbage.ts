import { Memcache } from "@effect-memcache/client"
import { FaultScript, FaultServer } from "@effect-memcache/testing"
import { Console, Effect, Layer } from "effect"

// Rules are plain data, so a table of them is a table of tests.
const garbage = [
  // No line of memcached's.
  FaultScript.replyBytes("\x81\x00\x00\x05\r\n"),
  // A value of four gibibytes.
  FaultScript.replyBytes("VA 4294967295 O{opaque}\r\n"),
  // The answer to another request.
  FaultScript.replyBytes("VA 6 O{opaque}0\r\nforged\r\n"),
  // A value that is shorter than its length.
  FaultScript.replyBytes("VA 6 O{opaque}\r\nAda\r\nEN\r\n"),
  // A line without an end.
  FaultScript.endless("x", { limit: 1_000_000 })
].map((step) => FaultScript.on({ verb: "mg", times: 1 }, step))

const CacheTest = Layer.unwrap(
  Effect.map(FaultServer, ({ address }) => Memcache.layer({ servers: address }))
).pipe(Layer.provideMerge(FaultServer.layer()))

const test = Effect.gen(function*() {
  const cache = yield* Memcache
  const server = yield* FaultServer
  yield* cache.set("name", "Ada")
  for (const rule of garbage) {
    yield* server.script([rule])
    yield* Console.log(FaultScript.show(rule))
    yield* cache.get("name").pipe(
      Effect.catchTag("MemcacheError", ({ reason }) => Console.log(`  first: ${reason._tag}`))
    )
    yield* Console.log("  then: ", yield* cache.get("name"))
  }
})

Effect.runPromise(test.pipe(Effect.provide(CacheTest)))
