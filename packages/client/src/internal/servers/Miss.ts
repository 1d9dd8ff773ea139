/**
 * The policy "miss": while a server is dead, its keys are as if they were not there. Reads miss, writes are not stored,
 * counters and items are not found.
 *
 * Only what was not sent is answered so. A command that was sent, and whose answer never came, still fails: it may have
 * been carried out.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { isRepeatable } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Reply } from "@effect-memcache/protocol/Reply"
import { status } from "@effect-memcache/protocol/Reply"
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type { Backend } from "./Backend.ts"
import { isMovable } from "./Detour.ts"

/**
 * A server, with what is looked at here: while it has a `death`, nothing is sent to it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Home extends Backend {
  readonly death: unknown
  /** Counts a command that was answered here. */
  readonly missed: (command: Command) => void
}

/**
 * Answers for a server while it is dead. It is the same object for all keys of one server, so that a batch is one batch.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): (home: Home) => Backend => {
  const backends = new WeakMap<Home, Backend>()
  return (home) => {
    let backend = backends.get(home)
    if (backend === undefined) {
      backend = missing(home)
      backends.set(home, backend)
    }
    return backend
  }
}

/**
 * Why nobody was asked for an answer, if it was made here; `undefined` if a server gave it.
 *
 * @category accessors
 * @since 0.1.0
 */
export const causeOf = (answer: Answer): MemcacheError | undefined =>
  "cause" in answer ? (answer as Unasked).cause : undefined

// Not in a map beside the answers: a weak map that grows by every write of a dead server stops everybody while it grows.
interface Unasked extends Answer {
  readonly cause: MemcacheError
}

const missing = (home: Home): Backend => ({
  name: home.name,
  get deadline() {
    return home.deadline
  },
  send: (command, deadline) =>
    Effect.suspend(() => {
      const missed = missAtOnce(home, command)
      if (missed === undefined) return orMiss(home, command, home.send(command, deadline))
      home.missed(command)
      return Effect.succeed(missed)
    }),
  open: () => home.open(),
  recover: (error, command, connection, deadline) =>
    orMiss(home, command, home.recover(error, command, connection, deadline)),
  sendMany: (commands) =>
    Effect.suspend(() => {
      const missed = commands.flatMap((command) => missAtOnce(home, command) ?? [])
      if (missed.length === commands.length) {
        for (const command of commands) home.missed(command)
        return Effect.succeed(missed)
      }
      return Effect.map(
        home.sendMany(commands),
        (outcomes) => outcomes.map((outcome, i) => orAbsent(home, commands[i], outcome))
      )
    })
})

const orMiss = (
  home: Home,
  command: Command,
  sent: Effect.Effect<Answer, MemcacheError>
): Effect.Effect<Answer, MemcacheError> =>
  Effect.catchIf(sent, isMovable, (error) => {
    const answer = absentFor(home, command, error)
    return answer === undefined ? Effect.fail(error) : Effect.succeed(answer)
  })

// Nobody asks why a read was answered here, and the error that says it costs more than a read that is sent.
const missAtOnce = ({ death }: Home, command: Command): Answer | undefined =>
  death === undefined || !isRepeatable(command) ? undefined : absent(command)

const orAbsent = (home: Home, command: Command, outcome: Answer | MemcacheError): Answer | MemcacheError =>
  isMemcacheError(outcome) && isMovable(outcome) ? absentFor(home, command, outcome) ?? outcome : outcome

const absentFor = (home: Home, command: Command, cause: MemcacheError): Unasked | undefined => {
  const answer = absent(command)
  if (answer === undefined) return undefined
  home.missed(command)
  return { ...answer, cause }
}

/**
 * What a server without any item answers to the command; `undefined` for commands that are not about an item.
 *
 * @category constructors
 * @since 0.1.0
 */
export const absent = (command: Command): Answer | undefined => {
  const reply = absentReply(command)
  return reply === undefined ? undefined : { command, reply, items: [], stats: [] }
}

const absentReply = (command: Command): Reply | undefined => {
  switch (command._tag) {
    case "Get":
    case "GetAndTouch":
    case "MetaGet":
    case "MetaDebug":
      return status("End", true)
    case "Store":
    case "MetaSet":
      return status("NotStored", true)
    case "Cas":
    case "Arithmetic":
    case "Delete":
    case "Touch":
    case "MetaDelete":
    case "MetaArithmetic":
      return status("NotFound", true)
    default:
      return undefined
  }
}
