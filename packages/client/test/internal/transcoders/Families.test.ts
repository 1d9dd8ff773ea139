/** What each format does beyond the vectors: its edges, its damages, and what it refuses. */
import type { Name, Options, TranscodeFault } from "@effect-memcache/client/Transcoder"
import { make } from "@effect-memcache/client/Transcoder"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const now = <A>(coding: Result.Result<A, TranscodeFault> | Effect.Effect<A, TranscodeFault>) =>
  Effect.isEffect(coding) ? assert.fail("had to wait") : coding

const transcoderOf = (name: Name, options?: Options) => Result.getOrThrowWith(make(name, options), (error) => error)

const write = (name: Name, value: unknown, options?: Options): readonly [flags: number, text: string] => {
  const { bytes, flags } = Result.getOrThrowWith(
    now(transcoderOf(name, options).encode(value)),
    (fault) => new Error(fault.detail)
  )
  return [flags, Buffer.from(bytes).toString("latin1")]
}

const read = (name: Name, flags: number, text: string, options?: Options): unknown =>
  Result.getOrThrowWith(
    now(transcoderOf(name, options).decode(Buffer.from(text, "latin1"), flags)),
    (fault) => new Error(fault.detail)
  )

const faultOfReading = (name: Name, flags: number, text: string, options?: Options): TranscodeFault => {
  const result = now(transcoderOf(name, options).decode(Buffer.from(text, "latin1"), flags))
  return Result.isFailure(result) ? result.failure : assert.fail("is no fault")
}

const faultOfWriting = (name: Name, value: unknown, options?: Options): TranscodeFault => {
  const result = now(transcoderOf(name, options).encode(value))
  return Result.isFailure(result) ? result.failure : assert.fail("is no fault")
}

const utf8 = (text: string): string => Buffer.from(text).toString("latin1")

