/**
 * That replies do not depend on how their bytes were cut, and that no bytes whatever make the reader throw.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Reply } from "@effect-memcache/protocol/Reply"
import { ResponseReader } from "@effect-memcache/protocol/ResponseReader"
import * as ResponseDecoder from "@effect-memcache/protocol/text/ResponseDecoder"
import * as ResponseEncoder from "@effect-memcache/protocol/text/ResponseEncoder"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Generators from "./text/Generators.ts"
import { cut, cuts, replies } from "./text/Reading.ts"

const encode = (list: ReadonlyArray<Reply>): Uint8Array => {
  const buffer = new WriteBuffer()
  for (const reply of list) ResponseEncoder.encode(buffer, reply)
  return buffer.take()
}

const replyList = Arbitrary.array(Generators.reply, { maxLength: 8 })

const positions = Arbitrary.array(Generators.int(0, 4000), { maxLength: 30 })

const reader = (maxItemSize = 100): ResponseReader => new ResponseReader({ parse: ResponseDecoder.parse, maxItemSize })

const SHORT_STREAMS = [
  "END\r\nOK\r\n10\r\n",
  "VALUE a 0 0\r\n\r\n",
  "VALUE a 0 1\r\nx",
  "STAT a b\r\n1\r\n",
  "ERROR\r\nEND\r\n"
]

describe("any cut of a stream", () => {
  it("gives the same replies: every cut of short streams", () => {
    for (const stream of SHORT_STREAMS) {
      const expected = replies([bytes(stream)])
      for (const chunks of cuts(bytes(stream))) assert.deepStrictEqual(replies(chunks), expected)
    }
  })

  it.prop("gives the same replies: random cuts of random streams", [replyList, positions], ([list, positions]) => {
    assert.deepStrictEqual(replies(cut(encode(list), positions)), list)
  })

  it.prop("gives the same replies without values if they are not kept", [replyList, positions], ([list, positions]) => {
    const expected = list.map((reply) => reply._tag === "Value" ? { ...reply, value: new Uint8Array(0) } : reply)
    assert.deepStrictEqual(replies(cut(encode(list), positions), false), expected)
  })

  it("gives the same replies one byte at a time, although a value holds reply words", () => {
    const stream = bytes("VALUE v 7 15\r\nA\r\nEND\r\nVALUE x\r\nEND\r\n")
    const whole = replies([stream])
    assert.deepStrictEqual(whole.map((reply) => reply._tag), ["Value", "End"])
    assert.deepStrictEqual(replies(Array.from(stream, (byte) => Uint8Array.of(byte))), whole)
  })
})

describe("a value", () => {
  it("is a view of the chunk if it lies in one", () => {
    const chunk = bytes("VALUE a 0 3\r\nabc\r\nEND\r\n")
    const [value] = replies([chunk])
    if (value._tag !== "Value") return assert.fail(value._tag)
    assert.strictEqual(value.value.buffer, chunk.buffer)
  })

  it("that was begun to be kept is kept, and one that was begun to be skipped is skipped", () => {
    for (const keep of [true, false]) {
      const it = reader()
      it.push(bytes("VALUE a 0 3\r\nab"))
      assert.strictEqual(it.next(keep), undefined)
      assert.isTrue(it.isInsideReply)
      it.push(bytes("c\r\n"))
      const value = it.next(!keep)
      assert.strictEqual(value?._tag === "Value" ? value.value.length : -1, keep ? 3 : 0)
      assert.isFalse(it.isInsideReply)
    }
  })

  it("of maxItemSize bytes is read, and a larger one is refused before anything is allocated", () => {
    const it = reader(4)
    it.push(bytes("VALUE a 0 4\r\nabcd\r\nVALUE a 0 5\r\n"))
    assert.strictEqual(it.next(true)?._tag, "Value")
    assert.deepStrictEqual(it.next(true), {
      _tag: "Malformed",
      reason: "a value of 5 bytes is larger than maxItemSize (4 bytes)"
    })
    assert.deepStrictEqual(replies([bytes("VALUE a 0 999999999999999\r\n")]).map((reply) => reply._tag), ["Malformed"])
  })
})

describe("a reader", () => {
  it("is inside a reply while a line is incomplete", () => {
    const it = reader()
    assert.isFalse(it.isInsideReply)
    it.push(bytes("STOR"))
    assert.strictEqual(it.next(true), undefined)
    assert.isTrue(it.isInsideReply)
    it.push(bytes("ED\r\n"))
    assert.deepStrictEqual(it.next(true), { _tag: "Stored" })
    assert.isFalse(it.isInsideReply)
  })

  it("says the same for ever after a malformed reply", () => {
    const it = reader()
    it.push(bytes("HELLO\r\nSTORED\r\n"))
    const first = it.next(true)
    assert.strictEqual(first?._tag, "Malformed")
    assert.strictEqual(it.next(true), first)
    it.push(bytes("STORED\r\n"))
    assert.strictEqual(it.next(true), first)
  })

  it("does not wait for the end of a line that no reply begins with", () => {
    for (const first of ["\x81\0\0\x05", "\0", "\r", "\n", " END", "end", "\xff", "-1", "<html>"]) {
      for (const before of ["", "END\r\n"]) {
        const [last] = replies([bytes(before + first)]).slice(-1)
        assert.strictEqual(last._tag, "Malformed", JSON.stringify(first))
      }
    }
    assert.deepStrictEqual(replies([bytes("E")]), [])
  })

  it("calls malformed what the protocol does not allow between replies", () => {
    for (
      const [stream, reason] of [
        ["STORED\n", "a line ends without CRLF"],
        ["VALUE a 0 1\r\nxyz", "a value is not followed by CRLF"],
        ["VALUE a 0 1\r\nx\n\n", "a value is not followed by CRLF"],
        [`STAT a ${"x".repeat(2049)}`, "a line is longer than 2048 bytes"],
        ["\r\n", "not a reply: it begins with byte 13"]
      ]
    ) {
      for (const keep of [true, false]) {
        assert.deepStrictEqual(replies([bytes(stream)], keep), [{ _tag: "Malformed", reason }])
      }
    }
  })
})

describe("mutated bytes", () => {
  const isReply = (list: ReadonlyArray<Reply>): boolean => list.every((reply) => typeof reply._tag === "string")

  it.prop(
    "give replies or one malformed reply at the end, never a throw",
    [
      replyList,
      Arbitrary.array(Arbitrary.all([Generators.int(0, 4000), Generators.int(0, 255)]), { minLength: 1, maxLength: 6 }),
      positions
    ],
    ([list, mutations, positions]) => {
      const stream = encode(list).slice()
      for (const [at, byte] of mutations) if (stream.length > 0) stream[at % stream.length] = byte
      const found = replies(cut(stream, positions))
      assert.isTrue(isReply(found))
      assert.deepStrictEqual(found, replies([stream]))
      assert.isTrue(found.slice(0, -1).every((reply) => reply._tag !== "Malformed"))
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "give the same without any reply to begin with",
    [Generators.bytes(0, 200), positions],
    ([stream, positions]) => {
      assert.deepStrictEqual(replies(cut(stream, positions)), replies([stream]))
    }
  )
})
