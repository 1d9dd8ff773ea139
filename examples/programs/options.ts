import { Memcache } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect } from "effect"

const program = Effect.gen(function*() {
  const cache = yield* Memcache
  yield* cache.set("greeting", "hello")
  yield* Console.log(yield* cache.get("greeting"))
})

const CacheLive = Memcache.layerConfig({
  servers: Config.String("MEMCACHE_SERVERS").pipe(Config.withDefault("127.0.0.1:11211")),
  prefix: Config.succeed("shop:"),
  defaultTtl: Config.succeed("1 hour"),
  commandTimeout: Config.succeed("250 millis")
})

program.pipe(Effect.provide(CacheLive), NodeRuntime.runMain)
