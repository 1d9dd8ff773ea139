/**
 * What a connection tells whoever counts: how long answers took, what was given up, how many bytes went either way.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import { make } from "@effect-memcache/transport/Connection"
import type { Observer } from "@effect-memcache/transport/Observer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { ScriptedSocket } from "./ScriptedSocket.ts"

const get = (...keys: ReadonlyArray<string>): Command => ({
  _tag: "Get",
  keys: keys as unknown as ReadonlyArray<Key>,
  withCas: false
})

const hit = (key: string, value: string) => `VALUE ${key} 0 ${value.length}\r\n${value}\r\nEND\r\n`

const open = Effect.gen(function*() {
  const script = new ScriptedSocket()
  const connection = yield* make(script.socket, {
    server: "cache:11211",
    commandTimeout: 250,
    stallTimeout: 10_000,
    maxInFlight: { commands: 2000, bytes: 1_000_000 },
    maxItemSize: 1_048_576
  })
  const told: Array<string> = []
  let wrote = 0
  let read = 0
  const observer: Observer = {
    answered: ({ command, reply }, millis) => told.push(`${command._tag} ${reply._tag} ${millis}`),
    interrupted: ({ _tag }, millis) => told.push(`${_tag} interrupted ${millis}`),
    wrote: (bytes) => {
      wrote += bytes
    },
    read: (bytes) => {
      read += bytes
    }
  }
  connection.observer = observer
  const send = (command: Command, deadline?: number) =>
    Effect.forkChild(connection.send(command, deadline), { startImmediately: true })
  yield* Effect.yieldNow
  return { connection, script, told, send, bytes: () => [wrote, read] }
})

describe("an observer", () => {
  it.effect("hears how long an answer took, from the end of the tick to its arrival", () =>
    Effect.gen(function*() {
      const { script, send, told } = yield* open
      yield* send(get("a"))
      yield* TestClock.adjust(3)
      yield* send(get("b"))
      yield* TestClock.adjust(4)
      script.deliver(hit("a", "1") + "END\r\n")
      assert.deepStrictEqual(told, ["Get End 7", "Get End 4"])
    }))

  it.effect("hears of an answer before its caller runs on", () =>
    Effect.gen(function*() {
      const { connection, script, told } = yield* open
      const seen: Array<string> = []
      yield* Effect.forkChild(
        Effect.map(connection.send(get("a")), () => {
          seen.push(...told)
        }),
        { startImmediately: true }
      )
      yield* Effect.yieldNow
      script.deliver("END\r\n")
      assert.deepStrictEqual(seen, ["Get End 0"])
    }))

  it.effect("hears the time since the beginning of a command that waited before it came here", () =>
    Effect.gen(function*() {
      const { connection, script, send, told } = yield* open
      yield* TestClock.adjust(100)
      // Begun 60 ms ago, wherever.
      yield* send(get("a"), connection.now() - 60 + 250)
      yield* TestClock.adjust(5)
      script.deliver("END\r\n")
      assert.deepStrictEqual(told, ["Get End 65"])
    }))

  it.effect("hears of what is given up, once, and not of its late reply", () =>
    Effect.gen(function*() {
      const { script, send, told } = yield* open
      const fiber = yield* send(get("a"))
      yield* TestClock.adjust(30)
      yield* Fiber.interrupt(fiber)
      script.deliver("END\r\n")
      assert.deepStrictEqual(told, ["Get interrupted 30"])
    }))

  it.effect("hears of what is given up before it was written as of no time", () =>
    Effect.gen(function*() {
      const { connection, told } = yield* open
      const fiber = Effect.runForkWith(yield* Effect.context<never>())(connection.send(get("a")))
      fiber.interruptUnsafe()
      assert.deepStrictEqual(told, ["Get interrupted 0"])
    }))

  it.effect("hears of each command of a batch, and of those that are given up with it", () =>
    Effect.gen(function*() {
      const { connection, script, told } = yield* open
      const fiber = yield* Effect.forkChild(connection.sendMany([get("a"), get("b"), get("c")]), {
        startImmediately: true
      })
      yield* TestClock.adjust(1)
      script.deliver("END\r\n")
      yield* TestClock.adjust(1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(told, ["Get End 1", "Get interrupted 2", "Get interrupted 2"])
    }))

  it.effect("does not hear of failures, which are not for the connection to judge", () =>
    Effect.gen(function*() {
      const { script, send, told } = yield* open
      const late = yield* send(get("a"))
      yield* TestClock.adjust(250)
      assert.isDefined(late.pollUnsafe())
      const lost = yield* send(get("b"))
      yield* Effect.yieldNow
      script.end()
      yield* Effect.yieldNow
      assert.isDefined(lost.pollUnsafe())
      assert.deepStrictEqual(told, [])
    }))

  it.effect("hears how many bytes went either way", () =>
    Effect.gen(function*() {
      const { bytes, script, send } = yield* open
      yield* send(get("a"))
      yield* Effect.yieldNow
      script.deliver("EN", "D\r\n")
      assert.deepStrictEqual(bytes(), ["get a\r\n".length, "END\r\n".length])
    }))
})
