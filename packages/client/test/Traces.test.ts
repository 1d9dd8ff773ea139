/**
 * What a client's spans say: as an exporter sends them, and when there are none.
 */
import { Memcache } from "@effect-memcache/client/Memcache"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { readFileSync } from "node:fs"
import * as Retrieval from "../src/internal/commands/Retrieval.ts"
import type { Spans } from "../src/internal/telemetry/Spans.ts"
import * as FakeSession from "./FakeSession.ts"
import * as ScriptedServer from "./ScriptedServer.ts"

const client = (options: MemcacheOptions) =>
  Effect.flatMap(Layer.build(Memcache.layer(options)), (context) => Effect.provide(Memcache, context))

/** A tracer that keeps its spans. */
const recorder = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer, names: () => spans.map(({ name }) => name) }
}

/** An HTTP client that keeps what it sends, and is answered "ok". */
const collector = () => {
  const bodies: Array<string> = []
  const http = HttpClient.make((request) => {
    if (request.body._tag === "Uint8Array") bodies.push(new TextDecoder().decode(request.body.body))
    return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("{}")))
  })
  const layer = OtlpTracer.layer({ url: "http://collector/v1/traces", resource: { serviceName: "shop" } }).pipe(
    Layer.provide(OtlpSerialization.layerJson),
    Layer.provide(Layer.succeed(HttpClient.HttpClient, http))
  )
  return { bodies, layer }
}

const flush = Effect.flatMap(OtlpExporter.Flusher, ({ flush }) => flush)

interface Attribute {
  readonly key: string
  readonly value: Record<string, unknown>
}

interface ExportedSpan {
  readonly name: string
  readonly kind: number
  readonly attributes: ReadonlyArray<Attribute>
  readonly status: { readonly code: number; readonly message?: string }
  readonly events: ReadonlyArray<{ readonly name: string; readonly attributes: ReadonlyArray<Attribute> }>
}

const record = (attributes: ReadonlyArray<Attribute>) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** An export in short, without what differs from run to run: identifiers, times, the port and stack traces. */
const readable = (body: string, port: number) => {
  const spans: ReadonlyArray<ExportedSpan> = JSON.parse(body).resourceSpans[0].scopeSpans[0].spans
  const short = spans.map(({ attributes, events, kind, name, status }) => ({
    name,
    kind,
    attributes: record(attributes),
    status,
    events: events.map(({ attributes, name }) => ({ name, attributes: record(attributes) }))
  }))
  return `${JSON.stringify(short, (key, value) => key === "exception.stacktrace" ? undefined : value, 2)}\n`
    .replaceAll(String(port), "11211")
}

const TRACE = new URL("fixtures/telemetry/trace.json", import.meta.url)

