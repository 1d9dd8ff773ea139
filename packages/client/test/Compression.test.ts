import type { Codec } from "@effect-memcache/client/Compression"
import * as Compression from "@effect-memcache/client/Compression"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as zlib from "node:zlib"

const zeros = (length: number): Buffer => Buffer.alloc(length)

const settle = <A, E>(outcome: Result.Result<A, E> | Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.isEffect(outcome) ? outcome : Effect.fromResult(outcome)

const codecs = Compression.CODECS

const levels: { readonly [C in Codec]: readonly [lowest: number, highest: number] } = {
  zlib: [1, 9],
  gzip: [1, 9],
  brotli: [0, 11],
  zstd: [1, 22]
}

const packed: { readonly [C in Codec]: (bytes: Uint8Array) => Uint8Array } = {
  zlib: (bytes) => zlib.deflateSync(bytes, { level: 9 }),
  gzip: (bytes) => zlib.gzipSync(bytes, { level: 9 }),
  brotli: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: (bytes) => zlib.zstdCompressSync(bytes)
}

const LIMIT = 8 * 1_048_576

describe.each(codecs)("%s", (codec) => {
  const [lowest, highest] = levels[codec]

  it.effect("reads what it wrote, of every size and level", () =>
    Effect.gen(function*() {
      for (const size of [1, 100, 2000, Compression.SYNC_LIMIT, Compression.SYNC_LIMIT + 1, 66_000, 1_100_000]) {
        const bytes = Buffer.alloc(size, "abcdefgh-0123456789. ")
        for (const level of size > 100_000 ? [lowest] : [lowest, 6, highest]) {
          const out = yield* settle(Compression.deflate(codec, bytes, level))
          if (size < 100) assert.isUndefined(out)
          else assert.isTrue(bytes.equals(yield* settle(Compression.inflate(codec, out!, LIMIT))), `${size} ${level}`)
        }
      }
    }))

  it.effect.prop("reads any bytes that it made smaller", [Schema.Uint8Array], ([bytes]) =>
    Effect.gen(function*() {
      const twice = Buffer.concat([bytes, Buffer.alloc(64), bytes])
      const out = yield* settle(Compression.deflate(codec, twice, highest))
      if (out !== undefined) assert.isTrue(twice.equals(yield* settle(Compression.inflate(codec, out, LIMIT))))
    }))

  it("answers nothing for what does not get smaller", () => {
    assert.deepStrictEqual(Compression.deflate(codec, randomBytes(100), lowest), Result.succeed(undefined))
    assert.deepStrictEqual(Compression.deflate(codec, zeros(0), lowest), Result.succeed(undefined))
  })

  it("keeps what has grown where that is asked for", () => {
    const bytes = randomBytes(100)
    const out = Compression.deflate(codec, bytes, lowest, "always")
    assert.isTrue(Result.isResult(out) && Result.isSuccess(out) && (out.success?.length ?? 0) > 100)
  })

  it("answers at once up to the limit and with an effect beyond it", () => {
    assert.isFalse(Effect.isEffect(Compression.deflate(codec, zeros(Compression.SYNC_LIMIT), 6)))
    assert.isTrue(Effect.isEffect(Compression.deflate(codec, zeros(Compression.SYNC_LIMIT + 1), 6)))
  })

  it("answers at once for what is small on both sides", () => {
    assert.isFalse(Effect.isEffect(Compression.inflate(codec, packed[codec](zeros(65_536)), LIMIT)))
    assert.isTrue(Effect.isEffect(Compression.inflate(codec, packed[codec](zeros(65_537)), LIMIT)))
    assert.isTrue(Effect.isEffect(Compression.inflate(codec, packed[codec](randomBytes(20_000)), LIMIT)))
  })

  it.effect("stops at the limit, exactly", () =>
    Effect.gen(function*() {
      for (const size of [1000, 100_000]) {
        const bytes = packed[codec](zeros(size))
        assert.lengthOf(yield* settle(Compression.inflate(codec, bytes, size)), size)
        const fault = yield* Effect.flip(settle(Compression.inflate(codec, bytes, size - 1)))
        assert.strictEqual(fault.detail, `it inflates to more than ${size - 1} bytes`)
      }
    }))

  it.effect("refuses whatever is cut short, and does not throw at what is damaged", () =>
    Effect.gen(function*() {
      for (const value of [Buffer.from("hello world ".repeat(100)), randomBytes(3000)]) {
        const bytes = packed[codec](value)
        const step = Math.ceil(bytes.length / 50)
        for (let length = 0; length < bytes.length; length += step) {
          const fault = yield* Effect.flip(settle(Compression.inflate(codec, bytes.subarray(0, length), LIMIT)))
          assert.strictEqual(fault.detail, "its compressed bytes are damaged", `${length}`)
        }
        for (let at = 0; at < bytes.length; at += step) {
          const damaged = Buffer.from(bytes)
          damaged[at] ^= 0x10
          const result = yield* Effect.result(settle(Compression.inflate(codec, damaged, LIMIT)))
          if (Result.isSuccess(result)) assert.isAtMost(result.success.length, LIMIT)
        }
      }
      const large = Buffer.alloc(20_000, "neither this nor that")
      assert.strictEqual(
        (yield* Effect.flip(settle(Compression.inflate(codec, large, LIMIT)))).detail,
        "its compressed bytes are damaged"
      )
    }))

  it.effect("takes no notice of an interruption, and of a caller who writes over the bytes meanwhile", () =>
    Effect.gen(function*() {
      const value = randomBytes(60_000).toString("hex")
      const chunk = Buffer.from(packed[codec](Buffer.from(value)))
      const pending = Compression.inflate(codec, chunk, LIMIT)
      chunk.fill(0)
      const first = yield* Effect.forkChild(settle(pending), { startImmediately: true })
      yield* Fiber.interrupt(first)
      const deflating = yield* Effect.forkChild(settle(Compression.deflate(codec, zeros(1_000_000), 6)), {
        startImmediately: true
      })
      yield* Fiber.interrupt(deflating)
      assert.isTrue(Buffer.from(value).equals(yield* settle(pending)))
    }))

  it.effect("keeps many values apart", () =>
    Effect.forEach(Array.from({ length: 40 }, (_, i) => i), (i) =>
      Effect.gen(function*() {
        const value = Buffer.alloc(20_000 + i, `value ${i}; `)
        const out = yield* settle(Compression.deflate(codec, value, 3))
        assert.isTrue(value.equals(yield* settle(Compression.inflate(codec, out!, LIMIT))))
      }), { concurrency: "unbounded", discard: true }))

  it("finds nothing wrong with its own levels, and names the ones it has not", () => {
    for (let level = lowest; level <= highest; level++) assert.isUndefined(Compression.check({ codec, level }))
    for (const level of [lowest - 1, highest + 1, lowest + 0.5, Number.NaN, "5" as never]) {
      assert.deepStrictEqual(Compression.check({ codec, level }), {
        option: "level",
        detail: `must be a whole number from ${lowest} to ${highest} for ${codec}`
      })
      assert.deepStrictEqual(Compression.check({ level }, codec)?.option, "level")
    }
  })

  it.effect("takes its own default instead of a level that a cast let in", () =>
    Effect.gen(function*() {
      for (const level of [99, -1, Number.NaN, "5" as never]) {
        for (const size of [3000, 100_000]) {
          const out = yield* settle(Compression.deflate(codec, zeros(size), level))
          assert.deepStrictEqual(
            out,
            yield* settle(Compression.deflate(codec, zeros(size), Compression.plan({ codec }).level))
          )
        }
      }
    }))
})

describe("a bomb", () => {
  it.effect.each(codecs)("of %s costs the limit and less than 8 MiB more", (codec) =>
    Effect.gen(function*() {
      const bomb = packed[codec](zeros(400_000_000))
      assert.isAtMost(bomb.length, 1_048_576)
      const folder = mkdtempSync(join(tmpdir(), "bomb-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })))
      const file = join(folder, codec)
      writeFileSync(file, bomb)
      const { detail, grown } = yield* Effect.callback<{ readonly detail: string; readonly grown: number }>(
        (resume) => {
          const script = join(import.meta.dirname, "fixtures/bomb.ts")
          const args = ["--conditions=@effect-memcache/source", script, codec, String(LIMIT), file]
          execFile(process.execPath, args, (error, out) => {
            resume(error === null ? Effect.succeed(JSON.parse(out)) : Effect.die(error))
          })
        }
      )
      assert.strictEqual(detail, `it inflates to more than ${LIMIT} bytes`)
      assert.isAtMost(grown, LIMIT + 8 * 1_048_576)
    }), 60_000)

  it.effect.each(codecs)(
    "of %s that fits into a packet is stopped at a small limit too",
    (codec) =>
      Effect.gen(function*() {
        const bomb = packed[codec](zeros(400_000))
        assert.isAtMost(bomb.length, 422)
        for (const limit of [1, 1000, 100_000, 399_999]) {
          const fault = yield* Effect.flip(settle(Compression.inflate(codec, bomb, limit)))
          assert.strictEqual(fault.detail, `it inflates to more than ${limit} bytes`)
        }
        assert.lengthOf(yield* settle(Compression.inflate(codec, bomb, 400_000)), 400_000)
      })
  )

  it.effect("that asks for a large window instead of a long value is refused", () =>
    Effect.gen(function*() {
      const { BROTLI_PARAM_LGWIN, ZSTD_c_compressionLevel, ZSTD_c_windowLog } = zlib.constants
      const value = Buffer.from("hello world ".repeat(100))
      const brotli = zlib.brotliCompressSync(value, { params: { [BROTLI_PARAM_LGWIN]: 24 } })
      assert.match(
        (yield* Effect.flip(settle(Compression.inflate("brotli", brotli, LIMIT)))).detail,
        /window of more than 8388608 bytes/
      )
      assert.isTrue(value.equals(yield* settle(Compression.inflate("brotli", brotli, 2 * LIMIT))))
      // Flushed before its length is known, so that the window stands in the header.
      const params = { [ZSTD_c_compressionLevel]: 19, [ZSTD_c_windowLog]: 27 }
      const stream = zlib.createZstdCompress({ params })
      const chunks: Array<Buffer> = []
      stream.on("data", (chunk: Buffer) => chunks.push(chunk))
      yield* Effect.callback<void>((resume) => {
        stream.on("end", () => resume(Effect.void))
        stream.write(value)
        stream.flush(() => stream.end(value))
      })
      const zstd = Buffer.concat(chunks)
      const fault = yield* Effect.flip(settle(Compression.inflate("zstd", zstd, LIMIT)))
      assert.strictEqual(fault.detail, "its compressed bytes are damaged")
      assert.lengthOf(yield* settle(Compression.inflate("zstd", zstd, 16 * LIMIT)), 2 * value.length)
    }))
})

describe("the checksum", () => {
  it.effect.each(["zlib", "gzip", "zstd"] as const)(
    "of %s finds a single wrong bit, which brotli cannot",
    (codec) =>
      Effect.gen(function*() {
        const value = Buffer.from("hello world ".repeat(100))
        const bytes = (yield* settle(Compression.deflate(codec, value, 6)))!
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const damaged = Buffer.from(bytes)
          damaged[bit >> 3] ^= 1 << (bit & 7)
          const result = yield* Effect.result(settle(Compression.inflate(codec, damaged, LIMIT)))
          // The header of gzip has bits that mean nothing here, and the one of zstd a bit that is not used.
          if (Result.isSuccess(result)) assert.isTrue(value.equals(result.success), `bit ${bit}`)
        }
      })
  )
})

describe("heavy levels", () => {
  it("leave the event loop free also for what is small", () => {
    for (const [codec, level] of [["brotli", 7], ["brotli", 11], ["zstd", 10], ["zstd", 22]] as const) {
      assert.isTrue(Effect.isEffect(Compression.deflate(codec, zeros(2001), level)), `${codec} ${level}`)
    }
  })
})

describe("check", () => {
  it("finds nothing wrong with what is allowed", () => {
    for (
      const options of [
        undefined,
        false,
        {},
        { threshold: 0 },
        { level: 1 },
        { threshold: 5000, level: 9 },
        { codec: "zstd" }
      ] as const
    ) {
      assert.isUndefined(Compression.check(options))
    }
  })

  const bad: ReadonlyArray<readonly [options: Compression.CompressionOptions, option: string]> = [
    [{ codec: "lz4" as never }, "codec"],
    [{ threshold: -1 }, "threshold"],
    [{ threshold: Number.NaN }, "threshold"],
    [{ threshold: 1.5 }, "threshold"],
    [{ level: 0 }, "level"],
    [{ level: 10 }, "level"],
    [{ level: Number.NaN }, "level"]
  ]
  it.each(bad)("names the option that is wrong in %j", (options, option) => {
    assert.strictEqual(Compression.check(options)?.option, option)
  })
})

describe("plan", () => {
  it("fills in what is left out, first from the other options", () => {
    assert.deepStrictEqual(Compression.plan({}), { codec: "zlib", threshold: 2000, level: 6 })
    assert.deepStrictEqual(Compression.plan({}, false), { codec: "zlib", threshold: 2000, level: 6 })
    assert.deepStrictEqual(Compression.plan({ threshold: 5 }, { codec: "zstd", level: 9 }), {
      codec: "zstd",
      threshold: 5,
      level: 9
    })
  })

  it("takes no level from another codec", () => {
    assert.deepStrictEqual(Compression.plan({ codec: "gzip" }, { codec: "zstd", level: 19 }), {
      codec: "gzip",
      threshold: 2000,
      level: 6
    })
    assert.strictEqual(Compression.plan({ codec: "brotli" }, { level: 9 }).level, 5)
    assert.strictEqual(Compression.plan({ codec: "zlib" }, { level: 9 }).level, 9)
  })

  it("takes a codec that a cast let in for zlib", () => {
    assert.strictEqual(Compression.plan({ codec: "lz4" as never }).codec, "zlib")
    assert.strictEqual(Compression.plan({}, { codec: "lz4" as never }).codec, "zlib")
  })
})
