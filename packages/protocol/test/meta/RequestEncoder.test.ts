import { assert, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { bytes, byteString } from "../../src/Ascii.ts"
import type { Command } from "../../src/Command.ts"
import type { Key } from "../../src/Key.ts"
import { encode, supports } from "../../src/meta/RequestEncoder.ts"
import { WriteBuffer } from "../../src/WriteBuffer.ts"
import * as Generators from "./Generators.ts"

const k = "k" as Key
const value = bytes("hi")
const store = { _tag: "Store", mode: "set", key: k, flags: 0, exptime: 0, value, noreply: false } as const
const cas = { _tag: "Cas", key: k, flags: 0, exptime: 0, value, cas: 5n, noreply: false } as const
const count = { _tag: "Arithmetic", mode: "incr", key: k, delta: 1n, create: undefined, noreply: false } as const

const write = (command: Command, opaque = 12): readonly [line: string, carriesOpaque: boolean] => {
  const buffer = new WriteBuffer()
  const carriesOpaque = encode(buffer, command, opaque)
  const written = buffer.take()
  return [byteString(written, 0, written.length), carriesOpaque]
}

const withOpaque: ReadonlyArray<readonly [command: Command, line: string]> = [
  [{ _tag: "Get", keys: [k], withCas: false }, "mg k v f O12\r\n"],
  [{ _tag: "Get", keys: [k], withCas: true }, "mg k v f c O12\r\n"],
  [{ _tag: "GetAndTouch", keys: [k], withCas: false, exptime: 30 }, "mg k v f T30 O12\r\n"],
  [{ _tag: "GetAndTouch", keys: [k], withCas: true, exptime: 0 }, "mg k v f c T0 O12\r\n"],
  [store, "ms k 2 O12\r\nhi\r\n"],
  [{ ...store, flags: 7 }, "ms k 2 F7 O12\r\nhi\r\n"],
  [{ ...store, exptime: 100_000 }, "ms k 2 T100000 O12\r\nhi\r\n"],
  [{ ...store, flags: 4_294_967_295, exptime: -1 }, "ms k 2 F4294967295 T-1 O12\r\nhi\r\n"],
  [{ ...store, mode: "add", flags: 7, exptime: 9 }, "ms k 2 F7 T9 ME O12\r\nhi\r\n"],
  [{ ...store, mode: "replace" }, "ms k 2 MR O12\r\nhi\r\n"],
  [{ ...store, mode: "append", flags: 7, exptime: 9 }, "ms k 2 MA O12\r\nhi\r\n"],
  [{ ...store, mode: "prepend", flags: 7, exptime: 9 }, "ms k 2 MP O12\r\nhi\r\n"],
  [{ ...store, value: new Uint8Array(0) }, "ms k 0 O12\r\n\r\n"],
  [cas, "ms k 2 C5 O12\r\nhi\r\n"],
  [
    { ...cas, flags: 1, exptime: 2, cas: 18_446_744_073_709_551_615n },
    "ms k 2 F1 T2 C18446744073709551615 O12\r\nhi\r\n"
  ],
  // The server compares 0 like any other number: EX, and nothing is stored (live on 1.6.18 and 1.6.45).
  [{ ...cas, cas: 0n }, "ms k 2 C0 O12\r\nhi\r\n"],
  [count, "ma k v O12\r\n"],
  [{ ...count, mode: "decr" }, "ma k MD v O12\r\n"],
  [{ ...count, delta: 0n }, "ma k D0 v O12\r\n"],
  [{ ...count, delta: 99_999n }, "ma k D99999 v O12\r\n"],
  [{ ...count, delta: 18_446_744_073_709_551_615n }, "ma k D18446744073709551615 v O12\r\n"],
  [{ ...count, delta: 3n, create: { initial: 0n, exptime: 0 } }, "ma k D3 N0 J0 v O12\r\n"],
  [{ ...count, create: { initial: 100_000n, exptime: -1 } }, "ma k N-1 J100000 v O12\r\n"],
  [{ _tag: "Delete", key: k, noreply: false }, "md k O12\r\n"],
  [{ _tag: "Touch", key: k, exptime: 60, noreply: false }, "mg k T60 O12\r\n"],
  [{ _tag: "Touch", key: k, exptime: -5, noreply: false }, "mg k T-5 O12\r\n"],
  [{ _tag: "MetaGet", key: k, flags: [] }, "mg k O12\r\n"],
  [{ _tag: "MetaGet", key: k, flags: ["t", "v", "N30"] }, "mg k t v N30 O12\r\n"],
  [{ _tag: "MetaSet", key: k, value, flags: ["b", "MS"] }, "ms k 2 b MS O12\r\nhi\r\n"],
  [{ _tag: "MetaDelete", key: k, flags: ["I", "T30"] }, "md k I T30 O12\r\n"],
  [{ _tag: "MetaArithmetic", key: k, flags: ["M-", "v"] }, "ma k M- v O12\r\n"]
]

const withoutOpaque: ReadonlyArray<readonly [command: Command, line: string]> = [
  [{ _tag: "Get", keys: [k, "l" as Key], withCas: false }, "get k l\r\nmn\r\n"],
  [{ _tag: "Get", keys: [k, "l" as Key, "m" as Key], withCas: true }, "gets k l m\r\nmn\r\n"],
  [{ _tag: "FlushAll", delay: undefined, noreply: false }, "flush_all\r\n"],
  [{ _tag: "Stats", report: "items" }, "stats items\r\n"],
  [{ _tag: "Version" }, "version\r\n"],
  [{ _tag: "Verbosity", level: 1, noreply: false }, "verbosity 1\r\n"],
  [{ _tag: "MetaNoop" }, "mn\r\n"],
  [{ _tag: "MetaDebug", key: k, flags: [] }, "me k\r\n"],
  [{ _tag: "MetaDebug", key: k, flags: ["b"] }, "me k b\r\n"]
]

it("each verb is lowered to its meta line, which carries the opaque last", () => {
  for (const [command, line] of withOpaque) {
    assert.isTrue(supports(command), line)
    assert.deepStrictEqual(write(command), [line, true])
  }
})

it("what has no meta form is a classic line without an opaque", () => {
  for (const [command, line] of withoutOpaque) {
    assert.isTrue(supports(command), line)
    assert.deepStrictEqual(write(command), [line, false])
  }
})

it("an opaque of any size is written in full", () => {
  assert.deepStrictEqual(write({ _tag: "Delete", key: k, noreply: false }, 4_294_967_295)[0], "md k O4294967295\r\n")
  assert.deepStrictEqual(
    write({ _tag: "Delete", key: k, noreply: false }, Number.MAX_SAFE_INTEGER)[0],
    "md k O9007199254740991\r\n"
  )
})

it("a command that stays without a reply, or has none of its own, is not supported", () => {
  const quiet: ReadonlyArray<Command> = [
    { ...store, noreply: true },
    { ...cas, noreply: true },
    { ...count, noreply: true },
    { _tag: "Delete", key: k, noreply: true },
    { _tag: "Touch", key: k, exptime: 0, noreply: true },
    { _tag: "FlushAll", delay: 1, noreply: true },
    { _tag: "Verbosity", level: 1, noreply: true },
    { _tag: "Quit" },
    { _tag: "Get", keys: [], withCas: false },
    { _tag: "GetAndTouch", keys: [], withCas: false, exptime: 0 },
    { _tag: "GetAndTouch", keys: [k, "l" as Key], withCas: false, exptime: 0 }
  ]
  for (const command of quiet) assert.isFalse(supports(command), JSON.stringify(command, (_, v) => String(v)))
})

const flagged = (_tag: "MetaGet" | "MetaSet" | "MetaDelete" | "MetaArithmetic", flags: ReadonlyArray<string>) =>
  supports(_tag === "MetaSet" ? { _tag, key: k, value, flags } : { _tag, key: k, flags })

const BYTE_LETTERS = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))

