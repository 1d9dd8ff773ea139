import { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { Reason } from "@effect-memcache/transport/MemcacheErrorReason"
import type { Outcome } from "@effect-memcache/transport/Outcome"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import { expectTypeOf } from "vitest"

const where = { server: "cache1:11211", command: "get" }
const secret = "correct horse battery staple"
const bytes = new TextEncoder().encode(secret)

const all: ReadonlyArray<readonly [tag: Reason["_tag"], error: MemcacheError, outcome: Outcome, isRetryable: boolean]> =
  [
    ["ConnectError", MemcacheError.connect(where), "not-sent", true],
    ["ConnectionLostError", MemcacheError.connectionLost({ ...where, outcome: "unknown" }), "unknown", false],
    ["ConnectionLostError", MemcacheError.connectionLost({ ...where, outcome: "not-sent" }), "not-sent", true],
    ["TimeoutError", MemcacheError.timeout({ ...where, outcome: "unknown", duration: 250 }), "unknown", false],
    ["TimeoutError", MemcacheError.timeout({ ...where, outcome: "not-sent", duration: 250 }), "not-sent", true],
    ["OverloadedError", MemcacheError.overloaded(where), "not-sent", true],
    ["NoServerError", MemcacheError.noServer({ command: "get" }), "not-sent", true],
    ["ServerDeadError", MemcacheError.serverDead({ ...where, retryAfter: Duration.seconds(2) }), "not-sent", true],
    ["ServerError", MemcacheError.serverError({ ...where, detail: "busy" }), "rejected", false],
    ["ValueTooLargeError", MemcacheError.valueTooLarge(where), "rejected", false],
    ["ValueTooLargeError", MemcacheError.valueTooLarge({ ...where, outcome: "not-sent" }), "not-sent", false],
    ["OutOfMemoryError", MemcacheError.outOfMemory(where), "rejected", false],
    ["NotNumberError", MemcacheError.notNumber(where), "rejected", false],
    ["UnsupportedError", MemcacheError.unsupported(where), "not-sent", false],
    ["ClientError", MemcacheError.clientError({ ...where, detail: "bad data chunk" }), "rejected", false],
    ["ProtocolError", MemcacheError.protocol(where), "unknown", false],
    ["AuthenticationError", MemcacheError.authentication(where), "not-sent", false],
    ["TlsError", MemcacheError.tls(where), "not-sent", false],
    ["EncodeError", MemcacheError.encode({ command: "set" }), "not-sent", false],
    ["DecodeError", MemcacheError.decode({ ...where, format: "pickle", flags: 1, bytes }), "done", false]
  ]

describe("every reason", () => {
  it("has a short constructor", () => {
    const tags = new Set(all.map(([tag]) => tag))
    expectTypeOf<Reason["_tag"]>().toEqualTypeOf(all[0][0])
    assert.strictEqual(tags.size, 17)
  })

  it.each(all)("%s says its outcome and whether a retry can help", (tag, error, outcome, isRetryable) => {
    assert.strictEqual(error.reason._tag, tag)
    assert.strictEqual(error.outcome, outcome)
    assert.strictEqual(error.isRetryable, isRetryable)
    assert.strictEqual(error.reason.isRetryable, isRetryable)
    assert.isTrue(isMemcacheError(error))
  })

  it.each(all)("%s has a sentence that names the server and the command", (tag, error) => {
    assert.match(error.message, /^[A-Z].*\.$/s)
    assert.strictEqual(error.message, error.reason.message)
    assert.notMatch(error.message, /undefined|\[object|Option|: \.|\(\)/)
    const isOwnLimit = tag === "ValueTooLargeError" && error.outcome === "not-sent"
    if (Option.isSome(error.server) && !isOwnLimit) assert.include(error.message, "cache1:11211")
    if (!["ConnectError", "AuthenticationError", "TlsError"].includes(tag)) assert.match(error.message, /\b[gs]et\b/)
  })

  it.each(all)("%s survives its schema", (_, error) => {
    const codec = Schema.toCodecJson(MemcacheError)
    const back = Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(error))))
    assert.strictEqual(back.message, error.message)
    assert.strictEqual(back.isRetryable, error.isRetryable)
  })
})

