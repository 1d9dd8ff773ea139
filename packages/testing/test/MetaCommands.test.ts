import { assert, describe, it } from "@effect/vitest"
import { Conversation } from "./Conversation.ts"

const talk = (...lines: ReadonlyArray<string>): ReadonlyArray<string> => new Conversation().say(...lines)

describe("MetaCommands", () => {
  it("mg answers the fields in the order in which they were asked for", () => {
    assert.deepStrictEqual(
      talk("set k 30 100 3", "abc", "mg k v", "mg k s v t f k c O7", "mg k f s", "mg k", "mg nope v k O1", "mg nope"),
      [
        "STORED",
        "VA 3",
        "abc",
        "VA 3 s3 t100 f30 kk c1 O7",
        "abc",
        "HD f30 s3",
        "HD",
        "EN kk O1".replace("kk", "knope"),
        "EN"
      ]
    )
  })

  it("h and l tell of what was before, and u leaves no trace", () => {
    const conversation = new Conversation()
    conversation.say("set k 0 0 1", "x")
    conversation.wait(5)
    assert.deepStrictEqual(
      conversation.say("mg k h l u", "mg k h l", "mg k h l"),
      ["HD h0 l5", "HD h0 l5", "HD h1 l0"]
    )
  })

  it("t before T shows the old rest, after it the new one", () => {
    assert.deepStrictEqual(talk("set k 0 100 1", "x", "mg k t T30", "mg k T60 t"), ["STORED", "HD t100", "HD t60"])
  })

  it("a negative T expires the item and shows an unsigned number behind it", () => {
    const [, reply, after] = talk("set k 0 100 1", "x", "mg k T-1 t", "mg k")
    assert.match(reply, /^HD t42949\d{5}$/)
    assert.strictEqual(after, "EN")
  })

  it("q hides EN of mg, HD of ms, md and ma, and nothing else", () => {
    assert.deepStrictEqual(
      talk(
        "set z 0 0 1",
        "x",
        "ms z 2 C1 q O0",
        "hi",
        "ms z 2 C1 q O1",
        "hi",
        "ms z 2 q O2",
        "hi",
        "ms z 2 MR q O3",
        "hi",
        "ms zz 2 MR q O4",
        "hi",
        "md zz q O5",
        "md z q O6",
        "ma zz q O7",
        "mg zz q O8 v",
        "mn"
      ),
      ["STORED", "EX O1", "NS O4", "NF O5", "NF O7", "MN"]
    )
  })

  it("q hides the VA of a counter, also where N makes it", () => {
    assert.deepStrictEqual(talk("ma n N0 J5 q v", "ma n q v", "mg n v"), ["VA 1", "6"])
  })

  it("q does not hide a hit, a vivified item or an error", () => {
    assert.deepStrictEqual(
      talk("set s 0 0 1", "x", "mg s q v", "mg viv q N30 v", "ma s q"),
      ["STORED", "VA 1", "x", "VA 0 W", "", "CLIENT_ERROR cannot increment or decrement non-numeric value"]
    )
  })

  it("k says how the item was stored, whatever was asked", () => {
    assert.deepStrictEqual(
      talk("ms Zm9v 2 b k", "hi", "mg foo k v", "get foo", "ms foo 2 k", "yo", "mg Zm9v b k v"),
      ["HD kZm9v b", "VA 2 kZm9v b", "hi", "VALUE foo 0 2", "hi", "END", "HD kfoo", "VA 2 kfoo", "yo"]
    )
  })

  it("k of a miss, of md and of ma repeats the request", () => {
    assert.deepStrictEqual(
      talk("mg Zm9v b k", "ms foo 1", "5", "ma Zm9v b k v", "md Zm9v b k", "md Zm9v b k"),
      ["EN kZm9v b", "HD", "VA 1 kZm9v b", "6", "HD kZm9v b", "NF kZm9v b"]
    )
  })

  it("an item stays known by its base64 key through append, growth and emptying", () => {
    assert.deepStrictEqual(
      talk("ms Zm9v 1 b", "9", "ma Zm9v b", "ms Zm9v 1 b MA", "0", "md Zm9v b x", "mg foo k v", "mg YmFy b N30 k"),
      ["HD", "HD", "HD", "HD", "VA 0 kZm9v b", "", "HD kYmFy b W"]
    )
  })

  it("vivify hands the win to the first, and tells the others", () => {
    const conversation = new Conversation()
    assert.deepStrictEqual(
      conversation.say("mg viv N30 v t", "mg viv N30 v t", "get viv", "ms viv 2", "ok", "mg viv N30 v"),
      ["VA 0 t30 W", "", "VA 0 t30 Z", "", "VALUE viv 0 0", "", "END", "HD", "VA 2", "ok"]
    )
  })

  it("a stale item has one winner until it is stored anew", () => {
    assert.deepStrictEqual(
      talk("set st 0 0 3", "old", "md st I T30", "mg st v c t", "mg st v", "ms st 3", "new", "mg st v t"),
      ["STORED", "HD", "VA 3 c2 t30 X W", "old", "VA 3 Z X", "old", "HD", "VA 3 t-1", "new"]
    )
  })

  it("ms with I and an older cas stores, and the item stays stale with its exptime", () => {
    assert.deepStrictEqual(
      talk(
        "ms k 3 c",
        "one",
        "md k I T30",
        "ms k 3 I C1 T99 c",
        "two",
        "mg k v t",
        "ms k 3 I C99",
        "six",
        "ms k 3 C1",
        "ten"
      ),
      ["HD c1", "HD", "HD c3", "VA 3 t30 X W", "two", "EX", "EX"]
    )
  })

  it("who stores with an older cas does not let another reader win", () => {
    assert.deepStrictEqual(
      talk("ms k 1 c", "a", "md k I", "mg k", "ms k 1 I C1", "b", "mg k v"),
      ["HD c1", "HD", "HD X W", "HD", "VA 1 Z X", "b"]
    )
  })

  it("an invalidation lets the next reader win again", () => {
    assert.deepStrictEqual(
      talk("ms k 1", "a", "md k I", "mg k", "mg k", "md k I", "mg k"),
      ["HD", "HD", "HD X W", "HD Z X", "HD", "HD X W"]
    )
  })

  it("R hands the win to one reader when the rest is short, never for items that live for ever", () => {
    assert.deepStrictEqual(
      talk("set k 0 20 1", "x", "mg k R10", "mg k R30", "mg k R30", "set e 0 0 1", "x", "mg e R30"),
      ["STORED", "HD", "HD W", "HD Z", "STORED", "HD"]
    )
  })

  it.each([
    { mode: "", miss: "HD", hit: "HD", left: "new" },
    { mode: " MS", miss: "HD", hit: "HD", left: "new" },
    { mode: " ME", miss: "HD", hit: "NS", left: "old" },
    { mode: " MR", miss: "NS", hit: "HD", left: "new" },
    { mode: " MA", miss: "NS", hit: "HD", left: "oldnew" },
    { mode: " MP", miss: "NS", hit: "HD", left: "newold" }
  ])("ms$mode answers $miss on a miss and $hit on a hit", ({ hit, left, miss, mode }) => {
    assert.deepStrictEqual(talk(`ms k 3${mode}`, "new"), [miss])
    assert.deepStrictEqual(
      talk("set k 0 0 3", "old", `ms k 3${mode} s`, "new", "mg k v"),
      ["STORED", `${hit} s${hit === "HD" ? left.length : 3}`, `VA ${left.length}`, left]
    )
  })

  it("ms appends to nothing when N says so", () => {
    assert.deepStrictEqual(talk("ms k 1 MA N50 s", "a", "ms k 1 MA N50 s", "b", "mg k v t"), [
      "HD s1",
      "HD s2",
      "VA 2 t50",
      "ab"
    ])
  })

  it("ms sets flags and exptime, and c shows the new cas unique or 0", () => {
    assert.deepStrictEqual(
      talk("ms k 1 F7 T60 c", "a", "mg k f t", "ms k 1 C9 c", "b", "ms n 1 C9 c", "b", "ms k 1 ME c", "b"),
      ["HD c1", "HD f7 t60", "EX c0", "NF c0", "NS c0"]
    )
  })

  it("ms ME with C ignores the cas unique", () => {
    assert.deepStrictEqual(talk("ms k 1 ME C5", "a", "ms k 1 ME C1", "b"), ["HD", "NS"])
  })

  it("ms MA compares a cas unique", () => {
    assert.deepStrictEqual(talk("ms k 1", "a", "ms k 1 MA C9", "b", "ms k 1 MA C1", "b", "mg k v"), [
      "HD",
      "EX",
      "HD",
      "VA 2",
      "ab"
    ])
  })

  it("E chooses the cas unique up to 2^64 - 1, and 0 takes the next", () => {
    assert.deepStrictEqual(
      talk(
        "ms k 1 E18446744073709551615 c",
        "a",
        "cas k 0 0 1 18446744073709551615",
        "b",
        "ms k 1 E0 c",
        "c",
        "gets k"
      ),
      ["HD c18446744073709551615", "STORED", "HD c2", "VALUE k 0 1 2", "c", "END"]
    )
  })

  it("mg C spares the value to who has it already", () => {
    assert.deepStrictEqual(talk("ms k 1", "a", "mg k C1 v c", "mg k C2 v c"), ["HD", "HD c1", "VA 1 c1", "a"])
  })

  it("md compares a cas unique, and x empties an item but keeps it", () => {
    assert.deepStrictEqual(
      talk("ms k 1 F7 T60", "a", "md k C9", "md k C1 x", "mg k v f t", "md k", "mg k"),
      ["HD", "EX", "HD", "VA 0 f0 t-1", "", "HD", "EN"]
    )
  })

  it("ma counts by its mode and delta, makes what is not there, and compares", () => {
    assert.deepStrictEqual(
      talk(
        "ma n",
        "ma n N60 J13 v t c",
        "ma n N60 J13 v t",
        "ma n MD D4 v",
        "ma n M- D99 v",
        "ma n M+ v T5 t",
        "ma n C1",
        "ma n C5 c"
      ),
      ["NF", "VA 2 t60 c1", "13", "VA 2 t60", "14", "VA 2", "10", "VA 1", "0", "VA 1 t5", "1", "EX", "HD c6"]
    )
  })

  it("an ms that is refused drops the old value in every mode, q or not", () => {
    for (const mode of ["", " ME", " MR", " MA", " q"]) {
      assert.deepStrictEqual(
        new Conversation({ maxItemSize: 1024 }).say(
          "set k 0 0 3",
          "old",
          `ms k 2000${mode}`,
          "x".repeat(2000),
          "mg k v"
        ),
        ["STORED", "SERVER_ERROR object too large for cache", "EN"]
      )
    }
  })

  it("me tells what is known of an item and changes nothing", () => {
    const conversation = new Conversation()
    conversation.say("set k 0 100 1", "x")
    conversation.wait(3)
    assert.deepStrictEqual(
      conversation.say("me k", "me k", "get k", "me k", "me nope"),
      [
        ...Array(2).fill("ME k exp=97 la=3 cas=1 fetch=no cls=1 size=61"),
        "VALUE k 0 1",
        "x",
        "END",
        "ME k exp=97 la=0 cas=1 fetch=yes cls=1 size=61",
        "EN"
      ]
    )
  })

  it("opaques of 31 bytes come back, on every answer", () => {
    const O = `O${"x".repeat(31)}`
    assert.deepStrictEqual(
      talk(`mg k ${O}`, `ms k 1 ${O}`, "1", `mg k ${O}`, `ma k ${O}`, `md k ${O}`, `md k ${O}`),
      [`EN ${O}`, `HD ${O}`, `HD ${O}`, `HD ${O}`, `HD ${O}`, `NF ${O}`]
    )
  })
})
