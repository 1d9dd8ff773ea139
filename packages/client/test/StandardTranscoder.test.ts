import { FLAGS, make, standard } from "@effect-memcache/client/StandardTranscoder"
import type { Encoded, EncodeOptions, TranscodeFault, Transcoder } from "@effect-memcache/client/Transcoder"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { brotliCompressSync, deflateSync, gunzipSync } from "node:zlib"

const settle = <A>(
  outcome: Result.Result<A, TranscodeFault> | Effect.Effect<A, TranscodeFault>
): Effect.Effect<Result.Result<A, TranscodeFault>> =>
  Effect.isEffect(outcome) ? Effect.result(outcome) : Effect.succeed(outcome)

const encode = (
  value: unknown,
  options?: EncodeOptions,
  transcoder: Transcoder = standard
): Effect.Effect<Encoded, TranscodeFault> =>
  Effect.flatMap(settle(transcoder.encode(value, options)), (result) => Effect.fromResult(result))

const decode = (
  bytes: Uint8Array,
  flags: number,
  transcoder: Transcoder = standard
): Effect.Effect<unknown, TranscodeFault> =>
  Effect.flatMap(settle(transcoder.decode(bytes, flags)), (result) => Effect.fromResult(result))

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8")

const now = <A>(outcome: Result.Result<A, TranscodeFault> | Effect.Effect<A, TranscodeFault>): A =>
  Effect.isEffect(outcome)
    ? assert.fail("had to wait")
    : Result.getOrThrowWith(outcome, (fault) => new Error(fault.detail))

describe("a value is written as", () => {
  const table: ReadonlyArray<readonly [name: string, value: unknown, flags: number, written: string]> = [
    ["text", "żółw", 16, "żółw"],
    ["empty text", "", 16, ""],
    ["text that looks like a number", "42", 16, "42"],
    ["an integer", 42, 2, "42"],
    ["a negative integer", -7, 2, "-7"],
    ["zero", 0, 2, "0"],
    ["the largest safe integer", Number.MAX_SAFE_INTEGER, 2, "9007199254740991"],
    ["a bigint", 2n ** 64n, 2, "18446744073709551616"],
    ["a small bigint", 5n, 2, "5"],
    ["an unsafe integer", 2 ** 53, 64, "9007199254740992"],
    ["a large number", 1e21, 64, "1e+21"],
    ["a fraction", 0.1, 64, "0.1"],
    ["the smallest number", 5e-324, 64, "5e-324"],
    ["NaN", Number.NaN, 64, "NaN"],
    ["infinity", Infinity, 64, "Infinity"],
    ["negative infinity", -Infinity, 64, "-Infinity"],
    ["negative zero", -0, 64, "-0"],
    ["true", true, 128, "true"],
    ["false", false, 128, "false"],
    ["null", null, 128, "null"],
    ["an object", { a: [1, "ü", null] }, 32, `{"a":[1,"ü",null]}`],
    ["an array", [], 32, "[]"],
    ["a Date, by its toJSON", new Date(0), 32, `"1970-01-01T00:00:00.000Z"`],
    ["bytes", utf8("\0\u0001"), 0, "\0\u0001"],
    ["a Buffer", Buffer.from("abc"), 0, "abc"]
  ]
  it.each(table)("%s", (_, value, flags, written) => {
    const encoded = now(standard.encode(value))
    assert.strictEqual(encoded.flags, flags)
    assert.strictEqual(text(encoded.bytes), written)
  })

  it.each(table)("%s, which is read back as what it was", (_, value, flags) => {
    const { bytes } = now(standard.encode(value))
    const back = now(standard.decode(bytes, flags))
    if (value instanceof Date) return assert.strictEqual(back, value.toJSON())
    if (value === 5n) return assert.strictEqual(back, 5)
    if (value instanceof Uint8Array) return assert.deepStrictEqual(back, new Uint8Array(value))
    assert.deepStrictEqual(back, value)
    assert.isTrue(Object.is(back, value) || typeof value === "object")
  })
})

