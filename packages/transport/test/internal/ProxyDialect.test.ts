import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Reply } from "@effect-memcache/protocol/Reply"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import { join, proxyDialect, split } from "../../src/internal/ProxyDialect.ts"

const key = "k" as Key
const value = new Uint8Array(0)
const common = { key, flags: 0, exptime: 0, value, noreply: false }

describe("the dialect of a proxy", () => {
  const forwarded: ReadonlyArray<Command> = [
    { _tag: "Get", keys: [key], withCas: true },
    { _tag: "Store", mode: "append", ...common },
    { _tag: "Cas", cas: 1n, ...common },
    { _tag: "Arithmetic", mode: "decr", key, delta: 1n, create: undefined, noreply: false },
    { _tag: "Delete", key, noreply: false },
    { _tag: "Touch", key, exptime: 0, noreply: false },
    { _tag: "Version" }
  ]
  it.each(forwarded)("has $_tag", (command) => {
    assert.isTrue(proxyDialect.supports(command))
  })

  const closing: ReadonlyArray<Command> = [
    { _tag: "GetAndTouch", keys: [key], withCas: false, exptime: 0 },
    { _tag: "Stats", report: undefined },
    { _tag: "FlushAll", delay: undefined, noreply: false },
    { _tag: "Verbosity", level: 1, noreply: false },
    { _tag: "MetaGet", key, flags: [] }
  ]
  it.each(closing)("has no $_tag, on which the connection would end", (command) => {
    assert.isFalse(proxyDialect.supports(command))
  })

  it("has nothing that text has not", () => {
    assert.isFalse(proxyDialect.supports({ _tag: "Delete", key, noreply: true }))
  })

  it("is text otherwise", () => {
    assert.strictEqual(proxyDialect.name, "text")
    assert.strictEqual(proxyDialect.encode, textDialect.encode)
    assert.strictEqual(proxyDialect.parse, textDialect.parse)
  })
})

describe("a get of several keys", () => {
  const [a, b] = ["a" as Key, "b" as Key]
  const get = (...keys: ReadonlyArray<Key>): Command => ({ _tag: "Get", keys, withCas: true })
  const end = (command: Command): Answer => ({ command, reply: { _tag: "End" } as Reply, items: [], stats: [] })

  it("goes out as one for each key; everything else as it is", () => {
    assert.deepStrictEqual(split(get(a, b)), [get(a), get(b)])
    for (
      const command of [
        get(a),
        { _tag: "Version" } as const,
        { _tag: "Touch", key: a, exptime: 0, noreply: false } as const
      ]
    ) assert.deepStrictEqual(split(command), [command])
  })

  it("has the first error line that one of its keys got", () => {
    const reply: Reply = { _tag: "ServerError", message: "Connection refused" }
    const miss = end(get(a))
    assert.deepStrictEqual(join(get(a, b), [miss, { ...end(get(b)), reply }]), {
      command: get(a, b),
      reply,
      items: [undefined, undefined],
      stats: [],
      replies: [miss.reply, reply]
    })
  })

  it("is lost if one of its keys is", () => {
    const lost = MemcacheError.connectionLost({ server: "s", outcome: "unknown" })
    assert.strictEqual(join(get(a, b), [end(get(a)), lost]), lost)
  })

  it("of one key is passed on as it came", () => {
    const answer = end(get(a))
    assert.strictEqual(join(get(a), [answer]), answer)
  })
})
