/**
 * Whether a command may be sent again, and by whom: for every command, after everything that can become of it, counted
 * where it reaches the wire.
 *
 * Two copies of a command are two commands: only a copy of which no byte was written may be followed by another, and
 * otherwise only a pure read, if the user wants that.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { isRepeatable } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { ErrorReply } from "@effect-memcache/protocol/Reply"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Administration from "../src/internal/commands/Administration.ts"
import { isRefusal, refusal } from "../src/internal/commands/Answers.ts"
import * as Counter from "../src/internal/commands/Counter.ts"
import { ReadRetry } from "../src/internal/commands/ReadRetry.ts"
import * as Removal from "../src/internal/commands/Removal.ts"
import * as Retrieval from "../src/internal/commands/Retrieval.ts"
import type { Session } from "../src/internal/commands/Session.ts"
import { send } from "../src/internal/commands/Session.ts"
import * as Storage from "../src/internal/commands/Storage.ts"
import { standard } from "../src/StandardTranscoder.ts"
import { makers } from "./fixtures/Errors.ts"
import type { ScriptedPool } from "./fixtures/ScriptedPool.ts"
import { failure, make, nameOf, settle, wire } from "./fixtures/ScriptedPool.ts"
import type { ScriptedConnection } from "./fixtures/ScriptedTransport.ts"
import { answerTo } from "./fixtures/ScriptedTransport.ts"

/** Who may send a read again, and who anything else. */
type Sender = "the client, once" | "the user's schedule" | "nobody"

const key = wire("k")
const bytes = new Uint8Array([49])
const create = { initial: 1n, exptime: 0 }
const meta = { key, noreply: false }

/** Every command, and whether it is a pure read. A command without an entry does not compile. */
const commands: { readonly [T in Command["_tag"]]: ReadonlyArray<readonly [Command & { _tag: T }, "read" | "write"]> } =
  {
    Get: [
      [{ _tag: "Get", keys: [key], withCas: false }, "read"],
      [{ _tag: "Get", keys: [key, wire("l")], withCas: true }, "read"]
    ],
    GetAndTouch: [
      [{ _tag: "GetAndTouch", keys: [key], withCas: false, exptime: 60 }, "write"],
      [{ _tag: "GetAndTouch", keys: [key, wire("l")], withCas: true, exptime: 0 }, "write"]
    ],
    Store: (["set", "add", "replace", "append", "prepend"] as const).map((mode) => [
      { _tag: "Store", mode, flags: 0, exptime: 0, value: bytes, ...meta },
      "write"
    ]),
    Cas: [[{ _tag: "Cas", flags: 0, exptime: 0, value: bytes, cas: 1n, ...meta }, "write"]],
    Arithmetic: [
      [{ _tag: "Arithmetic", mode: "incr", delta: 1n, create: undefined, ...meta }, "write"],
      [{ _tag: "Arithmetic", mode: "decr", delta: 1n, create, ...meta }, "write"],
      // A counter that is only read is still sent as a count.
      [{ _tag: "Arithmetic", mode: "incr", delta: 0n, create: undefined, ...meta }, "write"]
    ],
    Delete: [[{ _tag: "Delete", ...meta }, "write"]],
    Touch: [[{ _tag: "Touch", exptime: 60, ...meta }, "write"]],
    FlushAll: [
      [{ _tag: "FlushAll", delay: undefined, noreply: false }, "write"],
      [{ _tag: "FlushAll", delay: 10, noreply: false }, "write"]
    ],
    Stats: [
      [{ _tag: "Stats", report: undefined }, "read"],
      [{ _tag: "Stats", report: "items" }, "read"],
      [{ _tag: "Stats", report: "cachedump 1 2" }, "read"],
      [{ _tag: "Stats", report: "detail dump" }, "read"],
      [{ _tag: "Stats", report: "reset" }, "write"],
      [{ _tag: "Stats", report: "detail on" }, "write"],
      [{ _tag: "Stats", report: "detail off" }, "write"]
    ],
    Version: [[{ _tag: "Version" }, "read"]],
    Verbosity: [[{ _tag: "Verbosity", level: 1, noreply: false }, "write"]],
    Quit: [[{ _tag: "Quit" }, "write"]],
    MetaGet: [
      [{ _tag: "MetaGet", key, flags: ["v", "c", "f", "s", "t", "k", "q", "h", "l"] }, "read"],
      ...["N30", "T30", "R30", "E9", "x"].map((flag) =>
        [{ _tag: "MetaGet", key, flags: ["v", flag] }, "write"] as const
      )
    ],
    MetaSet: [[{ _tag: "MetaSet", key, value: bytes, flags: [] }, "write"]],
    MetaDelete: [[{ _tag: "MetaDelete", key, flags: ["I"] }, "write"]],
    MetaArithmetic: [[{ _tag: "MetaArithmetic", key, flags: [] }, "write"]],
    MetaNoop: [[{ _tag: "MetaNoop" }, "read"]],
    MetaDebug: [[{ _tag: "MetaDebug", key, flags: [] }, "read"]]
  }

