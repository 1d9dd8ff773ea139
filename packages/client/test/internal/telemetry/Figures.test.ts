import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { readFileSync } from "node:fs"
import type { FiguresOptions, Source } from "../../../src/internal/telemetry/Figures.ts"
import * as Figures from "../../../src/internal/telemetry/Figures.ts"

const make = (options: Partial<FiguresOptions> = {}) =>
  Figures.make({ name: undefined, boundaries: [0.001, 0.01], ...options })

const source = (inFlight: ReadonlyArray<number> = [], isAlive = true): Source => ({
  isAlive: () => isAlive,
  inFlight: () => inFlight.reduce((sum, n) => sum + n, 0),
  connections: () => inFlight.map((inFlight) => ({ inFlight }))
})

const alone = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Metric.MetricRegistry, new Map())

/** The lines of the page that have numbers, without the attributes that all of them have. */
const page = Effect.map(
  PrometheusMetrics.format(),
  (text) =>
    text.replaceAll("db_system_name=\"memcached\",", "").split("\n").filter((line) =>
      line !== "" && !line.startsWith("#")
    )
)

const lines = (about: string) => Effect.map(page, (lines) => lines.filter((line) => line.includes(about)))

const PAGE = new URL("../../fixtures/telemetry/page.txt", import.meta.url)

/** What is looked at of an export. */
interface Export {
  readonly metrics: ReadonlyArray<{
    readonly name: string
    readonly unit: string
    readonly histogram?: { readonly dataPoints: ReadonlyArray<Record<string, unknown>> }
  }>
}

const SERVER = "10.0.0.1:11211"

