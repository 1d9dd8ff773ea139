import { Memcache } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"

const program = Effect.gen(function*() {
  const cache = yield* Memcache
  yield* cache.set("user:1", "Ada", { ttl: "1 minute" })
  yield* cache.getMany(["user:1", "user:2", "user:3"])
  yield* Effect.ignore(cache.increment("user:1"))
}).pipe(Effect.withSpan("program"))

const CacheLive = Memcache.layerConfig({
  servers: Config.String("MEMCACHE_SERVERS").pipe(Config.withDefault("127.0.0.1:11211")),
  telemetry: Config.succeed({ name: "users" })
})

interface Export {
  readonly resourceSpans: ReadonlyArray<{ readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<Span> }> }>
}

interface Span {
  readonly name: string
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: object }>
}

// Stands where FetchHttpClient.layer stands in your program: prints what a collector would be sent, without the server.
const PrinterLive = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make(Effect.fnUntraced(function*(request) {
    if (request.body._tag === "Uint8Array") {
      const sent: Export = JSON.parse(new TextDecoder().decode(request.body.body))
      for (const { attributes, name } of sent.resourceSpans[0].scopeSpans[0].spans) {
        yield* Console.log(name)
        for (const { key, value } of attributes) {
          if (/^(db|error|memcached)/.test(key)) yield* Console.log(`  ${key}: ${Object.values(value).join()}`)
        }
      }
    }
    return HttpClientResponse.fromWeb(request, new Response())
  }))
)

const TracerLive = OtlpTracer.layer({ url: "http://127.0.0.1:4318/v1/traces", resource: { serviceName: "shop" } }).pipe(
  Layer.provide([OtlpSerialization.layerJson, PrinterLive])
)

program.pipe(Effect.provide(Layer.merge(CacheLive, TracerLive)), NodeRuntime.runMain)