const samples = Object.values(commands).flat()

/** How something happens to the first copy of a command, on a connection that is idle until then. */
interface Fate {
  readonly name: string
  /** Whether the first copy reaches the wire. */
  readonly isWritten: boolean
  readonly senderOfReads: Sender
  readonly senderOfWrites: Sender
  /** What the caller gets if nobody sends again. */
  readonly failure: string
  /** Before the command is sent. */
  readonly before?: (scene: Scene) => Effect.Effect<void>
  /** After it was sent. */
  readonly after: (scene: Scene) => Effect.Effect<void>
  /** What the client makes of a good answer. */
  readonly read?: (answer: Answer, server: string) => Effect.Effect<Answer, MemcacheError>
}

interface Scene extends Pick<ScriptedPool, "pool" | "transport"> {
  readonly connection: ScriptedConnection
}

const server = nameOf("a")

/** Holds the next command back in the client. */
const hold = ({ connection }: Scene) =>
  Effect.sync(() => {
    connection.isWritable = false
  })

/** Lets the connection work from now on. */
const heal = (connection: ScriptedConnection) => {
  connection.isWritable = true
  connection.isEcho = true
}

const settleWith = (outcome: (command: Command) => Answer | MemcacheError) => ({ connection }: Scene) =>
  Effect.sync(() => {
    heal(connection)
    for (const request of connection.requests.splice(0)) request.settle(outcome(request.command))
  })

const lose = ({ connection }: Scene) => Effect.sync(() => connection.lose())

/** The connection is gone before the command, and the server cannot be reached for a while. */
const unreachable = (error?: MemcacheError): Pick<Fate, "before" | "after"> => ({
  before: (scene) =>
    Effect.andThen(
      lose(scene),
      Effect.sync(() => scene.transport.behaviour.set(server, "wait"))
    ),
  after: ({ transport }) =>
    Effect.sync(() => {
      transport.behaviour.set(server, "echo")
      transport.dials.at(-1)!.refuse(error)
    })
})

const errorLine = (_tag: ErrorReply["_tag"], message: string) =>
  settleWith((command) => ({ ...answerTo(command), reply: { _tag, message } }))

const never = { senderOfReads: "nobody", senderOfWrites: "nobody" } as const
const readsOnly = { senderOfReads: "the user's schedule", senderOfWrites: "nobody" } as const

