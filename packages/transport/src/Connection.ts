/**
 * One live connection: a socket that drives one pipeline. All the hard concurrency of the project is in this file.
 *
 * - Commands are encoded when they are written, once at the end of the tick, so that a command which is interrupted or
 *   times out before that leaves no byte on the wire.
 * - While the socket does not take more bytes, commands wait unencoded. Reading never waits for writing.
 * - A deadline is a number in the slot. One timer, armed while something is in flight, looks for those that have passed.
 * - Whatever ends the connection settles every caller, once, and destroys the socket.
 *
 * Callers are resumed inside the socket's own event, so their next commands still make the same flush. The pipeline has
 * let go of a slot before its caller runs.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { verb } from "@effect-memcache/protocol/Command"
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import type { Answer, Slot } from "@effect-memcache/protocol/Pipeline"
import { Pipeline } from "@effect-memcache/protocol/Pipeline"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import { DeadlineTimer } from "./DeadlineTimer.ts"
import { lackOf, refusal } from "./internal/Admission.ts"
import * as ProxyDialect from "./internal/ProxyDialect.ts"
import { lossOf } from "./internal/SocketFailure.ts"
import { volley } from "./internal/Volley.ts"
import { isMemcacheError, MemcacheError } from "./MemcacheError.ts"
import { ageOf, type Observer } from "./Observer.ts"

/**
 * Bounds and times of a connection; milliseconds and bytes.
 *
 * @category options
 * @since 0.1.0
 */
export interface ConnectionOptions {
  /** The name of the server in errors. */
  readonly server: string
  readonly commandTimeout: number
  /** A connection that owes replies and has not received a byte for so long is destroyed. */
  readonly stallTimeout: number
  /** Commands and bytes that may be in flight, tombstones included. */
  readonly maxInFlight: { readonly commands: number; readonly bytes: number }
  /** Largest value that is read. */
  readonly maxItemSize: number
}

/**
 * Waits for the outcome of a command. An object and not a function, because it is what there is of a command for its
 * caller: it needs no closure around it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Waiter {
  /** Hears the outcome, once, and when its time would have been over on the connection's clock. */
  settle(outcome: Answer | MemcacheError, deadline: number): void
}

/**
 * The place of a command that was submitted.
 *
 * @category models
 * @since 0.1.0
 */
export type Ticket = Slot<Waiter>

/**
 * A connection that can be used by any number of fibers at once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connection {
  readonly server: string
  /** What the server says it is, or "" if it did not say. */
  readonly version: string
  readonly dialect: Dialect["name"]
  /** Commands that are not settled yet, tombstones included. */
  readonly inFlight: number
  /** Commands that were answered while somebody waited for them: a server that answers none is of no use. */
  readonly answered: number
  /** Why the connection was closed, or `undefined` while it is open. */
  readonly closed: MemcacheError | undefined
  /** Calls back once when the connection is closed; at once if it is. */
  readonly onClose: (listener: (error: MemcacheError) => void) => void
  /** The connection's monotonic clock in milliseconds, on which deadlines are. */
  readonly now: () => number
  /** About `now`: read once for all commands that are sent in the same tick. */
  readonly tickTime: number
  /**
   * Sends a command and waits for the answer, which may be an error line. `deadline` is on `now`; without one the
   * command timeout counts from the end of the tick.
   *
   * Interruption is safe at any point: before it is written the command is dropped, afterwards its reply is read past.
   */
  readonly send: (command: Command, deadline?: number) => Effect.Effect<Answer, MemcacheError>
  /**
   * `send` without an effect, for a command of at most one key: the waiter hears the outcome, possibly before this
   * returns. `undefined` if the command was not taken.
   */
  readonly submit: (command: Command, waiter: Waiter, deadline?: number) => Ticket | undefined
  /** Gives up what was submitted, as interruption does. Its waiter hears nothing, and nothing happens if it has. */
  readonly abandon: (ticket: Ticket) => void
  /** Sends commands in one go; outcomes are in the order of the commands. A batch counts once against the bound. */
  readonly sendMany: (
    commands: ReadonlyArray<Command>,
    deadline?: number
  ) => Effect.Effect<ReadonlyArray<Answer | MemcacheError>>
  /** Counts what happens, from when it is set. */
  observer: Observer | undefined
  /** Changes the dialect; only the handshake does, while nothing is in flight. */
  readonly speak: (dialect: Dialect, about: { readonly version: string; readonly hasBareMisses: boolean }) => void
}

