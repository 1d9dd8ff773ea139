import { assert, describe, it } from "@effect/vitest"
import { Conversation } from "./Conversation.ts"

const talk = (...lines: ReadonlyArray<string>): ReadonlyArray<string> => new Conversation().say(...lines)

const NOT_NUMBER = "CLIENT_ERROR cannot increment or decrement non-numeric value"

describe("ClassicCommands", () => {
  it("answers hits in the order of the keys, a repeated key twice, a miss with nothing", () => {
    assert.deepStrictEqual(
      talk("set a 0 0 1", "x", "set b 7 0 2", "yz", "get b nope a b"),
      ["STORED", "STORED", "VALUE b 7 2", "yz", "VALUE a 0 1", "x", "VALUE b 7 2", "yz", "END"]
    )
  })

  it("shows a growing cas unique to gets and gats only", () => {
    assert.deepStrictEqual(
      talk("set a 0 0 1", "x", "get a", "set a 0 0 1", "y", "gets a", "gats 0 a", "gat 0 a").filter((line) =>
        line.startsWith("VALUE")
      ),
      ["VALUE a 0 1", "VALUE a 0 1 2", "VALUE a 0 1 2", "VALUE a 0 1"]
    )
  })

  it("keeps every byte of a value", () => {
    const value = "A\r\nEND\r\nVALUE x\0\xff"
    assert.strictEqual(
      talk(`set v 1 0 ${value.length}`, value, "get v").join("\r\n"),
      `STORED\r\nVALUE v 1 ${value.length}\r\n${value}\r\nEND`
    )
  })

  it.each([
    { mode: "set", onMiss: "STORED", onHit: "STORED", left: "new" },
    { mode: "add", onMiss: "STORED", onHit: "NOT_STORED", left: "old" },
    { mode: "replace", onMiss: "NOT_STORED", onHit: "STORED", left: "new" },
    { mode: "append", onMiss: "NOT_STORED", onHit: "STORED", left: "oldnew" },
    { mode: "prepend", onMiss: "NOT_STORED", onHit: "STORED", left: "newold" }
  ])("$mode answers $onMiss on a miss and $onHit on a hit", ({ left, mode, onHit, onMiss }) => {
    assert.deepStrictEqual(talk(`${mode} k 0 0 3`, "new"), [onMiss])
    assert.deepStrictEqual(
      talk("set k 5 0 3", "old", `${mode} k ${mode === "append" ? 9 : 5} 0 3`, "new", "get k"),
      ["STORED", onHit, `VALUE k 5 ${left.length}`, left, "END"]
    )
  })

  it("append and prepend keep the flags and the exptime", () => {
    const conversation = new Conversation()
    conversation.say("set k 5 10 1", "b", "append k 9 0 1", "c", "prepend k 9 0 1", "a")
    assert.deepStrictEqual(conversation.say("get k"), ["VALUE k 5 3", "abc", "END"])
    conversation.wait(10)
    assert.deepStrictEqual(conversation.say("get k"), ["END"])
  })

  it("append answers NOT_STORED when the result would be too large, and keeps the value", () => {
    const conversation = new Conversation({ maxItemSize: 1024 })
    assert.deepStrictEqual(
      conversation.say("set k 0 0 1", "a", "append k 0 0 964", "x".repeat(964), "get k"),
      ["STORED", "NOT_STORED", "VALUE k 0 1", "a", "END"]
    )
  })

  it("cas tells stored, changed and absent apart, and 0 never matches", () => {
    assert.deepStrictEqual(
      talk(
        "set k 0 0 1",
        "a",
        "cas k 0 0 1 1",
        "b",
        "cas k 0 0 1 1",
        "c",
        "cas k 0 0 1 0",
        "d",
        "cas n 0 0 1 1",
        "e",
        "get k"
      ),
      ["STORED", "STORED", "EXISTS", "EXISTS", "NOT_FOUND", "VALUE k 0 1", "b", "END"]
    )
  })

  it("touch changes no cas unique, incr does", () => {
    const lines = talk("set n 0 0 1", "1", "touch n 100", "gets n", "incr n 1", "gets n")
    assert.deepStrictEqual(lines.filter((line) => line.startsWith("VALUE")), ["VALUE n 0 1 1", "VALUE n 0 1 2"])
  })

  it("without cas uniques cas always says EXISTS", () => {
    assert.deepStrictEqual(
      new Conversation({ cas: false }).say("set k 0 0 1", "a", "gets k", "cas k 0 0 1 0", "b", "cas k 0 0 1 1", "b"),
      ["STORED", "VALUE k 0 1 0", "a", "END", "EXISTS", "EXISTS"]
    )
  })

  it.each([
    { stored: "10", command: "incr n 5", reply: "15", left: "15" },
    { stored: "10", command: "decr n 1", reply: "9", left: "9 " },
    { stored: "10", command: "decr n 100", reply: "0", left: "0 " },
    { stored: "9", command: "incr n 1", reply: "10", left: "10" },
    { stored: "18446744073709551615", command: "incr n 1", reply: "0", left: "0".padEnd(20) },
    {
      stored: "18446744073709551615",
      command: "incr n 18446744073709551615",
      reply: "18446744073709551614",
      left: "18446744073709551614"
    },
    {
      stored: "18446744073709551615",
      command: "decr n 1",
      reply: "18446744073709551614",
      left: "18446744073709551614"
    },
    { stored: " 12", command: "incr n 1", reply: "13", left: "13 " },
    { stored: "12 ", command: "incr n 1", reply: "13", left: "13 " },
    { stored: "012", command: "incr n 1", reply: "13", left: "13 " },
    { stored: "+5", command: "incr n 1", reply: "6", left: "6 " },
    { stored: "5 apples", command: "incr n 1", reply: "6", left: "6       " },
    { stored: "5\0x", command: "incr n 1", reply: "6", left: "6  " }
  ])("$command on \"$stored\" answers $reply and leaves \"$left\"", ({ command, left, reply, stored }) => {
    assert.deepStrictEqual(
      talk(`set n 3 0 ${stored.length}`, stored, command, "get n"),
      ["STORED", reply, `VALUE n 3 ${left.length}`, left, "END"]
    )
  })

  it.each(["", "abc", "-5", "0x12", "12ab", "18446744073709551616", "1.5"])(
    "\"%s\" is no number to count with, and stays",
    (stored) => {
      assert.deepStrictEqual(
        talk(`set n 0 0 ${stored.length}`, stored, "incr n 1", "decr n 1", "get n"),
        ["STORED", NOT_NUMBER, NOT_NUMBER, `VALUE n 0 ${stored.length}`, stored, "END"]
      )
    }
  )

  it("counting an absent item is NOT_FOUND", () => {
    assert.deepStrictEqual(talk("incr n 1", "decr n 1"), ["NOT_FOUND", "NOT_FOUND"])
  })

  it("a counter keeps its exptime, in place and grown", () => {
    const conversation = new Conversation()
    conversation.say("set n 0 10 1", "8", "incr n 1", "incr n 1")
    assert.deepStrictEqual(conversation.say("mg n t v"), ["VA 2 t10", "10"])
  })

  it.each([
    { exptime: "-1", reply: ["STORED", "END"] },
    { exptime: "2592001", reply: ["STORED", "END"] },
    { exptime: "2147483648", reply: ["STORED", "END"] },
    { exptime: "0", reply: ["STORED", "VALUE b 0 1", "x", "END"] },
    { exptime: "2592000", reply: ["STORED", "VALUE b 0 1", "x", "END"] },
    { exptime: "1800000060", reply: ["STORED", "VALUE b 0 1", "x", "END"] }
  ])("exptime $exptime stores, and a get answers $reply", ({ exptime, reply }) => {
    assert.deepStrictEqual(talk(`set b 0 ${exptime} 1`, "x", "get b"), reply)
  })

  it("exptime 2^32 + 1 is one second, flags 2^32 + 1 are 1", () => {
    assert.deepStrictEqual(
      talk("set b 4294967297 4294967297 1", "x", "mg b t f"),
      ["STORED", "HD t1 f1"]
    )
  })

  it("gat -1 returns the value and expires it; touch 0 keeps an item for ever", () => {
    assert.deepStrictEqual(
      talk("set a 0 100 1", "x", "gat -1 a", "get a", "set b 0 100 1", "y", "touch b 0", "mg b t", "touch c 0"),
      ["STORED", "VALUE a 0 1", "x", "END", "END", "STORED", "TOUCHED", "HD t-1", "NOT_FOUND"]
    )
  })

  it("a refused set drops the old value, a refused add, replace or append does not", () => {
    const large = "x".repeat(2000)
    for (
      const [mode, left] of [["set", []], ["add", ["VALUE k 0 3", "old"]], ["replace", ["VALUE k 0 3", "old"]]] as const
    ) {
      assert.deepStrictEqual(
        new Conversation({ maxItemSize: 1024 }).say("set k 0 0 3", "old", `${mode} k 0 0 2000`, large, "get k"),
        ["STORED", "SERVER_ERROR object too large for cache", ...left, "END"]
      )
    }
  })

  it("a set between the largest value and the item limit is refused just the same", () => {
    assert.deepStrictEqual(
      new Conversation({ maxItemSize: 1024 }).say("set k 0 0 3", "old", "set k 0 0 1000", "x".repeat(1000), "get k"),
      ["STORED", "SERVER_ERROR object too large for cache", "END"]
    )
  })

  it("a refused set with noreply is silent and drops the old value all the same", () => {
    assert.deepStrictEqual(
      new Conversation({ maxItemSize: 1024 }).say(
        "set k 0 0 3",
        "old",
        "set k 0 0 2000 noreply",
        "x".repeat(2000),
        "get k"
      ),
      ["STORED", "END"]
    )
  })

  it("without evictions a full memory refuses, and a set drops the old value", () => {
    const conversation = new Conversation({ memoryLimit: 1500, maxItemSize: 1024, evict: false })
    assert.deepStrictEqual(
      conversation.say(
        "set a 0 0 900",
        "x".repeat(900),
        "set b 0 0 3",
        "old",
        "set b 0 0 900",
        "y".repeat(900),
        "get b"
      ),
      ["STORED", "STORED", "SERVER_ERROR out of memory storing object", "END"]
    )
  })

  it("noreply hides every answer, that of a counter on text included", () => {
    assert.deepStrictEqual(
      talk(
        "set a 0 0 1 noreply",
        "x",
        "incr a 1 noreply",
        "touch a 0 noreply",
        "delete a noreply",
        "delete a noreply",
        "get a"
      ),
      ["END"]
    )
  })
})