describe("a value is written", () => {
  const rows: ReadonlyArray<readonly [name: Name, value: unknown, flags: number, text: string]> = [
    ["python-memcached/1.54-1.58", "ż", 0, utf8("ż")],
    ["python-memcached/1.54-1.58", true, 2, "1"],
    ["python-memcached/1.54-1.58", 2n ** 70n, 2, "1180591620717411303424"],
    ["python-memcached/1.43", 2n ** 63n - 1n, 2, "9223372036854775807"],
    ["python-memcached/1.43", 2n ** 63n, 4, "9223372036854775808"],
    ["php-memcached", 0.5, 2, ".5"],
    ["php-memcached", -0.05, 2, "-.05"],
    ["php-memcached", 0.0001, 2, ".0001"],
    ["php-memcached", 0.00001, 2, "1e-05"],
    ["php-memcached", 1.5e-7, 2, "1.5e-07"],
    ["php-memcached", 2 ** 53, 2, "9007199254740992"],
    ["php-memcached", 1e20, 2, "1e+20"],
    ["php-memcached", 1.25, 2, "1.25"],
    ["php-memcached", { "a/b": "ż🦊\u007f" }, 6, "{\"a\\/b\":\"\\u017c\\ud83e\\udd8a\u007f\"}"],
    ["dalli/json", 0.00001, 1, "1.0e-05"],
    ["dalli/json", 0.0001, 1, "0.0001"],
    ["dalli/json", 2 ** 53, 1, "9.007199254740992e+15"],
    ["dalli/json", 1_002_625_770_731_749.9, 1, "1002625770731749.9"],
    ["dalli/json", 1e16, 1, "1.0e+16"],
    ["dalli/json", 1.5e300, 1, "1.5e+300"],
    ["dalli/json", 10n ** 30n, 1, "1000000000000000000000000000000"],
    ["dalli/json", Uint8Array.of(255), 0, "\u00ff"],
    ["npm-memcached", "a\\\r\n", 0, "a\\\\\r\\\n"],
    ["npm-memcached", new Date(0), 2, "\"1970-01-01T00:00:00.000Z\""],
    ["spymemcached", 2_147_483_647, 0x200, "\u007f\u00ff\u00ff\u00ff"],
    ["spymemcached", 2_147_483_648, 0x300, "\u0080\u0000\u0000\u0000"],
    ["spymemcached", -1, 0x200, "\u00ff\u00ff\u00ff\u00ff"],
    ["spymemcached", 0n, 0x300, ""],
    ["spymemcached", new Date(-1), 0x400, "\u00ff".repeat(8)],
    ["spymemcached/whalin", new Date(1), 0x400, "\u0000".repeat(7) + "\u0001"],
    ["json", "ż", 0, utf8("\"ż\"")],
    ["json", null, 0, "null"]
  ]
  it.each(rows)("by %s: %o", (name, value, flags, text) => {
    assert.deepStrictEqual(write(name, value), [flags, text])
  })

  it("under the flags that are chosen", () => {
    assert.deepStrictEqual(write("text", "a", { flags: 16 }), [16, "a"])
    assert.deepStrictEqual(write("bytes", Uint8Array.of(65), { flags: 7 }), [7, "A"])
    assert.deepStrictEqual(write("json", [1], { flags: 0xffff_ffff }), [0xffff_ffff, "[1]"])
    assert.deepStrictEqual(write("php-memcached", "a", { userFlags: 0xffff }), [0xffff_0000, "a"])
  })

  it("and a counter has flags under which its digits are read", () => {
    const counters: ReadonlyArray<readonly [name: Name, flags: number, value: unknown]> = [
      ["python-memcached", 2, 5],
      ["pymemcache", 2, 5],
      ["pylibmc", 4, 5],
      ["php-memcached", 1, 5],
      ["dalli", 0, "5"],
      ["dalli/json", 0, Uint8Array.of(0x35)],
      ["spymemcached", 0, "5"],
      ["spymemcached/whalin", 32, "5"],
      ["npm-memcached", 8, 5],
      ["memjs", 0, Uint8Array.of(0x35)],
      ["text", 0, "5"],
      ["json", 0, 5]
    ]
    for (const [name, flags, value] of counters) {
      assert.strictEqual(transcoderOf(name).counterFlags, flags)
      assert.deepStrictEqual(read(name, flags, "5"), value)
    }
    assert.strictEqual(transcoderOf("php-memcached", { userFlags: 2 }).counterFlags, 0x2_0001)
    assert.strictEqual(transcoderOf("bytes", { flags: 9 }).counterFlags, 9)
  })

  it("and what a server counts with is never compressed", () => {
    const digits = "9".repeat(5000)
    for (const name of ["python-memcached", "pymemcache", "pylibmc"] as const) {
      assert.strictEqual(write(name, BigInt(digits), { compression: { threshold: 10 } })[1], digits)
    }
  })
})