const fates: ReadonlyArray<Fate> = [
  {
    name: "the connection is lost before a byte is written",
    isWritten: false,
    senderOfReads: "the client, once",
    senderOfWrites: "the client, once",
    failure: "ConnectionLostError not-sent",
    before: hold,
    after: lose
  },
  {
    name: "another command's answer makes no sense before a byte is written",
    isWritten: false,
    senderOfReads: "the client, once",
    senderOfWrites: "the client, once",
    failure: "ProtocolError not-sent",
    before: hold,
    after: ({ connection }) => Effect.sync(() => connection.lose("nonsense", "protocol"))
  },
  {
    name: "the connection is lost after the command was written",
    isWritten: true,
    ...readsOnly,
    failure: "ConnectionLostError unknown",
    after: lose
  },
  {
    name: "no answer comes in time",
    isWritten: true,
    ...readsOnly,
    failure: "TimeoutError unknown",
    after: ({ connection }) => Effect.andThen(TestClock.adjust(1000), Effect.sync(() => heal(connection)))
  },
  {
    name: "the command is not written in time",
    isWritten: false,
    ...readsOnly,
    failure: "TimeoutError not-sent",
    before: hold,
    after: ({ connection }) => Effect.andThen(TestClock.adjust(1000), Effect.sync(() => heal(connection)))
  },
  {
    name: "no connection can be made",
    isWritten: false,
    ...readsOnly,
    failure: "ConnectError not-sent",
    ...unreachable()
  },
  {
    name: "the handshake is no memcached's",
    isWritten: false,
    ...readsOnly,
    failure: "ProtocolError not-sent",
    ...unreachable(makers.ProtocolError("not-sent"))
  },
  {
    name: "the server does not let us in",
    isWritten: false,
    ...never,
    failure: "AuthenticationError not-sent",
    ...unreachable(makers.AuthenticationError("not-sent"))
  },
  {
    name: "the certificate is wrong",
    isWritten: false,
    ...never,
    failure: "TlsError not-sent",
    ...unreachable(makers.TlsError("not-sent"))
  },
  {
    name: "the server is dead",
    isWritten: false,
    ...never,
    failure: "ServerDeadError not-sent",
    before: (scene) =>
      Effect.gen(function*() {
        scene.connection.lose()
        scene.transport.behaviour.set(server, "refuse")
        const backend = scene.pool.pick(key)
        if (!("send" in backend)) return assert.fail("there is a server")
        yield* Effect.exit(backend.send({ _tag: "Version" }))
        scene.transport.behaviour.set(server, "echo")
      }),
    after: () => Effect.void
  },
  {
    name: "there is no server",
    isWritten: false,
    ...never,
    failure: "NoServerError not-sent",
    after: settleWith(() => makers.NoServerError("not-sent")),
    before: hold
  },
  {
    name: "too much is in flight",
    isWritten: false,
    ...never,
    failure: "OverloadedError not-sent",
    after: settleWith(() => makers.OverloadedError("not-sent")),
    before: hold
  },
  {
    name: "the dialect has no such command",
    isWritten: false,
    ...never,
    failure: "UnsupportedError not-sent",
    after: settleWith(() => makers.UnsupportedError("not-sent")),
    before: hold
  },
  {
    name: "the value is too large for the client",
    isWritten: false,
    ...never,
    failure: "ValueTooLargeError not-sent",
    after: settleWith(() => makers.ValueTooLargeError("not-sent")),
    before: hold
  },
  {
    name: "the value cannot be encoded",
    isWritten: false,
    ...never,
    failure: "EncodeError not-sent",
    after: settleWith(() => makers.EncodeError("not-sent")),
    before: hold
  },
  {
    name: "the answer makes no sense",
    isWritten: true,
    ...readsOnly,
    failure: "ProtocolError unknown",
    after: settleWith(() => makers.ProtocolError("unknown"))
  },
  {
    name: "the server has no connection to spare",
    isWritten: true,
    ...readsOnly,
    failure: "ConnectError not-sent",
    after: errorLine("Error", "Too many open connections")
  },
  {
    name: "a proxy refuses for its server",
    isWritten: true,
    ...readsOnly,
    failure: "ServerError rejected",
    after: errorLine("ServerError", "Connection refused")
  },
  {
    name: "a proxy has lost its server",
    isWritten: true,
    ...readsOnly,
    failure: "ServerError unknown",
    after: errorLine("ServerError", "backend timed out")
  },
  {
    name: "the server has no memory",
    isWritten: true,
    ...never,
    failure: "OutOfMemoryError rejected",
    after: errorLine("ServerError", "out of memory storing object")
  },
  {
    name: "the value is too large for the server",
    isWritten: true,
    ...never,
    failure: "ValueTooLargeError rejected",
    after: errorLine("ServerError", "object too large for cache")
  },
  {
    name: "the value is no number",
    isWritten: true,
    ...never,
    failure: "NotNumberError rejected",
    after: errorLine("ClientError", "cannot increment or decrement non-numeric value")
  },
  {
    name: "the server does not like the command",
    isWritten: true,
    ...never,
    failure: "ClientError rejected",
    after: errorLine("ClientError", "bad command line format")
  },
  {
    name: "the server does not know the command",
    isWritten: true,
    ...never,
    failure: "UnsupportedError rejected",
    after: errorLine("Error", "")
  },
  {
    name: "the server wants credentials",
    isWritten: true,
    ...never,
    failure: "AuthenticationError rejected",
    after: errorLine("ClientError", "unauthenticated")
  },
  {
    name: "the value cannot be decoded",
    isWritten: true,
    ...never,
    failure: "DecodeError done",
    after: settleWith(answerTo),
    read: () => Effect.fail(makers.DecodeError("done"))
  }
]

const readAnswer = (answer: Answer, server: string) =>
  isRefusal(answer) ? Effect.fail(refusal(answer, server)) : Effect.succeed(answer)

