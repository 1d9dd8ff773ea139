import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Reply, Value } from "@effect-memcache/protocol/Reply"
import { status, value } from "@effect-memcache/protocol/Reply"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import { operationOf, ServerObserver } from "../../../src/internal/telemetry/Observer.ts"
import { Tally } from "../../../src/internal/telemetry/Tally.ts"

const get = (...keys: ReadonlyArray<string>): Command => ({
  _tag: "Get",
  keys: keys as ReadonlyArray<Key>,
  withCas: false
})
const remove: Command = { _tag: "Delete", key: "k" as Key, noreply: false }
const end = status("End", true)
const item = (fields: Partial<Value> = {}): Value => ({ ...value(false), length: 5, ...fields })

const answer = (command: Command, reply: Reply, items: ReadonlyArray<Value | undefined> = []): Answer => ({
  command,
  reply,
  items,
  stats: []
})

const make = () => {
  const series: Array<string> = []
  const tally = new Tally([1], (operation, errorType) => series.push([operation, errorType].join(" ").trim()))
  return { tally, series, observer: new ServerObserver("cache:11211", tally), found: () => [tally.hits, tally.misses] }
}

describe("ServerObserver", () => {
  it("counts what a read of one key has found", () => {
    const { found, observer, series } = make()
    observer.answered(answer(get("a"), item()), 1)
    observer.answered(answer(get("a"), end), 1)
    observer.answered(answer(get("a"), end), 1)
    assert.deepStrictEqual(found(), [1, 2])
    assert.deepStrictEqual(series, ["get"])
  })

  it("counts every key of a batch", () => {
    const { found, observer, series } = make()
    observer.answered(answer(get("a", "b", "c"), end, [item(), undefined, item()]), 1)
    observer.answered(answer(get("a", "b"), end), 1)
    assert.deepStrictEqual(found(), [2, 3])
    assert.deepStrictEqual(series, ["BATCH get"])
  })

  it("takes what a winner has yet to fill in for a miss, and an empty value for a hit", () => {
    const { found, observer } = make()
    observer.answered(answer(get("a"), item({ length: 0, isWin: true })), 1)
    observer.answered(answer(get("a"), item({ length: 0, isWinSent: true })), 1)
    assert.deepStrictEqual(found(), [0, 2])
    observer.answered(answer(get("a"), item({ length: 0 })), 1)
    observer.answered(answer(get("a"), end, [item({ length: 0 })]), 1)
    assert.deepStrictEqual(found(), [2, 2])
  })

  it("leaves open what a batch has found that may be either, since it is asked for once more", () => {
    const { found, observer } = make()
    observer.answered(answer(get("a", "b", "c"), end, [item(), item({ length: 0 }), undefined]), 1)
    assert.deepStrictEqual(found(), [1, 1])
  })

  it("counts what a read finds that competes for the item", () => {
    const { found, observer, series } = make()
    const lookup = (flags: ReadonlyArray<string>): Command => ({ _tag: "MetaGet", key: "k" as Key, flags })
    observer.answered(answer(lookup(["v", "N10"]), item()), 1)
    observer.answered(answer(lookup(["v", "N10"]), item({ length: 0, isWin: true })), 1)
    observer.answered(answer(lookup(["t"]), status("Header", true)), 1)
    assert.deepStrictEqual(found(), [1, 1])
    assert.deepStrictEqual(series, ["mg"])
  })

  it("counts an error line as the failure that it stands for, and no misses behind it", () => {
    const { found, observer, series } = make()
    const line: Reply = { _tag: "ServerError", message: "out of memory writing get response" }
    observer.answered(answer(get("a", "b"), line, [item(), undefined]), 1)
    assert.deepStrictEqual(series, ["BATCH get OutOfMemoryError"])
    assert.deepStrictEqual(found(), [1, 0])
  })

  it("has neither hits nor misses of what does not read", () => {
    const { found, observer, series } = make()
    observer.answered(answer(remove, status("NotFound", true)), 1)
    observer.missed(remove)
    assert.deepStrictEqual(found(), [0, 0])
    assert.deepStrictEqual(series, ["delete"])
  })

  it("counts as misses the reads that nobody was asked for", () => {
    const { found, observer, series } = make()
    observer.missed(get("a", "b"))
    assert.deepStrictEqual(found(), [0, 2])
    assert.deepStrictEqual(series, [])
  })

  it("counts failures by their reasons, and interruptions apart from them", () => {
    const { observer, series } = make()
    observer.failed(remove, MemcacheError.timeout({ outcome: "unknown", duration: 1 }), 1)
    observer.interrupted(get("a"), 1)
    assert.deepStrictEqual(series, ["delete TimeoutError", "get interrupted"])
  })
})

describe("the name of an operation", () => {
  it("is memcached's word, and says of several keys that they are a batch", () => {
    assert.deepStrictEqual([get("a"), get("a", "b"), remove].map(operationOf), ["get", "BATCH get", "delete"])
  })
})
