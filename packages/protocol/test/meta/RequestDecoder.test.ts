import { assert, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { bytes, byteString } from "../../src/Ascii.ts"
import type { Command, StoreMode } from "../../src/Command.ts"
import type { Key } from "../../src/Key.ts"
import { parse } from "../../src/meta/RequestDecoder.ts"
import { encode } from "../../src/meta/RequestEncoder.ts"
import { ReceiveBuffer } from "../../src/ReceiveBuffer.ts"
import type { RequestLine } from "../../src/Request.ts"
import { WriteBuffer } from "../../src/WriteBuffer.ts"
import * as Generators from "./Generators.ts"
import * as Transcripts from "./Transcripts.ts"

// The line stands between bytes that would change it, so that reading beyond its ends shows.
const read = (line: string): RequestLine => parse(bytes(`m${line}m`), 1, line.length + 1)

const k = "k" as Key
const empty = new Uint8Array(0)

/** Reads whole requests as a server does, skipping the values of refused ones. */
const readAll = (stream: Uint8Array): ReadonlyArray<Command | string> => {
  const buffer = new ReceiveBuffer({ lenient: true })
  buffer.push(stream)
  const seen: Array<Command | string> = []
  while (buffer.readLine(2_048) === undefined) {
    const line = parse(buffer.line, buffer.lineStart, buffer.lineEnd)
    if (line._tag === "Close") return [...seen, "close"]
    if (line._tag === "Refuse") {
      seen.push(line.reply)
      if (line.swallow >= 0) buffer.skipBlock(line.swallow)
    } else if (line.blockSize < 0) seen.push(line.command)
    else seen.push({ ...line.command, value: buffer.readBlock(line.blockSize) } as Command)
  }
  assert.strictEqual(buffer.unread, 0)
  return seen
}

it("each command keeps its key and its flags as they came", () => {
  const table: ReadonlyArray<readonly [line: string, command: Command]> = [
    ["mg k", { _tag: "MetaGet", key: k, flags: [] }],
    ["mg k v q O1 k T30", { _tag: "MetaGet", key: k, flags: ["v", "q", "O1", "k", "T30"] }],
    ["mg  k   v  ", { _tag: "MetaGet", key: k, flags: ["v"] }],
    ["mg Zm9v b k", { _tag: "MetaGet", key: "Zm9v" as Key, flags: ["b", "k"] }],
    ["mg k Oopaque/~!", { _tag: "MetaGet", key: k, flags: ["Oopaque/~!"] }],
    ["mg k F5 D1 J2 MX x I", { _tag: "MetaGet", key: k, flags: ["F5", "D1", "J2", "MX", "x", "I"] }],
    ["md k q I T30", { _tag: "MetaDelete", key: k, flags: ["q", "I", "T30"] }],
    ["ma k N60 J13 v t c", { _tag: "MetaArithmetic", key: k, flags: ["N60", "J13", "v", "t", "c"] }],
    ["mn", { _tag: "MetaNoop" }],
    ["mn foo bar", { _tag: "MetaNoop" }],
    ["me k", { _tag: "MetaDebug", key: k, flags: [] }],
    ["me Zm9v b", { _tag: "MetaDebug", key: "Zm9v" as Key, flags: ["b"] }],
    ["me k v v zz", { _tag: "MetaDebug", key: k, flags: ["v", "v", "zz"] }]
  ]
  for (const [line, command] of table) {
    assert.deepStrictEqual(read(line), { _tag: "Command", command, blockSize: -1 }, line)
  }
})

it("`ms` announces its value", () => {
  const command = (...flags: ReadonlyArray<string>): Command => ({ _tag: "MetaSet", key: k, value: empty, flags })
  assert.deepStrictEqual(read("ms k 2"), { _tag: "Command", command: command(), blockSize: 2 })
  assert.deepStrictEqual(read("ms k 0 ME O1"), { _tag: "Command", command: command("ME", "O1"), blockSize: 0 })
  assert.deepStrictEqual(read("ms k 7 MSx"), { _tag: "Command", command: command("MSx"), blockSize: 7 })
  assert.deepStrictEqual(read("ms k 2147483645 v"), {
    _tag: "Command",
    command: command("v"),
    blockSize: 2_147_483_645
  })
})

it("a refused line is answered as memcached 1.6.45 answers it, and its value read past where that does", () => {
  const refused = Transcripts.newest.filter(({ isRefusal }) => isRefusal)
  assert.isAtLeast(refused.length, 60)
  for (const { name, reply } of refused) {
    const replies = byteString(reply, 0, reply.length).split("\r\n")
    const swallow = name.startsWith("ms") && !replies[1].startsWith("VERSION") ? 7 : -1
    assert.deepStrictEqual(read(name), { _tag: "Refuse", reply: replies[0], swallow }, name)
  }
})

it("what real servers understood is understood", () => {
  for (const { isRefusal, name, send } of Transcripts.newest) {
    if (isRefusal) continue
    const refusals = readAll(send).filter((request) => typeof request === "string")
    assert.deepStrictEqual(refusals, name === "classic lines in between" ? ["ERROR"] : [], name)
  }
})

it("numbers are taken up to their limits", () => {
  const legal = [
    "mg k T2147483647",
    "mg k T-2147483648 N0 R0",
    "ms k 1 F4294967295",
    "ms k 1 C18446744073709551615 E0",
    "ma k D18446744073709551615 J0"
  ]
  const bad = "CLIENT_ERROR bad token in command line format"
  const illegal = [
    ["mg k T2147483648", bad],
    ["mg k T-2147483649", bad],
    ["mg k T+1", bad],
    ["mg k C18446744073709551616", bad],
    ["mg k N-", bad],
    ["ms k 1 F4294967296", "CLIENT_ERROR bad command line format"],
    ["mg k J18446744073709551616", "CLIENT_ERROR invalid numeric initial value"],
    ["ms k 1 Fx Tx", bad],
    ["ms k 1 Tx Fx", bad]
  ] as const
  for (const line of legal) assert.strictEqual(read(line)._tag, "Command", line)
  for (const [line, reply] of illegal) {
    assert.deepStrictEqual(read(line), { _tag: "Refuse", reply, swallow: line.startsWith("ms") ? 1 : -1 }, line)
  }
})

it("18 flags and an opaque of 31 bytes are not too many", () => {
  const flags = "v s t c f h l k u P2 L3 T4 N5 R6 q C1 D1"
  assert.strictEqual(read(`mg k ${flags} O${"o".repeat(31)}`)._tag, "Command")
  assert.strictEqual(read(`mg k ${flags} O1 I`)._tag, "Refuse")
  assert.strictEqual(read(`ms k 1 ${flags}`)._tag, "Command")
  assert.strictEqual(read(`ms k 1 ${flags} O1`)._tag, "Refuse")
})

it("a key of 250 bytes is taken, one with a control byte is not", () => {
  const longest = "k".repeat(250)
  for (const word of ["mg", "md", "ma", "me"]) assert.strictEqual(read(`${word} ${longest}`)._tag, "Command")
  const reply = "CLIENT_ERROR bad command line format"
  for (const key of ["a\tb", "a\u0000", "a\u007f", "\r"]) {
    assert.deepStrictEqual(read(`mg ${key} v`), { _tag: "Refuse", reply, swallow: -1 })
    assert.deepStrictEqual(read(`ms ${key} 3`), { _tag: "Refuse", reply, swallow: 3 })
  }
  assert.strictEqual(read("mg k\u00e9\u00ff v")._tag, "Command")
})

it("a base64 key must be padded standard base64", () => {
  for (const key of ["Zm9v", "Zg==", "Zm8=", "+/+/"]) assert.strictEqual(read(`mg ${key} b`)._tag, "Command", key)
  const refusal: RequestLine = { _tag: "Refuse", reply: "CLIENT_ERROR error decoding key", swallow: -1 }
  for (const key of ["Zm9", "Zg", "====", "-_-_", "Zm=v"]) assert.deepStrictEqual(read(`mg ${key} b`), refusal, key)
})

it("a line that is no meta command is a classic one", () => {
  assert.deepStrictEqual(read("get k"), {
    _tag: "Command",
    command: { _tag: "Get", keys: [k], withCas: false },
    blockSize: -1
  })
  assert.strictEqual(read("set k 0 0 5")._tag, "Command")
  for (const line of ["mz k", "xg k", "MG k", "m k", "mgg k", " mg k", "mg\tk"]) {
    assert.deepStrictEqual(read(line), { _tag: "Refuse", reply: "ERROR", swallow: -1 }, line)
  }
  assert.deepStrictEqual(read("GET / HTTP/1.1"), { _tag: "Close" })
})

const write = (commands: ReadonlyArray<Command>): Uint8Array => {
  const buffer = new WriteBuffer()
  for (const command of commands) encode(buffer, command, 7)
  return buffer.take()
}

it.prop(
  "a meta command comes back as it was, with its opaque",
  [Arbitrary.array(Generators.metaCommand, { maxLength: 5 })],
  ([commands]) => {
    const sent = commands.map((command) => ({ ...command, flags: [...command.flags, "O7"] }))
    assert.deepStrictEqual(readAll(write(commands)), sent)
  },
  { arbitrary: { runs: 200 } }
)

it("`mn` and `me` come back without an opaque", () => {
  const debug: Command = { _tag: "MetaDebug", key: k, flags: [] }
  assert.deepStrictEqual(readAll(write([debug, { _tag: "MetaNoop" }])), [debug, { _tag: "MetaNoop" }])
})

const only = (command: Command): Command => {
  const [read, ...rest] = readAll(write([command]))
  assert.isEmpty(rest)
  return read as Command
}

const flagsOf = (command: Command): ReadonlyMap<string, string> =>
  new Map("flags" in command ? Array.from(command.flags as ReadonlyArray<string>, (f) => [f[0], f.slice(1)]) : [])

const MODES: Record<StoreMode, string> = { set: "S", add: "E", replace: "R", append: "A", prepend: "P" }

it.prop(
  "a lowered store says what the classic one said",
  [
    Generators.oneOf(["set", "add", "replace", "append", "prepend"]),
    Generators.key,
    Generators.int(0, 4_294_967_295),
    Generators.exptime,
    Generators.bytes(0, 64)
  ],
  ([mode, key, flags, exptime, value]) => {
    const read = only({ _tag: "Store", mode, key, flags, exptime, value, noreply: false })
    assert.deepInclude(read, { _tag: "MetaSet", key, value })
    const fields = flagsOf(read)
    const isJoin = mode === "append" || mode === "prepend"
    assert.strictEqual(fields.get("M") ?? "S", MODES[mode])
    assert.strictEqual(Number(fields.get("F") ?? 0), isJoin ? 0 : flags)
    assert.strictEqual(Number(fields.get("T") ?? 0), isJoin ? 0 : exptime)
    assert.strictEqual(fields.get("O"), "7")
    assert.isFalse(fields.has("C"))
  }
)

it.prop(
  "a lowered cas compares, and never turns into a store that does not",
  [Generators.key, Generators.int(0, 4_294_967_295), Generators.exptime, Generators.uint64],
  ([key, flags, exptime, cas]) => {
    const command: Command = { _tag: "Cas", key, flags, exptime, cas, value: bytes("v"), noreply: false }
    const read = only(command)
    const fields = flagsOf(read)
    assert.strictEqual(fields.get("C"), String(cas))
    assert.strictEqual(Number(fields.get("F") ?? 0), flags)
    assert.strictEqual(Number(fields.get("T") ?? 0), exptime)
    assert.isFalse(fields.has("M"))
  }
)

it.prop(
  "lowered arithmetic says what the classic one said",
  [
    Generators.oneOf(["incr", "decr"]),
    Generators.key,
    Generators.uint64,
    Generators.uint64,
    Generators.exptime,
    Generators.boolean
  ],
  ([mode, key, delta, initial, exptime, isCreating]) => {
    const create = isCreating ? { initial, exptime } : undefined
    const read = only({ _tag: "Arithmetic", mode, key, delta, create, noreply: false })
    assert.deepInclude(read, { _tag: "MetaArithmetic", key })
    const fields = flagsOf(read)
    assert.strictEqual(fields.get("M") ?? "I", mode === "decr" ? "D" : "I")
    assert.strictEqual(BigInt(fields.get("D") ?? 1), delta)
    assert.strictEqual(fields.get("N"), isCreating ? String(exptime) : undefined)
    assert.strictEqual(fields.get("J"), isCreating ? String(initial) : undefined)
    assert.isTrue(fields.has("v"))
  }
)

it.prop(
  "lowered reads, touches and deletes ask for what the classic ones give",
  [Generators.key, Generators.boolean, Generators.exptime],
  ([key, withCas, exptime]) => {
    const cas = withCas ? ["c"] : []
    assert.deepStrictEqual(only({ _tag: "Get", keys: [key], withCas }), {
      _tag: "MetaGet",
      key,
      flags: ["v", "f", ...cas, "O7"]
    })
    assert.deepStrictEqual(only({ _tag: "GetAndTouch", keys: [key], withCas, exptime }), {
      _tag: "MetaGet",
      key,
      flags: ["v", "f", ...cas, `T${exptime}`, "O7"]
    })
    const touch: Command = { _tag: "MetaGet", key, flags: [`T${exptime}`, "O7"] }
    assert.deepStrictEqual(only({ _tag: "Touch", key, exptime, noreply: false }), touch)
    assert.deepStrictEqual(only({ _tag: "Delete", key, noreply: false }), { _tag: "MetaDelete", key, flags: ["O7"] })
  }
)

it.prop("any line at all is read without an exception", [Generators.bytes(0, 60)], ([line]) => {
  const meta = Uint8Array.from([0x6d, 0x67 + line.length % 3, 0x20, ...line])
  for (const bytes of [line, meta]) assert.isString(parse(bytes, 0, bytes.length)._tag)
}, { arbitrary: { runs: 500 } })
