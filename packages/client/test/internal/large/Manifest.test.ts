import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Manifest } from "../../../src/internal/large/Manifest.ts"
import {
  count,
  decode,
  describe as describeWrite,
  encode,
  partKey,
  range
} from "../../../src/internal/large/Manifest.ts"
import { Written } from "../../../src/internal/large/Written.ts"

const whole = (maximum: number, minimum = 0) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("a manifest", () => {
  it("is a line that stays readable for ever", () => {
    const manifest: Manifest = {
      id: "mh5k2abc0123456789xyz",
      length: 1_048_577,
      partSize: 500_000,
      checksum: 7,
      flags: 24
    }
    assert.strictEqual(Buffer.from(encode(manifest)).toString(), "1 mh5k2abc0123456789xyz 1048577 500000 7 24")
    assert.deepStrictEqual(decode(encode(manifest)), manifest)
    assert.strictEqual(count(manifest), 3)
    assert.deepStrictEqual([0, 1, 2].map((index) => range(manifest, index)), [
      [0, 500_000],
      [500_000, 1_000_000],
      [1_000_000, 1_048_577]
    ])
    assert.strictEqual(partKey(manifest, 2), "part:mh5k2abc0123456789xyz:2")
  })

  it.prop(
    "is read as it was written, and its parts are the whole",
    [whole(100_000, 1), whole(5000, 1), whole(4_294_967_295), whole(4_294_967_295)],
    ([length, partSize, checksum, flags]) => {
      const manifest: Manifest = { id: "0123456789", length, partSize, checksum, flags }
      assert.deepStrictEqual(decode(encode(manifest)), manifest)
      let end = 0
      for (let index = 0; index < count(manifest); index++) {
        const [from, to] = range(manifest, index)
        assert.strictEqual(from, end)
        assert.isTrue(to > from && to - from <= partSize)
        end = to
      }
      assert.strictEqual(end, length)
    }
  )

  it.prop("is never read of other bytes", [Schema.Uint8Array], ([bytes]) => {
    assert.isUndefined(decode(bytes))
  })

  it.effect("has an id of its own for every write of the same bytes", () =>
    Effect.gen(function*() {
      const writes = yield* Effect.replicateEffect(describeWrite({ bytes: Buffer.from("value"), flags: 16 }, 2), 1000)
      assert.strictEqual(new Set(writes.map(({ id }) => id)).size, 1000)
      for (const { checksum, flags, length } of writes) {
        assert.deepStrictEqual([checksum, flags, length], [0x1d775834, 16, 5])
      }
    }))
})

describe("what is written already", () => {
  it("cannot be taken for a value", () => {
    assert.throws(() => JSON.stringify(new Written(Buffer.from("a"), 0)), /standard transcoder/)
  })
})
