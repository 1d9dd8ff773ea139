import { assert, describe, it } from "@effect/vitest"
import { Conversation } from "./Conversation.ts"

const report = (conversation: Conversation, name: string): ReadonlyMap<string, string> => {
  const lines = conversation.say(name)
  assert.strictEqual(lines.at(-1), "END")
  return new Map(
    lines.slice(0, -1).map((line) => {
      const [, key, value] = /^STAT (\S+) (.*)$/.exec(line) ?? assert.fail(line)
      return [key, value]
    })
  )
}

describe("StatsReports", () => {
  it("the general report counts what happened", () => {
    const conversation = new Conversation({ memoryLimit: 1_000_000 })
    conversation.say("set a 0 10 1", "x", "get a b", "touch a 10", "touch b 0", "gat 10 a", "mg a v", "incr a 1")
    conversation.say("set n 0 0 1", "1", "incr n 1", "decr n 1", "incr no 1", "decr no 1", "delete n", "delete n")
    conversation.say("cas a 0 10 1 1", "y", "cas a 0 10 1 1", "y", "cas no 0 0 1 1", "z", "me a", "flush_all 1000")
    conversation.wait(10)
    conversation.say("get a")
    const stats = report(conversation, "stats")
    const expected = {
      version: "1.6.45",
      uptime: "10",
      time: String(conversation.seconds),
      cmd_get: "4",
      cmd_set: "5",
      cmd_flush: "1",
      cmd_touch: "3",
      cmd_meta: "1",
      get_hits: "2",
      get_misses: "2",
      get_expired: "1",
      delete_hits: "1",
      delete_misses: "1",
      incr_hits: "1",
      incr_misses: "1",
      decr_hits: "1",
      decr_misses: "1",
      cas_hits: "1",
      cas_badval: "1",
      cas_misses: "1",
      touch_hits: "2",
      touch_misses: "1",
      limit_maxbytes: "1000000",
      curr_items: "0",
      total_items: "3",
      bytes: "0",
      evictions: "0"
    }
    for (const [name, value] of Object.entries(expected)) assert.strictEqual(stats.get(name), value, name)
  })

  it("settings tell how the server was set up", () => {
    const conversation = new Conversation({
      memoryLimit: 2_097_152,
      maxItemSize: 65_536,
      evict: false,
      cas: false,
      settings: { port: 4711, host: "127.0.0.1" }
    })
    const stats = report(conversation, "stats settings")
    const expected = {
      maxbytes: "2097152",
      item_size_max: "65536",
      evictions: "off",
      cas_enabled: "no",
      tcpport: "4711",
      inter: "127.0.0.1",
      domain_socket: "NULL",
      flush_enabled: "yes"
    }
    for (const [name, value] of Object.entries(expected)) assert.strictEqual(stats.get(name), value, name)
  })

  it("items and slabs have a block for each class in use", () => {
    const conversation = new Conversation()
    conversation.say("set a 0 0 1", "x", "set b 0 0 1", "x", "set c 0 0 300", "x".repeat(300), "get a")
    conversation.wait(7)
    const items = report(conversation, "stats items")
    assert.strictEqual(items.get("items:1:number"), "2")
    assert.strictEqual(items.get("items:1:age"), "7")
    assert.strictEqual(items.get("items:1:mem_requested"), "122")
    assert.strictEqual(items.get("items:7:number"), "1")
    const slabs = report(conversation, "stats slabs")
    assert.strictEqual(slabs.get("1:chunk_size"), "96")
    assert.strictEqual(slabs.get("1:used_chunks"), "2")
    assert.strictEqual(slabs.get("1:get_hits"), "1")
    assert.strictEqual(slabs.get("7:cmd_set"), "1")
    assert.strictEqual(slabs.get("active_slabs"), "2")
    assert.strictEqual(slabs.get("total_malloced"), "2097152")
  })

  it("cachedump lists the items of a class, as many as wanted, and no base64 keys", () => {
    const conversation = new Conversation()
    conversation.say("set a 0 0 1", "x", "set b 0 100 2", "xy", "ms Zm9v 1 b", "z")
    assert.deepStrictEqual(conversation.say("stats cachedump 1 0"), [
      "ITEM b [2 b; 1800000100 s]",
      "ITEM a [1 b; 0 s]",
      "END"
    ])
    assert.deepStrictEqual(conversation.say("stats cachedump 1 1", "stats cachedump 2 0"), [
      "ITEM b [2 b; 1800000100 s]",
      "END",
      "END"
    ])
  })

  it("detail counts by prefix from on to off", () => {
    const conversation = new Conversation()
    assert.deepStrictEqual(conversation.say("stats detail on"), ["OK"])
    conversation.say("set p:a 0 0 1", "x", "get p:a p:b", "delete p:a", "get plain")
    assert.deepStrictEqual(conversation.say("stats detail off", "stats detail dump"), [
      "OK",
      "PREFIX p get 2 hit 1 set 1 del 1",
      "END"
    ])
    conversation.say("get p:a")
    assert.deepStrictEqual(conversation.say("stats detail dump"), ["PREFIX p get 2 hit 1 set 1 del 1", "END"])
  })

  it("sizes are off, and what is not built in is empty", () => {
    const conversation = new Conversation()
    assert.deepStrictEqual(conversation.say("stats sizes", "stats extstore", "stats proxy"), [
      "STAT sizes_status disabled",
      "END",
      "END",
      "END"
    ])
  })

  it("conns shows who is connected", () => {
    const conversation = new Conversation()
    const lastCommand = conversation.engine.store.time
    conversation.engine.peers = () => [
      { address: "tcp:127.0.0.1:5", listenAddress: "tcp:127.0.0.1:6", lastCommand }
    ]
    conversation.wait(2)
    const stats = report(conversation, "stats conns")
    assert.strictEqual(stats.get("0:addr"), "tcp:127.0.0.1:5")
    assert.strictEqual(stats.get("0:secs_since_last_cmd"), "2")
  })
})