/** Encoded bytes for one write: enough to fill a socket's buffer, little enough to leave the rest removable. */
const WRITE_SIZE = 131_072

// The most that a socket reads at once. More is likely to be there then, and what its receivers send is written when that
// has been read, too. Measured with values of 10 KB, 64 in flight: a quarter less processor time.
const FULL_CHUNK = 65_536

/** Chunks that are read before other work gets its turn: about a megabyte. */
const CHUNKS_PER_TURN = 16

// Unique for the life of the process, so that no reply of one connection can pass for a reply of another.
let lastOpaque = 0
const nextOpaque = () => ++lastOpaque

class LiveConnection implements Connection {
  readonly server: string
  version = ""
  dialect: Dialect["name"] = "text"
  private lack = lackOf(textDialect)
  private isPerKey = false
  answered = 0
  observer: Observer | undefined = undefined
  closed: MemcacheError | undefined = undefined

  private readonly options: ConnectionOptions
  private readonly clock: Clock.Clock
  private readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  private readonly dispatcher: Scheduler.SchedulerDispatcher
  private readonly writer: Socket.Writer
  private readonly pipeline: Pipeline<Waiter>
  private readonly buffer = new WriteBuffer()
  private readonly timer: DeadlineTimer
  private readonly closeListeners: Array<(error: MemcacheError) => void> = []

  private isFlushScheduled = false
  private isWriting = false
  /** The last time that the server showed life, or was first owed a reply. */
  private aliveAt = 0
  private chunksThisTurn = 0
  private isMoreLikely = false
  /** When this tick is, or -1 while nobody has asked. */
  private tick = -1

  constructor(options: ConnectionOptions, context: Context.Context<never>, clock: Clock.Clock, writer: Socket.Writer) {
    this.server = options.server
    this.options = options
    this.clock = clock
    this.fork = Effect.runForkWith(context)
    this.dispatcher = Context.get(context, Scheduler.Scheduler).makeDispatcher()
    this.writer = writer
    this.timer = new DeadlineTimer(this.fork, this.now, (firedAt) => this.sweep(firedAt))
    this.pipeline = new Pipeline<Waiter>({ dialect: textDialect, maxItemSize: options.maxItemSize, nextOpaque })
  }

  get inFlight(): number {
    return this.pipeline.count
  }

  get tickTime(): number {
    if (!this.isFlushScheduled || this.tick < 0) this.tick = this.now()
    return this.tick
  }

  readonly now = (): number => Number(this.clock.monotonicTimeNanosUnsafe()) / 1_000_000

  onClose(listener: (error: MemcacheError) => void): void {
    if (this.closed === undefined) this.closeListeners.push(listener)
    else listener(this.closed)
  }

  speak(dialect: Dialect, about: { readonly version: string; readonly hasBareMisses: boolean }): void {
    this.version = about.version
    this.dialect = dialect.name
    this.lack = lackOf(dialect)
    this.isPerKey = dialect.isPerKey === true
    this.pipeline.speak(dialect, about)
  }

  send(command: Command, deadline?: number): Effect.Effect<Answer, MemcacheError> {
    if (this.isPerKey && command._tag === "Get" && command.keys.length > 1) {
      return Effect.flatMap(this.sendMany([command], deadline), ([outcome]) => toEffect(outcome))
    }
    return Effect.callback<Answer, MemcacheError>((resume) => {
      const ticket = this.submit(command, { settle: (outcome) => resume(toEffect(outcome)) }, deadline)
      return ticket === undefined ? undefined : Effect.sync(() => this.abandon(ticket))
    })
  }

  submit(command: Command, waiter: Waiter, deadline?: number, count = 1): Ticket | undefined {
    const refusal = this.refusal(command, count)
    if (refusal === undefined) return this.enqueue(command, waiter, deadline, count)
    waiter.settle(refusal, deadline ?? this.now() + this.options.commandTimeout)
    return undefined
  }

  abandon(ticket: Ticket): void {
    if (this.observer !== undefined && ticket.state !== "done" && !ticket.isAbandoned) {
      this.observer.interrupted(ticket.command, ageOf(ticket, this.now(), this.options.commandTimeout))
    }
    this.pipeline.abandon(ticket)
  }