/** One server with an idle connection that answers nothing, and what a client on it has. */
const stage = Effect.fnUntraced(function*(schedule: Schedule.Schedule<unknown, unknown> | undefined) {
  const { pool, transport } = yield* make(["a"], { behaviour: "silent", schedule: Schedule.spaced("1 second") })
  const warm = yield* Effect.forkChild(Effect.exit(sendTo(pool)), { startImmediately: true })
  yield* settle
  const connection = transport.connectionOf(server)
  connection.answer()
  yield* Fiber.join(warm)
  connection.written.length = 0
  transport.behaviour.set(server, "echo")
  const session: Session = {
    pool,
    transcoder: standard,
    prefix: "",
    defaultTtl: undefined,
    maxItemSize: 1000,
    readRetry: schedule === undefined ? undefined : new ReadRetry(schedule)
  }
  return { pool, transport, connection, session }
})

const sendTo = (pool: ScriptedPool["pool"]) => {
  const backend = pool.pick(key)
  return "send" in backend ? backend.send({ _tag: "Version" }) : Effect.fail(backend)
}

/** Lets the fate happen to what `send` sends, waits a minute, and counts the copies on the wire. */
const play = Effect.fnUntraced(function*<A, E>(
  fate: Pick<Fate, "before" | "after">,
  schedule: Schedule.Schedule<unknown, unknown> | undefined,
  sends: (session: Session) => Effect.Effect<A, E>
) {
  const scene = yield* stage(schedule)
  if (fate.before !== undefined) yield* fate.before(scene)
  const fiber = yield* Effect.forkChild(sends(scene.session), { startImmediately: true })
  yield* settle
  yield* fate.after(scene)
  yield* TestClock.adjust("1 minute")
  const exit: Exit.Exit<A, E> = yield* Fiber.await(fiber)
  return { copies: scene.transport.connections.flatMap(({ written }) => written), end: failure(exit) }
})

const labelOf = (command: Command) =>
  JSON.stringify(command, (_, value) => typeof value === "bigint" ? `${value}` : value)

const schedule = Schedule.spaced("2 seconds").pipe(Schedule.upTo({ times: 1 }))

describe("Resend", () => {
  it("what is a read is what the protocol says can be repeated", () => {
    for (const [command, kind] of samples) {
      assert.strictEqual(isRepeatable(command), kind === "read", labelOf(command))
    }
  })

  it("every reason has its row", () => {
    const reasons = new Set(fates.map(({ failure }) => failure.split(" ")[0]))
    assert.deepStrictEqual([...reasons].toSorted(), Object.keys(makers).toSorted())
  })

  for (const fate of fates) {
    const { failure, isWritten, name, senderOfReads, senderOfWrites } = fate
    it.effect(`if ${name}, a read is sent again by ${senderOfReads}, anything else by ${senderOfWrites}`, () =>
      Effect.gen(function*() {
        for (const [command, kind] of samples) {
          const sender = kind === "read" ? senderOfReads : senderOfWrites
          for (const withRetry of [false, true]) {
            const { copies, end } = yield* play(
              fate,
              withRetry ? schedule : undefined,
              (session) => send(session, { read: fate.read ?? readAnswer }, "k", command, key, undefined)
            )
            const isResent = sender === "the client, once" || (withRetry && sender === "the user's schedule")
            const label = `${labelOf(command)} ${withRetry ? "with" : "without"} readRetry`
            assert.deepStrictEqual(copies, Array((isWritten ? 1 : 0) + (isResent ? 1 : 0)).fill(command), label)
            assert.strictEqual(end, isResent ? "ok" : failure, label)
          }
        }
      }).pipe(Effect.scoped))
  }

  it.effect("the client itself sends once more, and no third time", () =>
    Effect.gen(function*() {
      for (const [command] of samples) {
        const scene = yield* stage(undefined)
        scene.connection.isWritable = false
        scene.transport.behaviour.set(server, "silent")
        scene.transport.onAccept = (connection) => {
          connection.isWritable = false
        }
        const fiber = yield* Effect.forkChild(send(scene.session, { read: readAnswer }, "k", command, key, undefined), {
          startImmediately: true
        })
        yield* settle
        scene.connection.lose()
        yield* settle
        assert.strictEqual(scene.transport.connections.length, 2)
        scene.transport.connectionOf(server).lose()
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(failure(yield* Fiber.await(fiber)), "ConnectionLostError not-sent")
        assert.deepStrictEqual(scene.transport.connections.flatMap(({ written }) => written), [])
      }
    }).pipe(Effect.scoped))
})

