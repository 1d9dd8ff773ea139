/**
 * The whole poison rule: every kind of command against every kind of reply, in every circumstance, compared with a list
 * of what is allowed that was written by hand from the protocol.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { isFenced, judge, keyIndex } from "@effect-memcache/protocol/Correlation"
import type { Expectation, Verdict } from "@effect-memcache/protocol/Correlation"
import type { Key } from "@effect-memcache/protocol/Key"
import * as Reply from "@effect-memcache/protocol/Reply"
import { assert, describe, it } from "@effect/vitest"

const key = "k" as Key
const other = "stranger" as Key
const second = "k2" as Key
const bytes = new Uint8Array(0)
const OPAQUE = 7

const item = { key, flags: 0, exptime: 0, value: bytes, noreply: false }

const commands: Record<string, Command> = {
  get1: { _tag: "Get", keys: [key], withCas: false },
  get2: { _tag: "Get", keys: [second, key], withCas: true },
  gat1: { _tag: "GetAndTouch", keys: [key], withCas: false, exptime: 1 },
  gat2: { _tag: "GetAndTouch", keys: [second, key], withCas: false, exptime: 1 },
  set: { _tag: "Store", mode: "set", ...item },
  cas: { _tag: "Cas", cas: 1n, ...item },
  incr: { _tag: "Arithmetic", mode: "incr", key, delta: 1n, create: undefined, noreply: false },
  delete: { _tag: "Delete", key, noreply: false },
  touch: { _tag: "Touch", key, exptime: 1, noreply: false },
  flush: { _tag: "FlushAll", delay: undefined, noreply: false },
  stats: { _tag: "Stats", report: undefined },
  statsReset: { _tag: "Stats", report: "reset" },
  statsOn: { _tag: "Stats", report: "detail on" },
  statsDump: { _tag: "Stats", report: "detail dump" },
  version: { _tag: "Version" },
  verbosity: { _tag: "Verbosity", level: 1, noreply: false },
  quit: { _tag: "Quit" },
  mg: { _tag: "MetaGet", key, flags: ["v", "k"] },
  ms: { _tag: "MetaSet", key, value: bytes, flags: ["k"] },
  md: { _tag: "MetaDelete", key, flags: ["k"] },
  ma: { _tag: "MetaArithmetic", key, flags: ["k"] },
  mn: { _tag: "MetaNoop" },
  me: { _tag: "MetaDebug", key, flags: [] }
}

const value = (isText: boolean, opaque: number, key: Key | undefined): Reply.Reply =>
  Object.assign(Reply.value(isText), { opaque, key })

const status = (tag: Reply.Status["_tag"], isText: boolean, opaque = -1, key?: Key): Reply.Reply =>
  Object.assign(Reply.status(tag, isText), { opaque, key })

const replies: Record<string, Reply.Reply> = {
  "VALUE k": value(true, -1, key),
  "VALUE other": value(true, -1, other),
  END: status("End", true),
  NOT_STORED: status("NotStored", true),
  EXISTS: status("Exists", true),
  NOT_FOUND: status("NotFound", true),
  STORED: { _tag: "Stored" },
  DELETED: { _tag: "Deleted" },
  TOUCHED: { _tag: "Touched" },
  OK: { _tag: "Ok" },
  RESET: { _tag: "Reset" },
  MN: { _tag: "Noop" },
  "12": { _tag: "Counter", value: 12n },
  VERSION: { _tag: "Version", version: "1.6.45" },
  STAT: { _tag: "Stat", name: "a", value: "b" },
  "ME k": { _tag: "Debug", key, text: "" },
  "ME other": { _tag: "Debug", key: other, text: "" },
  ERROR: { _tag: "Error", message: "" },
  CLIENT_ERROR: { _tag: "ClientError", message: "" },
  SERVER_ERROR: { _tag: "ServerError", message: "" },
  malformed: Reply.malformed("bytes")
}
for (
  const [code, make] of Object.entries({
    VA: (opaque: number, key?: Key) => value(false, opaque, key),
    HD: (opaque: number, key?: Key) => status("Header", false, opaque, key),
    EN: (opaque: number, key?: Key) => status("End", false, opaque, key),
    NS: (opaque: number, key?: Key) => status("NotStored", false, opaque, key),
    EX: (opaque: number, key?: Key) => status("Exists", false, opaque, key),
    NF: (opaque: number, key?: Key) => status("NotFound", false, opaque, key)
  })
) {
  replies[code] = make(-1)
  replies[`${code} O7`] = make(OPAQUE)
  replies[`${code} O8`] = make(OPAQUE + 1)
  replies[`${code} O7 k`] = make(OPAQUE, key)
  replies[`${code} O7 other`] = make(OPAQUE, other)
}

const ERRORS = "ERROR CLIENT_ERROR SERVER_ERROR"

/** What answers a request that carried an opaque; nothing but error lines where a command is not listed. */
const withOpaque: Record<string, string> = {
  get1: "VA EN",
  get2: "VA EN",
  gat1: "VA EN",
  gat2: "VA EN",
  touch: "HD EN",
  mg: "VA HD EN",
  set: "HD NS EX NF",
  cas: "HD NS EX NF",
  ms: "HD NS EX NF",
  incr: "VA NS EX NF",
  ma: "VA HD NS EX NF",
  delete: "HD NF",
  md: "HD NS EX NF"
}

