/**
 * That numbers are read strictly, and that byte strings keep every byte.
 */
import * as Ascii from "@effect-memcache/protocol/Ascii"
import { assert, describe, it } from "@effect/vitest"
import * as Generators from "./text/Generators.ts"

const digits = (text: string): number => Ascii.digits(Ascii.bytes(text), 0, text.length)
const uint64 = (text: string): bigint | undefined => Ascii.uint64(Ascii.bytes(text), 0, text.length)

const NOT_NUMBERS = ["", "-5", "+5", "0x10", "1e3", "1.5", " 1", "1 ", "1\r", "abc", "1a", "٣", "-", "1".repeat(25)]

describe("byte strings", () => {
  it.prop("survive the way to bytes and back", [Generators.bytes(0, 300)], ([bytes]) => {
    assert.deepStrictEqual(Ascii.bytes(Ascii.byteString(bytes, 0, bytes.length)), bytes)
  })

  it("are compared as a whole or as a beginning, never beyond the end", () => {
    const line = Ascii.bytes("xENDx")
    assert.isTrue(Ascii.equals(line, 1, 4, "END"))
    assert.isFalse(Ascii.equals(line, 1, 5, "END"))
    assert.isFalse(Ascii.equals(line, 1, 4, "ENX"))
    assert.isTrue(Ascii.startsWith(line, 1, 5, "END"))
    assert.isFalse(Ascii.startsWith(line, 1, 3, "END"))
    assert.isTrue(Ascii.startsWith(line, 5, 5, ""))
  })

  it("end a word at a blank or at the end", () => {
    const line = Ascii.bytes("get a\tb c")
    assert.strictEqual(Ascii.wordEnd(line, 0, line.length), 3)
    assert.strictEqual(Ascii.wordEnd(line, 4, line.length), 7)
    assert.strictEqual(Ascii.wordEnd(line, 8, line.length), 9)
    assert.strictEqual(Ascii.wordEnd(line, 3, line.length), 3)
  })
})

describe("digits", () => {
  it("reads one to fifteen digits", () => {
    for (
      const [text, n] of [["0", 0], ["7", 7], ["007", 7], ["4294967296", 2 ** 32], ["9".repeat(15), 1e15 - 1]] as const
    ) {
      assert.strictEqual(digits(text), n)
    }
  })

  it("answers -1 to anything else", () => {
    for (const text of [...NOT_NUMBERS, "1".repeat(16)]) assert.strictEqual(digits(text), -1, text)
  })
})

describe("uint64", () => {
  it("reads the largest number and refuses the next", () => {
    assert.strictEqual(uint64("18446744073709551615"), 2n ** 64n - 1n)
    assert.strictEqual(uint64("18446744073709551616"), undefined)
    assert.strictEqual(uint64("99999999999999999999"), undefined)
    assert.strictEqual(uint64("1".repeat(16)), 1111111111111111n)
  })

  it("answers undefined to what is no number", () => {
    for (const text of [...NOT_NUMBERS, "-1111111111111111111", "1111111111111111x"]) {
      assert.strictEqual(uint64(text), undefined, text)
    }
  })

  it.prop("reads every number", [Generators.uint64], ([n]) => {
    assert.strictEqual(uint64(String(n)), n)
  })
})

describe("excerpt", () => {
  it("shows short text in quotes and escapes what is not printable", () => {
    const text = "a\"\\\r\n\x1b[31m\xff"
    assert.strictEqual(Ascii.excerpt(Ascii.bytes(text), 0, text.length), "\"a\\\"\\\\\\x0d\\x0a\\x1b[31m\\xff\"")
  })

  it("shows at most 40 bytes", () => {
    assert.strictEqual(Ascii.excerpt(new Uint8Array(41).fill(0x61), 0, 41), `"${"a".repeat(40)}"...`)
    assert.strictEqual(Ascii.excerpt(new Uint8Array(41).fill(0x61), 1, 41), `"${"a".repeat(40)}"`)
  })
})