  sendMany(
    commands: ReadonlyArray<Command>,
    deadline?: number
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    if (!this.isPerKey) return this.sendAll(commands, deadline)
    const parts = commands.map(ProxyDialect.split)
    return Effect.map(this.sendAll(parts.flat(), deadline), (outcomes) => {
      let next = 0
      return commands.map((command, i) => ProxyDialect.join(command, outcomes.slice(next, next += parts[i].length)))
    })
  }

  private sendAll(
    commands: ReadonlyArray<Command>,
    deadline: number | undefined
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    return volley(
      commands,
      (command, waiter, count) => this.submit(command, waiter, deadline, count),
      (ticket) => this.abandon(ticket)
    )
  }

  /** Takes what the socket received and resumes whoever it was for. */
  receive(chunks: NonEmptyReadonlyArray<Uint8Array | string>): Effect.Effect<void> {
    this.aliveAt = this.now()
    for (let i = 0; i < chunks.length && this.closed === undefined; i++) {
      const chunk = chunks[i]
      // A socket without an encoding set yields bytes; text could not be told from its bytes any more.
      if (typeof chunk === "string") return Effect.die(new Error("the socket yields text, not bytes"))
      this.observer?.read(chunk.length)
      this.isMoreLikely = chunk.length >= FULL_CHUNK
      this.pipeline.push(chunk)
      for (let slot = this.pipeline.next(); slot !== undefined; slot = this.pipeline.next()) {
        this.answered++
        this.observer?.answered(slot, ageOf(slot, this.aliveAt, this.options.commandTimeout))
        this.resume(slot, slot)
      }
      const poison = this.pipeline.poison
      if (poison !== undefined) {
        this.close((outcome) => MemcacheError.protocol({ server: this.server, outcome, detail: poison }))
      }
    }
    this.isMoreLikely = false
    if (++this.chunksThisTurn < CHUNKS_PER_TURN) return Effect.void
    this.chunksThisTurn = 0
    return Effect.yieldNow
  }

  /** Ends the connection; the first reason counts. `because` makes the error for callers whose command was or was not sent. */
  close(because: (outcome: "unknown" | "not-sent") => MemcacheError): void {
    if (this.closed !== undefined) return
    const unknown = because("unknown")
    const notSent = because("not-sent")
    this.closed = notSent
    this.timer.stop()
    // Code 1000 destroys the socket at once and without an error event; closing its scope would first wait until
    // everything is written, which a peer that does not read delays for ever.
    this.fork(this.writer.write(new Socket.CloseEvent(1000)))
    // Whoever owns the connection must know before a caller runs on and asks for another.
    for (const listener of this.closeListeners.splice(0)) listener(notSent)
    // A copy, because what is abandoned leaves the queue.
    for (const slot of Array.from(this.pipeline.waiting())) {
      const error = slot.state === "sent" ? unknown : notSent
      this.pipeline.abandon(slot)
      this.resume(slot, error)
    }
  }

  /** Ends the connection because it is gone, for a reason that need not be an error of ours. */
  lose(failure: unknown): void {
    const loss = lossOf(failure)
    this.close((outcome) => MemcacheError.connectionLost({ server: this.server, outcome, ...loss }))
  }

  private refusal(command: Command, count: number): MemcacheError | undefined {
    return this.closed ?? refusal(this.pipeline, this.options, this.lack, command, count)
  }

  private enqueue(command: Command, waiter: Waiter, deadline: number | undefined, count: number): Ticket {
    if (!this.isFlushScheduled) {
      this.isFlushScheduled = true
      this.tick = -1
      if (this.isMoreLikely) this.dispatcher.scheduleTask(this.flush, 0)
      else queueMicrotask(this.flush)
    }
    return this.pipeline.enqueue(command, waiter, deadline, count)
  }

  /** Gives a deadline to what was sent in this tick. */
  private stamp(now: number): void {
    // Whole numbers, because a slot holds them without a box.
    const earliest = this.pipeline.stamp(Math.ceil(now + this.options.commandTimeout))
    if (earliest !== undefined) this.timer.arm(earliest, now)
  }

  private readonly flush = (): void => {
    this.isFlushScheduled = false
    this.write()
  }

