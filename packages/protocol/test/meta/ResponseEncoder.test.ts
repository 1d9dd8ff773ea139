import { assert, it } from "@effect/vitest"
import { bytes, byteString } from "../../src/Ascii.ts"
import { encode, type MetaReply } from "../../src/meta/ResponseEncoder.ts"
import { WriteBuffer } from "../../src/WriteBuffer.ts"

const write = (reply: MetaReply): string => {
  const buffer = new WriteBuffer()
  encode(buffer, reply)
  const written = buffer.take()
  return byteString(written, 0, written.length)
}

it("each code is written with its flags in the order given", () => {
  const table: ReadonlyArray<readonly [reply: MetaReply, line: string]> = [
    [{ code: "VA", value: bytes("hi"), flags: ["f30", "kk", "O7", "W"] }, "VA 2 f30 kk O7 W\r\nhi\r\n"],
    [{ code: "VA", value: new Uint8Array(0), flags: [] }, "VA 0\r\n\r\n"],
    [{ code: "VA", flags: ["Z"] }, "VA 0 Z\r\n\r\n"],
    [{ code: "HD", flags: [] }, "HD\r\n"],
    [{ code: "HD", flags: ["t-1", "O1"] }, "HD t-1 O1\r\n"],
    [{ code: "HD", flags: [], value: bytes("not sent") }, "HD\r\n"],
    [{ code: "EN", flags: ["kZm9v", "b", "O1"] }, "EN kZm9v b O1\r\n"],
    [{ code: "NS", flags: ["c0"] }, "NS c0\r\n"],
    [{ code: "EX", flags: ["c0"] }, "EX c0\r\n"],
    [{ code: "NF", flags: ["O1"] }, "NF O1\r\n"],
    [{ code: "MN", flags: [] }, "MN\r\n"],
    [{ code: "ME", flags: [], text: "k exp=-1 la=0" }, "ME k exp=-1 la=0\r\n"]
  ]
  for (const [reply, line] of table) assert.strictEqual(write(reply), line)
})

it("a value may hold what looks like a reply", () => {
  assert.strictEqual(write({ code: "VA", value: bytes("a\r\nEN\r\n"), flags: [] }), "VA 7\r\na\r\nEN\r\n\r\n")
})