describe("a batch of every command", () => {
  const all = samples.map(([command]) => command)
  const sendAll = ({ pool }: Session) => {
    const backend = pool.pick(key)
    return "send" in backend ? backend.sendMany(all) : Effect.fail(backend)
  }

  it.effect("is sent again once by the client when nothing of it was written", () =>
    Effect.gen(function*() {
      const { copies } = yield* play({ before: hold, after: lose }, undefined, sendAll)
      assert.deepStrictEqual(copies, all)
    }))

  it.effect("is sent again only where it was not written, when it was written in part", () =>
    Effect.gen(function*() {
      const { copies } = yield* play(
        {
          after: ({ connection }) =>
            Effect.sync(() => {
              connection.requests.forEach((request, i) => {
                request.isSent = i % 2 === 0
              })
              connection.written.splice(0, Infinity, ...all.filter((_, i) => i % 2 === 0))
              connection.lose()
            })
        },
        undefined,
        sendAll
      )
      const half = (odd: number) => all.filter((_, i) => i % 2 === odd)
      assert.deepStrictEqual(copies, [...half(0), ...half(1)])
    }))

  it.effect("is sent again by the user's schedule as far as it reads", () =>
    Effect.gen(function*() {
      const retry = (commands: ReadonlyArray<Command>) => (session: Session) => {
        const backend = session.pool.pick(key)
        if (!("send" in backend) || session.readRetry === undefined) return Effect.void
        return session.readRetry.sendMany(backend, commands)
      }
      const writes = samples.filter(([, kind]) => kind === "write").map(([command]) => command)
      const reads = samples.filter(([, kind]) => kind === "read").map(([command]) => command)
      // Little enough for the budget.
      assert.isAtMost(reads.length, 10)
      const { copies } = yield* play({ after: lose }, schedule, retry([...writes, ...reads]))
      assert.deepStrictEqual(copies, [...writes, ...reads, ...reads])
    }))
})

describe("a method of the client, when its connection is lost after it was written,", () => {
  const cases: Record<string, readonly [copies: number, (session: Session) => Effect.Effect<unknown, unknown>]> = {
    get: [2, (session) => Retrieval.get(session)("k")],
    gets: [2, (session) => Retrieval.gets(session)("k")],
    getMany: [2, (session) => Retrieval.getMany(session)(["k", "l"])],
    getManyPartial: [2, (session) => Retrieval.getManyPartial(session)(["k", "l"])],
    stats: [2, (session) => Administration.stats(session)()],
    version: [2, (session) => Administration.version(session)],
    getAndTouch: [1, (session) => Retrieval.getAndTouch(session)("k", "1 minute")],
    set: [1, (session) => Storage.store(session, "set")("k", 1)],
    add: [1, (session) => Storage.store(session, "add")("k", 1)],
    replace: [1, (session) => Storage.store(session, "replace")("k", 1)],
    append: [1, (session) => Storage.extend(session, "append")("k", "v")],
    prepend: [1, (session) => Storage.extend(session, "prepend")("k", "v")],
    compareAndSwap: [1, (session) => Storage.compareAndSwap(session)("k", 1, 1n)],
    setMany: [1, (session) => Storage.storeMany(session)([["k", 1]])],
    setManyPartial: [1, (session) => Storage.storeManyPartial(session)([["k", 1]])],
    increment: [1, (session) => Counter.count(session, "incr")("k")],
    "increment by nothing": [1, (session) => Counter.count(session, "incr")("k", { delta: 0 })],
    "decrement with an initial number": [1, (session) => Counter.count(session, "decr")("k", { initial: 1 })],
    delete: [1, (session) => Removal.remove(session)("k")],
    deleteMany: [1, (session) => Removal.removeMany(session)(["k"])],
    deleteManyPartial: [1, (session) => Removal.removeManyPartial(session)(["k"])],
    touch: [1, (session) => Removal.touch(session)("k", "1 minute")],
    flushAll: [1, (session) => Administration.flushAll(session)()],
    verbosity: [1, (session) => Administration.verbosity(session)(1)]
  }
  for (const [name, [expected, method]] of Object.entries(cases)) {
    it.effect(`${name} is ${expected === 1 ? "never sent again" : "sent again by the user's schedule alone"}`, () =>
      Effect.gen(function*() {
        const without = yield* play({ after: lose }, undefined, method)
        assert.strictEqual(without.copies.length, 1)
        const { copies } = yield* play({ after: lose }, schedule, method)
        assert.deepStrictEqual(copies, Array(expected).fill(copies[0]))
      }))
  }
})
