import { Memcache } from "@effect-memcache/client"
import { FaultScript, FaultServer } from "@effect-memcache/testing"
import { Console, Effect, Layer, Option } from "effect"

// The program under test. A user comes from the cache, or from the database if the cache has none or does not answer.
const loadUser = Effect.fnUntraced(function*(id: number) {
  const cache = yield* Memcache
  const cached = yield* cache.get(`user:${id}`).pipe(
    Effect.catchTag("MemcacheError", ({ reason }) => Effect.as(Console.log(`cache: ${reason._tag}`), Option.none()))
  )
  return Option.isSome(cached) ? `${cached.value} from the cache` : `user ${id} from the database`
})

// A memcached that answers all but one key. It reads the request for that one, and then nothing more is sent.
const stalling = FaultServer.layer({
  rules: [FaultScript.on({ verb: "mg", key: "user:2", times: 1 }, FaultScript.stall)]
})

const CacheTest = Layer.unwrap(
  Effect.map(FaultServer, ({ address }) => Memcache.layer({ servers: address, commandTimeout: "250 millis" }))
).pipe(Layer.provideMerge(stalling))

const test = Effect.gen(function*() {
  const cache = yield* Memcache
  const server = yield* FaultServer
  yield* cache.set("user:1", "Ada")
  yield* Console.log(yield* loadUser(1))
  yield* Console.log(yield* loadUser(2))

  // The connection that owes a reply is given up after a second of silence (`stallTimeout`). Then all is well again.
  yield* server.until((log) => log.open === 0)
  yield* Console.log(yield* loadUser(1))
  yield* Console.log(`${server.log.count("mg")} reads on ${server.log.counters.accepted} connections`)
})

Effect.runPromise(test.pipe(Effect.provide(CacheTest)))
