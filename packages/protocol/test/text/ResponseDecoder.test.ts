/**
 * What each reply line means, and that nothing else passes for a reply.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Reply } from "@effect-memcache/protocol/Reply"
import * as Replies from "@effect-memcache/protocol/Reply"
import * as ResponseDecoder from "@effect-memcache/protocol/text/ResponseDecoder"
import { assert, describe, it } from "@effect/vitest"
import * as Generators from "./Generators.ts"
import { parseReply } from "./Reading.ts"

const value = (key: string, flags: number, length: number, cas?: bigint): Reply => ({
  ...Replies.value(true),
  key: key as Key,
  flags,
  length,
  cas
})

const LINES: ReadonlyArray<readonly [line: string, reply: Reply]> = [
  ["VALUE a 0 0", value("a", 0, 0)],
  ["VALUE k\xc3\xa4se 4294967295 1048576", value("k\xc3\xa4se", 4294967295, 1048576)],
  ["VALUE a 7 3 18446744073709551615", value("a", 7, 3, 18446744073709551615n)],
  ["END", Replies.status("End", true)],
  ["STORED", { _tag: "Stored" }],
  ["NOT_STORED", Replies.status("NotStored", true)],
  ["EXISTS", Replies.status("Exists", true)],
  ["NOT_FOUND", Replies.status("NotFound", true)],
  ["DELETED", { _tag: "Deleted" }],
  ["TOUCHED", { _tag: "Touched" }],
  ["OK", { _tag: "Ok" }],
  ["RESET", { _tag: "Reset" }],
  ["0", { _tag: "Counter", value: 0n }],
  ["18446744073709551615", { _tag: "Counter", value: 18446744073709551615n }],
  ["VERSION 1.6.18", { _tag: "Version", version: "1.6.18" }],
  ["VERSION 1.6.45 (proxy)", { _tag: "Version", version: "1.6.45 (proxy)" }],
  ["STAT pid 1234", { _tag: "Stat", name: "pid", value: "1234" }],
  ["STAT domain_socket NULL", { _tag: "Stat", name: "domain_socket", value: "NULL" }],
  ["STAT 12:addr tcp:127.0.0.1:11211", { _tag: "Stat", name: "12:addr", value: "tcp:127.0.0.1:11211" }],
  ["STAT libevent 2.1.12 stable", { _tag: "Stat", name: "libevent", value: "2.1.12 stable" }],
  ["STAT empty ", { _tag: "Stat", name: "empty", value: "" }],
  ["STAT empty", { _tag: "Stat", name: "empty", value: "" }],
  ["ITEM a [1 b; 0 s]", { _tag: "Stat", name: "a", value: "[1 b; 0 s]" }],
  ["PREFIX p get 2 hit 1 set 1 del 0", { _tag: "Stat", name: "p", value: "get 2 hit 1 set 1 del 0" }],
  ["ERROR", { _tag: "Error", message: "" }],
  ["ERROR Too many open connections", { _tag: "Error", message: "Too many open connections" }],
  ["ERROR: shutdown not enabled", { _tag: "Error", message: "shutdown not enabled" }],
  ["SERVER_ERROR: shutdown not enabled", { _tag: "ServerError", message: "shutdown not enabled" }],
  ["SERVER_ERROR out of memory storing object", { _tag: "ServerError", message: "out of memory storing object" }],
  ["SERVER_ERROR", { _tag: "ServerError", message: "" }],
  ["CLIENT_ERROR bad data chunk", { _tag: "ClientError", message: "bad data chunk" }],
  ["CLIENT_ERROR", { _tag: "ClientError", message: "" }],
  ["CLIENT_ERROR ", { _tag: "ClientError", message: "" }],
  ["CLIENT_ERROR: ", { _tag: "ClientError", message: "" }],
  ["ERROR  two : blanks", { _tag: "Error", message: " two : blanks" }]
]

const MALFORMED = [
  "",
  " ",
  "HELLO",
  "END ",
  " END",
  "ENDX",
  "EN",
  "end",
  "E",
  "STORED ",
  "STOREDX",
  "STORE",
  "OK ",
  "OKAY",
  "DELETED\r",
  "VERSION",
  "VERSION ",
  "STAT",
  "STAT ",
  "STAT  x",
  "ITEM ",
  "PREFIX",
  "VALUE",
  "VALUE ",
  "VALUE a",
  "VALUE a 0",
  "VALUE a 0 ",
  "VALUE a 0 -5",
  "VALUE a 0 0x10",
  "VALUE a 0 1e3",
  "VALUE a 0 1111111111111111111111111",
  "VALUE a -1 1",
  "VALUE a  1",
  "VALUE a 0 1 ",
  "VALUE a 0 1 x",
  "VALUE a 0 1 -1",
  "VALUE a 0 1 18446744073709551616",
  "VALUE a 0 1 1 1",
  "VALUE  0 1",
  "VALUE \t 0 1",
  `VALUE ${"k".repeat(251)} 0 1`,
  "VALUES a 0 1",
  "18446744073709551616",
  "12 ",
  "-1",
  "+1",
  "1a",
  "1.5",
  "MN",
  "HD",
  "VA 1",
  "Error TLS not enabled",
  "\x00",
  "\xff"
]

describe("parse", () => {
  it("reads every reply line", () => {
    for (const [line, reply] of LINES) assert.deepStrictEqual(parseReply(line), reply, line)
  })

  it("reads the line between start and end, and no byte beyond", () => {
    for (const [line, reply] of LINES) {
      const stream = bytes(`12 ${line}34 VALUE`)
      assert.deepStrictEqual(ResponseDecoder.parse(stream, 3, 3 + line.length), reply, line)
    }
  })

  it("calls everything else malformed", () => {
    for (const line of MALFORMED) assert.strictEqual(parseReply(line)._tag, "Malformed", JSON.stringify(line))
  })

  it("shows a short, escaped part of a malformed line", () => {
    assert.deepStrictEqual(parseReply("\x1b[2J\xff"), {
      _tag: "Malformed",
      reason: "not a reply of the text protocol: \"\\x1b[2J\\xff\""
    })
    assert.deepStrictEqual(parseReply("VALUE a 0 -5"), {
      _tag: "Malformed",
      reason: "VALUE with a bad length: \"VALUE a 0 -5\""
    })
    for (const line of MALFORMED) {
      const reply = parseReply(line + "x".repeat(1000))
      if (reply._tag !== "Malformed") continue
      assert.isAtMost(reply.reason.length, 100)
      assert.isTrue([...reply.reason].every((character) => character >= " " && character <= "~"))
    }
  })

  it.prop("reads any line as a reply, never throwing", [Generators.bytes(0, 60)], ([line]) => {
    assert.isString(ResponseDecoder.parse(line, 0, line.length)._tag)
  })
})
