import { Memcache } from "@effect-memcache/client"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Reply } from "@effect-memcache/protocol/Reply"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Administration from "../../../src/internal/commands/Administration.ts"
import { canHelp, ReadRetry } from "../../../src/internal/commands/ReadRetry.ts"
import * as Retrieval from "../../../src/internal/commands/Retrieval.ts"
import type { Session } from "../../../src/internal/commands/Session.ts"
import * as FakeSession from "../../FakeSession.ts"
import { makers } from "../../fixtures/Errors.ts"
import { reasonOf, wire } from "../../fixtures/ScriptedPool.ts"
import * as ScriptedServer from "../../ScriptedServer.ts"

const refused = (message: string): Reply => ({ _tag: "ServerError", message })
const lost = () => MemcacheError.connectionLost({ server: "fake:1", outcome: "unknown" })
const hit = (value: string) => ({ items: [FakeSession.text(value)], reply: FakeSession.end })

/** A session that tries reads again, on a backend that answers as told; how often a key was asked for, too. */
const make = (schedule: Schedule.Schedule<unknown, unknown>, respond: Parameters<typeof FakeSession.make>[0]) => {
  const fake = FakeSession.make(respond)
  const session: Session = { ...fake.session, readRetry: new ReadRetry(schedule) }
  const asked = (key: string) => fake.commands.filter((command) => keysOf(command).includes(wire(key))).length
  return { ...fake, session, asked, get: Retrieval.get(session), getMany: Retrieval.getMany(session) }
}

const keysOf = (command: Command): ReadonlyArray<string> => "keys" in command ? command.keys : []

describe("another try can help", () => {
  const table: { readonly [T in MemcacheError["reason"]["_tag"]]: boolean } = {
    ConnectError: true,
    ConnectionLostError: true,
    TimeoutError: true,
    OverloadedError: false,
    NoServerError: false,
    ServerDeadError: false,
    ServerError: true,
    ValueTooLargeError: false,
    OutOfMemoryError: false,
    NotNumberError: false,
    UnsupportedError: false,
    ClientError: false,
    ProtocolError: true,
    AuthenticationError: false,
    TlsError: false,
    EncodeError: false,
    DecodeError: false
  }
  for (const [tag, expected] of Object.entries(table)) {
    it(`against ${tag}: ${expected ? "yes" : "no"}, whatever the outcome`, () => {
      for (const outcome of ["not-sent", "rejected", "unknown", "done"] as const) {
        assert.strictEqual(canHelp(makers[tag as keyof typeof table](outcome)), expected)
      }
    })
  }
})

