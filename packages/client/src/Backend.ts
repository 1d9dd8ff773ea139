/**
 * One server: its connection, whether it is alive, and what happens to a command meanwhile.
 *
 * A connection is made when a command needs one, by one dial that everybody who is waiting shares. A server that cannot
 * be reached, or that stops answering, is dead: from then on only our own probes touch it, and commands fail at once.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { sizeEstimate, verb } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Address } from "@effect-memcache/transport/Address"
import * as AddressModule from "@effect-memcache/transport/Address"
import type { Connection } from "@effect-memcache/transport/Connection"
import { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { ConnectOptions, Transport } from "@effect-memcache/transport/Transport"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as ProbeDelays from "./ProbeDelays.ts"
import type { ServerEvent, ServerState, ServerStatus } from "./ServerState.ts"

/**
 * Whoever can be sent commands: a server, or a rule that chooses among servers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Backend {
  /** As in errors. */
  readonly name: string
  /** Waits for the answer, which may be an error line. */
  readonly send: (command: Command) => Effect.Effect<Answer, MemcacheError>
  /** Sends in one go; outcomes are in the order of the commands. */
  readonly sendMany: (commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<Answer | MemcacheError>>
}

/**
 * What all servers of a pool have in common.
 *
 * @category options
 * @since 0.1.0
 */
export interface BackendOptions {
  readonly transport: Transport["Service"]
  readonly connect: ConnectOptions
  readonly schedule: ProbeDelays.ProbeSchedule
  /** Consecutive failures after which a server that still accepts connections is dead. */
  readonly failureLimit: number
  /** Whether one more server may be marked dead for failing, not for being unreachable. */
  readonly mayMarkDead: () => boolean
  readonly publish: (event: ServerEvent) => void
}

interface Death {
  readonly error: MemcacheError
  /** Its server was unreachable, not only failing. */
  readonly isUnreachable: boolean
  /** Unix time in milliseconds, and on the monotonic clock. */
  probeAt: number
  probeAtMonotonic: number
}

/**
 * A server of the pool, with what the pool needs to know of it.
 *
 * @category models
 * @since 0.1.0
 */
export class Server implements Backend {
  readonly name: string
  readonly address: Address
  weight: number
  death: Death | undefined = undefined

  private readonly options: BackendOptions
  private readonly scope: Scope.Closeable
  private connectionScope: Scope.Closeable | undefined = undefined
  private readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  private readonly clock: Clock.Clock

  private connection: Connection | undefined = undefined
  private dialing: Deferred.Deferred<Connection, MemcacheError> | undefined = undefined
  private dialFiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private probeFiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private retireFiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private delays: Effect.Effect<Duration.Duration> | undefined = undefined
  private lastDelay = 0
  private aliveSince = 0
  private failures = 0
  private answeredAtFirst = 0
  private answeredAtFailure = 0
  private waiting = 0
  private waitingBytes = 0
  private isClosed = false
  private since: number

  /** A server that lives as long as the pool's scope; nothing is dialed. */
  static readonly make = Effect.fnUntraced(function*(
    address: Address,
    weight: number,
    options: BackendOptions
  ): Effect.fn.Return<Server, never, Scope.Scope> {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const server = new Server(address, weight, options, scope, yield* Effect.context<never>())
    yield* Scope.addFinalizer(scope, Effect.sync(() => server.stop()))
    return server
  })

  private constructor(
    address: Address,
    weight: number,
    options: BackendOptions,
    scope: Scope.Closeable,
    context: Context.Context<never>
  ) {
    this.address = address
    this.weight = weight
    this.name = AddressModule.format(address)
    this.options = options
    this.scope = scope
    this.fork = Effect.runForkWith(context)
    this.clock = Context.get(context, Clock.Clock)
    this.since = this.clock.currentTimeMillisUnsafe()
  }

  send(command: Command): Effect.Effect<Answer, MemcacheError> {
    return Effect.suspend(() => {
      const connection = this.connection
      if (connection === undefined || this.death !== undefined) return this.sendCold(command, undefined)
      const startedAt = connection.tickTime
      return Effect.catch(connection.send(command), (error) => {
        this.noteFailure(error, connection)
        return isUnsent(error)
          ? this.sendCold(command, startedAt + this.options.connect.commandTimeout)
          : Effect.fail(error)
      })
    })
  }

