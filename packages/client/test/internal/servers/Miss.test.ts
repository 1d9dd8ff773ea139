import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { status } from "@effect-memcache/protocol/Reply"
import type { Connection } from "@effect-memcache/transport/Connection"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Counter from "../../../src/internal/commands/Counter.ts"
import * as Miss from "../../../src/internal/servers/Miss.ts"
import * as FakeSession from "../../FakeSession.ts"

const get = (key: string): Command => ({ _tag: "Get", keys: [key as Key], withCas: false })
const remove = (key: string): Command => ({ _tag: "Delete", key: key as Key, noreply: false })

const make = () => {
  const sent: Array<string> = []
  const missed: Array<string> = []
  const home = {
    name: "server",
    deadline: FakeSession.DEADLINE,
    death: undefined as MemcacheError | undefined,
    send: (command: Command): Effect.Effect<Answer, MemcacheError> =>
      Effect.suspend(() => {
        sent.push(command._tag)
        const answer: Answer = { command, reply: status("End", true), items: [], stats: [] }
        return home.death === undefined ? Effect.succeed(answer) : Effect.fail(home.death)
      }),
    missed: (command: Command) => {
      missed.push(command._tag)
    },
    open: () => undefined,
    recover: (error: MemcacheError): Effect.Effect<Answer, MemcacheError> => Effect.fail(error),
    sendMany: (commands: ReadonlyArray<Command>): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> =>
      Effect.forEach(commands, (command) => Effect.catch(home.send(command), Effect.succeed))
  }
  return { home, sent, missed, missing: Miss.make()(home) }
}

const dead = MemcacheError.serverDead({ server: "server", retryAfter: 1000 })

describe("Miss", () => {
  it.effect("a live server is asked for everything", () =>
    Effect.gen(function*() {
      const { missing, sent } = make()
      yield* missing.send(get("a"))
      yield* missing.sendMany([get("a"), remove("b")])
      assert.deepStrictEqual(sent, ["Get", "Get", "Delete"])
    }))

  it.effect("a command that finds the server dead on its short way misses too, and one that was sent fails", () =>
    Effect.gen(function*() {
      const { missing } = make()
      const connection = {} as Connection
      const answer = yield* missing.recover(dead, get("a"), connection, FakeSession.DEADLINE)
      assert.strictEqual(answer.reply._tag, "End")
      const lost = MemcacheError.connectionLost({ server: "server", outcome: "unknown", detail: "reset" })
      assert.strictEqual(yield* Effect.flip(missing.recover(lost, get("a"), connection, FakeSession.DEADLINE)), lost)
    }))

  it.effect("reads of a dead server miss without an error that nobody would look at", () =>
    Effect.gen(function*() {
      const { home, missing, sent } = make()
      home.death = dead
      const answer = yield* missing.send(get("a"))
      assert.strictEqual(answer.reply._tag, "End")
      assert.isUndefined(Miss.causeOf(answer))
      assert.strictEqual((yield* missing.sendMany([get("a"), get("b")])).length, 2)
      assert.deepStrictEqual(sent, [])
      home.death = undefined
      yield* missing.send(get("a"))
      assert.deepStrictEqual(sent, ["Get"])
    }))

  it.effect("writes keep the reason why they were not sent", () =>
    Effect.gen(function*() {
      const { home, missing } = make()
      home.death = dead
      const answer = yield* missing.send(remove("a"))
      assert.strictEqual(answer.reply._tag, "NotFound")
      assert.strictEqual(Miss.causeOf(answer), dead)
      const [read, written] = yield* missing.sendMany([get("a"), remove("b")])
      assert.strictEqual((read as Answer).reply._tag, "End")
      assert.strictEqual(Miss.causeOf(written as Answer), dead)
    }))

  it.effect("a counter on a dead server is not asked for again and again", () =>
    Effect.gen(function*() {
      const { home, missing, sent } = make()
      home.death = dead
      const { session } = FakeSession.make(() => status("End", true))
      const count = Counter.count({ ...session, pool: { ...session.pool, pick: () => missing } }, "incr")
      assert.deepStrictEqual(yield* count("n", { initial: 1 }), Option.none())
      assert.deepStrictEqual(sent, ["Arithmetic", "Store"])
    }))
})
