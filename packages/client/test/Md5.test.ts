import { md5, md5Bytes, uint32LE } from "@effect-memcache/client/Md5"
import { assert, it } from "@effect/vitest"

const hex = (digest: string): string => Buffer.from(digest, "latin1").toString("hex")

it("md5 is that of RFC 1321, A.5", () => {
  assert.strictEqual(hex(md5("")), "d41d8cd98f00b204e9800998ecf8427e")
  assert.strictEqual(hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72")
  assert.strictEqual(hex(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0")
})

it("bytes and text give the same digest when they are the same bytes", () => {
  assert.strictEqual(md5Bytes("\u00c3\u00a9"), md5("é"))
  assert.notStrictEqual(md5Bytes("é"), md5("é"))
})

it("numbers are read from the low byte up and are never negative", () => {
  const digest = md5("abc")
  assert.deepStrictEqual([0, 4, 8, 12].map((at) => uint32LE(digest, at)), [
    0x98500190,
    0xb04fd23c,
    0x7d3f96d6,
    0x727fe128
  ])
})