const TOKEN: Readonly<Record<string, string>> = {
  C: "5",
  D: "5",
  E: "5",
  F: "5",
  J: "5",
  L: "p",
  N: "5",
  P: "p",
  R: "5",
  T: "5"
}

it("each command takes its own letters and no others, among them neither O nor q", () => {
  for (const _tag of ["MetaGet", "MetaSet", "MetaDelete", "MetaArithmetic"] as const) {
    const mode = _tag === "MetaSet" ? "E" : "I"
    const taken = BYTE_LETTERS.filter((letter) =>
      flagged(_tag, [letter + (letter === "M" ? mode : TOKEN[letter] ?? "")])
    )
    assert.deepStrictEqual(taken, Generators.LETTERS[_tag].split("").sort(), _tag)
  }
})

it("a token is what its letter calls for", () => {
  const legal = [
    ["MetaGet", "C0", "C18446744073709551615", "E1", "N-1", "R2147483647", "T-2147483648", "Ppath~!", "L", "P"],
    ["MetaSet", "F4294967295", "ME", "MA", "MP", "MR", "MS"],
    ["MetaArithmetic", "D18446744073709551615", "J0", "MI", "M+", "MD", "M-"]
  ] as const
  const illegal = [
    ["MetaGet", "", "v1", "vv", "k ", "C", "C-1", "Cx", "C18446744073709551616", "T", "T2147483648", "N1.5", "R "],
    [
      "MetaGet",
      "P a",
      "P\r\nflush_all",
      "L\u0000",
      "P\u007f",
      "P\u0080",
      "P\u00ff",
      "P\u2028",
      "O1",
      "q",
      "S",
      "\u0100"
    ],
    ["MetaSet", "F-1", "F4294967296", "M", "Me", "MI", "MEE", "M ", "I5"],
    ["MetaArithmetic", "D-1", "Dx", "J", "MX", "ME", "Mi", "M"]
  ] as const
  for (const [_tag, ...flags] of legal) for (const flag of flags) assert.isTrue(flagged(_tag, [flag]), flag)
  for (const [_tag, ...flags] of illegal) for (const flag of flags) assert.isFalse(flagged(_tag, [flag]), flag)
})

