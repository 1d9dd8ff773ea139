/**
 * What `getOrSet` does as time goes by, on a backend that answers as told and a clock that stands still.
 */
import type { GetOrSetOptions, ReadThroughCounts } from "@effect-memcache/client"
import type { Command } from "@effect-memcache/protocol/Command"
import { take } from "@effect-memcache/protocol/LargeBlock"
import type { Value } from "@effect-memcache/protocol/Reply"
import * as Reply from "@effect-memcache/protocol/Reply"
import { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Methods from "../../../src/internal/readthrough/Methods.ts"
import * as FakeSession from "../../FakeSession.ts"

const HD = Reply.status("Header", false)
const NF = Reply.status("NotFound", false)
const EX = Reply.status("Exists", false)

const va = (fields: Partial<Value>): Value => Object.assign(Reply.value(false), { cas: 1n }, fields)

/** `VA 0 .. Z`: somebody else has won a missing item. */
const pending = va({ isWinSent: true })

const placeholder = va({ isWin: true })

const old = (fields: Partial<Value>): Value =>
  va({ flags: 16, length: 3, value: Buffer.from("old"), ttl: 5, ...fields })

const make = Effect.fnUntraced(function*(
  respond: (command: Command) => FakeSession.Response,
  gate: Effect.Effect<void> = Effect.void,
  onForeign: "fail" | "miss" = "fail"
) {
  const fake = FakeSession.make(respond)
  const { pool } = fake.session
  const pick: typeof pool.pick = (key) => {
    const backend = pool.pick(key)
    if (isMemcacheError(backend)) return backend
    return { ...backend, send: (command, deadline) => Effect.andThen(gate, backend.send(command, deadline)) }
  }
  const methods = yield* Methods.make({ ...fake.session, onForeign, pool: { ...pool, pick } })
  let computed = 0
  const compute = Effect.sync(() => ++computed)
  const sent = (tag: Command["_tag"]) => fake.commands.filter(({ _tag }) => _tag === tag)
  const ask = (options?: GetOrSetOptions, effect: Effect.Effect<unknown> = compute) =>
    Effect.forkChild(methods.getOrSet("k", effect, options), { startImmediately: true })
  const count = (name: keyof ReadThroughCounts) => Effect.map(methods.readThroughCounts, (counts) => counts[name])
  return { ...fake, methods, compute, computed: () => computed, sent, ask, count }
})

it.effect("who waits looks again by the schedule, until there is a value", () =>
  Effect.gen(function*() {
    let stored = false
    const { ask, computed, sent } = yield* make(() => stored ? old({}) : pending)
    const fiber = yield* ask({ wait: Schedule.spaced("100 millis") })
    for (const [millis, looks] of [[0, 1], [99, 1], [1, 2], [99, 2], [1, 3]] as const) {
      yield* TestClock.adjust(millis)
      assert.strictEqual(sent("MetaGet").length, looks)
    }
    stored = true
    yield* TestClock.adjust(100)
    assert.strictEqual(yield* Fiber.join(fiber), "old")
    assert.strictEqual(computed(), 0)
  }))

it.effect("a large value whose codec takes its time is read twice, and the bytes are there both times", () =>
  Effect.gen(function*() {
    const value = take(100_000).fill(0x61)
    const { methods } = yield* make(() => old({ length: value.length, value }))
    const codec = {
      encode: Effect.succeed,
      decode: (stored: unknown) => Effect.map(Effect.yieldNow, () => (stored as string).length)
    }
    const options = { codec } as GetOrSetOptions
    assert.strictEqual(yield* methods.getOrSet("k", Effect.die("it is there"), options), 100_000)
  }))

it.effect("who waits longer than the schedule computes, and stores over the claim that nobody has kept", () =>
  Effect.gen(function*() {
    const { ask, computed, sent } = yield* make((command) => command._tag === "Cas" ? HD : pending)
    const fiber = yield* ask({ wait: Schedule.upTo(Schedule.spaced("1 second"), { times: 2 }) })
    yield* TestClock.adjust(1999)
    assert.strictEqual(computed(), 0)
    yield* TestClock.adjust(1)
    assert.strictEqual(yield* Fiber.join(fiber), 1)
    assert.strictEqual(sent("MetaGet").length, 3)
    assert.deepInclude(sent("Cas")[0], { cas: 1n })
  }))

it.effect("without a schedule of its own it looks ever less often, and computes two seconds after the claim is over", () =>
  Effect.gen(function*() {
    const { ask, computed, sent } = yield* make((command) => command._tag === "Cas" ? HD : pending)
    const fiber = yield* ask({ claimFor: "3 seconds" })
    yield* TestClock.adjust(8)
    assert.strictEqual(sent("MetaGet").length, 1)
    yield* TestClock.adjust(4)
    assert.strictEqual(sent("MetaGet").length, 2)
    yield* TestClock.adjust("4 seconds")
    assert.isBelow(sent("MetaGet").length, 40)
    assert.strictEqual(computed(), 0)
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(yield* Fiber.join(fiber), 1)
  }))

it.effect("who waits wins when the claim is over", () =>
  Effect.gen(function*() {
    let isOver = false
    const { ask, computed, count, sent } = yield* make((command) =>
      command._tag === "Cas" ? HD : isOver ? placeholder : pending
    )
    const fiber = yield* ask({ wait: Schedule.spaced("1 second") })
    isOver = true
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* Fiber.join(fiber), 1)
    assert.strictEqual(computed(), 1)
    assert.strictEqual(sent("Cas").length, 1)
    assert.strictEqual(yield* count("wins"), 1)
  }))

