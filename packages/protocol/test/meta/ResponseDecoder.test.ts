import { assert, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { bytes, byteString } from "../../src/Ascii.ts"
import type { Key } from "../../src/Key.ts"
import { parse } from "../../src/meta/ResponseDecoder.ts"
import { encode } from "../../src/meta/ResponseEncoder.ts"
import type { Reply } from "../../src/Reply.ts"
import * as Replies from "../../src/Reply.ts"
import { ResponseReader } from "../../src/ResponseReader.ts"
import { WriteBuffer } from "../../src/WriteBuffer.ts"
import * as Generators from "./Generators.ts"
import * as Transcripts from "./Transcripts.ts"

// The line stands between bytes that would change it, so that reading beyond its ends shows.
const read = (line: string): Reply => parse(bytes(`9${line}9`), 1, line.length + 1)

const tag = (line: string): string => read(line)._tag

const readAll = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<Reply> => {
  const reader = new ResponseReader({ parse, maxItemSize: 1_048_576 })
  const replies: Array<Reply> = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let reply = reader.next(true); reply !== undefined; reply = reader.next(true)) {
      replies.push(reply)
      if (reply._tag === "Malformed") return replies
    }
  }
  assert.isFalse(reader.isInsideReply)
  return replies
}

const k = "k" as Key
const va = (length: number, fields: Partial<Replies.Value>): Reply => ({ ...Replies.value(false), length, ...fields })
const code = (_tag: Replies.Status["_tag"], fields: Partial<Replies.MetaFields> = {}): Reply => ({
  ...Replies.status(_tag, false),
  ...fields
})

it("each code is told by its two letters", () => {
  const table: ReadonlyArray<readonly [line: string, reply: Reply]> = [
    ["VA 0", va(0, {})],
    ["VA 1048576", va(1_048_576, {})],
    ["HD", code("Header")],
    ["EN", code("End")],
    ["NS", code("NotStored")],
    ["EX", code("Exists")],
    ["NF", code("NotFound")],
    ["NF ", code("NotFound")],
    ["HD ", code("Header")],
    ["VA 3 ", va(3, {})],
    ["MN", { _tag: "Noop" }],
    ["ME k exp=-1 la=0 cas=5", { _tag: "Debug", key: k, text: "exp=-1 la=0 cas=5" }],
    ["ME k", { _tag: "Debug", key: k, text: "" }]
  ]
  for (const [line, reply] of table) assert.deepStrictEqual(read(line), reply, line)
})

it("each return flag fills its own field", () => {
  const table: ReadonlyArray<readonly [flag: string, fields: Partial<Replies.MetaFields>]> = [
    ["f0", { flags: 0 }],
    ["f4294967295", { flags: 4_294_967_295 }],
    ["f18446744073709551615", { flags: 2 ** 64 }],
    ["s7", { size: 7 }],
    ["t0", { ttl: 0 }],
    ["t-1", { ttl: -1 }],
    ["t2147483647", { ttl: 2_147_483_647 }],
    ["t2147483648", { ttl: 0 }],
    ["t4294967295", { ttl: 0 }],
    ["l12", { lastAccess: 12 }],
    ["h0", { isHitBefore: false }],
    ["h1", { isHitBefore: true }],
    ["c0", { cas: 0n }],
    ["c18446744073709551615", { cas: 18_446_744_073_709_551_615n }],
    ["kk", { key: k }],
    ["k\u00e9", { key: "\u00e9" as Key }],
    ["b", { isBase64: true }],
    ["O0", { opaque: 0 }],
    ["O12", { opaque: 12 }],
    ["O4294967295", { opaque: 4_294_967_295 }],
    ["W", { isWin: true }],
    ["X", { isStale: true }],
    ["Z", { isWinSent: true }]
  ]
  for (const [flag, fields] of table) {
    assert.deepStrictEqual(read(`HD ${flag}`), code("Header", fields), flag)
    assert.deepStrictEqual(read(`VA 2 ${flag}`), va(2, fields), flag)
  }
})

it("flags are read in any order, and an unknown mark is skipped", () => {
  const fields = { opaque: 7, flags: 30, isStale: true, isWin: true }
  assert.deepStrictEqual(read("VA 2 f30 O7 X W"), va(2, fields))
  assert.deepStrictEqual(read("VA 2 W X O7 f30"), va(2, fields))
  assert.deepStrictEqual(read("VA 2 Y f30 O7 W j X"), va(2, fields))
})

