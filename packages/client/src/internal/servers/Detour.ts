/**
 * The policies "rehash" and "gutter": while a server is dead, its keys belong to another one.
 *
 * A server is often found dead by a command that waits for it. Such a command was not sent, so it goes on to the next
 * server, within its own time; only the commands that were sent, or were refused for another reason, fail.
 *
 * @since 0.1.0
 */
import type { Command, Get, GetAndTouch } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { itemAt } from "@effect-memcache/protocol/Pipeline"
import { isErrorReply } from "@effect-memcache/protocol/Reply"
import type { Connection } from "@effect-memcache/transport/Connection"
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type { HashInput } from "../../Key.ts"
import type { Backend } from "./Backend.ts"
import type { Server } from "./Server.ts"

/**
 * Where commands go instead.
 *
 * @category options
 * @since 0.1.0
 */
export interface DetourOptions {
  /** Milliseconds that a command may take in all. */
  readonly timeout: number
  /** The server that has the key at the moment, or `undefined` if none is alive. */
  readonly next: (key: Key, hash: HashInput | undefined) => Server | undefined
  /** What is sent there in the command's place. */
  readonly rewrite: (command: Command) => Command
}

/**
 * Answers the backend that begins with a server, for a key that has this hash. It is the same object for all keys of one
 * server, so that a batch is one batch; with a hash only for keys of the same hash in a row.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: DetourOptions): (home: Server, hash: HashInput | undefined) => Backend => {
  const unhashed = new WeakMap<Server, DetouringBackend>()
  let hashed: DetouringBackend | undefined
  return (home, hash) => {
    if (hash !== undefined) {
      if (hashed?.home !== home || hashed.hash !== hash) hashed = new DetouringBackend(home, hash, options)
      return hashed
    }
    let backend = unhashed.get(home)
    if (backend === undefined) {
      backend = new DetouringBackend(home, undefined, options)
      unhashed.set(home, backend)
    }
    return backend
  }
}

/** A command for one key that is on its way from server to server. */
interface Journey {
  readonly key: Key
  readonly command: Command
  readonly tried: Set<Server>
  outcome: Answer | MemcacheError
}

class DetouringBackend implements Backend {
  readonly home: Server
  readonly hash: HashInput | undefined

  private readonly options: DetourOptions

  constructor(home: Server, hash: HashInput | undefined, options: DetourOptions) {
    this.home = home
    this.hash = hash
    this.options = options
  }

  get name(): string {
    return this.home.name
  }

  get deadline(): number {
    return this.home.tickTime + this.options.timeout
  }

  send(command: Command, deadline?: number): Effect.Effect<Answer, MemcacheError> {
    return Effect.suspend(() => this.orMoved(command, this.home.send(command, deadline), deadline ?? this.deadline))
  }

  open(): Connection | undefined {
    return this.home.open()
  }

  recover(
    error: MemcacheError,
    command: Command,
    connection: Connection,
    deadline: number
  ): Effect.Effect<Answer, MemcacheError> {
    return this.orMoved(command, this.home.recover(error, command, connection, deadline), deadline)
  }