describe("spans", () => {
  it.effect("are exported like this", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const { bodies, layer } = collector()
      yield* Effect.gen(function*() {
        const cache = yield* client({ servers: server.address })
        yield* cache.set("name", "Ada")
        yield* cache.get("name")
        yield* cache.getMany(["name", "other"])
        yield* Effect.exit(cache.increment("name"))
        yield* flush
      }).pipe(Effect.provide(layer))
      assert.strictEqual(bodies.length, 1)
      assert.strictEqual(readable(bodies[0], server.port), readFileSync(TRACE, "utf8"))
    }))

  it.effect("are one for every call, of whatever kind", () =>
    Effect.gen(function*() {
      const servers = yield* Effect.forEach([1, 2, 3], () => EmbeddedMemcached.make())
      const { names, spans, tracer } = recorder()
      const telemetry = { name: "ns" }
      yield* Effect.gen(function*() {
        const cache = yield* client({ servers: servers.map(({ address }) => address), telemetry })
        yield* cache.get("k")
        yield* cache.gets("k")
        yield* cache.getAndTouch("k", "1 hour")
        yield* cache.getMany(["k"])
        yield* cache.getMany(Array.from({ length: 50 }, (_, i) => i))
        yield* cache.getManyPartial(["a", "b"])
        yield* cache.set("k", 1)
        yield* cache.add("k", 1)
        yield* cache.replace("k", 1)
        yield* cache.append("k", "1")
        yield* cache.prepend("k", "1")
        yield* cache.compareAndSwap("k", 1, 1n)
        yield* cache.setMany([["a", 1], ["b", 2]])
        yield* cache.setManyPartial([["a", 1], ["b", 2], ["c", 3]])
        yield* cache.increment("n", { initial: 1 })
        yield* cache.increment("n")
        yield* cache.decrement("n")
        yield* cache.delete("k")
        yield* cache.deleteMany(["a", "b"])
        yield* cache.deleteManyPartial(["a", "b"])
        yield* cache.touch("k", "1 hour")
        yield* cache.stats()
        yield* cache.version
        yield* cache.verbosity(1)
        yield* cache.flushAll()
      }).pipe(Effect.provideService(Tracer.Tracer, tracer))
      assert.deepStrictEqual(names().map((name) => name.replace(/ ns$/, "")), [
        "get",
        "gets",
        "gat",
        "get",
        "BATCH get",
        "BATCH get",
        "set",
        "add",
        "replace",
        "append",
        "prepend",
        "cas",
        "BATCH set",
        "BATCH set",
        "incr",
        "incr",
        "decr",
        "delete",
        "BATCH delete",
        "BATCH delete",
        "touch",
        "stats",
        "version",
        "verbosity",
        "flush_all"
      ])
      for (const { kind, status } of spans) assert.deepStrictEqual([kind, status._tag], ["client", "Ended"])
    }))

  it.effect("count the hits of reads", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const { spans, tracer } = recorder()
      const cache = yield* client({ servers: server.address })
      yield* cache.setMany([["a", 1], ["b", 2]])
      yield* Effect.gen(function*() {
        yield* cache.get("a")
        yield* cache.gets("c")
        yield* cache.getMany(["a", "b", "c"])
        yield* cache.getManyPartial(["a", "c"])
        yield* cache.delete("a")
      }).pipe(Effect.provideService(Tracer.Tracer, tracer))
      assert.deepStrictEqual(spans.map(({ attributes }) => attributes.get("memcached.hits")), [1, 0, 2, 1, undefined])
    }))

  it.effect("are one for a read that is tried again", () =>
    Effect.gen(function*() {
      const answers = ["SERVER_ERROR busy\r\n", "SERVER_ERROR busy\r\n", "VALUE k 16 1\r\nx\r\nEND\r\n"]
      const server = yield* ScriptedServer.make({
        onData: (socket) => void socket.write(answers.shift()!)
      })
      const { names, tracer } = recorder()
      const cache = yield* client({ servers: server.address, readRetry: { schedule: Schedule.recurs(2) } })
      yield* Effect.provideService(cache.get("k"), Tracer.Tracer, tracer)
      assert.deepStrictEqual(names(), [`get ${server.address}`])
    }))

  it.effect("tell what reading through the cache has found, and end before anything is computed", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const { spans, tracer } = recorder()
      const cache = yield* client({ servers: server.address, telemetry: { name: "n" } })
      const compute = Effect.andThen(Effect.sleep(50), Effect.succeed("VALUE"))
      const fiber = yield* Effect.forkChild(
        Effect.provideService(
          Effect.andThen(cache.getOrSet("k", compute), cache.getOrSet("k", compute)),
          Tracer.Tracer,
          tracer
        ),
        { startImmediately: true }
      )
      yield* Effect.promise(() => until(() => spans[0]?.status._tag === "Ended"))
      yield* TestClock.adjust(50)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        spans.map(({ attributes, name, status }) => [
          name,
          attributes.get("memcached.hits"),
          status._tag === "Ended" ? Number(status.endTime - status.startTime) : undefined
        ]),
        [["mg n", 0, 0], ["cas n", undefined, 0], ["mg n", 1, 0]]
      )
    }))

  it.effect("end when the caller is interrupted", () =>
    Effect.gen(function*() {
      const server = yield* ScriptedServer.make({ onData: () => {} })
      const { spans, tracer } = recorder()
      const cache = yield* client({ servers: server.address })
      const fiber = yield* Effect.forkChild(
        Effect.provideService(
          Effect.all([cache.get("a"), cache.getMany(["b", "c"])], { concurrency: "unbounded" }),
          Tracer.Tracer,
          tracer
        ),
        { startImmediately: true }
      )
      assert.deepStrictEqual(spans.map(({ status }) => status._tag), ["Started", "Started"])
      yield* TestClock.adjust(10)
      yield* Fiber.interrupt(fiber)
      const ended = spans.map(({ status }) => status._tag === "Ended" ? status.endTime - status.startTime : undefined)
      assert.deepStrictEqual(ended, [10_000_000n, 10_000_000n])
    }))

  it.effect("are not made of what no server is asked, because the key or an argument is wrong", () =>
    Effect.gen(function*() {
      const { names, tracer } = recorder()
      const cache = yield* client({})
      yield* Effect.gen(function*() {
        yield* Effect.exit(cache.get("two words"))
        yield* Effect.exit(cache.getMany(["two words"]))
        yield* Effect.exit(cache.set("k", 1, { ttl: -1 as never }))
        yield* Effect.exit(cache.increment("k", { delta: -1 }))
      }).pipe(Effect.provideService(Tracer.Tracer, tracer))
      assert.deepStrictEqual(names(), [])
    }))

  it.effect("are not made where they are switched off, by the client's option or by Effect's", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const { names, tracer } = recorder()
      const cache = yield* client({ servers: server.address })
      const silent = yield* client({ servers: server.address, telemetry: { spans: false } })
      yield* Effect.gen(function*() {
        yield* silent.get("k")
        yield* silent.getMany(["k", "l"])
        yield* Effect.provideService(cache.get("k"), References.TracerEnabled, false)
        assert.deepStrictEqual(names(), [])
        yield* cache.get("k")
        assert.deepStrictEqual(names(), [`get ${server.address}`])
      }).pipe(Effect.provideService(Tracer.Tracer, tracer))
    }))

  it.effect("are not even begun without a tracer", () =>
    Effect.gen(function*() {
      const { session } = FakeSession.make(() => FakeSession.end)
      const spans = {
        around: () => {
          throw new Error("nobody sees this span")
        }
      } as unknown as Spans
      yield* Retrieval.get({ ...session, spans })("k")
      yield* Retrieval.getMany({ ...session, spans })(["k", "l"])
    }))

  it.effect("have neither keys nor values nor credentials in them, also when they fail", () =>
    Effect.gen(function*() {
      const users = [{ username: "USERNAME", password: "PASSWORD" }]
      const server = yield* EmbeddedMemcached.make({ users })
      const { bodies, layer } = collector()
      yield* Effect.gen(function*() {
        for (const password of ["PASSWORD", "PASSWORD2"]) {
          const auth = { username: "USERNAME", password: Redacted.make(password) }
          const cache = yield* client({ servers: server.address, auth, prefix: "PREFIX" })
          yield* Effect.exit(cache.set("KEY", "VALUE"))
          yield* Effect.exit(cache.increment("KEY"))
          yield* Effect.exit(cache.set("KEY", { VALUE: 1n }))
          yield* Effect.exit(cache.set("KEY", "VALUE".repeat(1_000_000), { compression: false }))
          yield* Effect.exit(cache.getMany(["KEY", "KEY2"]))
          yield* Effect.exit(cache.getOrSet("KEY", Effect.succeed("VALUE")))
          yield* Effect.exit(cache.deleteMany(["KEY", "KEY2"]))
        }
        yield* flush
      }).pipe(Effect.provide(layer))
      const all = bodies.join()
      for (const word of ["NotNumberError", "AuthenticationError", "BATCH get"]) assert.include(all, word)
      assert.notMatch(all, /KEY|VALUE|USERNAME|PASSWORD|PREFIX/)
    }))
})

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
}
