import { Memcache, Transcoder } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Result } from "effect"
import { deserialize, serialize } from "node:v8"

// Node's own clones, in which a Map stays a Map. No other client reads them: flags that no other client writes.
const CLONE = 0xc10e

const clones: Transcoder.Transcoder = {
  encode: (value) =>
    Result.try({
      try: () => ({ bytes: serialize(value), flags: CLONE }),
      catch: (issue) => Transcoder.fault("clone", "it cannot be cloned", issue)
    }),
  decode: (bytes, flags) =>
    flags !== CLONE ? Result.fail(Transcoder.fault("unknown", "nothing here reads such flags")) : Result.try({
      // The bytes are the connection's, and good until this returns: what lives longer must be a copy.
      try: (): unknown => deserialize(Uint8Array.from(bytes)),
      catch: (issue) => Transcoder.fault("clone", "its bytes are no clone", issue)
    })
}

const program = Effect.gen(function*() {
  const cache = yield* Memcache
  yield* cache.set("visits", new Map([["Ada", new Date(0)]]), { ttl: "1 minute" })
  yield* Console.log(yield* cache.get("visits"))

  // What cannot be written is an error, and nothing of the value is in it.
  const error = yield* Effect.flip(cache.set("visits", () => "secret"))
  yield* Console.log(error.message)
})

const CacheLive = Memcache.layerConfig({
  servers: Config.String("MEMCACHE_SERVERS").pipe(Config.withDefault("127.0.0.1:11211")),
  transcoder: Config.succeed(clones)
})

program.pipe(Effect.provide(CacheLive), NodeRuntime.runMain)
