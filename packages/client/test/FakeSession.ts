/**
 * A session whose one backend answers as a test says and keeps what it was asked: for what no server does on demand.
 */
import { standard } from "@effect-memcache/client/StandardTranscoder"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Reply, Value } from "@effect-memcache/protocol/Reply"
import * as ReplyModule from "@effect-memcache/protocol/Reply"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Session } from "../src/internal/commands/Session.ts"
import type { Backend } from "../src/internal/servers/Backend.ts"

/** What the backend answers: a reply, values for the keys of a `get`, or an error. */
export type Response = Reply | MemcacheError | {
  readonly items: ReadonlyArray<Value | undefined>
  readonly reply: Reply
  readonly replies?: ReadonlyArray<Reply>
}

/** When the time of a command is over that begins at any time. */
export const DEADLINE = 1000

export interface FakeSession {
  readonly session: Session
  readonly commands: Array<Command>
  /** What each command that was sent alone had to be answered by. */
  readonly deadlines: ReadonlyArray<number | undefined>
  /** How many times the backend was asked, batches counting once. */
  readonly calls: () => number
}

export const make = (respond: (command: Command) => Response): FakeSession => {
  const commands: Array<Command> = []
  const deadlines: Array<number | undefined> = []
  let calls = 0
  const answer = (command: Command): Answer | MemcacheError => {
    commands.push(command)
    const response = respond(command)
    if (isMemcacheError(response)) return response
    return "items" in response
      ? { command, stats: [], ...response }
      : { command, reply: response, items: response._tag === "Value" ? [response] : [], stats: [] }
  }
  const backend: Backend = {
    name: "fake:1",
    deadline: DEADLINE,
    send: (command, deadline) =>
      Effect.suspend(() => {
        calls++
        deadlines.push(deadline)
        const outcome = answer(command)
        return isMemcacheError(outcome) ? Effect.fail(outcome) : Effect.succeed(outcome)
      }),
    open: () => undefined,
    recover: (error) => Effect.fail(error),
    sendMany: (commands) =>
      Effect.sync(() => {
        calls++
        return commands.map(answer)
      })
  }
  const session: Session = {
    pool: {
      pick: () => backend,
      backends: () => [backend],
      setServers: () => Effect.void,
      servers: Effect.succeed([]),
      events: Stream.empty,
      forgetDeadHosts: Effect.void,
      disconnectAll: Effect.void
    },
    transcoder: standard,
    prefix: "",
    defaultTtl: undefined,
    maxItemSize: 1000
  }
  return { session, commands, deadlines, calls: () => calls }
}

/** A text value under the flags of the standard transcoder. */
export const text = (value: string): Value => {
  const bytes = Buffer.from(value)
  return Object.assign(ReplyModule.value(true), { flags: 16, length: bytes.length, value: bytes })
}

export const end: Reply = ReplyModule.status("End", true)