/** What ends the answer to a request without one. */
const ends: Record<string, string> = {
  get1: "END",
  get2: "END",
  gat1: "END",
  gat2: "END",
  set: "STORED NOT_STORED EXISTS NOT_FOUND",
  cas: "STORED NOT_STORED EXISTS NOT_FOUND",
  incr: "12 NOT_FOUND",
  delete: "DELETED NOT_FOUND",
  touch: "TOUCHED NOT_FOUND",
  flush: "OK",
  stats: "END",
  statsReset: "RESET",
  statsOn: "OK",
  statsDump: "END",
  version: "VERSION",
  verbosity: "OK",
  mn: "MN",
  // A miss with an opaque is some other request's.
  me: "ME_k EN"
}

/** What is a part of it. */
const parts: Record<string, string> = {
  get1: "VALUE_k",
  get2: "VALUE_k",
  gat1: "VALUE_k",
  gat2: "VALUE_k",
  stats: "STAT",
  statsReset: "STAT",
  statsOn: "STAT",
  statsDump: "STAT"
}

const lists = (list: string | undefined, name: string): boolean =>
  list?.split(" ").includes(name.replaceAll(" ", "_")) ?? false

interface Case {
  readonly command: string
  readonly reply: string
  readonly hasOpaque: boolean
  readonly isFenced: boolean
  readonly hasBareMisses: boolean
  readonly isAfterFailedRead: boolean
}

const expectedVerdict = (c: Case): string => {
  if (lists(ERRORS, c.reply)) {
    if (c.reply !== "SERVER_ERROR" && lists("set cas ms", c.command)) return "ends"
    return c.isFenced ? "continues" : "settles"
  }
  if (c.hasOpaque) {
    const [code, opaque, echoed] = c.reply.split(" ")
    if (!lists(withOpaque[c.command], code)) return "poison"
    if (opaque === undefined) return c.hasBareMisses && lists("EN NF", code) ? "settles" : "poison"
    // Commands with several keys have no one key that could be echoed.
    return opaque === "O7" && (echoed === undefined || (echoed === "k" && !lists("get1 get2 gat1 gat2", c.command)))
      ? "settles"
      : "poison"
  }
  if (lists(parts[c.command], c.reply)) return "continues"
  if (c.isFenced) return c.reply === "MN" ? "settles" : c.reply === "END" ? "continues" : "poison"
  if (c.reply === "END" && c.isAfterFailedRead) return "poison"
  return lists(ends[c.command], c.reply) ? "settles" : "poison"
}

const name = (verdict: Verdict): string => typeof verdict === "string" ? verdict : "poison"

const both = [false, true]

const cases: ReadonlyArray<Case> = Object.keys(commands).flatMap((command) =>
  Object.keys(replies).flatMap((reply) =>
    both.flatMap((hasOpaque) =>
      (hasOpaque || !command.startsWith("get") ? [false] : both).flatMap((isFenced) =>
        both.flatMap((hasBareMisses) =>
          both.map((isAfterFailedRead) => ({
            command,
            reply,
            hasOpaque,
            isFenced,
            hasBareMisses,
            isAfterFailedRead
          }))
        )
      )
    )
  )
)

