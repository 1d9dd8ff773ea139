import type { Options } from "@effect-memcache/client/Transcoder"
import * as Transcoder from "@effect-memcache/client/Transcoder"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const made = (name: Transcoder.Name, options?: Options): Transcoder.Transcoder =>
  Result.getOrThrowWith(Transcoder.make(name, options), (error) => error)

const settle = <A>(
  coding: Result.Result<A, Transcoder.TranscodeFault> | Effect.Effect<A, Transcoder.TranscodeFault>
): Effect.Effect<A, Transcoder.TranscodeFault> => Effect.isEffect(coding) ? coding : Effect.fromResult(coding)

/** A value that each transcoder can write, and which is larger than all of them compress. */
const large = "żółw 0123456789 ".repeat(4000)

describe("every transcoder", () => {
  it("is known by its client's name, alone and with its variants", () => {
    assert.sameMembers([...Transcoder.names], [
      "standard",
      "python-memcached",
      "python-memcached/1.54-1.58",
      "python-memcached/1.43",
      "pymemcache",
      "pymemcache/no-serde",
      "pylibmc",
      "php-memcached",
      "dalli",
      "dalli/json",
      "spymemcached",
      "spymemcached/whalin",
      "npm-memcached",
      "memjs",
      "bytes",
      "text",
      "json"
    ])
  })

  it.effect.each(Transcoder.names)("%s reads a large value that it wrote", (name) =>
    Effect.gen(function*() {
      const transcoder = made(name)
      const value = name === "bytes" ? new Uint8Array(Buffer.from(large)) : large
      const { bytes, flags } = yield* settle(transcoder.encode(value))
      const back = yield* settle(transcoder.decode(bytes, flags))
      assert.deepStrictEqual(back instanceof Uint8Array ? Buffer.from(back).toString() : back, large)
    }))

  it.effect.prop("answers whatever it is given, and never throws", [
    Schema.Literals(Transcoder.names),
    Schema.Uint8Array,
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff })),
    Schema.Unknown
  ], ([name, bytes, flags, value]) =>
    Effect.gen(function*() {
      const transcoder = made(name)
      for (const low of [flags, flags & 0xff, flags & 0xf]) yield* Effect.result(settle(transcoder.decode(bytes, low)))
      const written = yield* Effect.result(settle(transcoder.encode(value)))
      if (Result.isSuccess(written)) {
        yield* settle(transcoder.decode(written.success.bytes, written.success.flags)).pipe(
          Effect.catch((fault) => Effect.sync(() => assert.include(["text", "string"], fault.format)))
        )
      }
    }))

  it.effect.each(Transcoder.names.filter((name) => name !== "standard"))(
    "%s guesses at no unknown flags",
    (name) =>
      Effect.gen(function*() {
        const fault = yield* Effect.flip(settle(made(name).decode(Buffer.from("1"), 0xfff7)))
        assert.deepInclude(fault, { format: "unknown" })
        assert.isUndefined(fault.isForeign)
      })
  )
})

describe("options", () => {
  const refused: ReadonlyArray<readonly [name: Transcoder.Name, options: unknown, option: string, detail: RegExp]> = [
    ["toString" as Transcoder.Name, {}, "transcoder", /one of "standard"/],
    ["dalli", null, "transcoder", /object/],
    ["pylibmc", { strings: "text" }, "transcoder.strings", /is not for pylibmc/],
    ["dalli", { flags: 1 }, "transcoder.flags", /is not for dalli/],
    ["memjs", { userFlags: 1 }, "transcoder.userFlags", /is not for memjs/],
    ["memjs", { strings: "utf8" }, "transcoder.strings", /"text" or "bytes", not "utf8"/],
    ["text", { flags: -1 }, "transcoder.flags", /0 to 4294967295, not -1/],
    ["php-memcached", { userFlags: 65_536 }, "transcoder.userFlags", /0 to 65535/],
    ["php-memcached", { maxInflatedSize: 0 }, "transcoder.maxInflatedSize", /from 1/],
    ["php-memcached", { compression: true }, "transcoder.compression", /false or an object/],
    ["php-memcached", { compression: { codec: "gzip" } }, "transcoder.compression.codec", /"zstd" for php/],
    ["php-memcached", { compression: { level: 3 } }, "transcoder.compression.level", /left out for fastlz/],
    ["php-memcached", { compression: { threshold: -1 } }, "transcoder.compression.threshold", /0 or more/],
    ["spymemcached", { compression: { codec: "zlib" } }, "transcoder.compression.codec", /must be "gzip"/],
    ["npm-memcached", { compression: {} }, "transcoder.compression", /compresses nothing/]
  ]
  it.each(refused)("of %s that cannot be are refused: %o", (name, options, option, detail) => {
    const answer = Transcoder.make(name, options as Options)
    const error = Result.isFailure(answer) ? answer.failure : assert.fail("is no fault")
    assert.strictEqual(error.option, option)
    assert.match(error.detail, detail)
  })

  it.effect("of a call are checked against what the transcoder has", () =>
    Effect.gen(function*() {
      const php = made("php-memcached")
      assert.isUndefined(php.check?.({ codec: "zlib", level: 9 }))
      assert.deepInclude(php.check?.({ codec: "gzip" }), { option: "codec" })
      assert.deepInclude(made("memjs").check?.({}), { option: "codec" })
      const flagsOf = (compression: Transcoder.EncodeOptions["compression"]) =>
        Effect.map(settle(php.encode(large, { compression })), ({ flags }) => flags)
      assert.deepStrictEqual(
        [yield* flagsOf(undefined), yield* flagsOf({ codec: "zlib" }), yield* flagsOf({ codec: "zstd" })],
        [0x50, 0x30, 0x90]
      )
      assert.strictEqual(yield* flagsOf(false), 0)
      assert.strictEqual(yield* flagsOf({ threshold: 1_000_000 }), 0)
    }))

  it.effect("bound what comes out of a compressed item, in every codec", () =>
    Effect.gen(function*() {
      const cases = [
        ["php-memcached", "fastlz"],
        ["php-memcached", "zlib"],
        ["php-memcached", "zstd"],
        ["dalli", "zlib"],
        ["dalli", "gzip"],
        ["spymemcached", "gzip"],
        ["pylibmc", "zlib"]
      ] as const
      for (const [name, codec] of cases) {
        const { bytes, flags } = yield* settle(made(name, { compression: { codec } }).encode(large))
        const size = Buffer.byteLength(large)
        assert.strictEqual(yield* settle(made(name, { maxInflatedSize: size }).decode(bytes, flags)), large)
        const fault = yield* Effect.flip(settle(made(name, { maxInflatedSize: size - 1 }).decode(bytes, flags)))
        assert.match(fault.detail, /inflates to more than/)
      }
    }))

  it.effect("never let anything be compressed that could not be read again", () =>
    Effect.gen(function*() {
      const transcoder = made("php-memcached", { maxInflatedSize: 1000 })
      assert.deepInclude(yield* settle(transcoder.encode(large)), { flags: 0 })
    }))
})

it("names and options are those of the types", () => {
  // @ts-expect-error there is no transcoder of this name
  assert.isTrue(Result.isFailure(Transcoder.make("pickle")))
  // @ts-expect-error nobody has a codec of this name
  assert.isTrue(Result.isFailure(Transcoder.make("php-memcached", { compression: { codec: "lz4" } })))
  // @ts-expect-error strings are text or bytes
  assert.isTrue(Result.isFailure(Transcoder.make("php-memcached", { strings: "utf8" })))
})
