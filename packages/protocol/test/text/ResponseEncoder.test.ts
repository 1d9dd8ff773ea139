/**
 * What a server writes for each reply, and that a client reads it back.
 */
import { bytes, byteString } from "@effect-memcache/protocol/Ascii"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Reply } from "@effect-memcache/protocol/Reply"
import * as Replies from "@effect-memcache/protocol/Reply"
import * as ResponseEncoder from "@effect-memcache/protocol/text/ResponseEncoder"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { assert, describe, it } from "@effect/vitest"
import * as Generators from "./Generators.ts"
import { replies } from "./Reading.ts"

const LINES: ReadonlyArray<readonly [reply: Reply, line: string, options?: ResponseEncoder.EncodeOptions]> = [
  [Replies.status("End", true), "END"],
  [{ _tag: "Stored" }, "STORED"],
  [Replies.status("NotStored", true), "NOT_STORED"],
  [Replies.status("Exists", true), "EXISTS"],
  [Replies.status("NotFound", true), "NOT_FOUND"],
  [{ _tag: "Deleted" }, "DELETED"],
  [{ _tag: "Touched" }, "TOUCHED"],
  [{ _tag: "Ok" }, "OK"],
  [{ _tag: "Reset" }, "RESET"],
  [{ _tag: "Counter", value: 18446744073709551615n }, "18446744073709551615"],
  [{ _tag: "Version", version: "1.6.45" }, "VERSION 1.6.45"],
  [{ _tag: "Stat", name: "pid", value: "12" }, "STAT pid 12"],
  [{ _tag: "Stat", name: "a", value: "[1 b; 0 s]" }, "ITEM a [1 b; 0 s]", { statWord: "ITEM" }],
  [{ _tag: "Stat", name: "p", value: "get 2 hit 1" }, "PREFIX p get 2 hit 1", { statWord: "PREFIX" }],
  [{ _tag: "Error", message: "" }, "ERROR"],
  [{ _tag: "Error", message: "Too many open connections" }, "ERROR Too many open connections"],
  [{ _tag: "ClientError", message: "bad data chunk" }, "CLIENT_ERROR bad data chunk"],
  [{ _tag: "ServerError", message: "out of memory" }, "SERVER_ERROR out of memory"]
]

describe("encode", () => {
  const encode = (reply: Reply, options?: ResponseEncoder.EncodeOptions): string | undefined => {
    const buffer = new WriteBuffer()
    const isWritten = ResponseEncoder.encode(buffer, reply, options)
    const taken = buffer.take()
    assert.strictEqual(isWritten, taken.length > 0)
    return isWritten ? byteString(taken, 0, taken.length) : undefined
  }

  it("writes each reply as its line", () => {
    for (const [reply, line, options] of LINES) assert.strictEqual(encode(reply, options), `${line}\r\n`)
  })

  it("writes a value with or without its cas unique", () => {
    const reply: Reply = { ...Replies.value(true), key: "a" as Key, flags: 7, length: 1, value: bytes("x"), cas: 12n }
    assert.strictEqual(encode(reply), "VALUE a 7 1 12\r\nx\r\n")
    assert.strictEqual(encode(reply, { withCas: false }), "VALUE a 7 1\r\nx\r\n")
    assert.strictEqual(encode(reply, { withCas: true }), "VALUE a 7 1 12\r\nx\r\n")
    assert.strictEqual(encode({ ...reply, cas: undefined }), "VALUE a 7 1\r\nx\r\n")
    assert.strictEqual(encode({ ...reply, cas: undefined }, { withCas: true }), "VALUE a 7 1 0\r\nx\r\n")
  })

  it("writes nothing for what text has no words for", () => {
    for (
      const reply of [
        Replies.status("Header", false),
        { _tag: "Noop" },
        { _tag: "Debug", key: "a" as Key, text: "x" },
        Replies.malformed("x")
      ] as ReadonlyArray<Reply>
    ) {
      assert.strictEqual(encode(reply), undefined)
    }
  })

  it.prop(
    "is undone by the client's reader for every reply",
    [Generators.reply],
    ([reply]) => {
      assert.deepStrictEqual(replies([bytes(encode(reply)!)]), [reply])
    },
    { arbitrary: { runs: 500 } }
  )
})
