/**
 * What may be a key, and that nothing else ever gets onto the wire.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import * as Key from "@effect-memcache/protocol/Key"
import * as RequestEncoder from "@effect-memcache/protocol/text/RequestEncoder"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Generators from "./text/Generators.ts"
import { requests } from "./text/Reading.ts"

const utf8 = (text: string): string => Buffer.from(text, "utf8").toString("latin1")

/** Any UTF-16 units at all, the awkward ones more often than by chance. */
const anyText = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.flatMap(
      Generators.int(0, 5),
      (which) =>
        which === 0
          ? Generators.oneOf([0, 0x09, 0x0a, 0x0d, 0x20, 0x7f, 0x80, 0xff, 0xd83d, 0xde00, 0xdc00, 0xd800, 0xfffd])
          : which === 1
          ? Generators.int(0, 0xffff)
          : Generators.int(0x21, 0x7e)
    ),
    { maxLength: 260 }
  ),
  (units) => String.fromCharCode(...units)
)

describe("make", () => {
  it("takes 1 to 250 bytes of printable ASCII as they are", () => {
    for (const text of ["a", "user:1", "~!@#", "k".repeat(250)]) assert.strictEqual(Key.make(text), text as Key.Key)
  })

  it("refuses an empty key and one of 251 bytes, with its length", () => {
    assert.deepStrictEqual(Key.make(""), { _tag: "KeyLength", length: 0 })
    assert.deepStrictEqual(Key.make("k".repeat(251)), { _tag: "KeyLength", length: 251 })
  })

  it("counts bytes rather than characters", () => {
    assert.strictEqual(Key.make("ä".repeat(125)), utf8("ä".repeat(125)) as Key.Key)
    assert.deepStrictEqual(Key.make("ä".repeat(126)), { _tag: "KeyLength", length: 252 })
    assert.deepStrictEqual(Key.make(`a${"ä".repeat(125)}`), { _tag: "KeyLength", length: 251 })
    assert.deepStrictEqual(Key.make("😀".repeat(63)), { _tag: "KeyLength", length: 252 })
    assert.deepStrictEqual(Key.make("😀".repeat(126)), { _tag: "KeyLength", length: 504 })
    assert.deepStrictEqual(Key.make("€".repeat(251)), { _tag: "KeyLength", length: 753 })
  })

  it("counts the prefix, and refuses what stands in it", () => {
    assert.strictEqual(Key.make("k".repeat(248), "p:"), `p:${"k".repeat(248)}` as Key.Key)
    assert.deepStrictEqual(Key.make("k".repeat(249), "p:"), { _tag: "KeyLength", length: 251 })
    assert.deepStrictEqual(Key.make("a", "p "), { _tag: "KeyCharacter", index: 1, code: 0x20 })
    assert.deepStrictEqual(Key.make("a\n", "pre:"), { _tag: "KeyCharacter", index: 5, code: 0x0a })
    assert.strictEqual(Key.make("", "p:"), "p:" as Key.Key)
  })

  it("refuses each control character, the blank and DEL, before and behind other characters", () => {
    for (const code of [...Array(0x21).keys(), 0x7f]) {
      const character = String.fromCharCode(code)
      assert.deepStrictEqual(Key.make(`ab${character}c`), { _tag: "KeyCharacter", index: 2, code })
      assert.deepStrictEqual(Key.make(`ä${character}`), { _tag: "KeyCharacter", index: 1, code })
    }
  })

  it("refuses a lone surrogate, because two keys would become one", () => {
    assert.deepStrictEqual(Key.make("a\ud83d"), { _tag: "KeyEncoding", index: 1 })
    assert.deepStrictEqual(Key.make("\ude00a"), { _tag: "KeyEncoding", index: 0 })
    assert.deepStrictEqual(Key.make("\ud83d\ud83d\ude00"), { _tag: "KeyEncoding", index: 0 })
  })

  it.prop("encodes what it takes as UTF-8", [anyText], ([text]) => {
    const key = Key.make(text)
    if (Key.isKey(key)) assert.strictEqual(key, utf8(text) as Key.Key)
  })

  it.prop(
    "makes of any text either a fault or a key that reads as exactly one request",
    [anyText, anyText],
    ([text, prefix]) => {
      const key = Key.make(text, prefix.slice(0, 3))
      if (!Key.isKey(key)) return
      const buffer = new WriteBuffer()
      const get = { _tag: "Get", keys: [key], withCas: false } as const
      const set = { _tag: "Store", mode: "set", key, flags: 0, exptime: 0, value: bytes(key), noreply: false } as const
      RequestEncoder.encode(buffer, get)
      RequestEncoder.encode(buffer, set)
      assert.deepStrictEqual(requests([buffer.take()]), [
        { _tag: "Command", command: get },
        { _tag: "Command", command: set }
      ])
    },
    { arbitrary: { runs: 500 } }
  )
})

describe("fromWire", () => {
  it("takes the bytes between start and end", () => {
    assert.strictEqual(Key.fromWire(bytes("get ab\xff c"), 4, 7), "ab\xff" as Key.Key)
  })

  it("refuses what make refuses", () => {
    assert.deepStrictEqual(Key.fromWire(bytes("ab"), 1, 1), { _tag: "KeyLength", length: 0 })
    assert.deepStrictEqual(Key.fromWire(new Uint8Array(251).fill(0x61), 0, 251), { _tag: "KeyLength", length: 251 })
    assert.deepStrictEqual(Key.fromWire(bytes("xa\tb"), 1, 4), { _tag: "KeyCharacter", index: 1, code: 9 })
    assert.deepStrictEqual(Key.fromWire(bytes("a\x7f"), 0, 2), { _tag: "KeyCharacter", index: 1, code: 0x7f })
  })
})

describe("base64", () => {
  it("agrees with Node on every length up to the longest", () => {
    for (let length = 1; length <= 186; length++) {
      const raw = Uint8Array.from({ length }, (_, i) => (i * 89 + length) & 0xff)
      const key = Key.toBase64(raw)
      assert.strictEqual(key, Buffer.from(raw).toString("base64") as Key.Key)
      assert.deepStrictEqual(Key.fromBase64(key as string), raw)
    }
  })

  it("refuses nothing at all and what would not fit into 250 bytes", () => {
    assert.deepStrictEqual(Key.toBase64(new Uint8Array(0)), { _tag: "KeyLength", length: 0 })
    assert.deepStrictEqual(Key.toBase64(new Uint8Array(187)), { _tag: "KeyLength", length: 187 })
    assert.strictEqual(Key.toBase64(new Uint8Array(186)), "A".repeat(248) as Key.Key)
  })

  it("refuses text that is not padded standard base64", () => {
    for (const text of ["", "Zg", "Zg=", "Zg===", "Z===", "====", "Zm9-", "Zm9_", "Zm 9", "=m9v", "Zg==Zg=="]) {
      assert.strictEqual(Key.fromBase64(text), undefined, JSON.stringify(text))
    }
  })
})
