import { Memcache } from "@effect-memcache/client"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { Console, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"

// A memcached in this process, over real TCP, on a free port. It ends with the scope.
const CacheTest = Layer.unwrap(
  Effect.map(EmbeddedMemcached, ({ address }) => Memcache.layer({ servers: address }))
).pipe(Layer.provide(EmbeddedMemcached.layer()))

const test = Effect.gen(function*() {
  const cache = yield* Memcache
  yield* cache.set("session", "open", { ttl: "30 minutes" })
  yield* TestClock.adjust("29 minutes")
  yield* Console.log(yield* cache.get("session"))
  yield* TestClock.adjust("2 minutes")
  yield* Console.log(yield* cache.get("session"))
})

Effect.runPromise(test.pipe(Effect.provide(CacheTest.pipe(Layer.provideMerge(TestClock.layer())))))