  private write(): void {
    if (this.closed !== undefined) return
    const now = this.now()
    this.stamp(now)
    while (!this.isWriting && this.pipeline.hasPending && this.closed === undefined) {
      if (this.pipeline.oldest === undefined) {
        this.aliveAt = now
        this.timer.arm(now + this.options.stallTimeout, now)
      }
      this.pipeline.encode(this.buffer, WRITE_SIZE, Math.floor(now))
      const bytes = this.buffer.take()
      this.observer?.wrote(bytes.length)
      const fiber = this.fork(this.writer.write(bytes))
      const exit = fiber.pollUnsafe()
      if (exit === undefined) {
        this.isWriting = true
        fiber.addObserver((exit) => {
          this.isWriting = false
          this.onWritten(exit)
          this.write()
        })
      } else this.onWritten(exit)
    }
  }

  private onWritten(exit: Exit.Exit<void, Socket.SocketError>): void {
    if (Exit.isFailure(exit)) this.lose(Cause.squash(exit.cause))
  }

  /** Settles a caller, who may run on in here. What is thrown there must not keep the next caller from an answer. */
  private resume(slot: Ticket, outcome: Answer | MemcacheError): void {
    try {
      // A command that fails in the tick in which it was sent has not got its deadline yet.
      slot.owner.settle(outcome, slot.deadline || this.now() + this.options.commandTimeout)
    } catch (defect) {
      queueMicrotask(() => {
        throw defect
      })
    }
  }

  // A call, because the compiler takes a field for unchanged while callers run on.
  private hasEnded(): boolean {
    return this.closed !== undefined
  }

  /** Fails what is past its deadline, and the whole connection if the server has shown no life for too long. */
  private sweep(now: number): void {
    if (this.closed !== undefined) return
    // What waits for its flush has no deadline yet, and no deadline looks like one long past.
    this.stamp(this.now())
    const late: Array<Ticket> = []
    let next = Infinity
    for (const slot of this.pipeline.waiting()) {
      if (slot.deadline <= now) late.push(slot)
      else if (slot.deadline < next) next = slot.deadline
    }
    for (const slot of late) {
      // A caller that runs on here may abandon others of the list.
      if (slot.state === "done" || slot.isAbandoned) continue
      const outcome = slot.state === "sent" ? "unknown" : "not-sent"
      this.pipeline.abandon(slot)
      this.resume(
        slot,
        MemcacheError.timeout({
          server: this.server,
          command: verb(slot.command),
          outcome,
          duration: this.options.commandTimeout
        })
      )
    }
    if (this.hasEnded()) return
    const oldest = this.pipeline.oldest
    if (oldest !== undefined || this.isWriting) {
      const { stallTimeout } = this.options
      // Bytes that trickle in show life, but not for ever.
      const limit = Math.min(this.aliveAt + stallTimeout, (oldest?.sentAt ?? Infinity) + 4 * stallTimeout)
      if (limit <= now) {
        const detail = `no sign of life for ${stallTimeout} ms`
        return this.close((outcome) => MemcacheError.connectionLost({ server: this.server, outcome, detail }))
      }
      next = Math.min(next, limit)
    }
    if (next !== Infinity) this.timer.arm(next, this.now())
  }
}

const toEffect = (outcome: Answer | MemcacheError): Effect.Effect<Answer, MemcacheError> =>
  isMemcacheError(outcome) ? Effect.fail(outcome) : Effect.succeed(outcome)

/**
 * Dials the socket and drives it until the scope is closed. Nothing is written: the handshake is the caller's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  socket: Socket.Socket,
  options: ConnectionOptions
): Effect.fn.Return<Connection, Socket.SocketError, Scope.Scope> {
  const scope = yield* Effect.scope
  const context = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const writer = yield* socket.writer
  const reader = yield* socket.reader
  const connection = new LiveConnection(options, context, clock, writer)
  const closedByUs = Effect.sync(() => connection.lose(new Error("the client closed the connection")))
  yield* Scope.addFinalizer(scope, closedByUs)
  yield* Effect.flatMap(reader.pull, (chunks) => connection.receive(chunks)).pipe(
    Effect.forever({ disableYield: true }),
    // A defect too: nobody would read any more.
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.sync(() => connection.lose(Cause.squash(cause)))
    ),
    Effect.forkIn(scope)
  )
  return connection
})