describe("a value is read", () => {
  const rows: ReadonlyArray<
    readonly [name: Name, flags: number, text: string, value: unknown]
  > = [
    ["python-memcached", 4, "5", 5],
    ["python-memcached", 2, "99 ", 99],
    ["python-memcached/1.54-1.58", 0, utf8("ż"), "ż"],
    ["python-memcached/1.54-1.58", 16, utf8("ż"), "ż"],
    ["php-memcached", 2, ".5", 0.5],
    ["php-memcached", 2, "1e-05", 0.00001],
    ["php-memcached", 2, "-Infinity", -Infinity],
    ["php-memcached", 0xffff_0001, "7  ", 7],
    ["php-memcached", 6, "{\"id\":12345678901234567890,\"f\":1.5}", { id: 12_345_678_901_234_567_890n, f: 1.5 }],
    ["php-memcached", 6, "[0.1234567890123456,-0]", [0.1234567890123456, -0]],
    ["json", 0, "{\"own\":1152921504606847000,\"other\":9007199254740993}", {
      own: 2 ** 60,
      other: 9_007_199_254_740_993n
    }],
    ["dalli/json", 1, "[1152921504606847000]", [1_152_921_504_606_847_000n]],
    ["dalli", 4, utf8("ż"), "ż"],
    ["dalli/json", 1, "9007199254740993", 9_007_199_254_740_993n],
    ["dalli/json", 0, "5", Uint8Array.of(0x35)],
    ["npm-memcached", 8, "5 ", 5],
    ["npm-memcached", 8, "1152921504606847000", 2 ** 60],
    ["npm-memcached", 8, "9007199254740993", 9_007_199_254_740_993n],
    ["npm-memcached", 0, "a\\\\\r\\\n\\n", "a\\\r\n\\n"],
    ["spymemcached", 0x200, "\u00ff\u00ff\u00ff\u00fe", -2],
    ["spymemcached", 0x300, "\u0020\u0000\u0000\u0000\u0000\u0000\u0001", 9_007_199_254_740_993n],
    ["spymemcached", 0x500, "\u00ff", -1],
    ["spymemcached", 0x500, "", 0],
    ["spymemcached/whalin", 16, "\u0000\u0000\u0001\u007c", "ż"],
    ["spymemcached/whalin", 256, "\u00ff\u00ff\u00ff\u00fe", -2],
    ["spymemcached/whalin", 64, utf8("ż"), "ż"],
    ["spymemcached/whalin", 2048, utf8("ż"), "ż"],
    ["json", 0, "{\"a\":[1]}", { a: [1] }]
  ]
  it.each(rows)("by %s from flags %i and %o", (name, flags, text, value) => {
    assert.deepStrictEqual(read(name, flags, text), value)
  })

  it("as the options say", () => {
    assert.strictEqual(read("text", 16, "a", { flags: 16 }), "a")
    assert.strictEqual(read("dalli", 4, utf8("ż"), { strings: "bytes" }), "ż")
    assert.deepStrictEqual(read("php-memcached", 0, "\u00ff", { strings: "bytes" }), Uint8Array.of(255))
    assert.deepStrictEqual(read("memjs", 0, "a", { strings: "text" }), "a")
  })

  it("into bytes of its own", () => {
    const chunk = Buffer.from("abc")
    for (
      const [name, flags] of [["python-memcached", 0], ["memjs", 0], ["bytes", 0], ["spymemcached", 0x800]] as const
    ) {
      const value = Result.getOrThrow(now(transcoderOf(name).decode(chunk.subarray(0, 2), flags)))
      assert.deepStrictEqual(value, Uint8Array.of(97, 98))
      assert.notStrictEqual((value as Uint8Array).buffer, chunk.buffer)
    }
  })
})

