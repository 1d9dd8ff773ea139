/**
 * What a server makes of each line, the wrong ones above all. `Transcripts.test.ts` holds the same against the real one.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import type { RequestLine } from "@effect-memcache/protocol/Request"
import * as RequestDecoder from "@effect-memcache/protocol/text/RequestDecoder"
import { assert, describe, it } from "@effect/vitest"
import * as Generators from "./Generators.ts"

const parse = (line: string): RequestLine => RequestDecoder.parse(bytes(`xx${line}yy`), 2, 2 + line.length)

const LONG = "k".repeat(251)
const BAD_FORMAT = "CLIENT_ERROR bad command line format"
const BAD_EXPTIME = "CLIENT_ERROR invalid exptime argument"
const BAD_DELTA = "CLIENT_ERROR invalid numeric delta argument"

const a = "a" as Key
const value = new Uint8Array(0)
const store = (flags: number, exptime: number, noreply = false): Command => ({
  _tag: "Store",
  mode: "set",
  key: a,
  flags,
  exptime,
  value,
  noreply
})

const ACCEPTED: ReadonlyArray<readonly [line: string, command: Command, blockSize?: number]> = [
  ["get  a ", { _tag: "Get", keys: [a], withCas: false }],
  ["get a b a", { _tag: "Get", keys: [a, "b" as Key, a], withCas: false }],
  ["get noreply", { _tag: "Get", keys: ["noreply" as Key], withCas: false }],
  ["gats 10 a noreply", { _tag: "GetAndTouch", keys: [a, "noreply" as Key], withCas: true, exptime: 10 }],
  ["gat -0 a", { _tag: "GetAndTouch", keys: [a], withCas: false, exptime: 0 }],
  ["set a 0 0 5", store(0, 0), 5],
  ["set a 0 0 2147483645", store(0, 0), 2147483645],
  ["set a 0 0 5 noreply", store(0, 0, true), 5],
  ["set a 0 0 5 NOREPLY", store(0, 0), 5],
  ["set a 0 0 5 noreply more", store(0, 0), 5],
  ["set a 4294967295 -1 5", store(4294967295, -1), 5],
  ["set a 4294967296 2147483648 5", store(0, -2147483648), 5],
  ["set a 4294967297 4294967297 5", store(1, 1), 5],
  ["set a 18446744073709551615 9223372036854775807 5", store(4294967295, -1), 5],
  ["set a +7 +60 5", store(7, 60), 5],
  ["cas a 0 0 5 9 noreply", { _tag: "Cas", key: a, flags: 0, exptime: 0, value, cas: 9n, noreply: true }, 5],
  ["cas a 0 0 5 18446744073709551615", {
    _tag: "Cas",
    key: a,
    flags: 0,
    exptime: 0,
    value,
    cas: 18446744073709551615n,
    noreply: false
  }, 5],
  ["incr a 5 6 7", { _tag: "Arithmetic", mode: "incr", key: a, delta: 5n, create: undefined, noreply: false }],
  ["delete a", { _tag: "Delete", key: a, noreply: false }],
  ["delete a 0", { _tag: "Delete", key: a, noreply: false }],
  ["delete a 0 noreply", { _tag: "Delete", key: a, noreply: true }],
  ["delete a noreply", { _tag: "Delete", key: a, noreply: true }],
  ["delete noreply", { _tag: "Delete", key: "noreply" as Key, noreply: false }],
  ["delete noreply noreply", { _tag: "Delete", key: "noreply" as Key, noreply: true }],
  ["touch a -2147483648 more", { _tag: "Touch", key: a, exptime: -2147483648, noreply: false }],
  ["flush_all noreply", { _tag: "FlushAll", delay: undefined, noreply: true }],
  ["flush_all -1", { _tag: "FlushAll", delay: -1, noreply: false }],
  ["flush_all 5 more noreply", { _tag: "FlushAll", delay: 5, noreply: true }],
  ["verbosity 4294967295", { _tag: "Verbosity", level: 4294967295, noreply: false }],
  ["stats", { _tag: "Stats", report: undefined }],
  ["stats ", { _tag: "Stats", report: undefined }],
  ["stats settings more", { _tag: "Stats", report: "settings" }],
  ["stats detail on more", { _tag: "Stats", report: "detail on" }],
  ["stats cachedump 063 4294967295", { _tag: "Stats", report: "cachedump 63 4294967295" }],
  ["version and more", { _tag: "Version" }],
  ["quit noreply", { _tag: "Quit" }]
]

const REFUSED: ReadonlyArray<readonly [line: string, reply: string, swallow?: number]> = [
  ["", BAD_FORMAT],
  ["a", BAD_FORMAT],
  ["  ", "ERROR"],
  ["bogus", "ERROR"],
  ["bogus noreply", ""],
  ["GET a", "ERROR"],
  [" get a", "ERROR"],
  [" flush_all", "ERROR"],
  ["get\ta", "ERROR"],
  ["flush_allx", "ERROR"],
  ["verbosityyyy 1", "ERROR"],
  ["mg a v", "ERROR"],
  ["shutdown", "SERVER_ERROR: shutdown not enabled"],
  ["shutdown graceful", "SERVER_ERROR: shutdown not enabled"],
  ["shutdown noreply", ""],
  ["get", BAD_FORMAT],
  ["gets ", BAD_FORMAT],
  [`get a ${LONG}`, BAD_FORMAT],
  [`get ${LONG} noreply`, BAD_FORMAT],
  ["get a\x01", BAD_FORMAT],
  ["gat", BAD_FORMAT],
  ["gat 10", BAD_FORMAT],
  ["gat abc a", BAD_EXPTIME],
  ["gat 2147483648 a", BAD_EXPTIME],
  [`gat 1 ${LONG}`, BAD_FORMAT],
  ["set", BAD_FORMAT],
  ["set a 0 0", BAD_FORMAT],
  ["set a 0 noreply", BAD_FORMAT],
  ["set a 0 0 -1", BAD_FORMAT],
  ["set a 0 0 +1", BAD_FORMAT],
  ["set a 0 0 abc noreply", BAD_FORMAT],
  ["set a 0 0 2147483646", BAD_FORMAT],
  ["set a 0 0 4294967297", BAD_FORMAT],
  ["set a 0 0 1111111111111111111111111", BAD_FORMAT],
  ["set a abc 0 5", BAD_FORMAT, 5],
  ["set a -1 0 5", BAD_FORMAT, 5],
  ["set a 18446744073709551616 0 5", BAD_FORMAT, 5],
  ["set a 0 abc 5", BAD_FORMAT, 5],
  ["set a 0 9223372036854775808 5", BAD_FORMAT, 5],
  ["set a 0 -9223372036854775809 5", BAD_FORMAT, 5],
  ["set a 0x1 0 5", BAD_FORMAT, 5],
  ["set a 1e3 0 5", BAD_FORMAT, 5],
  ["set a + 0 5", BAD_FORMAT, 5],
  [`set ${LONG} 0 0 5`, BAD_FORMAT, 5],
  ["set a abc 0 5 noreply", "", 5],
  ["cas a 0 0 5", BAD_FORMAT, 5],
  ["cas a 0 0 5 -1", BAD_FORMAT, 5],
  ["cas a 0 0 5 noreply", "", 5],
  ["incr a", BAD_FORMAT],
  ["incr a abc", BAD_DELTA],
  ["incr a -1", BAD_DELTA],
  ["incr a +1", BAD_DELTA],
  ["incr a 18446744073709551616", BAD_DELTA],
  ["incr a noreply", ""],
  ["decr a abc noreply", ""],
  [`incr ${LONG} abc`, BAD_FORMAT],
  ["delete", BAD_FORMAT],
  ["delete a 1", BAD_FORMAT],
  ["delete a 00", BAD_FORMAT],
  ["delete a 0 0", BAD_FORMAT],
  ["delete a b c d e", BAD_FORMAT],
  ["delete a 1 noreply", ""],
  [`delete ${LONG}`, BAD_FORMAT],
  [`delete ${LONG} noreply`, ""],
  ["touch a", BAD_FORMAT],
  ["touch a abc", BAD_EXPTIME],
  ["touch a 2147483648", BAD_EXPTIME],
  ["touch a -2147483649", BAD_EXPTIME],
  ["touch a -", BAD_EXPTIME],
  ["touch a noreply", ""],
  [`touch ${LONG} 0`, BAD_FORMAT],
  ["flush_all abc", BAD_EXPTIME],
  ["flush_all abc noreply", ""],
  ["flush_all 1.5", BAD_EXPTIME],
  ["verbosity", BAD_FORMAT],
  ["verbosity abc", BAD_FORMAT],
  ["verbosity -1", BAD_FORMAT],
  ["verbosity 4294967296", BAD_FORMAT],
  ["verbosity noreply", ""],
  ["stats bogus", "ERROR"],
  ["stats r", "ERROR"],
  ["stats noreply", "ERROR"],
  ["stats detail", "CLIENT_ERROR usage: stats detail on|off|dump"],
  ["stats detail bogus", "CLIENT_ERROR usage: stats detail on|off|dump"],
  ["stats cachedump 1", "CLIENT_ERROR bad command line"],
  ["stats cachedump a b", BAD_FORMAT],
  ["stats cachedump 64 0", "CLIENT_ERROR Illegal slab id"]
]

describe("parse", () => {
  it("reads what memcached reads", () => {
    for (const [line, command, blockSize = -1] of ACCEPTED) {
      assert.deepStrictEqual(parse(line), { _tag: "Command", command, blockSize }, line)
    }
  })

  it("refuses what memcached refuses, in its words", () => {
    for (const [line, reply, swallow = -1] of REFUSED) {
      assert.deepStrictEqual(parse(line), { _tag: "Refuse", reply, swallow }, line)
    }
  })

  it("closes on an unknown line whose last word is HTTP's", () => {
    for (const line of ["GET / HTTP/1.1", "POST /x HTTP/2", " get / HTTP/1.1"]) {
      assert.deepStrictEqual(parse(line), { _tag: "Close" })
    }
    for (const line of ["HTTP/1.1", "GET / HTTP/1.1 x", "GET / HTTP"]) {
      assert.deepStrictEqual(parse(line), { _tag: "Refuse", reply: "ERROR", swallow: -1 })
    }
    assert.strictEqual(parse("get / HTTP/1.1")._tag, "Command")
  })

  it.prop("reads any line, never throwing", [Generators.bytes(0, 80)], ([line]) => {
    assert.isString(RequestDecoder.parse(line, 0, line.length)._tag)
  })
})
