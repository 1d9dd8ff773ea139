import * as Compression from "@effect-memcache/client/Compression"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { randomBytes } from "node:crypto"
import { deflateSync } from "node:zlib"

const zeros = (length: number): Buffer => Buffer.alloc(length)

describe("deflate", () => {
  it("answers at once up to the limit and with an effect beyond it", () => {
    assert.isFalse(Effect.isEffect(Compression.deflate(zeros(Compression.SYNC_LIMIT), 6)))
    assert.isTrue(Effect.isEffect(Compression.deflate(zeros(Compression.SYNC_LIMIT + 1), 6)))
  })

  it("answers nothing for what does not get smaller", () => {
    assert.deepStrictEqual(Compression.deflate(randomBytes(100), 9), Result.succeed(undefined))
    assert.deepStrictEqual(Compression.deflate(zeros(0), 9), Result.succeed(undefined))
  })
})

describe("inflate", () => {
  it.effect("stops at the limit, exactly", () =>
    Effect.gen(function*() {
      for (const size of [1000, 100_000]) {
        const bytes = deflateSync(zeros(size))
        const read = (limit: number): Effect.Effect<Uint8Array, Compression.InflateFault> => {
          const outcome = Compression.inflate(bytes, limit)
          return Effect.isEffect(outcome) ? outcome : Effect.fromResult(outcome)
        }
        assert.lengthOf(yield* read(size), size)
        const fault = yield* Effect.flip(read(size - 1))
        assert.strictEqual(fault.detail, `it inflates to more than ${size - 1} bytes`)
      }
    }))

  it("answers at once for what is small on both sides", () => {
    assert.isFalse(Effect.isEffect(Compression.inflate(deflateSync(zeros(65_536)), 8_000_000)))
    assert.isTrue(Effect.isEffect(Compression.inflate(deflateSync(zeros(65_537)), 8_000_000)))
    assert.isTrue(Effect.isEffect(Compression.inflate(randomBytes(20_000), 8_000_000)))
  })
})

describe("check", () => {
  it("finds nothing wrong with what is allowed", () => {
    for (
      const options of [undefined, false, {}, { threshold: 0 }, { level: 1 }, { threshold: 5000, level: 9 }] as const
    ) {
      assert.isUndefined(Compression.check(options))
    }
  })

  const bad: ReadonlyArray<readonly [options: Compression.CompressionOptions, option: string]> = [
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