describe("ReadRetry", () => {
  it.effect("waits as the schedule says, and answers what the last try got", () =>
    Effect.gen(function*() {
      const { asked, get } = make(
        Schedule.exponential("100 millis"),
        () => asked("k") < 4 ? lost() : hit("late")
      )
      const fiber = yield* Effect.forkChild(get("k"), { startImmediately: true })
      for (const [millis, count] of [[0, 1], [99, 1], [1, 2], [199, 2], [1, 3], [399, 3]]) {
        yield* TestClock.adjust(millis)
        assert.strictEqual(asked("k"), count)
      }
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), Option.some("late"))
    }))

  it.effect("gives up with the last error when the schedule ends", () =>
    Effect.gen(function*() {
      const { asked, get } = make(Schedule.recurs(2), () => asked("k") < 3 ? lost() : refused("busy"))
      assert.strictEqual(yield* reasonOf(get("k")), "ServerError rejected")
      assert.strictEqual(asked("k"), 3)
    }))

  it.effect("begins the schedule anew for every read", () =>
    Effect.gen(function*() {
      const { asked, get } = make(Schedule.recurs(1), () => lost())
      for (const key of ["a", "b", "c"]) {
        yield* reasonOf(get(key))
        assert.strictEqual(asked(key), 2)
      }
    }))

  it.effect("shows the schedule each error", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const schedule = Schedule.recurs(2).pipe(
        Schedule.tap(({ input }) => Effect.sync(() => seen.push(input)))
      )
      const errors = [lost(), lost()]
      const { get } = make(schedule, () => errors[seen.length] ?? hit("v"))
      yield* get("k")
      assert.deepStrictEqual(seen, errors)
    }))

  it.effect("is bounded by a timeout around the call", () =>
    Effect.gen(function*() {
      const { asked, get } = make(Schedule.spaced("400 millis"), () => lost())
      const fiber = yield* Effect.forkChild(Effect.timeoutOption(get("k"), "1 second"), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(fiber), Option.none())
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(asked("k"), 3)
    }))

  it.effect("takes a pause without end for the schedule's end", () =>
    Effect.gen(function*() {
      const { asked, get } = make(Schedule.spaced(Duration.infinity), () => lost())
      assert.strictEqual(yield* reasonOf(get("k")), "ConnectionLostError unknown")
      assert.strictEqual(asked("k"), 1)
    }))

  it.effect("sends at most a tenth more and ten, while everything fails for 10 s at 1000/s (FAULTS row 55)", () =>
    Effect.gen(function*() {
      const { commands, get } = make(Schedule.recurs(3), () => refused("out of order"))
      for (let tick = 0; tick < 100; tick++) {
        for (let i = 0; i < 100; i++) {
          assert.strictEqual(yield* reasonOf(get(`k${i}`)), "ServerError rejected")
        }
        yield* TestClock.adjust("100 millis")
      }
      assert.isAtMost(commands.length, 11_010)
      assert.isAbove(commands.length, 11_000)
    }))

  it.effect("pays nothing for what is no read, and lends its budget to reads alone", () =>
    Effect.gen(function*() {
      const { commands, get, session } = make(Schedule.forever, () => lost())
      assert.strictEqual(yield* reasonOf(get("k")), "ConnectionLostError unknown")
      assert.strictEqual(commands.length, 11)
      const touch = Retrieval.getAndTouch(session)
      for (let i = 0; i < 100; i++) yield* reasonOf(touch("k", "1 minute"))
      assert.strictEqual(commands.length, 111)
      yield* reasonOf(get("k"))
      assert.strictEqual(commands.length, 112)
    }))

  it.effect("tries only the failed commands of a batch again", () =>
    Effect.gen(function*() {
      const keys = Array.from({ length: 250 }, (_, i) => `k${i}`)
      const { asked, calls, commands, getMany } = make(
        Schedule.recurs(1),
        (command) =>
          keysOf(command).includes(wire("k120")) && asked("k120") === 1
            ? lost()
            : { items: keysOf(command).map(FakeSession.text), reply: FakeSession.end }
      )
      const values = yield* getMany(keys)
      assert.deepStrictEqual([...values], keys.map((key) => [key, key]))
      assert.deepStrictEqual(commands.map((command) => keysOf(command).length), [100, 100, 50, 100])
      assert.strictEqual(calls(), 2)
      assert.deepStrictEqual([asked("k99"), asked("k100"), asked("k199"), asked("k200")], [1, 2, 2, 1])
    }))

  it.effect("keeps the values of a batch that was cut short when the next try fails altogether", () =>
    Effect.gen(function*() {
      const { commands, session } = make(
        Schedule.recurs(1),
        () => commands.length === 1 ? { items: [FakeSession.text("a"), undefined], reply: refused("busy") } : lost()
      )
      const { failed, values } = yield* Retrieval.getManyPartial(session)(["a", "b"])
      assert.deepStrictEqual([...values], [["a", "a"]])
      assert.deepStrictEqual([...failed.keys()], ["b"])
      assert.strictEqual(commands.length, 2)
    }))

  it.effect("leaves a batch that is larger than the budget alone", () =>
    Effect.gen(function*() {
      const { commands, getMany } = make(Schedule.forever, () => lost())
      yield* reasonOf(getMany(Array.from({ length: 1100 }, (_, i) => i)))
      assert.strictEqual(commands.length, 11)
    }))

  it.effect("tries stats and version again, server by server, and no stats that change anything", () =>
    Effect.gen(function*() {
      const { commands, session } = make(Schedule.recurs(2), () => refused("busy"))
      const sent = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.map(Effect.exit(effect), () => commands.splice(0).length)
      assert.strictEqual(yield* sent(Administration.version(session)), 3)
      assert.strictEqual(yield* sent(Administration.stats(session)()), 3)
      assert.strictEqual(yield* sent(Administration.stats(session)("items")), 3)
      assert.strictEqual(yield* sent(Administration.stats(session)("reset")), 1)
      assert.strictEqual(yield* sent(Administration.flushAll(session)()), 1)
      assert.strictEqual(yield* sent(Administration.verbosity(session)(1)), 1)
    }))
})

it.live("a read whose connection is lost is answered on the next one, a write is not", () =>
  Effect.gen(function*() {
    const server = yield* ScriptedServer.make({
      onData: (socket, text, connection) => {
        if (connection % 2 === 1 && !text.includes("warm")) return void socket.destroy()
        socket.write(text.startsWith("set") ? "STORED\r\n" : echo(text))
      }
    })
    const layer = Memcache.layer({
      servers: server.address,
      protocol: "text",
      readRetry: { schedule: Schedule.spaced("10 millis") }
    })
    const cache = Context.get(yield* Layer.build(Layer.fresh(layer)), Memcache)
    yield* cache.get("warm")
    assert.deepStrictEqual([...yield* cache.getMany(["a", "b"])], [["a", "a"], ["b", "b"]])
    assert.strictEqual(server.accepted(), 2)
    yield* cache.disconnectAll
    yield* cache.get("warm")
    assert.strictEqual(yield* reasonOf(cache.set("k", "v")), "ConnectionLostError unknown")
    assert.strictEqual(server.received().split("get a b").length - 1, 2)
    assert.strictEqual(server.received().split("set k").length - 1, 1)
  }))

/** Answers every `get` with the keys themselves as their values. */
const echo = (text: string): string =>
  text.replace(
    /get ([^\r]+)\r\n/g,
    (_, keys: string) =>
      keys.split(" ").map((key) => `VALUE ${key} 16 ${key.length}\r\n${key}\r\n`).join("") + "END\r\n"
  )
