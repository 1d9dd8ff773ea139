import type { Command } from "@effect-memcache/protocol/Command"
import type { Value } from "@effect-memcache/protocol/Reply"
import * as Reply from "@effect-memcache/protocol/Reply"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Retrieval from "../../../src/internal/commands/Retrieval.ts"
import * as FakeSession from "../../FakeSession.ts"

const empty = (): Value => Reply.value(true)

const keysOf = (command: Command): ReadonlyArray<string> => command._tag === "Get" ? command.keys : []

/** A server where `k` is empty and `v` is not: what a batch shows of it, and what one key alone. */
const make = (alone: FakeSession.Response) =>
  FakeSession.make((command) =>
    keysOf(command).length > 1 ? { items: [empty(), FakeSession.text("v")], reply: FakeSession.end } : alone
  )

const getMany = ({ session }: FakeSession.FakeSession) => Retrieval.getManyPartial(session)(["k", "v"])

const marked = (fields: Partial<Value>): Value => Object.assign(Reply.value(false), fields)

it.effect("what is empty in a batch is asked for once more, alone, and is a miss if it is marked", () =>
  Effect.gen(function*() {
    for (const mark of [{ isWinSent: true }, { isWin: true }, { isStale: true }]) {
      const fake = make(marked(mark))
      assert.deepStrictEqual(yield* getMany(fake), {
        values: new Map([["v", "v"]]) as Map<string, unknown>,
        failed: new Map()
      })
      assert.deepStrictEqual(fake.commands.map(keysOf), [["k", "v"], ["k"]])
    }
    assert.deepStrictEqual((yield* getMany(make(FakeSession.end))).values, new Map([["v", "v"]]))
  }))

it.effect("empty bytes stay a value, in both dialects", () =>
  Effect.gen(function*() {
    for (const alone of [marked({}), { items: [empty()], reply: FakeSession.end }]) {
      const { values } = yield* getMany(make(alone))
      assert.deepStrictEqual(values, new Map<string, unknown>([["k", new Uint8Array(0)], ["v", "v"]]))
    }
  }))

it.effect("what cannot be asked again has failed", () =>
  Effect.gen(function*() {
    const { failed, values } = yield* getMany(make(MemcacheError.noServer({})))
    assert.deepStrictEqual([...failed.keys()], ["k"])
    assert.deepStrictEqual(values, new Map([["v", "v"]]))
    const said = yield* getMany(make({ _tag: "ServerError", message: "busy" }))
    assert.strictEqual(said.failed.get("k")?.reason._tag, "ServerError")
  }))

it.effect("a batch without anything empty asks once", () =>
  Effect.gen(function*() {
    const fake = FakeSession.make(() => ({
      items: [FakeSession.text("a"), undefined],
      reply: FakeSession.end
    }))
    yield* getMany(fake)
    assert.strictEqual(fake.commands.length, 1)
  }))