describe("a value is not written if it is", () => {
  const cycle: Record<string, unknown> = {}
  cycle["secretProperty"] = cycle
  let deep: Array<unknown> = []
  for (let i = 0; i < 100_000; i++) deep = [deep]
  const table: ReadonlyArray<readonly [name: string, value: unknown, format: string, detail: RegExp]> = [
    ["undefined", undefined, "unknown", /undefined/],
    ["a function", () => 1, "unknown", /function/],
    ["a symbol", Symbol("secretSymbol"), "unknown", /symbol/],
    ["text with half a surrogate pair", "a\ud800b", "text", /surrogate/],
    ["an object with a bigint", { a: 1n }, "json", /bigint/],
    ["a cycle", cycle, "json", /itself/],
    ["nested too deeply", deep, "json", /deeply/],
    ["a Map", new Map(), "json", /Map/],
    ["a Set", new Set(), "json", /Set/],
    ["an Error", new Error("secret"), "json", /Error/],
    ["a RegExp", /secret/, "json", /RegExp/],
    ["a Promise", Promise.resolve(), "json", /Promise/],
    ["an ArrayBuffer", new ArrayBuffer(1), "json", /ArrayBuffer/],
    ["an array of floats", new Float64Array(1), "json", /Float64Array/],
    [
      "an object whose toJSON throws",
      {
        toJSON: () => {
          throw new Error("secret")
        }
      },
      "json",
      /toJSON/
    ],
    ["an object whose toJSON answers nothing", { toJSON: () => undefined }, "json", /undefined/],
    [
      "a proxy that throws",
      new Proxy({}, {
        get: () => {
          throw new Error("secret")
        }
      }),
      "json",
      /getter/
    ]
  ]
  it.each(table)("%s", (_, value, format, detail) => {
    const outcome = standard.encode(value)
    if (Effect.isEffect(outcome) || Result.isSuccess(outcome)) return assert.fail("was written")
    assert.strictEqual(outcome.failure.format, format)
    assert.match(outcome.failure.detail, detail)
    assert.notMatch(outcome.failure.detail, /secret/)
  })
})