it("a letter stands once, however its tokens differ", () => {
  assert.isFalse(flagged("MetaGet", ["v", "v"]))
  assert.isFalse(flagged("MetaGet", ["T1", "v", "T2"]))
  assert.isTrue(flagged("MetaGet", ["t", "T2"]))
})

it("there are at most fifteen flags, in a line below 2048 bytes", () => {
  const flags = ["b", "c", "C1", "E1", "f", "h", "k", "l", "L", "N1", "P", "R1", "s", "t", "T1", "u", "v"]
  assert.isTrue(flagged("MetaGet", flags.slice(0, 15)))
  assert.isFalse(flagged("MetaGet", flags.slice(0, 16)))
  const longest = [`P${"p".repeat(1_000)}`, `L${"p".repeat(496)}`]
  assert.isTrue(flagged("MetaGet", longest))
  assert.isFalse(flagged("MetaGet", [...longest, "v"]))
  const [line] = write({ _tag: "MetaGet", key: "k".repeat(250) as Key, flags: longest }, 2 ** 32)
  assert.isBelow(line.length, 2_048)
})

it("`me` takes no flag but b", () => {
  assert.isFalse(supports({ _tag: "MetaDebug", key: k, flags: ["v"] }))
  assert.isFalse(supports({ _tag: "MetaDebug", key: k, flags: ["b", "b"] }))
  assert.isFalse(supports({ _tag: "MetaDebug", key: k, flags: ["b\r\nflush_all"] }))
})

const anyFlag = Arbitrary.map(
  Arbitrary.all([
    Generators.oneOf("bcCDEfFhIJkLlMNOPqRsStTuvx".split("")),
    Arbitrary.schema(Schema.String),
    Generators.oneOf(["", " ", "\r", "\n", "\r\nflush_all", "\u0000", "\u010a"]),
    Generators.boolean
  ]),
  ([letter, text, poison, isPlain]) => letter + (isPlain ? "" : text + poison)
)

it.prop(
  "a command whose flags pass is one line, whatever they are made of",
  [Generators.oneOf(["MetaGet", "MetaDelete", "MetaArithmetic"]), Arbitrary.array(anyFlag, { maxLength: 4 })],
  ([_tag, flags]) => {
    const command: Command = { _tag, key: k, flags }
    if (!supports(command)) return
    const [line] = write(command)
    assert.strictEqual(line.indexOf("\r\n"), line.length - 2)
    assert.strictEqual(line.trimEnd().split(" ").length, flags.length + 3)
    for (const unit of line.slice(0, -2)) assert.isTrue(unit >= " " && unit <= "~")
  },
  { arbitrary: { runs: 500 } }
)