  sendMany(commands: ReadonlyArray<Command>): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    return Effect.suspend(() => {
      const connection = this.connection
      if (connection === undefined || this.death !== undefined) return this.sendManyCold(commands, undefined)
      const startedAt = connection.tickTime
      return Effect.flatMap(connection.sendMany(commands), (outcomes) => {
        const failed = outcomes.find(isMemcacheError)
        if (failed === undefined) return Effect.succeed(outcomes)
        this.noteFailure(failed, connection)
        const unsent = commands.filter((_, i) => isUnsent(outcomes[i]))
        if (unsent.length === 0) return Effect.succeed(outcomes)
        return Effect.map(
          this.sendManyCold(unsent, startedAt + this.options.connect.commandTimeout),
          (again) => {
            let next = 0
            return outcomes.map((outcome) => isUnsent(outcome) ? again[next++] : outcome)
          }
        )
      })
    })
  }

  /** Forgets that the server is dead; the next command tries it. */
  revive(): void {
    this.probeFiber?.interruptUnsafe()
    this.probeFiber = undefined
    this.delays = undefined
    this.failures = 0
    if (this.death === undefined) return
    this.death = undefined
    this.setSince()
    this.options.publish({ _tag: "ServerReturned", server: this.name, at: this.nowUtc() })
  }

  /** Closes the connection; the next command makes a new one. */
  disconnect(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.dialFiber?.interruptUnsafe()
      const scope = this.connectionScope
      return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
    })
  }

  /** Takes no more commands; closes when those in flight are settled, which takes no longer than their timeout. */
  retire(): void {
    this.isClosed = true
    this.probeFiber?.interruptUnsafe()
    const patience = Duration.millis(this.inFlight === 0 ? 0 : this.options.connect.commandTimeout + 100)
    const close = Effect.suspend(() => {
      // From here on the fiber must not be interrupted by the scope that it closes.
      this.retireFiber = undefined
      return Scope.close(this.scope, Exit.void)
    })
    this.retireFiber = this.fork(Effect.andThen(Effect.sleep(patience), close))
  }

  private stop(): void {
    this.isClosed = true
    this.retireFiber?.interruptUnsafe()
    this.probeFiber?.interruptUnsafe()
    this.dialFiber?.interruptUnsafe()
  }

  get inFlight(): number {
    return (this.connection?.inFlight ?? 0) + this.waiting
  }

  state(): ServerState {
    const { connection, death } = this
    return {
      server: this.name,
      weight: this.weight,
      status: this.status,
      since: DateTime.makeUnsafe(this.since),
      inFlight: this.inFlight,
      connections: connection === undefined ? 0 : 1,
      version: connection === undefined || connection.version === "" ? Option.none() : Option.some(connection.version),
      dialect: connection === undefined ? Option.none() : Option.some(connection.dialect),
      nextProbe: death === undefined ? Option.none() : Option.some(DateTime.makeUnsafe(death.probeAt)),
      error: death === undefined ? Option.none() : Option.some(death.error)
    }
  }

  private get status(): ServerStatus {
    if (this.death !== undefined) return "dead"
    if (this.connection !== undefined) return "connected"
    return this.dialing === undefined ? "idle" : "connecting"
  }

  private sendCold(command: Command, deadline: number | undefined): Effect.Effect<Answer, MemcacheError> {
    const bytes = sizeEstimate(command)
    return this.whenConnected(verb(command), bytes, deadline, (connection, deadline) =>
      Effect.tapError(
        connection.send(command, deadline),
        (error) => Effect.sync(() => this.noteFailure(error, connection))
      ))
  }

  private sendManyCold(
    commands: ReadonlyArray<Command>,
    deadline: number | undefined
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    const word = commands.length === 0 ? "the batch" : verb(commands[0])
    const bytes = commands.reduce((sum, command) => sum + sizeEstimate(command), 0)
    return this.whenConnected(word, bytes, deadline, (connection, deadline) =>
      Effect.tap(connection.sendMany(commands, deadline), (outcomes) =>
        Effect.sync(() => {
          const failed = outcomes.find(isMemcacheError)
          if (failed !== undefined) this.noteFailure(failed, connection)
        }))).pipe(
        Effect.catch((error) => Effect.succeed(commands.map(() => error)))
      )
  }

  /**
   * Waits for the shared dial, within the command's own time and within the bounds. This path is off the hot one, so it
   * may cost a timeout each.
   */
  private whenConnected<A>(
    command: string,
    bytes: number,
    deadline: number | undefined,
    use: (connection: Connection, deadline: number) => Effect.Effect<A, MemcacheError>
  ): Effect.Effect<A, MemcacheError> {
    return Effect.suspend(() => {
      const unavailable = this.unavailable(command)
      if (unavailable !== undefined) return Effect.fail(unavailable)
      const { commandTimeout, maxInFlight } = this.options.connect
      if (this.waiting >= maxInFlight.commands || this.waitingBytes > maxInFlight.bytes) {
        return Effect.fail(
          MemcacheError.overloaded({ server: this.name, command, detail: `${this.waiting} commands wait for the dial` })
        )
      }
      const now = this.monotonic()
      const until = deadline ?? now + commandTimeout
      this.waiting++
      this.waitingBytes += bytes
      return Deferred.await(this.connected()).pipe(
        Effect.timeoutOrElse({
          duration: Math.max(until - now, 0),
          orElse: () =>
            Effect.fail(
              MemcacheError.timeout({ server: this.name, command, outcome: "not-sent", duration: commandTimeout })
            )
        }),
        Effect.onExit(() =>
          Effect.sync(() => {
            this.waiting--
            this.waitingBytes -= bytes
          })
        ),
        Effect.flatMap((connection) => use(connection, until))
      )
    })
  }

  private unavailable(command: string): MemcacheError | undefined {
    if (this.isClosed) {
      return MemcacheError.connectionLost({
        server: this.name,
        command,
        outcome: "not-sent",
        detail: "the server was removed, or the scope of the Memcache layer is closed"
      })
    }
    if (this.death === undefined) return undefined
    const retryAfter = Math.max(Math.ceil(this.death.probeAtMonotonic - this.monotonic()), 0)
    return MemcacheError.serverDead({ server: this.name, command, retryAfter, cause: this.death.error })
  }

  /** The connection, or the dial for it, which is the same for everybody. */
  private connected(): Deferred.Deferred<Connection, MemcacheError> {
    if (this.dialing !== undefined) return this.dialing
    const dialing = Deferred.makeUnsafe<Connection, MemcacheError>()
    if (this.connection !== undefined) {
      Deferred.doneUnsafe(dialing, Effect.succeed(this.connection))
      return dialing
    }
    this.dialing = dialing
    this.setSince()
    this.dialFiber = this.fork(Effect.onExit(this.open(), (exit) =>
      Effect.sync(() => {
        this.dialing = undefined
        this.dialFiber = undefined
        if (Exit.isSuccess(exit)) {
          this.adopt(exit.value)
          Deferred.doneUnsafe(dialing, Effect.succeed(exit.value.connection))
          return
        }
        const error = Option.getOrElse(Exit.findErrorOption(exit), () => this.interrupted())
        if (error.reason._tag !== "ConnectionLostError") this.markDead(error, true)
        Deferred.doneUnsafe(dialing, Effect.fail(error))
      })))
    return dialing
  }

  private interrupted(): MemcacheError {
    const detail = "the client closed the connection"
    return MemcacheError.connectionLost({ server: this.name, outcome: "not-sent", detail })
  }

  private readonly open = Effect.fnUntraced(function*(this: Server) {
    const scope = yield* Scope.fork(this.scope)
    const connection = yield* this.options.transport.connect(this.address, this.options.connect).pipe(
      Scope.provide(scope),
      Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))
    )
    return { connection, scope }
  }).bind(this)

  /** Takes a fresh connection into use, and lets go of the one before. */
  private adopt(opened: { readonly connection: Connection; readonly scope: Scope.Closeable }): void {
    const { connection, scope } = opened
    const before = this.connectionScope
    this.connection = connection
    this.connectionScope = scope
    this.failures = 0
    this.answeredAtFirst = connection.answered
    this.answeredAtFailure = connection.answered
    this.setSince()
    if (before !== undefined) this.fork(Scope.close(before, Exit.void))
    this.options.publish({ _tag: "ServerConnected", server: this.name, at: this.nowUtc() })
    connection.onClose((error) => {
      this.fork(Scope.close(scope, Exit.void))
      if (this.connection !== connection) return
      this.connection = undefined
      this.connectionScope = undefined
      this.setSince()
      if (this.isClosed) return
      this.options.publish({ _tag: "ServerDisconnected", server: this.name, at: this.nowUtc(), error })
    })
  }

  /**
   * Counts what speaks against the server: timeouts, and connections that end. Errors about one item, or about the
   * caller's own load, do not.
   */
  private noteFailure(error: MemcacheError, connection: Connection): void {
    const { _tag } = error.reason
    if (_tag !== "TimeoutError" && _tag !== "ConnectionLostError" && _tag !== "ProtocolError") return
    if (connection.answered === this.answeredAtFirst && _tag !== "TimeoutError") {
      // A connection that ends before it has answered anything is no better than none, and must not be dialed again
      // for every command.
      return this.markDead(error, true)
    }
    if (this.connection !== connection && this.connection !== undefined) return
    if (connection.answered !== this.answeredAtFailure) this.failures = 0
    this.answeredAtFailure = connection.answered
    this.failures++
    if (this.failures >= this.options.failureLimit && this.options.mayMarkDead()) this.markDead(error, false)
  }

  private markDead(error: MemcacheError, isUnreachable: boolean): void {
    if (this.isClosed || this.death !== undefined) return
    const now = this.clock.currentTimeMillisUnsafe()
    // A server that dies again soon after its return goes on with the schedule where it was.
    if (this.monotonic() - this.aliveSince >= this.lastDelay) this.delays = undefined
    this.death = { error, isUnreachable, probeAt: now, probeAtMonotonic: this.monotonic() }
    this.setSince()
    this.probeFiber = this.fork(this.probe(this.death))
  }

  private readonly probe = Effect.fnUntraced(function*(this: Server, death: Death) {
    this.delays ??= yield* ProbeDelays.make(this.options.schedule)
    let isFirst = true
    while (this.death === death) {
      const delay = yield* this.delays
      this.lastDelay = Duration.toMillis(delay)
      death.probeAt = this.clock.currentTimeMillisUnsafe() + this.lastDelay
      death.probeAtMonotonic = this.monotonic() + this.lastDelay
      if (isFirst) this.publishDeath(death)
      isFirst = false
      yield* Effect.logDebug(`memcached ${this.name} is dead, next probe in ${Duration.format(delay)}`)
      yield* Effect.sleep(delay)
      const exit = yield* Effect.exit(this.open())
      if (Exit.isFailure(exit)) continue
      this.death = undefined
      this.probeFiber = undefined
      this.aliveSince = this.monotonic()
      this.adopt(exit.value)
      this.options.publish({ _tag: "ServerReturned", server: this.name, at: this.nowUtc() })
      yield* Effect.logDebug(`memcached ${this.name} is back`)
    }
  }).bind(this)

  private publishDeath(death: Death): void {
    this.options.publish({
      _tag: "ServerDead",
      server: this.name,
      at: this.nowUtc(),
      error: death.error,
      nextProbe: DateTime.makeUnsafe(death.probeAt)
    })
  }

  private monotonic(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1_000_000
  }

  private nowUtc(): DateTime.Utc {
    return DateTime.makeUnsafe(this.clock.currentTimeMillisUnsafe())
  }

  private setSince(): void {
    this.since = this.clock.currentTimeMillisUnsafe()
  }
}

/** Whether a command may go out on another connection: no byte of it was written, and its connection is gone. */
const isUnsent = (outcome: Answer | MemcacheError): boolean =>
  isMemcacheError(outcome) && outcome.outcome === "not-sent" && outcome.reason._tag === "ConnectionLostError"
