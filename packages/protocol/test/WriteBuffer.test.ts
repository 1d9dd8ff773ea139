/**
 * That what was encoded comes out once, in order, and is never written to again.
 */
import { byteString } from "@effect-memcache/protocol/Ascii"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Generators from "./text/Generators.ts"

const take = (buffer: WriteBuffer): string => {
  const taken = buffer.take()
  return byteString(taken, 0, taken.length)
}

describe("WriteBuffer", () => {
  it("appends text, numbers, blanks, bytes and line ends", () => {
    const buffer = new WriteBuffer()
    buffer.text("set \xe4").blank().number(0).crlf().bytes(Uint8Array.of(0, 255, 13, 10)).crlf()
    assert.strictEqual(buffer.length, 4 + 1 + 1 + 1 + 2 + 4 + 2)
    assert.strictEqual(take(buffer), "set \xe4 0\r\n\x00\xff\r\n\r\n")
    assert.strictEqual(buffer.length, 0)
    assert.strictEqual(take(buffer), "")
  })

  it("writes numbers of every length", () => {
    const buffer = new WriteBuffer()
    const numbers = [0, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999, 100_000, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER]
    for (const n of numbers) {
      buffer.number(n)
      assert.strictEqual(take(buffer), String(n))
    }
  })

  it.prop("writes every number as String does", [Generators.int(0, 200_000)], ([n]) => {
    assert.strictEqual(take(new WriteBuffer().number(n)), String(n))
  })

  it("copies bytes, so that the caller may change them", () => {
    const buffer = new WriteBuffer()
    const value = Uint8Array.of(1, 2, 3)
    buffer.bytes(value)
    value.fill(9)
    assert.deepStrictEqual([...buffer.take()], [1, 2, 3])
  })

  it("holds more than a block, and a value larger than any block", () => {
    const buffer = new WriteBuffer()
    const value = new Uint8Array(300_000).fill(0x61)
    buffer.text("head").bytes(value).text("tail")
    assert.strictEqual(take(buffer), `head${"a".repeat(300_000)}tail`)
  })

  it.prop(
    "gives everything out once and in order, and leaves alone what it gave out",
    [Arbitrary.array(Arbitrary.all([Generators.int(0, 40_000), Generators.boolean]), { maxLength: 12 })],
    ([pieces]) => {
      const buffer = new WriteBuffer()
      const taken: Array<Uint8Array> = []
      let written = ""
      pieces.forEach(([size, isTaken], i) => {
        const piece = String.fromCharCode(0x61 + i).repeat(size)
        buffer.text(piece)
        written += piece
        if (isTaken) taken.push(buffer.take())
      })
      taken.push(buffer.take())
      assert.strictEqual(taken.map((bytes) => byteString(bytes, 0, bytes.length)).join(""), written)
    },
    { arbitrary: { runs: 40 } }
  )
})