describe("reading fails", () => {
  const rows: ReadonlyArray<readonly [name: Name, flags: number, text: string, format: string]> = [
    ["python-memcached", 3, "1", "unknown"],
    ["python-memcached", 32, "1", "unknown"],
    ["python-memcached", 8, "no zlib", "bytes"],
    ["python-memcached", 2, "12x", "integer"],
    ["python-memcached", 16, "\u00ff", "text"],
    ["pylibmc", 18, "1", "unknown"],
    ["php-memcached", 8, "", "unknown"],
    ["php-memcached", 0x10, "", "unknown"],
    ["php-memcached", 0x70, "", "unknown"],
    ["php-memcached", 0x100, "", "unknown"],
    ["php-memcached", 0, "\u00ff", "text"],
    ["php-memcached", 3, "yes", "boolean"],
    ["php-memcached", 2, "1,5", "float"],
    ["php-memcached", 1, "0x10", "integer"],
    ["php-memcached", 0x50, "abc", "string"],
    ["php-memcached", 0x50, "\u0002\u0000\u0000\u0000\u0000a", "string"],
    ["php-memcached", 0x36, "\u0002\u0000\u0000\u0000xx", "json"],
    ["php-memcached", 0x50, "\u00ff\u00ff\u00ff\u00ff\u0000a", "string"],
    ["dalli", 8, "", "unknown"],
    ["dalli/json", 1, "NaN", "json"],
    ["dalli/json", 5, "1", "unknown"],
    ["npm-memcached", 1, "", "unknown"],
    ["npm-memcached", 4, utf8("ż"), "bytes"],
    ["npm-memcached", 2, "{", "json"],
    ["php-memcached", 6, `[${"9".repeat(100_001)}]`, "json"],
    ["spymemcached", 0x900, "", "unknown"],
    ["spymemcached", 0x200, "12345", "integer"],
    ["spymemcached", 0x100, "2", "boolean"],
    ["spymemcached", 0x400, "\u007f\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff", "date"],
    ["spymemcached/whalin", 4, "1", "integer"],
    ["spymemcached/whalin", 0, "a", "unknown"],
    ["bytes", 1, "a", "unknown"],
    ["text", 16, "a", "unknown"]
  ]
  it.each(rows)("in %s for flags %i and %o, under the format %4$s", (name, flags, text, format) => {
    const fault = faultOfReading(name, flags, text)
    assert.strictEqual(fault.format, format)
    assert.isUndefined(fault.isForeign)
  })

  it.each(
    [
      ["python-memcached", 1, "pickle"],
      ["python-memcached", 9, "pickle"],
      ["php-memcached", 4, "php-serialize"],
      ["php-memcached", 0x1234_0055, "igbinary"],
      ["php-memcached", 7, "msgpack"],
      ["dalli", 1, "marshal"],
      ["dalli", 3, "marshal"],
      ["spymemcached", 1, "java-serialized"],
      ["spymemcached/whalin", 10, "java-serialized"]
    ] as const
  )("in %s for flags %i, as %s, which is foreign and not even inflated", (name, flags, format) => {
    const fault = faultOfReading(name, flags, "whatever")
    assert.deepInclude(fault, { format, isForeign: true })
    assert.notInclude(fault.detail, "whatever")
  })
})

describe("writing fails", () => {
  const rows: ReadonlyArray<readonly [name: Name, value: unknown]> = [
    ["python-memcached", 0.5],
    ["python-memcached", true],
    ["python-memcached", null],
    ["pymemcache", {}],
    ["pymemcache/no-serde", 1],
    ["pylibmc", -0],
    ["pylibmc", "\ud800"],
    ["php-memcached", 2n ** 63n],
    ["php-memcached", undefined],
    ["php-memcached", { a: 1n }],
    ["dalli", 1],
    ["dalli/json", Infinity],
    ["dalli/json", new Map()],
    ["spymemcached", null],
    ["spymemcached", [1]],
    ["spymemcached", 2n ** 63n],
    ["spymemcached", new Date(Number.NaN)],
    ["npm-memcached", 5n],
    ["npm-memcached", undefined],
    ["memjs", 1],
    ["bytes", "text"],
    ["bytes", new Uint16Array(1)],
    ["text", Buffer.from("bytes")],
    ["json", Buffer.from("bytes")],
    ["json", Number.NaN],
    ["json", () => 1],
    ["json", Symbol("secret")]
  ]
  it.each(rows)("in %s for %o, and quotes nothing of it", (name, value) => {
    const { detail } = faultOfWriting(name, value)
    assert.isNotEmpty(detail)
    assert.notMatch(detail, /secret|\.$/)
  })
})

// @effect-diagnostics-next-line schemaNumber:off
it.prop("every double is read as what was written", [Schema.Number], ([value]) => {
  for (const name of ["php-memcached", "spymemcached", "npm-memcached"] as const) {
    const [flags, text] = write(name, value)
    const back = read(name, flags, text)
    assert.isTrue(Object.is(back, value) || (back === value && name === "npm-memcached"), `${name} ${value} ${text}`)
  }
  if (Number.isFinite(value)) {
    const [flags, text] = write("dalli/json", value)
    assert.isTrue(Object.is(read("dalli/json", flags, text), value), `dalli ${value} ${text}`)
  }
})
