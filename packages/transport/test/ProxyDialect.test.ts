import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { proxyDialect } from "@effect-memcache/transport/ProxyDialect"
import { assert, describe, it } from "@effect/vitest"

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
