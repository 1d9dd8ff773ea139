import { Memcache, MemcacheLayer } from "@effect-memcache/client"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpRouter, HttpServer } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { createServer } from "node:http"

const program = Effect.gen(function*() {
  const cache = yield* Memcache
  yield* cache.set("user:1", "Ada", { ttl: "1 minute" })
  yield* cache.getMany(["user:1", "user:2", "user:3"])

  // What Prometheus does every few seconds. Printed are the lines that are the same in every run, without the server.
  const page = yield* Effect.flatMap(HttpClient.get("/metrics"), (response) => response.text)
  for (const line of page.split("\n")) {
    if (/^memcached_client_(hits|misses|server)|^db_client_\w+_count/.test(line)) {
      yield* Console.log(line.replace(/\{db_system_name="memcached",server_address="[^"]*",server_port="\d*",?/, "{"))
    }
  }
})

// A fixed port in your program; 0 is any that is free.
const ServerLive = NodeHttpServer.layer(createServer, { port: 0 })
const PageLive = HttpRouter.serve(PrometheusMetrics.layerHttp(), { disableLogger: true, disableListenLog: true })

// Only for asking oneself: a client whose addresses begin at the server.
const ClientLive = HttpServer.layerTestClient.pipe(Layer.provide(FetchHttpClient.layer))

const Live = Layer.mergeAll(MemcacheLayer, PageLive, ClientLive).pipe(Layer.provide(ServerLive))

program.pipe(Effect.provide(Live), NodeRuntime.runMain)