describe("Figures", () => {
  it.effect("make a page", () =>
    alone(Effect.gen(function*() {
      const { tally } = (yield* make()).join(SERVER, source([3, 0, 0]))
      tally.answered("get", 0.5)
      tally.answered("get", 5)
      tally.failed("set", "TimeoutError", 1000)
      tally.hits = 2
      tally.misses = 1
      tally.bytesSent = 100
      tally.bytesReceived = 2 ** 40
      assert.strictEqual(yield* PrometheusMetrics.format(), readFileSync(PAGE, "utf8"))
    })))

  it.effect("are exported with their units", () =>
    alone(Effect.gen(function*() {
      const bodies: Array<string> = []
      const http = HttpClient.make((request) => {
        if (request.body._tag === "Uint8Array") bodies.push(new TextDecoder().decode(request.body.body))
        return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("{}")))
      })
      const exporter = OtlpMetrics.layer({ url: "http://collector/v1/metrics", resource: { serviceName: "shop" } })
        .pipe(
          Layer.provide([OtlpSerialization.layerJson, Layer.succeed(HttpClient.HttpClient, http)])
        )
      const { tally } = (yield* make()).join(SERVER, source([1]))
      tally.answered("get", 0.5)
      tally.failed("get", "TimeoutError", 1000)
      yield* Effect.flatMap(OtlpExporter.Flusher, ({ flush }) => flush).pipe(Effect.provide(exporter))
      const { metrics }: Export = JSON.parse(bodies[0]).resourceMetrics[0].scopeMetrics[0]
      assert.deepStrictEqual(Object.fromEntries(metrics.map(({ name, unit }) => [name, unit])), {
        "memcached.client.hits": "{key}",
        "memcached.client.misses": "{key}",
        "memcached.client.retries": "1",
        "memcached.client.network.io": "By",
        "memcached.client.connections.opened": "1",
        "memcached.client.connections.lost": "1",
        "memcached.client.server.deaths": "1",
        "memcached.client.active_operations": "1",
        "db.client.connection.count": "1",
        "memcached.client.server.alive": "1",
        "db.client.operation.duration": "s"
      })
      const durations = metrics.find(({ name }) => name === "db.client.operation.duration")?.histogram?.dataPoints
      assert.deepStrictEqual(
        durations?.map(({ bucketCounts, count, max, min, sum }) => ({ bucketCounts, count, max, min, sum })),
        [
          { bucketCounts: [1, 0, 0], count: 1, max: 0.0005, min: 0.0005, sum: 0.0005 },
          { bucketCounts: [0, 0, 1], count: 1, max: 1, min: 1, sum: 1 }
        ]
      )
    })))

  it.effect("of two clients of one server are added up, and stay added up when one is closed", () =>
    alone(Effect.gen(function*() {
      const one = (yield* make()).join(SERVER, source([1]))
      const two = (yield* make()).join(SERVER, source([2], false))
      one.tally.hits += 3
      two.tally.hits += 4
      const hits = `memcached_client_hits{server_address="10.0.0.1",server_port="11211"} 7`
      const active = (n: number) =>
        `memcached_client_active_operations{server_address="10.0.0.1",server_port="11211"} ${n}`
      assert.deepStrictEqual(yield* lines("hits"), [hits])
      assert.deepStrictEqual(yield* lines("active"), [active(3)])
      // Whoever sees it dead is believed.
      assert.match((yield* lines("alive"))[0], / 0$/)
      two.leave(false)
      assert.deepStrictEqual(yield* lines("hits"), [hits])
      assert.deepStrictEqual(yield* lines("active"), [active(1)])
      assert.match((yield* lines("alive"))[0], / 1$/)
    })))

  it.effect("of clients with names stand side by side", () =>
    alone(Effect.gen(function*() {
      const one = (yield* make({ name: "sessions" })).join(SERVER, source())
      const two = (yield* make({ name: "pages" })).join(SERVER, source())
      one.tally.hits = 3
      two.tally.hits = 4
      assert.deepStrictEqual(yield* lines("hits"), [
        `memcached_client_hits{db_namespace="sessions",server_address="10.0.0.1",server_port="11211"} 3`,
        `memcached_client_hits{db_namespace="pages",server_address="10.0.0.1",server_port="11211"} 4`
      ])
    })))

  it.effect("stay when the client is closed, as far as they are counts, and go on with the next", () =>
    alone(Effect.gen(function*() {
      const figures = yield* make()
      const first = figures.join(SERVER, source([1]))
      first.tally.misses = 5
      first.tally.answered("get", 1)
      first.leave(false)
      assert.deepStrictEqual(yield* lines("active"), [])
      assert.deepStrictEqual(yield* lines("connection_count"), [])
      assert.deepStrictEqual(yield* lines("alive"), [])
      assert.match((yield* lines("misses"))[0], / 5$/)
      const second = (yield* make()).join(SERVER, source([1]))
      second.tally.misses++
      second.tally.answered("get", 1)
      assert.match((yield* lines("misses"))[0], / 6$/)
      assert.match((yield* lines("duration_count"))[0], / 2$/)
      assert.strictEqual((yield* lines("active")).length, 1)
    })))

  it.effect("go altogether with a server that is taken from the list", () =>
    alone(Effect.gen(function*() {
      const { leave, tally } = (yield* make()).join(SERVER, source([1]))
      tally.answered("get", 1)
      leave(true)
      assert.deepStrictEqual(yield* page, [])
      // One that comes back begins anew.
      const again = (yield* make()).join(SERVER, source([1]))
      assert.notStrictEqual(again.tally, tally)
      assert.match((yield* lines("hits"))[0], / 0$/)
    })))

  it.effect("of a server that another client still has stay when it is taken from one list", () =>
    alone(Effect.gen(function*() {
      const one = (yield* make()).join(SERVER, source([1]))
      const two = (yield* make()).join(SERVER, source([1]))
      one.tally.hits = 1
      one.leave(true)
      assert.match((yield* lines("hits"))[0], / 1$/)
      two.leave(true)
      assert.deepStrictEqual(yield* page, [])
    })))

  it.effect("have the attributes that stand on all metrics where the client is built", () =>
    alone(Effect.gen(function*() {
      const figures = yield* Effect.provideService(make(), Metric.CurrentMetricAttributes, { shard: "7" })
      figures.join(SERVER, source())
      assert.include((yield* lines("hits"))[0], `shard="7"`)
    })))
})