describe("MemcacheError", () => {
  it.effect("is caught by its reason", () =>
    Effect.gen(function*() {
      const failing: Effect.Effect<string, MemcacheError> = Effect.fail(
        MemcacheError.timeout({ ...where, outcome: "unknown", duration: Duration.millis(250) })
      )
      const caught = yield* failing.pipe(
        Effect.catchReason("MemcacheError", "TimeoutError", (reason) => {
          expectTypeOf(reason.duration).toEqualTypeOf<Duration.Duration>()
          return Effect.succeed(Duration.toMillis(reason.duration))
        })
      )
      assert.strictEqual(caught, 250)
    }))

  it("says how long it waited and when a dead server is tried again", () => {
    const timeout = MemcacheError.timeout({ ...where, outcome: "unknown", duration: 250 })
    assert.strictEqual(
      timeout.message,
      "No answer to get from cache1:11211 within 250ms. The server may have carried it out. " +
        "If the server is only slow, raise commandTimeout."
    )
    const dead = MemcacheError.serverDead({ ...where, retryAfter: 1500 })
    assert.include(dead.message, "probed again in 1s 500ms")
  })

  it("says the system's code when it is not told more", () => {
    const system = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" })
    const error = MemcacheError.connect({ server: "cache1:11211", cause: new Error("outer", { cause: system }) })
    assert.strictEqual(
      error.message,
      "Cannot connect to cache1:11211: ECONNREFUSED. Check that memcached runs there and can be reached."
    )
    assert.strictEqual((error.reason.cause as Error).message, "outer")
  })

  it("says the innermost message when there is no code", () => {
    const error = MemcacheError.connect({ ...where, cause: new Error("outer", { cause: new Error("inner") }) })
    assert.include(error.message, "cache1:11211: inner.")
  })

  it("does not let a server write control characters or endless texts into a log", () => {
    const error = MemcacheError.serverError({ ...where, detail: `\u001b[31m\r\nforged ${"x".repeat(5000)}` })
    assert.include(error.message, "SERVER_ERROR ?[31m??forged xxx")
    assert.isBelow(error.message.length, 450)
  })

  it("shows its sentence and its reason once", () => {
    const error = MemcacheError.overloaded(where)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(error)), {
      _tag: "MemcacheError",
      message: error.message,
      reason: JSON.parse(JSON.stringify(error.reason))
    })
    assert.include(inspect(error), "Too much is in flight")
  })

  it("restores the stack trace limit", () => {
    const limit = Error.stackTraceLimit
    const error = MemcacheError.overloaded(where)
    assert.strictEqual(Error.stackTraceLimit, limit)
    assert.include(error.stack, "MemcacheError.test.ts")
    assert.throws(() => MemcacheError.decode({ format: 1 as never, flags: 1, bytes }))
    assert.strictEqual(Error.stackTraceLimit, limit)
  })

  it("has no trace of a dead server's commands, which fail in great numbers", () => {
    const limit = Error.stackTraceLimit
    const error = MemcacheError.serverDead({ ...where, retryAfter: 300 })
    assert.strictEqual(Error.stackTraceLimit, limit)
    assert.strictEqual(error.stack, `effect-memcache/MemcacheError: ${error.message}`)
  })
})

describe("a value in an error", () => {
  const issue = new Error(secret)
  const decode = MemcacheError.decode({ ...where, format: "json", flags: 32, bytes, issue })
  const encode = MemcacheError.encode({ command: "set", detail: "it holds a function", issue })

  it("is there for the program", () => {
    if (decode.reason._tag !== "DecodeError" || encode.reason._tag !== "EncodeError") return assert.fail("wrong reason")
    assert.strictEqual(decode.reason.bytes, bytes)
    assert.strictEqual(decode.reason.issue, issue)
    assert.strictEqual(encode.reason.issue, issue)
    assert.strictEqual(decode.reason.format, "json")
    assert.strictEqual(decode.reason.flags, 32)
  })

  it.each([decode, encode, decode.reason, encode.reason])("is printed nowhere", (error) => {
    const printed = [
      String(error),
      JSON.stringify(error),
      inspect(error),
      inspect(error, { depth: Infinity, showHidden: true, getters: true }),
      error.stack,
      JSON.stringify(Object.getOwnPropertyDescriptors(error)),
      JSON.stringify({ ...error }),
      Cause.pretty(Cause.fail(error))
    ].join("\n")
    assert.notInclude(printed, secret)
    assert.notInclude(printed, String(bytes[0]) + ", " + String(bytes[1]))
    for (const name of Reflect.ownKeys(error)) {
      assert.notInclude([bytes, issue], Reflect.get(error, name), `in the property ${String(name)}`)
    }
  })
})