it.effect("who waits for a cache that fails computes, and stores nothing", () =>
  Effect.gen(function*() {
    let isDown = false
    const lost = MemcacheError.connectionLost({ outcome: "unknown" })
    const { ask, commands, computed, count } = yield* make(() => isDown ? lost : pending)
    const fiber = yield* ask({ wait: Schedule.spaced("1 second") })
    const strict = yield* ask({ wait: Schedule.spaced("1 second"), onError: "fail" })
    isDown = true
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* Fiber.join(fiber), 1)
    // It has joined the one before it, whose rules hold.
    assert.strictEqual(yield* Fiber.join(strict), 1)
    assert.strictEqual(computed(), 1)
    assert.strictEqual(yield* count("errors"), 1)
    assert.strictEqual(commands.length, 2)
  }))

it.effect("a winner that never comes back is replaced after the time of its claim, for a value that is due", () =>
  Effect.gen(function*() {
    let cas = 1n
    let isSent = true
    const { ask, commands, computed, count } = yield* make((command) => {
      switch (command._tag) {
        case "MetaGet": {
          const reply = old({ cas, isStale: true, isWin: !isSent, isWinSent: isSent })
          isSent = true
          return reply
        }
        case "MetaDelete":
          if (command.flags[1] !== `C${cas}`) return EX
          cas++
          isSent = false
          return HD
        default:
          return HD
      }
    })
    const options = { staleFor: "10 seconds", claimFor: "2 seconds", refresh: "wait" } as const
    assert.strictEqual(yield* Fiber.join(yield* ask(options)), "old")
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(yield* Fiber.join(yield* ask(options)), "old")
    assert.strictEqual(computed(), 0)
    yield* TestClock.adjust("1 millis")
    assert.strictEqual(yield* Fiber.join(yield* ask(options)), 1)
    assert.strictEqual(yield* count("takeovers"), 1)
    assert.deepStrictEqual(commands.map(({ _tag }) => _tag), [
      "MetaGet",
      "MetaGet",
      "MetaGet",
      "MetaDelete",
      "MetaGet",
      "Cas"
    ])
    assert.deepInclude(commands[5], { cas: 2n })
    // The new item has a claim of its own.
    yield* TestClock.adjust("1 minute")
    assert.strictEqual(yield* Fiber.join(yield* ask(options)), "old")
  }))

it.effect("a winner that fails gives up what it has won, and nothing else", () =>
  Effect.gen(function*() {
    let reply = placeholder
    const { ask, sent } = yield* make((command) => command._tag === "MetaGet" ? reply : HD)
    const exit = yield* Fiber.await(yield* ask({}, Effect.die("bug")))
    assert.strictEqual(exit._tag, "Failure")
    reply = old({ cas: 9n, isWin: true })
    yield* Fiber.await(yield* ask({ refresh: "wait" }, Effect.die("bug")))
    assert.deepStrictEqual(sent("MetaDelete").map((command) => "flags" in command && command.flags), [["C1"], [
      "I",
      "C9"
    ]])
  }))

it.effect("a winner that is interrupted before it has begun gives up its claim", () =>
  Effect.gen(function*() {
    const { ask, computed, sent } = yield* make((command) => command._tag === "MetaGet" ? placeholder : HD)
    yield* Fiber.interrupt(yield* ask())
    assert.strictEqual(computed(), 0)
    assert.strictEqual(sent("MetaDelete").length, 1)
  }))

