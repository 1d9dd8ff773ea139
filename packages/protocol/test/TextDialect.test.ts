/**
 * That the text dialect is put together from the parts that are tested beside it.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { assert, describe, it } from "@effect/vitest"

describe("the text dialect", () => {
  it("writes and reads text and never carries an opaque", () => {
    const buffer = new WriteBuffer()
    assert.strictEqual(textDialect.name, "text")
    assert.isFalse(textDialect.encode(buffer, { _tag: "Version" }, 12))
    assert.deepStrictEqual(buffer.take(), bytes("version\r\n"))
    assert.isTrue(textDialect.supports({ _tag: "Version" }))
    assert.isFalse(textDialect.supports({ _tag: "MetaNoop" }))
    assert.deepStrictEqual(textDialect.parse(bytes("OK"), 0, 2), { _tag: "Ok" })
  })
})