describe("an item is not read if it is", () => {
  const bomb = deflateSync(Buffer.alloc(420_000_000), { level: 9 })
  const table: ReadonlyArray<
    readonly [name: string, bytes: Uint8Array, flags: number, format: string, detail: RegExp]
  > = [
    ["a pickle", utf8("I01\n."), 1, "pickle", /never decoded/],
    ["a compressed pickle", deflateSync(utf8("I01\n.")), 9, "pickle", /never decoded/],
    ["a long of Python 2", utf8("5"), 4, "python-long", /nothing here reads/],
    ["the manifest of a large value", utf8("1 a 1 1 0 0"), 32768, "large-value", /LargeValues reads it/],
    ["of unknown flags", utf8("x"), 3, "unknown", /nothing here reads/],
    ["of two kinds at once", utf8("1"), 18, "unknown", /nothing here reads/],
    ["of the largest flags", utf8("x"), 4294967295, "unknown", /nothing here reads/],
    ["of a high bit", utf8("x"), 2 ** 31 + 16, "unknown", /nothing here reads/],
    ["no UTF-8", new Uint8Array([0x61, 0xff]), 16, "text", /no UTF-8/],
    ["an encoded surrogate", new Uint8Array([0xed, 0xa0, 0x80]), 16, "text", /no UTF-8/],
    ["no integer", utf8("12a"), 2, "integer", /no decimal/],
    ["an empty integer", utf8(""), 2, "integer", /no decimal/],
    ["blanks", utf8("  "), 2, "integer", /no decimal/],
    ["an integer with a line end", utf8("1\n"), 2, "integer", /no decimal/],
    ["a hexadecimal integer", utf8("0x10"), 2, "integer", /no decimal/],
    ["an endless integer", Buffer.alloc(100_001, "9"), 2, "integer", /no decimal/],
    ["no number", utf8("1,5"), 64, "float", /no number/],
    ["an empty number", utf8(""), 64, "float", /no number/],
    ["no literal", utf8("True"), 128, "literal", /neither/],
    ["no JSON", utf8("{secret"), 32, "json", /no JSON/],
    ["JSON that is no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), 32, "json", /no UTF-8/],
    ["JSON with Ruby's NaN", utf8("[NaN]"), 32, "json", /no JSON/],
    ["compressed and damaged", utf8("garbage"), 24, "text", /damaged/],
    ["compressed and cut", deflateSync(utf8("hello")).subarray(0, 8), 24, "text", /damaged/],
    ["compressed and empty", utf8(""), 24, "text", /damaged/],
    ["compressed by brotli", brotliCompressSync(utf8("hello")), 24, "text", /damaged/],
    ["large, compressed and damaged", randomBytes(20_000), 24, "text", /damaged/],
    ["a bomb", bomb, 8, "bytes", /more than 8388608/]
  ]
  it.effect.each(table)("%s", ([, bytes, flags, format, detail]) =>
    Effect.gen(function*() {
      const fault = yield* Effect.flip(decode(bytes, flags))
      assert.strictEqual(fault.format, format)
      assert.match(fault.detail, detail)
      assert.notMatch(fault.detail, /secret/)
    }))

  it.effect("a small bomb", () =>
    Effect.gen(function*() {
      const small = deflateSync(Buffer.alloc(10_000_000), { level: 9 })
      assert.isBelow(small.length, 16_384)
      assert.match((yield* Effect.flip(decode(small, 24))).detail, /more than 8388608/)
      assert.match((yield* Effect.flip(decode(small, 24, make({ maxInflatedSize: 1000 })))).detail, /more than 1000/)
    }))
})

describe("compression", () => {
  const long = "abc".repeat(1000)

  it.effect("makes long values smaller and says so in the flags", () =>
    Effect.gen(function*() {
      const values: ReadonlyArray<readonly [value: unknown, flags: number]> = [
        [long, 24],
        ["é".repeat(1_000_000), 24],
        [{ long }, 40],
        [Buffer.alloc(3000), 8]
      ]
      for (const [value, flags] of values) {
        const encoded = yield* encode(value)
        assert.strictEqual(encoded.flags, flags)
        assert.isBelow(encoded.bytes.length, 2000)
        const back = yield* decode(encoded.bytes, encoded.flags)
        assert.deepStrictEqual(back, value instanceof Uint8Array ? new Uint8Array(value) : value)
      }
    }))

  it.effect("leaves alone what is short, an integer, or does not get smaller", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* encode("a".repeat(2000))).flags, 16)
      assert.strictEqual((yield* encode("a".repeat(2001))).flags, 24)
      assert.strictEqual((yield* encode(10n ** 5000n)).flags, 2)
      assert.strictEqual((yield* encode(randomBytes(3000))).flags, 0)
      assert.strictEqual((yield* encode(randomBytes(100_000))).flags, 0)
    }))

  it.effect("never writes what the same transcoder would refuse to read", () =>
    Effect.gen(function*() {
      const small = make({ maxInflatedSize: 5000 })
      assert.strictEqual((yield* encode("a".repeat(5000), {}, small)).flags, 24)
      assert.strictEqual((yield* encode("a".repeat(5001), {}, small)).flags, 16)
    }))

  it.effect("can be chosen for all calls and for one", () =>
    Effect.gen(function*() {
      const off = make({ compression: false })
      assert.strictEqual((yield* encode(long, {}, off)).flags, 16)
      assert.strictEqual((yield* encode(long, { compression: {} }, off)).flags, 24)
      assert.strictEqual((yield* encode(long, { compression: false })).flags, 16)
      assert.strictEqual((yield* encode("a".repeat(50), { compression: { threshold: 49 } })).flags, 24)
      assert.strictEqual((yield* encode(long, {}, make({ compression: { threshold: 5000 } }))).flags, 16)
    }))

  it.effect("says in the flags by what, and all of it is read whatever is written now", () =>
    Effect.gen(function*() {
      const codecs = [["zlib", 8], ["gzip", 264], ["brotli", 520], ["zstd", 776]] as const
      for (const [codec, added] of codecs) {
        const values: ReadonlyArray<readonly [value: unknown, flags: number]> = [
          [long, 16],
          ["é".repeat(1_000_000), 16],
          [{ long }, 32],
          [Buffer.alloc(3000), 0]
        ]
        for (const [value, flags] of values) {
          const encoded = yield* encode(value, {}, make({ compression: { codec } }))
          assert.strictEqual(encoded.flags, flags + added)
          assert.isBelow(encoded.bytes.length, 2000)
          const back = yield* decode(encoded.bytes, encoded.flags, make({ compression: false }))
          assert.deepStrictEqual(back, value instanceof Uint8Array ? new Uint8Array(value) : value)
          for (const [, other] of codecs) {
            if (other === added) continue
            assert.match((yield* Effect.flip(decode(encoded.bytes, flags + other))).detail, /damaged|window/)
          }
        }
        const bomb = (yield* encode("a".repeat(8_388_608), { compression: { codec } })).bytes
        assert.strictEqual(yield* decode(bomb, 16 + added), "a".repeat(8_388_608))
        const refused = yield* Effect.flip(decode(bomb, 16 + added, make({ maxInflatedSize: 8_388_607 })))
        assert.match(refused.detail, /more than 8388607/)
      }
    }))

  it.effect("reads no flags that name a codec of an item that is not compressed", () =>
    Effect.gen(function*() {
      for (const codec of [256, 512, 768]) {
        for (const kind of [0, 2, 16, 32, 64, 128]) {
          assert.strictEqual((yield* Effect.flip(decode(utf8("1"), kind + codec))).format, "unknown")
        }
      }
    }))

  it.effect("of one call leaves the rest as it is for all", () =>
    Effect.gen(function*() {
      const zstd = make({ compression: { codec: "zstd", threshold: 5000 } })
      assert.strictEqual((yield* encode(long, {}, zstd)).flags, 16)
      assert.strictEqual((yield* encode(long, { compression: { threshold: 100 } }, zstd)).flags, 16 + 776)
      assert.strictEqual(
        (yield* encode(long, { compression: { threshold: 100, codec: "gzip" } }, zstd)).flags,
        16 + 264
      )
    }))

  it("knows the levels of its own codec", () => {
    const zstd = make({ compression: { codec: "zstd" } })
    assert.isUndefined(zstd.check!({ level: 22 }))
    assert.strictEqual(zstd.check!({ level: 22, codec: "gzip" })?.option, "level")
    assert.strictEqual(standard.check!({ level: 22 })?.detail, "must be a whole number from 1 to 9 for zlib")
    assert.strictEqual(make({ compression: false }).check!({ level: 22 })?.option, "level")
  })

  it.effect("survives a level that a cast let in", () =>
    Effect.gen(function*() {
      for (const level of [99, Number.NaN, "9" as never]) {
        assert.strictEqual((yield* encode(long, { compression: { level } })).flags, 24)
        assert.strictEqual((yield* encode("a".repeat(50_000), { compression: { level } })).flags, 24)
      }
    }))
})

