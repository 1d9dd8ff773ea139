import type { Command, Get } from "@effect-memcache/protocol/Command"
import { value } from "@effect-memcache/protocol/Reply"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Retrieval from "../../../src/internal/commands/Retrieval.ts"
import * as FakeSession from "../../FakeSession.ts"

const isGet = (command: Command): command is Get => command._tag === "Get"

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Every key is a hit whose value is the key. */
const echo = (command: Command): FakeSession.Response =>
  isGet(command)
    ? { items: command.keys.map(FakeSession.text), reply: FakeSession.end }
    : FakeSession.end

it.effect("one key is one command", () =>
  Effect.gen(function*() {
    const fake = FakeSession.make(echo)
    assert.deepStrictEqual(yield* Retrieval.get(fake.session)("k"), Option.some("k"))
    assert.strictEqual(fake.calls(), 1)
    assert.deepStrictEqual(fake.commands.map((command) => command._tag), ["Get"])
  }))

it.effect("a batch has at most a hundred keys in one command, and is sent in one go", () =>
  Effect.gen(function*() {
    const fake = FakeSession.make(echo)
    const found = yield* Retrieval.getMany(fake.session)(numbers(250))
    assert.deepStrictEqual([...found], numbers(250).map((i) => [i, String(i)]))
    assert.deepStrictEqual(fake.commands.filter(isGet).map(({ keys }) => keys.length), [100, 100, 50])
    assert.strictEqual(fake.calls(), 1)
  }))

it.effect("the lines of a batch stay short, however long the keys are", () =>
  Effect.gen(function*() {
    const fake = FakeSession.make(echo)
    const keys = numbers(40).map((i) => `${i}${"k".repeat(248)}`)
    assert.strictEqual((yield* Retrieval.getMany(fake.session)(keys)).size, 40)
    const lines = fake.commands.filter(isGet).map(({ keys }) => `get ${keys.join(" ")}\r\n`.length)
    assert.isTrue(lines.every((length) => length <= 2000), lines.join())
    assert.isBelow(lines.length, 10)
  }))

it.effect("an error line beside values is about the keys that have none", () =>
  Effect.gen(function*() {
    const fake = FakeSession.make(() => ({
      items: [FakeSession.text("one"), undefined, FakeSession.text("three")],
      reply: { _tag: "ServerError", message: "backend failure" }
    }))
    const { failed, values } = yield* Retrieval.getManyPartial(fake.session)(["a", "b", "c"])
    assert.deepStrictEqual([...values], [["a", "one"], ["c", "three"]])
    assert.deepStrictEqual([...failed].map(([key, error]) => [key, error.reason._tag]), [["b", "ServerError"]])
    const error = yield* Effect.flip(Retrieval.getMany(fake.session)(["a", "b", "c"]))
    assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "ServerError")
  }))

it.effect("a miss beside an error line is a miss where each key was asked for by itself", () =>
  Effect.gen(function*() {
    const down = { _tag: "ServerError", message: "Connection refused" } as const
    const hung = { _tag: "ServerError", message: "Connection timed out" } as const
    const fake = FakeSession.make(() => ({
      items: [FakeSession.text("one"), undefined, undefined, undefined],
      reply: down,
      replies: [FakeSession.end, down, FakeSession.end, hung]
    }))
    const { failed, values } = yield* Retrieval.getManyPartial(fake.session)(["a", "b", "c", "d"])
    assert.deepStrictEqual([...values], [["a", "one"]])
    assert.deepStrictEqual([...failed].map(([key, error]) => [key, error.outcome]), [["b", "rejected"], [
      "d",
      "unknown"
    ]])
  }))

it.effect("of a batch whose second command is lost, the first is known", () =>
  Effect.gen(function*() {
    let count = 0
    const lost = MemcacheError.connectionLost({ server: "fake:1", outcome: "unknown" })
    const fake = FakeSession.make((command) => ++count === 2 ? lost : echo(command))
    const { failed, values } = yield* Retrieval.getManyPartial(fake.session)(numbers(150))
    assert.deepStrictEqual([...values.keys()], numbers(100))
    assert.deepStrictEqual([...failed.keys()], numbers(150).slice(100))
  }))

it.effect("a reply that answers no get is a ProtocolError, never a miss", () =>
  Effect.gen(function*() {
    const fake = FakeSession.make(() => ({ _tag: "Stored" }))
    const error = yield* Effect.flip(Retrieval.get(fake.session)("k"))
    assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "ProtocolError")
  }))

it.effect("the placeholder of a vivified item is a miss, an empty value that was stored is none", () =>
  Effect.gen(function*() {
    const placeholder = Object.assign(value(false), { isWinSent: true })
    const get = (reply: FakeSession.Response) => Retrieval.get(FakeSession.make(() => reply).session)("k")
    assert.deepStrictEqual(yield* get(placeholder), Option.none())
    assert.deepStrictEqual(yield* get({ ...placeholder, isWinSent: false, isWin: true }), Option.none())
    // Made invalid while it was empty: what else it may be, it is no fresh value.
    assert.deepStrictEqual(yield* get({ ...placeholder, isStale: true }), Option.none())
    // An empty text, which is being computed anew.
    assert.deepStrictEqual(yield* get({ ...placeholder, flags: 16 }), Option.some(""))
    assert.deepStrictEqual(yield* get(value(false)), Option.some(new Uint8Array(0)))
  }))

it.effect("gets of a server that has no cas fails", () =>
  Effect.gen(function*() {
    const fake = FakeSession.make(() => FakeSession.text("v"))
    assert.strictEqual((yield* Effect.flip(Retrieval.gets(fake.session)("k")))._tag, "MemcacheError")
  }))
