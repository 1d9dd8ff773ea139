import { Memcache } from "@effect-memcache/client"
import { FaultScript, FaultServer } from "@effect-memcache/testing"
import { Console, Effect, Layer } from "effect"

const dying = FaultServer.layer({
  rules: [
    // The first read gets twenty bytes of its answer, and a reset.
    FaultScript.on({ verb: "mg", times: 1 }, FaultScript.part(20), FaultScript.rst),
    // The first count is carried out, and the connection ends before the answer.
    FaultScript.on({ verb: "ma", times: 1 }, FaultScript.drop, FaultScript.fin)
  ]
})

const CacheTest = Layer.unwrap(
  Effect.map(FaultServer, ({ address }) => Memcache.layer({ servers: address }))
).pipe(Layer.provideMerge(dying))

const test = Effect.gen(function*() {
  const cache = yield* Memcache
  const server = yield* FaultServer
  yield* cache.set("poem", "Half a league, half a league, half a league onward")
  yield* cache.set("visits", 41)

  // Half a value is never a value.
  yield* cache.get("poem").pipe(
    Effect.catchTag("MemcacheError", ({ reason }) => Console.log(`get: ${reason._tag}`))
  )
  yield* Console.log(yield* cache.get("poem"))

  // Whether a lost count was counted nobody can know, so it is never sent again, and the outcome says so.
  yield* cache.increment("visits").pipe(
    Effect.catchTag("MemcacheError", ({ outcome, reason }) => Console.log(`increment: ${reason._tag}, ${outcome}`))
  )
  yield* Console.log(yield* cache.get("visits"))
  yield* Console.log(`sent ${server.log.count("ma")} time, on ${server.log.counters.accepted} connections in all`)
})

Effect.runPromise(test.pipe(Effect.provide(CacheTest)))