describe("what is read", () => {
  it("is a copy", () => {
    const chunk = Buffer.from("....value....")
    const value = now(standard.decode(chunk.subarray(4, 9), FLAGS.bytes)) as Uint8Array
    chunk.fill(0)
    assert.deepStrictEqual(value, utf8("value"))
    assert.strictEqual(value.buffer.byteLength, 5)
  })

  it.effect("is a copy also where inflating takes its time", () =>
    Effect.gen(function*() {
      const value = randomBytes(30_000).toString("latin1")
      const chunk = deflateSync(utf8(value))
      const outcome = standard.decode(chunk, FLAGS.text | FLAGS.compressed)
      assert.isTrue(Effect.isEffect(outcome))
      chunk.fill(0)
      assert.deepStrictEqual(yield* settle(outcome), Result.succeed(value))
    }))

  const integers: ReadonlyArray<readonly [written: string, value: number | bigint]> = [
    ["9 ", 9],
    ["0  ", 0],
    ["-0", 0],
    ["+5", 5],
    ["012", 12],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["9007199254740993", 9007199254740993n],
    ["-9007199254740993", -9007199254740993n],
    ["+18446744073709551616 ", 18446744073709551616n]
  ]
  it.each(integers)("is, of the integer %j, exact", (written, value) => {
    assert.isTrue(Object.is(now(standard.decode(utf8(written), FLAGS.integer)), value))
  })

  it("keeps a byte order mark and a stored replacement character", () => {
    for (const value of ["\ufeffa", "a\ufffdb", "\ufffd"]) {
      assert.strictEqual(now(standard.decode(utf8(value), FLAGS.text)), value)
    }
  })

  it("pollutes no prototype", () => {
    const value = now(standard.decode(utf8(`{"__proto__":{"polluted":true},"a":1}`), FLAGS.json)) as { a: number }
    assert.strictEqual(value.a, 1)
    assert.isUndefined(({} as { polluted?: boolean }).polluted)
    assert.strictEqual(Object.getPrototypeOf(value), Object.prototype)
  })

  it.effect.prop(
    "is what JSON makes of what was written",
    [Schema.Array(Schema.Json)],
    ([value]) =>
      Effect.gen(function*() {
        const { bytes, flags } = yield* encode(value, { compression: { threshold: 10 } })
        assert.deepStrictEqual(yield* decode(bytes, flags), JSON.parse(JSON.stringify(value)))
      }),
    { arbitrary: { runs: 300 } }
  )

  // @effect-diagnostics-next-line schemaNumber:off
  it.prop("is the same number", [Schema.Number], ([value]) => {
    const { bytes, flags } = now(standard.encode(value))
    assert.isTrue(Object.is(now(standard.decode(bytes, flags)), value))
  })

  it.prop("is the same integer", [Schema.BigInt], ([value]) => {
    const { bytes, flags } = now(standard.encode(value))
    const back = now(standard.decode(bytes, flags))
    assert.strictEqual(BigInt(back as bigint), value)
    assert.strictEqual(typeof back === "number", Number.isSafeInteger(Number(value)))
  })

  it.effect.prop(
    "is the same text, which is refused if it is half a character",
    [Schema.String],
    ([value]) =>
      Effect.gen(function*() {
        const written = yield* settle(standard.encode(value, { compression: { threshold: 10 } }))
        if (!value.isWellFormed()) return assert.isTrue(Result.isFailure(written))
        const { bytes, flags } = Result.getOrThrow(written)
        assert.strictEqual(yield* decode(bytes, flags), value)
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect.prop(
    "is a value or a fault, whatever the server sends",
    [Schema.Uint8Array, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 260 }))],
    ([bytes, flags]) => Effect.asVoid(settle(standard.decode(bytes, flags)))
  )
})

