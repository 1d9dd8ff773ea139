import { Memcache, MemcacheStore } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Option, Schema } from "effect"

const Product = Schema.Struct({ name: Schema.String, cents: Schema.Int, inStock: Schema.Boolean })

/** Places keys, writes and reads values as php-memcached does beside it, with its serialiser set to JSON. */
const CacheLive = Memcache.layer({
  servers: process.env["MEMCACHE_SERVERS"] ?? "127.0.0.1:11211",
  profile: "php-memcached"
})

const program = Effect.gen(function*() {
  const cache = yield* Memcache
  const products = yield* MemcacheStore.make({ prefix: "product:", key: Schema.String, value: Product, ttl: "1 day" })

  // PHP: $m->setOption(Memcached::OPT_SERIALIZER, Memcached::SERIALIZER_JSON); $m->get("product:tea") is an object.
  yield* products.set("tea", { name: "Tea", cents: 450, inStock: true })
  yield* Console.log(yield* cache.get("product:tea"))

  // PHP: $m->increment("product:tea:views", 1, 1)
  yield* cache.increment("product:tea:views", { initial: 1n })
  yield* Console.log(Option.getOrThrow(yield* cache.increment("product:tea:views")))

  // What is missing may be missing to PHP too: the claim of the one who computes it is kept where PHP does not look.
  const ink = products.getOrSet("ink", Effect.succeed({ name: "Ink", cents: 990, inStock: false }), { claim: "key" })
  yield* Console.log((yield* ink).name)
})

program.pipe(Effect.provide(CacheLive), NodeRuntime.runMain)
