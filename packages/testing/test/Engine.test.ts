import { assert, describe, it } from "@effect/vitest"
import { Conversation } from "./Conversation.ts"

const talk = (...lines: ReadonlyArray<string>): ReadonlyArray<string> => new Conversation().say(...lines)

describe("Engine", () => {
  it("says that it is 1.6.45", () => {
    assert.deepStrictEqual(talk("version", "mn"), ["VERSION 1.6.45", "MN"])
  })

  it("flush_all drops everything at once, or after a delay", () => {
    const conversation = new Conversation()
    assert.deepStrictEqual(conversation.say("set a 0 0 1", "x", "flush_all", "get a"), ["STORED", "OK", "END"])
    conversation.say("flush_all 10 noreply", "set b 0 0 1", "y")
    conversation.wait(9)
    assert.deepStrictEqual(conversation.say("get b"), ["VALUE b 0 1", "y", "END"])
    conversation.wait(1)
    assert.deepStrictEqual(conversation.say("get b"), ["END"])
  })

  it("refuses flush_all where it was forbidden", () => {
    assert.deepStrictEqual(
      new Conversation({ settings: { isFlushAllowed: false } }).say("set a 0 0 1", "x", "flush_all", "get a"),
      ["STORED", "CLIENT_ERROR flush_all not allowed", "VALUE a 0 1", "x", "END"]
    )
  })

  it("verbosity is taken and shown", () => {
    const conversation = new Conversation()
    assert.deepStrictEqual(conversation.say("verbosity 9", "verbosity 1 noreply"), ["OK"])
    assert.include(conversation.say("stats settings"), "STAT verbosity 1")
  })

  it("both dialects see the same items", () => {
    assert.deepStrictEqual(talk("ms a 1 F3", "x", "gets a", "append a 0 0 1", "y", "mg a v f"), [
      "HD",
      "VALUE a 3 1 1",
      "x",
      "END",
      "STORED",
      "VA 2 f3",
      "xy"
    ])
  })

  it("stats reset begins the counters anew and keeps the items", () => {
    const conversation = new Conversation()
    assert.deepStrictEqual(conversation.say("set a 0 0 1", "x", "get a", "stats reset"), [
      "STORED",
      "VALUE a 0 1",
      "x",
      "END",
      "RESET"
    ])
    const lines = conversation.say("stats")
    assert.include(lines, "STAT get_hits 0")
    assert.include(lines, "STAT total_items 0")
    assert.include(lines, "STAT curr_items 1")
  })
})
