import type { Command } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Reply } from "@effect-memcache/protocol/Reply"
import { status } from "@effect-memcache/protocol/Reply"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Counter from "../../../src/internal/commands/Counter.ts"
import { WriteFailureHook } from "../../../src/internal/commands/WriteFailureHook.ts"
import * as Miss from "../../../src/internal/servers/Miss.ts"
import * as FakeSession from "../../FakeSession.ts"
import { makers } from "../../fixtures/Errors.ts"

const notFound: Reply = status("NotFound", true)
const notStored: Reply = status("NotStored", true)

const play = (...replies: ReadonlyArray<Reply>) => {
  const left = [...replies]
  const fake = FakeSession.make(() => left.shift() ?? notFound)
  const words = () => fake.commands.map((command) => "mode" in command ? command.mode : command._tag)
  return { count: Counter.count(fake.session, "incr"), words, commands: fake.commands, deadlines: fake.deadlines }
}

it.effect("without initial it is one command, whatever the answer", () =>
  Effect.gen(function*() {
    const { count, words } = play(notFound)
    assert.deepStrictEqual(yield* count("n"), Option.none())
    assert.deepStrictEqual(words(), ["incr"])
  }))

it.effect("with initial, a counter that is there is one command", () =>
  Effect.gen(function*() {
    const { count, words } = play({ _tag: "Counter", value: 8n })
    assert.deepStrictEqual(yield* count("n", { initial: 1 }), Option.some(8n))
    assert.deepStrictEqual(words(), ["incr"])
  }))

it.effect("a counter that is absent is made with the flags of an integer", () =>
  Effect.gen(function*() {
    const { commands, count } = play(notFound, { _tag: "Stored" })
    assert.deepStrictEqual(yield* count("n", { initial: 7, ttl: "1 minute" }), Option.some(7n))
    const made = commands[1]
    if (made._tag !== "Store") return assert.fail(made._tag)
    assert.deepStrictEqual([made.mode, made.flags, made.exptime], ["add", 2, 60])
    assert.strictEqual(Buffer.from(made.value).toString(), "7")
  }))

it.effect("a counter is made with the flags that the transcoder has for one", () =>
  Effect.gen(function*() {
    const left: Array<Reply> = [notFound, { _tag: "Stored" }]
    const { commands, session } = FakeSession.make(() => left.shift() ?? notFound)
    const transcoder = { ...session.transcoder, counterFlags: 0 }
    yield* Counter.count({ ...session, transcoder }, "incr")("n", { initial: 7 })
    assert.deepInclude(commands[1], { _tag: "Store", flags: 0 })
  }))

it.effect("when somebody else makes the counter first, theirs is counted", () =>
  Effect.gen(function*() {
    const { count, words } = play(notFound, notStored, { _tag: "Counter", value: 2n })
    assert.deepStrictEqual(yield* count("n", { initial: 1 }), Option.some(2n))
    assert.deepStrictEqual(words(), ["incr", "add", "incr"])
  }))

it.effect("a counter that vanishes again and again counts as absent in the end", () =>
  Effect.gen(function*() {
    const round = [notFound, notStored]
    const { count, words } = play(...round, ...round, ...round, ...round)
    assert.deepStrictEqual(yield* count("n", { initial: 1 }), Option.none())
    assert.deepStrictEqual(words(), ["incr", "add", "incr", "add", "incr", "add", "incr"])
  }))

it.effect("all commands of one count have one deadline", () =>
  Effect.gen(function*() {
    const { count, deadlines } = play(notFound, notStored, notFound, { _tag: "Stored" })
    assert.deepStrictEqual(yield* count("n", { initial: 1 }), Option.some(1n))
    assert.deepStrictEqual(deadlines, Array.from({ length: 4 }, () => FakeSession.DEADLINE))
  }))

it.effect("an error line in answer to the add is that command's error", () =>
  Effect.gen(function*() {
    const { count } = play(notFound, { _tag: "ServerError", message: "out of memory storing object" })
    const error = yield* Effect.flip(count("n", { initial: 1 }))
    assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "OutOfMemoryError")
  }))

it.effect("a count whose server dies before the counter is made is told once as a failed write", () =>
  Effect.gen(function*() {
    const heard: Array<string> = []
    const writeFailures = yield* WriteFailureHook.make(({ command, outcome }) =>
      Effect.sync(() => heard.push(`${command} ${outcome}`))
    )
    const cause = makers.ServerDeadError("not-sent")
    const { session } = FakeSession.make(() => notFound)
    // What the server answers before it dies; from then on the policy "miss" answers.
    for (const replies of [[], [notFound], [notFound, notStored]]) {
      const left = [...replies]
      const send = (command: Command) =>
        Effect.sync((): Answer => {
          const reply = left.shift()
          return reply === undefined
            ? { ...Miss.absent(command), cause } as Answer
            : { command, reply, items: [], stats: [] }
        })
      const backend = { ...session.pool.backends()[0], send }
      const pool = { ...session.pool, pick: () => backend }
      const count = Counter.count({ ...session, pool, writeFailures }, "incr")
      assert.deepStrictEqual(yield* count("n", { initial: 1 }), Option.none())
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard.splice(0), ["incr not-sent"])
    }
  }))