it.effect("a value that the cache refuses is answered, and the claim given up", () =>
  Effect.gen(function*() {
    const { ask, count, sent } = yield* make((command) =>
      command._tag === "MetaGet" ? placeholder : command._tag === "Cas" ? MemcacheError.outOfMemory({}) : HD
    )
    assert.strictEqual(yield* Fiber.join(yield* ask()), 1)
    assert.strictEqual(sent("MetaDelete").length, 1)
    assert.strictEqual(yield* count("unstored"), 1)
  }))

it.effect("a winner that comes late stores nothing, and gives up nothing", () =>
  Effect.gen(function*() {
    for (const reply of [EX, NF]) {
      const { ask, count, sent } = yield* make((command) => command._tag === "MetaGet" ? placeholder : reply)
      assert.strictEqual(yield* Fiber.join(yield* ask()), 1)
      assert.strictEqual(sent("MetaDelete").length, 0)
      assert.strictEqual(yield* count("unstored"), 1)
    }
  }))

it.effect("a server that does not speak the meta dialect is asked so once", () =>
  Effect.gen(function*() {
    const stored = Reply.status("Header", true)
    const { ask, methods, sent } = yield* make(({ _tag }) =>
      _tag === "MetaGet" ? MemcacheError.unsupported({ command: "mg" }) : _tag === "Get" ? FakeSession.end : stored
    )
    assert.strictEqual(yield* Fiber.join(yield* ask()), 1)
    assert.strictEqual(yield* Fiber.join(yield* ask()), 2)
    assert.strictEqual((yield* methods.getOrVivify("k"))._tag, "Win")
    assert.strictEqual(sent("MetaGet").length, 1)
  }))

it.effect("a claim beside the item is given up while it is surely one's own, and left alone later", () =>
  Effect.gen(function*() {
    const { methods, sent } = yield* make(({ _tag }) => _tag === "MetaGet" || _tag === "Get" ? FakeSession.end : HD)
    const options = { claim: "key", claimFor: "5 seconds" } as const
    for (const [wait, isReleased] of [["3 seconds", true], ["4 seconds", false]] as const) {
      const found = yield* methods.getOrVivify("k", options)
      yield* TestClock.adjust(wait)
      const before = sent("Delete").length
      assert.strictEqual(found._tag === "Win" && (yield* methods.release(found.claim)), isReleased)
      assert.strictEqual(sent("Delete").length - before, isReleased ? 1 : 0)
    }
  }))

it.effect("who wins computes, also if another of the process has found a moment before that it must wait", () =>
  Effect.gen(function*() {
    const gate = yield* Deferred.make<void>()
    let looks = 0
    const { ask, computed } = yield* make((command) => {
      if (command._tag === "Cas") return HD
      return ++looks === 1 ? pending : looks === 2 ? va({ cas: 2n, isWin: true }) : old({ cas: 3n })
    }, Deferred.await(gate))
    const first = yield* ask({ wait: Schedule.spaced("1 second") })
    const second = yield* ask()
    yield* Deferred.succeed(gate, undefined)
    assert.strictEqual(yield* Fiber.join(second), 1)
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* Fiber.join(first), "old")
    assert.strictEqual(computed(), 1)
  }))

const pickle = va({ flags: 1, length: 2, value: Buffer.from("N."), ttl: 5 })

it.effect("foreign code that counts as a miss is computed anew, and is no error", () =>
  Effect.gen(function*() {
    for (const item of [pickle, { ...pickle, isWin: true }]) {
      const { ask, count, sent } = yield* make((command) => command._tag === "MetaGet" ? item : HD, undefined, "miss")
      assert.strictEqual(yield* Fiber.join(yield* ask({ onError: "fail" })), 1)
      assert.strictEqual(yield* count("errors"), 0)
      assert.strictEqual(yield* count("unstored"), 0)
      assert.isAbove(sent("Cas").length + sent("MetaSet").length + sent("Store").length, 0)
    }
  }))

it.effect("foreign code that is an error fails where errors do", () =>
  Effect.gen(function*() {
    const { ask, count } = yield* make((command) => command._tag === "MetaGet" ? pickle : HD)
    const error: unknown = yield* Effect.flip(Fiber.join(yield* ask({ onError: "fail" })))
    assert.deepInclude(isMemcacheError(error) && error.reason, { _tag: "DecodeError", format: "pickle" })
    assert.strictEqual(yield* Fiber.join(yield* ask()), 1)
    assert.strictEqual(yield* count("errors"), 1)
  }))