describe("Python's clients", () => {
  const fixture: {
    readonly items: ReadonlyArray<{
      readonly clients: ReadonlyArray<string>
      readonly name: string
      readonly flags: number
      readonly bytes: string
      readonly type: "bytes" | "int" | "str" | "pickle"
      readonly value: string
    }>
  } = JSON.parse(gunzipSync(readFileSync(join(import.meta.dirname, "fixtures/python-values.json.gz"))).toString("utf8"))

  it("have left items of every kind", () => {
    assert.isAbove(fixture.items.length, 50)
    assert.deepStrictEqual([...new Set(fixture.items.map((item) => item.flags))].sort((a, b) => a - b), [
      0,
      1,
      2,
      8,
      9,
      16,
      24
    ])
  })

  it.effect.each(fixture.items)("$name, flags $flags, is read as $type", (item) =>
    Effect.gen(function*() {
      const bytes = Buffer.from(item.bytes, "base64")
      const result = yield* settle(standard.decode(bytes, item.flags))
      if (item.type === "pickle") {
        return assert.isTrue(Result.isFailure(result) && result.failure.format === "pickle")
      }
      const value = Result.getOrThrowWith(result, (fault) => new Error(fault.detail))
      if (item.type === "int") return assert.strictEqual(BigInt(value as number), BigInt(item.value))
      if (item.type === "str") assert.strictEqual(value, item.value)
      else assert.deepStrictEqual(value, new Uint8Array(Buffer.from(item.value, "base64")))
    }))

  it.effect.each(fixture.items.filter((item) => item.type !== "pickle" && (item.flags & 8) === 0))(
    "$name, flags $flags, is written the same",
    (item) =>
      Effect.gen(function*() {
        const bytes = Buffer.from(item.bytes, "base64")
        const value = item.type === "int" ? BigInt(item.value) : item.type === "str" ? item.value : bytes
        const encoded = yield* encode(value, { compression: false })
        assert.strictEqual(encoded.flags, item.flags)
        assert.deepStrictEqual(Buffer.from(encoded.bytes), bytes)
      })
  )
})