it("a broken token of a known flag is malformed", () => {
  const broken = "f fx f-1 f+1 f1.5 f18446744073709551616 s s-1 sx t t- t-2 t-10 t+1 tx l lx h h2 h01 c c-1 cx " +
    "c18446744073709551616 k b1 W1 X1 Z1 O O-1 Ox O1x O0x1 O1234567890123456 y1 foo ! 5 \u00ff"
  for (const flag of broken.split(" ")) {
    assert.strictEqual(tag(`HD ${flag}`), "Malformed", flag)
    assert.strictEqual(tag(`VA 2 ${flag}`), "Malformed", flag)
    assert.strictEqual(tag(`EN O1 ${flag}`), "Malformed", flag)
  }
  assert.strictEqual(tag(`HD k${"k".repeat(251)}`), "Malformed")
})

it("a line that only resembles a meta reply is malformed", () => {
  const lines = ["VA", "VA ", "VA x", "VA -1", "VA +1", "VA 1x", "VA  1", "VA 1234567890123456", "HD  ", "HD  O1"]
  const others = ["HD O1  s2", "HD O1 O1", "MN ", "MN O1", "ME", "ME ", `ME ${"k".repeat(251)} x`, "hd", "va 1", "HDx"]
  for (const line of [...lines, ...others, "HD\t", "H", "", " ", "  "]) assert.strictEqual(tag(line), "Malformed", line)
})

it("what lies behind the end of a line is not read", () => {
  for (const end of [0, 1]) assert.strictEqual(parse(bytes("HD"), 0, end)._tag, "Malformed")
  assert.strictEqual(parse(bytes("HDX"), 0, 2)._tag, "Header")
})

it("the reason quotes what was wrong", () => {
  assert.deepStrictEqual(read("VA 5 fx O1"), { _tag: "Malformed", reason: "a broken return flag: \"fx\"" })
  assert.deepStrictEqual(read("VA x\n"), { _tag: "Malformed", reason: "VA without a size: \"x\\x0a\"" })
})

it("a classic line is read as in the text dialect, also where it begins like a meta code", () => {
  const table = [
    ["END", "End"],
    ["EXISTS", "Exists"],
    ["NOT_FOUND", "NotFound"],
    ["NOT_STORED", "NotStored"],
    ["VALUE k 0 1", "Value"],
    ["VERSION 1.6.45", "Version"],
    ["STORED", "Stored"],
    ["OK", "Ok"],
    ["5", "Counter"],
    ["12", "Counter"],
    ["ERROR", "Error"],
    ["CLIENT_ERROR bad data chunk", "ClientError"],
    ["SERVER_ERROR out of memory", "ServerError"]
  ] as const
  for (const [line, expected] of table) assert.strictEqual(tag(line), expected, line)
})

const text = (reply: Reply): string => reply._tag === "Value" ? byteString(reply.value, 0, reply.value.length) : ""

/** What a reader of the recorded bytes must see: a tag, and for a value its text. */
const recorded: Readonly<Record<string, string>> = {
  "get: every return flag": "Header Value:hi Header Noop",
  "get: hit without flags, misses": "Header Header End End Noop",
  "get: touch": "Header Header Header End Header Noop",
  "get: vivify": "Value: Value: Noop",
  "get: recache": "Header Value:x Value:x Value:x Noop",
  "get: stale": "Header Header Value:old Value:old Header Value:new Noop",
  "get: base64 keys": "Header Value:hi Value:hi Header Value:yo Noop",
  "get: quiet batch": "Header Header Value:x Value:y Noop",
  "set: modes": "NotStored Header NotStored Header Header Value:abc Noop",
  "set: append and prepend to nothing": "NotStored NotStored NotStored Noop",
  "set: append keeps flags and exptime": "Header Header Value:xy Noop",
  "set: compare": "NotFound Header Exists Noop",
  "set: compare with 0": "Header Exists Value:x Noop",
  "set: an empty value": "Header Value: Noop",
  "delete": "Header Exists Header NotFound NotFound Noop",
  "arithmetic": "NotFound Value:13 Value:18 Value:0 Header Noop",
  "arithmetic: create without exptime": "Value:5 Value:6 Noop",
  "arithmetic: not a number": "Header ClientError Noop",
  "quiet: what is not hidden": "NotStored NotFound NotFound Noop",
  "debug": "Header Debug End Header Debug Noop",
  "noop with words behind it": "Noop End Noop",
  "classic lines in between": "Stored Value:x Value:x End ClientError Error Noop"
}

// memcached 1.6.40 to 1.6.45 does not find base64 keys with `me`.
const recordedByNewest: typeof recorded = { ...recorded, debug: "Header Debug End Header End Noop" }

