import { Memcache } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect } from "effect"

const servers = Config.String("MEMCACHE_SERVERS").pipe(Config.withDefault("127.0.0.1:11211"))

// Keys lie where php-memcached looks for them, values are written as it reads them, and what is PHP's own is a miss.
const CacheLive = Memcache.layerConfig({
  servers,
  profile: Config.succeed("php-memcached"),
  onForeign: Config.succeed("miss")
})

// Stands for the PHP program: what its serialize() makes of an object, under the flags that say so.
const PhpLive = Memcache.layerConfig({
  servers,
  profile: Config.succeed("php-memcached"),
  transcoder: Config.succeed({ name: "bytes", flags: 4 })
})

const php = Effect.gen(function*() {
  const cache = yield* Memcache
  yield* cache.set("user:2", Buffer.from("O:8:\"stdClass\":1:{s:4:\"name\";s:5:\"Grace\";}"))
})

const program = Effect.gen(function*() {
  const cache = yield* Memcache
  yield* cache.set("user:1", { name: "Ada", path: "a/b" })
  yield* Console.log(yield* cache.get("user:1"))

  yield* Effect.provide(php, PhpLive)
  yield* Console.log(yield* cache.get("user:2"))
  // So whoever reads stores it anew, as JSON, which PHP reads too.
  yield* Console.log(yield* cache.getOrSet("user:2", Effect.succeed({ name: "Grace" }), { ttl: "1 hour" }))
  yield* Console.log(yield* cache.get("user:2"))
})

program.pipe(Effect.provide(CacheLive), NodeRuntime.runMain)
