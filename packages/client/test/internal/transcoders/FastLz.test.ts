import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { createHash, randomBytes } from "node:crypto"
import { deflate, inflate } from "../../../src/internal/transcoders/FastLz.ts"

const hex = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? "damaged" : Buffer.from(bytes).toString("hex")

const digest = (bytes: Uint8Array): string => createHash("sha1").update(bytes).digest("hex")

/** Text with long and short repetitions, near and far; always the same. */
const text = (size: number): Uint8Array => {
  const bytes = Buffer.alloc(size)
  let state = 1
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const back = 1 + (state >>> 8) % 70_000
    bytes[i] = (state >>> 28) > 1 && i >= back ? bytes[i - back] : 97 + (state >>> 16) % 3
  }
  return bytes
}

describe("what is compressed", () => {
  it.each([
    ["nothing", "", ""],
    ["one byte", "61", "0061"],
    ["three bytes", "616263", "02616263"],
    ["four bytes", "61626364", "0361626364"],
    ["33 different bytes", Buffer.from("0123456789abcdefghijklmnopqrstuvw").toString("hex"), undefined]
  ])("%s stays as it is", (_, bytes, expected) => {
    const out = deflate(Buffer.from(bytes, "hex"))
    if (expected !== undefined) assert.strictEqual(hex(out), expected)
    if (bytes !== "") assert.strictEqual(hex(inflate(out, bytes.length / 2)), bytes)
  })

  // As php-memcached 3.2.0 compressed them.
  it.each([
    ["5,000 nines", Buffer.alloc(5000, "9"), 71, "013939e0fd01"],
    ["100 zero bytes", Buffer.alloc(100), 17, undefined]
  ])("%s are runs", (_, bytes, length, beginning) => {
    const out = deflate(bytes)
    if (length === 71) assert.lengthOf(out, length - 4)
    assert.isBelow(out.length, length)
    if (beginning !== undefined) assert.isTrue(hex(out).startsWith(beginning))
    assert.deepStrictEqual(Buffer.from(inflate(out, bytes.length)!), bytes)
  })

  it("has level 2 from 65,536 bytes on", () => {
    assert.strictEqual(deflate(text(65_535))[0] >> 5, 0)
    assert.strictEqual(deflate(text(65_536))[0] >> 5, 1)
  })

  it.each([20, 100, 1000, 65_535, 65_536, 200_000])("of %i bytes is read again", (size) => {
    for (const bytes of [text(size), randomBytes(size), Buffer.alloc(size, "ab")]) {
      const out = deflate(bytes)
      assert.strictEqual(digest(inflate(out, size)!), digest(bytes))
      assert.isAtMost(out.length, Math.ceil(size * 1.05) + 1)
    }
  })

  it.prop("is read again whatever it is", [Schema.Uint8Array, Schema.Uint8Array], ([a, b]) => {
    const bytes = Buffer.concat([a, b, a, a, b, Buffer.alloc(20), a])
    assert.strictEqual(hex(inflate(deflate(bytes), bytes.length)), hex(bytes))
  })
})

describe("what is read", () => {
  it.each([
    ["an empty stream", "", 0],
    ["a level that there is not", "4061", 1],
    ["literals beyond the end", "0561", 6],
    ["more literals than asked for", "01616263", 1],
    ["a match before the beginning", "00612005", 4],
    ["a match that writes beyond the size", "006120000000", 3],
    ["a match without its offset", "006120", 4],
    ["a match without its length", "0061e0", 10],
    ["a far match without its offset", "2061ffff", 10],
    ["lengths without an end", "2061e0ffffff", 2000],
    ["less than asked for", "0061", 2]
  ])("is refused for %s", (_, stream, size) => {
    assert.isUndefined(inflate(Buffer.from(stream, "hex"), size))
  })

  it("may overlap what it writes", () => {
    assert.strictEqual(hex(inflate(Buffer.from("0161622001", "hex"), 5)), "6162616261")
  })

  it.prop("never throws, and never has another size than asked for", [
    Schema.Uint8Array,
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5000 }))
  ], ([bytes, size]) => {
    for (const first of [0, 0x20, 0x40]) {
      const stream = Uint8Array.of(first, 1, ...bytes)
      assert.include([undefined, size], inflate(stream, size)?.length)
    }
  })

  it("is bounded however a good stream is damaged", () => {
    const bytes = text(70_000)
    const stream = deflate(bytes)
    for (let i = 0; i < 500; i++) {
      const damaged = Uint8Array.from(stream)
      damaged[(i * 7919) % damaged.length] ^= 1 << i % 8
      assert.include([undefined, bytes.length], inflate(damaged, bytes.length)?.length)
    }
  })
})
