import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { rejection } from "@effect-memcache/transport/Rejection"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import type { Call, NoteHits } from "../../../src/internal/telemetry/Spans.ts"
import { isTraced, Spans } from "../../../src/internal/telemetry/Spans.ts"

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
  return { spans, tracer }
}

const record = Effect.fnUntraced(
  function*<A, E>(call: Call, run: Effect.Effect<A, E>, clientName?: string, hits?: number) {
    const { spans, tracer } = recorder()
    const noting = (noteHits: NoteHits) => {
      if (hits !== undefined) noteHits(hits)
      return run
    }
    const exit = yield* Effect.exit(
      Effect.provideService(new Spans(clientName).around(call, noting), Tracer.Tracer, tracer)
    )
    assert.strictEqual(spans.length, 1)
    const [span] = spans
    assert.strictEqual(span.status._tag, "Ended")
    return { exit, span, attributes: Object.fromEntries(span.attributes) }
  }
)

const GET: Call = { operation: "get", server: "10.0.0.1:11311" }

const SERVER = { "server.address": "10.0.0.1", "server.port": 11311 }

describe("Spans", () => {
  it.effect("say what was asked of whom, and what was found", () =>
    Effect.gen(function*() {
      const { attributes, exit, span } = yield* record(GET, Effect.succeed("value"), undefined, 1)
      assert.deepStrictEqual(exit, Exit.succeed("value"))
      assert.strictEqual(span.name, "get 10.0.0.1:11311")
      assert.strictEqual(span.kind, "client")
      assert.deepStrictEqual(attributes, {
        "db.system.name": "memcached",
        "db.operation.name": "get",
        ...SERVER,
        "memcached.hits": 1
      })
    }))

  it.effect("are one for a batch, with its size, and without a server where several are asked", () =>
    Effect.gen(function*() {
      const batch: Call = { operation: "get", server: undefined, keys: 30 }
      const { attributes, span } = yield* record(batch, Effect.succeed(20), undefined, 20)
      assert.strictEqual(span.name, "BATCH get")
      assert.deepStrictEqual(attributes, {
        "db.system.name": "memcached",
        "db.operation.name": "BATCH get",
        "db.operation.batch.size": 30,
        "memcached.hits": 20
      })
    }))

  it.effect("take a batch of one key for no batch", () =>
    Effect.gen(function*() {
      const { attributes, span } = yield* record({ ...GET, keys: 1 }, Effect.succeed(1))
      assert.strictEqual(span.name, "get 10.0.0.1:11311")
      assert.notProperty(attributes, "db.operation.batch.size")
    }))

  it.effect("are named by the client, where it has a name", () =>
    Effect.gen(function*() {
      const { attributes, span } = yield* record(GET, Effect.succeed(0), "sessions")
      assert.strictEqual(span.name, "get sessions")
      assert.strictEqual(attributes["db.namespace"], "sessions")
      assert.deepStrictEqual({ ...attributes, ...SERVER }, attributes)
    }))

  it.effect("say how a call failed", () =>
    Effect.gen(function*() {
      const error = MemcacheError.timeout({ server: "10.0.0.1:11311", outcome: "unknown", duration: 1000 })
      const { attributes, exit, span } = yield* record(GET, Effect.fail(error))
      assert.deepStrictEqual(exit, Exit.fail(error))
      assert.strictEqual(attributes["error.type"], "TimeoutError")
      assert.notProperty(attributes, "db.response.status_code")
      assert.notProperty(attributes, "memcached.hits")
      assert.isTrue(span.status._tag === "Ended" && Exit.isFailure(span.status.exit))
    }))

  it.effect("have the status of an error line", () =>
    Effect.gen(function*() {
      const command = { _tag: "Version" } as const
      const error = rejection(
        { _tag: "ServerError", message: "out of memory storing object" },
        command,
        "10.0.0.1:11311"
      )
      const { attributes } = yield* record(GET, Effect.fail(error))
      assert.strictEqual(attributes["error.type"], "OutOfMemoryError")
      assert.strictEqual(attributes["db.response.status_code"], "SERVER_ERROR")
    }))

  it.effect("end with the call that is interrupted, when it is", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recorder()
      const fiber = yield* Effect.forkScoped(
        Effect.provideService(new Spans(undefined).around(GET, () => Effect.never), Tracer.Tracer, tracer),
        { startImmediately: true }
      )
      assert.strictEqual(spans[0].status._tag, "Started")
      yield* TestClock.adjust(250)
      yield* Fiber.interrupt(fiber)
      const { attributes, status } = spans[0]
      assert.strictEqual(status._tag, "Ended")
      if (status._tag !== "Ended") return
      assert.isTrue(Exit.hasInterrupts(status.exit))
      assert.strictEqual(status.endTime - status.startTime, 250_000_000n)
      assert.isFalse(attributes.has("error.type"))
    }))

  it.effect("show the tracer nothing of what a call answers, and of its failures only our own errors", () =>
    Effect.gen(function*() {
      const endOf = Effect.fnUntraced(function*(run: Effect.Effect<string, unknown>) {
        const { attributes, exit, span } = yield* record(GET, run)
        assert.strictEqual(span.status._tag, "Ended")
        const shown = span.status._tag === "Ended" ? span.status.exit : undefined
        return { exit, shown, errorType: attributes["error.type"] }
      })
      const answered = yield* endOf(Effect.succeed("VALUE"))
      assert.deepStrictEqual(answered.shown, Exit.void)
      // What goes on in the error channel need not be an error.
      const handedOn = yield* endOf(Effect.fail({ value: "VALUE" }))
      assert.deepStrictEqual([handedOn.shown, handedOn.errorType], [Exit.void, undefined])
      assert.deepStrictEqual(handedOn.exit, Exit.fail({ value: "VALUE" }))
      const thrown = yield* endOf(Effect.die(new Error("cannot read VALUE")))
      assert.isTrue(thrown.shown !== undefined && Exit.hasDies(thrown.shown))
      assert.notInclude(JSON.stringify(thrown.shown), "VALUE")
      assert.strictEqual(thrown.errorType, "defect")
      assert.isTrue(Exit.hasDies(thrown.exit))
    }))

  it.effect("have no times where Effect's spans have none", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust(5)
      const timed = yield* record(GET, Effect.succeed(1))
      const untimed = yield* Effect.provideService(
        record(GET, Effect.succeed(1)),
        References.TracerTimingEnabled,
        false
      )
      const ends = [timed, untimed].map(({ span: { status } }) => status._tag === "Ended" ? status.endTime : undefined)
      assert.deepStrictEqual(ends, [5_000_000n, 0n])
    }))

  it.effect("have the span of the caller as their parent", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recorder()
      yield* new Spans(undefined).around(GET, () => Effect.succeed(1)).pipe(
        Effect.withSpan("handler"),
        Effect.provideService(Tracer.Tracer, tracer)
      )
      assert.deepStrictEqual(spans.map(({ name }) => name), ["handler", "get 10.0.0.1:11311"])
      const parent = spans[1].parent
      assert.strictEqual(parent._tag === "Some" ? parent.value.spanId : "none", spans[0].spanId)
    }))

  it.effect("are wanted where a tracer is provided, and not switched off", () =>
    Effect.gen(function*() {
      const traced = Effect.withFiber((fiber) => Effect.succeed(isTraced(fiber)))
      const { tracer } = recorder()
      assert.isFalse(yield* traced)
      assert.isTrue(yield* Effect.provideService(traced, Tracer.Tracer, tracer))
      assert.isFalse(
        yield* traced.pipe(
          Effect.provideService(Tracer.Tracer, tracer),
          Effect.provideService(References.TracerEnabled, false)
        )
      )
    }))
})