  sendMany(commands: ReadonlyArray<Command>): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    return Effect.suspend(() => {
      const { deadline } = this
      return Effect.flatMap(this.home.sendMany(commands), (outcomes) => this.move(commands, outcomes, deadline))
    })
  }

  private orMoved(
    command: Command,
    sent: Effect.Effect<Answer, MemcacheError>,
    deadline: number
  ): Effect.Effect<Answer, MemcacheError> {
    return Effect.catchIf(sent, isMovable, (error) =>
      Effect.flatMap(
        this.move([command], [error], deadline),
        ([outcome]) => isMemcacheError(outcome) ? Effect.fail(outcome) : Effect.succeed(outcome)
      ))
  }

  private move(
    commands: ReadonlyArray<Command>,
    outcomes: ReadonlyArray<Answer | MemcacheError>,
    deadline: number
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    // The keys of one command may belong to different servers from here on, so each goes alone.
    const journeys = commands.map((command, i) => isMovable(outcomes[i]) ? this.journeysOf(command, outcomes[i]) : [])
    const all = journeys.flat()
    if (all.length === 0) return Effect.succeed(outcomes)
    return Effect.map(
      this.travel(all, deadline),
      () => outcomes.map((outcome, i) => journeys[i].length === 0 ? outcome : arrive(commands[i], journeys[i]))
    )
  }

  private journeysOf(command: Command, outcome: Answer | MemcacheError): ReadonlyArray<Journey> {
    const begin = (key: Key, command: Command) => ({
      key,
      command: this.options.rewrite(command),
      tried: new Set([this.home]),
      outcome
    })
    if (isMultiple(command)) return command.keys.map((key) => begin(key, { ...command, keys: [key] }))
    return "key" in command ? [begin(command.key, command)] : []
  }

  /** Sends every command to its next server, until all have been answered, or have nowhere to go, or no time. */
  private travel(journeys: ReadonlyArray<Journey>, deadline: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const shares = new Map<Server, Array<Journey>>()
      for (const journey of journeys) {
        const next = this.next(journey)
        if (next === undefined || next.tickTime >= deadline) continue
        journey.tried.add(next)
        const share = shares.get(next)
        if (share === undefined) shares.set(next, [journey])
        else share.push(journey)
      }
      if (shares.size === 0) return Effect.void
      const ask = ([server, share]: readonly [Server, ReadonlyArray<Journey>]) =>
        Effect.flatMap(server.sendMany(share.map(({ command }) => command), deadline), (outcomes) => {
          share.forEach((journey, i) => {
            journey.outcome = signed(outcomes[i], server)
          })
          return this.travel(share.filter(({ outcome }) => isMovable(outcome)), deadline)
        })
      return Effect.forEach(shares, ask, { concurrency: "unbounded", discard: true })
    })
  }

  private next({ key, tried }: Journey): Server | undefined {
    const server = this.options.next(key, this.hash)
    return server === undefined || tried.has(server) ? undefined : server
  }
}

/**
 * Whether the server is dead, or was found dead, by this command: what was not sent there may be sent elsewhere.
 *
 * @category guards
 * @since 0.1.0
 */
export const isMovable = (outcome: Answer | MemcacheError): boolean =>
  isMemcacheError(outcome) && outcome.outcome === "not-sent" &&
  (outcome.reason._tag === "ConnectError" || outcome.reason._tag === "ServerDeadError")

/**
 * Who has answered the command of an answer with a win, if that was another server than the one that it was sent to: the
 * answer is read under the name of that one, and a win can be given back only where it was taken.
 *
 * @category accessors
 * @since 0.1.0
 */
export const answererOf = (command: Command): Backend | undefined => answerers.get(command)

const answerers = new WeakMap<Command, Backend>()

// Wins are rare, and all other answers cost nothing more.
const signed = (outcome: Answer | MemcacheError, answerer: Backend): Answer | MemcacheError => {
  if (isMemcacheError(outcome) || itemAt(outcome, 0)?.isWin !== true) return outcome
  const command = { ...outcome.command }
  answerers.set(command, answerer)
  return { ...outcome, command }
}

const isMultiple = (command: Command): command is Get | GetAndTouch =>
  command._tag === "Get" || command._tag === "GetAndTouch"

/** A command of several keys fails with the first of them that failed. */
const arrive = (command: Command, journeys: ReadonlyArray<Journey>): Answer | MemcacheError => {
  if (journeys.length === 1) return journeys[0].outcome
  const answers: Array<Answer> = []
  for (const { outcome } of journeys) {
    if (isMemcacheError(outcome)) return outcome
    answers.push(outcome)
  }
  const said = answers.find(({ reply }) => isErrorReply(reply)) ?? answers[answers.length - 1]
  const items = answers.map((answer) => itemAt(answer, 0))
  return { command, reply: said.reply, items, stats: [], replies: answers.map(({ reply }) => reply) }
}
