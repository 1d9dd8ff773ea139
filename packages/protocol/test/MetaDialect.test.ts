import { assert, it } from "@effect/vitest"
import { bytes, byteString } from "../src/Ascii.ts"
import type { Command } from "../src/Command.ts"
import type { Key } from "../src/Key.ts"
import { metaDialect as dialect } from "../src/MetaDialect.ts"
import { ResponseReader } from "../src/ResponseReader.ts"
import { WriteBuffer } from "../src/WriteBuffer.ts"

const k = "k" as Key

it("is called meta", () => {
  assert.strictEqual(dialect.name, "meta")
})

it("one connection speaks meta and classic lines, and only the former carry an opaque", () => {
  const commands: ReadonlyArray<readonly [command: Command, carriesOpaque: boolean]> = [
    [{ _tag: "Get", keys: [k], withCas: false }, true],
    [{ _tag: "Get", keys: [k, "l" as Key], withCas: false }, false],
    [{ _tag: "Version" }, false],
    [{ _tag: "Delete", key: k, noreply: false }, true]
  ]
  const buffer = new WriteBuffer()
  let opaque = 0
  for (const [command, carriesOpaque] of commands) {
    assert.isTrue(dialect.supports(command))
    assert.strictEqual(dialect.encode(buffer, command, ++opaque), carriesOpaque)
  }
  const written = buffer.take()
  assert.strictEqual(
    byteString(written, 0, written.length),
    "mg k v f O1\r\nget k l\r\nmn\r\nversion\r\nmd k O4\r\n"
  )
})

it("replies of both dialects are read from one stream", () => {
  const reader = new ResponseReader({ parse: dialect.parse, maxItemSize: 1_024 })
  reader.push(bytes("VA 2 f0 O1\r\nhi\r\nVALUE k 0 2\r\nhi\r\nEND\r\nMN\r\nVERSION 1.6.45\r\nHD O4\r\nERROR\r\n"))
  const tags: Array<string> = []
  for (let reply = reader.next(true); reply !== undefined; reply = reader.next(true)) tags.push(reply._tag)
  assert.deepStrictEqual(tags, ["Value", "Value", "End", "Noop", "Version", "Header", "Error"])
})