it("what real servers answered is read in full", () => {
  for (
    const [exchanges, expected] of [[Transcripts.debian, recorded], [Transcripts.newest, recordedByNewest]] as const
  ) {
    assert.includeMembers(exchanges.map(({ name }) => name), Object.keys(expected))
    for (const { isRefusal, name, reply } of exchanges) {
      const replies = readAll([reply])
      const seen = replies.map((reply) => reply._tag === "Value" ? `Value:${text(reply)}` : reply._tag).join(" ")
      if (isRefusal) assert.match(seen, /^((Client)?Error|End) (Version )?Noop$/, name)
      else assert.strictEqual(seen, expected[name], name)
    }
  }
})

it("the fields of recorded replies are what was stored", () => {
  const [, full, header] = readAll([Transcripts.get(Transcripts.debian, "get: every return flag").reply])
  const fields = { flags: 30, cas: 2n, size: 2, ttl: 100, lastAccess: 0, isHitBefore: false, key: k, opaque: 7 }
  assert.deepStrictEqual(full, va(2, { value: bytes("hi"), ...fields }))
  assert.deepStrictEqual(header, code("Header", { size: 2, ttl: 100, isHitBefore: true, opaque: 8 }))
  const [, , first, second] = readAll([Transcripts.get(Transcripts.debian, "get: stale").reply])
  assert.deepStrictEqual(first, va(3, { value: bytes("old"), ttl: 30, isStale: true, isWin: true }))
  assert.deepStrictEqual(second, va(3, { value: bytes("old"), isStale: true, isWinSent: true }))
  const [, base64, , , plain] = readAll([Transcripts.get(Transcripts.debian, "get: base64 keys").reply])
  assert.deepStrictEqual(base64, va(2, { value: bytes("hi"), key: "Zm9v" as Key, isBase64: true }))
  assert.deepStrictEqual(plain, va(2, { value: bytes("yo"), key: "foo" as Key }))
  const touched = readAll([Transcripts.get(Transcripts.debian, "get: touch").reply])
  assert.deepStrictEqual(touched[4], code("Header", { ttl: 0 }))
})

const streamOf = (replies: ReadonlyArray<{ readonly written: Parameters<typeof encode>[1] }>): Uint8Array => {
  const buffer = new WriteBuffer()
  for (const { written } of replies) encode(buffer, written)
  return buffer.take()
}

const stream = Arbitrary.array(Generators.reply, { maxLength: 8 })

it.prop("what a server writes is what a client reads", [stream], ([replies]) => {
  assert.deepStrictEqual(readAll([streamOf(replies)]), replies.map((reply) => reply.read))
})

it.prop(
  "where the stream is cut changes nothing",
  [stream, Arbitrary.array(Generators.int(0, 2_000), { maxLength: 6 })],
  ([replies, cuts]) => {
    const whole = streamOf(replies)
    const ends = [...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length]
    const chunks = ends.map((end, index) => whole.subarray(index === 0 ? 0 : ends[index - 1], end))
    assert.deepStrictEqual(readAll(chunks), replies.map((reply) => reply.read))
    assert.deepStrictEqual(
      readAll(Array.from(whole, (byte) => Uint8Array.of(byte))),
      replies.map((reply) => reply.read)
    )
  },
  { arbitrary: { runs: 60 } }
)

it.prop(
  "mutated bytes are replies or malformed, never an exception",
  [
    Arbitrary.array(Generators.reply, { minLength: 1, maxLength: 4 }),
    Arbitrary.array(Arbitrary.all([Generators.int(0, 400), Generators.int(0, 255)]), { minLength: 1, maxLength: 4 })
  ],
  ([replies, mutations]) => {
    const whole = streamOf(replies)
    for (const [index, byte] of mutations) whole[index % whole.length] = byte
    const reader = new ResponseReader({ parse, maxItemSize: 1_048_576 })
    reader.push(whole)
    let count = 0
    for (let reply = reader.next(true); reply !== undefined && count <= whole.length; reply = reader.next(true)) {
      count++
      if (reply._tag === "Malformed") {
        assert.isNotEmpty(reply.reason)
        return
      }
    }
    assert.isAtMost(count, whole.length)
  },
  { arbitrary: { runs: 500 } }
)

it.prop("any line at all is read without an exception", [Generators.bytes(0, 40)], ([line]) => {
  assert.isString(parse(line, 0, line.length)._tag)
}, { arbitrary: { runs: 500 } })