const expectation = (c: Pick<Case, "command" | "hasOpaque" | "isFenced">): Expectation => ({
  command: commands[c.command],
  opaque: c.hasOpaque ? OPAQUE : 0,
  isFenced: c.isFenced,
  cursor: 0,
  items: []
})

describe("judge", () => {
  it("allows what is on the list and nothing else", () => {
    assert.isAbove(cases.length, 8_000)
    const wrong = cases.filter((c) => name(judge(replies[c.reply], expectation(c), c)) !== expectedVerdict(c))
    assert.deepStrictEqual(
      wrong.map((c) => ({ ...c, got: name(judge(replies[c.reply], expectation(c), c)), want: expectedVerdict(c) })),
      []
    )
  })

  it("lets nothing pass when nobody has asked", () => {
    for (const reply of Object.values(replies)) {
      for (const hasBareMisses of both) {
        assert.strictEqual(name(judge(reply, undefined, { hasBareMisses, isAfterFailedRead: false })), "poison")
      }
    }
  })

  it("does not take a second value under one key", () => {
    const first = Object.assign(Reply.value(true), { key })
    const expected: Expectation = {
      command: commands.get2,
      opaque: 0,
      isFenced: true,
      cursor: 2,
      items: [undefined, first]
    }
    const circumstances = { hasBareMisses: false, isAfterFailedRead: false }
    assert.strictEqual(name(judge(replies["VALUE k"], expected, circumstances)), "poison")
    assert.strictEqual(name(judge(value(true, -1, second), expected, circumstances)), "continues")
  })

  it("knows an echoed key in either spelling", () => {
    const circumstances = { hasBareMisses: false, isAfterFailedRead: false }
    const verdict = (requested: string, flags: ReadonlyArray<string>, echoed: string, isBase64: boolean) =>
      name(judge(
        Object.assign(Reply.status("Header", false), { opaque: OPAQUE, key: echoed as Key, isBase64 }),
        {
          command: { _tag: "MetaGet", key: requested as Key, flags },
          opaque: OPAQUE,
          isFenced: false,
          cursor: 0,
          items: []
        },
        circumstances
      ))
    assert.strictEqual(verdict("Zm9v", ["b", "k"], "Zm9v", true), "settles")
    assert.strictEqual(verdict("Zm9v", ["b", "k"], "foo", false), "settles")
    assert.strictEqual(verdict("foo", ["k"], "Zm9v", true), "settles")
    assert.strictEqual(verdict("Zm9v", ["b", "k"], "bar", false), "poison")
    assert.strictEqual(verdict("foo", ["k"], "YmFy", true), "poison")
    assert.strictEqual(verdict("foo", ["k"], "Zm9v", false), "poison")
    assert.strictEqual(verdict("foo", ["k"], "!!!!", true), "poison")
  })

  it("says why, in words without a key", () => {
    for (const c of cases) {
      const verdict = judge(replies[c.reply], expectation(c), c)
      if (typeof verdict === "string") continue
      assert.notInclude(verdict.poison, other)
      assert.match(verdict.poison, /^\w/)
    }
  })
})

describe("isFenced", () => {
  it("fences a get of several keys in the meta dialect, and nothing else", () => {
    for (const [label, command] of Object.entries(commands)) {
      assert.strictEqual(isFenced("meta", command), label === "get2", label)
      assert.isFalse(isFenced("text", command), label)
    }
  })
})

describe("keyIndex", () => {
  it("finds a key on either side of the cursor", () => {
    for (const length of [1, 3, 16, 17, 100]) {
      const keys = Array.from({ length }, (_, i) => `key${i}` as Key)
      for (let cursor = 0; cursor <= length; cursor++) {
        keys.forEach((key, index) => assert.strictEqual(keyIndex(keys, key, cursor), index))
        assert.strictEqual(keyIndex(keys, "d" as Key, cursor), -1)
      }
    }
  })
})

describe("the table", () => {
  it("names every command", () => {
    assert.strictEqual(new Set(Object.values(commands).map((command) => command._tag)).size, 18)
  })
})
