import { assert, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { md5, sha1, uint32BE, uint32LE } from "../../../../src/internal/distribution/hashes/Digest.ts"

const hex = (digest: string): string => Buffer.from(digest, "latin1").toString("hex")

it("md5 is that of RFC 1321, A.5", () => {
  assert.strictEqual(hex(md5("")), "d41d8cd98f00b204e9800998ecf8427e")
  assert.strictEqual(hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72")
  assert.strictEqual(hex(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0")
})

it("sha1 is that of RFC 3174, 7.3", () => {
  assert.strictEqual(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d")
})

it("bytes above 0x7f are hashed as they are, and not as their UTF-8", () => {
  assert.strictEqual(hex(md5("\u00e9")), createHash("md5").update(Buffer.of(0xe9)).digest("hex"))
  assert.strictEqual(hex(sha1("\u00e9")), createHash("sha1").update(Buffer.of(0xe9)).digest("hex"))
})

it("numbers are read from either end and are never negative", () => {
  const digest = md5("abc")
  assert.deepStrictEqual([0, 4, 8, 12].map((at) => uint32LE(digest, at)), [
    0x98500190,
    0xb04fd23c,
    0x7d3f96d6,
    0x727fe128
  ])
  assert.deepStrictEqual([0, 12].map((at) => uint32BE(md5("abc"), at)), [0x90015098, 0x28e17f72])
})
