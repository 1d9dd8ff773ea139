/**
 * One server of the pool: how a command reaches it, and what happens to the command when that fails.
 *
 * A server that is dead is touched by nobody but our own probes; its commands fail at once.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Address } from "@effect-memcache/transport/Address"
import * as AddressModule from "@effect-memcache/transport/Address"
import type { Connection } from "@effect-memcache/transport/Connection"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { ConnectOptions, Transport } from "@effect-memcache/transport/Transport"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { ServerEvent, ServerState, ServerStatus } from "../../ServerState.ts"
import type { Figures, Share } from "../telemetry/Figures.ts"
import { ServerObserver } from "../telemetry/Observer.ts"
import type { Tally } from "../telemetry/Tally.ts"
import type { Backend } from "./Backend.ts"
import { ColdPath, isUnsent, noteFailures } from "./ColdPath.ts"
import type { Death } from "./Health.ts"
import { Health } from "./Health.ts"
import * as ProbeDelays from "./ProbeDelays.ts"
import { SharedDial } from "./SharedDial.ts"

/**
 * What all servers of a pool have in common.
 *
 * @category options
 * @since 0.1.0
 */
export interface ServerOptions {
  readonly transport: Transport["Service"]
  readonly connect: ConnectOptions
  /** Connections that may be open at once. */
  readonly connections: number
  readonly schedule: ProbeDelays.ProbeSchedule
  /** Consecutive failures after which a server that still accepts connections is dead. */
  readonly failureLimit: number
  /** Whether one more server may be marked dead for failing, not for being unreachable. */
  readonly mayMarkDead: () => boolean
  /** The server's status is another one, for instance "dead". */
  readonly onStatus: () => void
  readonly publish: (event: ServerEvent) => void
  /** Where the server's numbers are shown. */
  readonly figures: Figures
}

/** The latest errors of a dead server, by command. */
interface Refusals {
  readonly death: Death | undefined
  readonly retryAfter: number
  readonly errors: Map<string, MemcacheError>
}

/**
 * A server, with what the pool needs to know of it.
 *
 * @category models
 * @since 0.1.0
 */
export class Server implements Backend {
  readonly name: string
  weight: number

  private readonly options: ServerOptions
  private readonly scope: Scope.Closeable
  private readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  private readonly clock: Clock.Clock
  private readonly health: Health
  private readonly shared: SharedDial
  private readonly cold: ColdPath
  private probeFiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private retireFiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private delays: Effect.Effect<Duration.Duration> | undefined = undefined
  private isClosed = false
  private isRetired = false
  /** Absent until something happens: a server that nobody asks has nothing to show. */
  private share: Share | undefined = undefined
  private observed: ServerObserver | undefined = undefined
  private refusals: Refusals = { death: undefined, retryAfter: 0, errors: new Map() }
  private lastStatus: ServerStatus = "idle"
  private since: number

  /** A server that lives as long as the scope; nothing is dialed. */
  static readonly make = Effect.fnUntraced(function*(
    address: Address,
    weight: number,
    options: ServerOptions
  ): Effect.fn.Return<Server, never, Scope.Scope> {
    const scope = yield* Scope.fork(yield* Effect.scope)
    // Finalizers run in reverse: the server stops before its connections close, or what they had not sent would dial.
    const connections = yield* Scope.fork(scope)
    const server = new Server(address, weight, options, { scope, connections }, yield* Effect.context<never>())
    yield* Scope.addFinalizer(scope, Effect.sync(() => server.stop()))
    return server
  })

  private constructor(
    address: Address,
    weight: number,
    options: ServerOptions,
    { connections, scope }: { readonly scope: Scope.Closeable; readonly connections: Scope.Scope },
    context: Context.Context<never>
  ) {
    this.name = AddressModule.format(address)
    this.weight = weight
    this.options = options
    this.scope = scope
    this.fork = Effect.runForkWith(context)
    this.clock = Context.get(context, Clock.Clock)
    this.since = this.unixTime()
    this.health = new Health(options.failureLimit)
    this.shared = new SharedDial({
      server: this.name,
      connect: options.connect,
      connections: options.connections,
      dial: options.transport.connect(address, options.connect),
      scope: connections,
      fork: this.fork,
      now: () => this.now(),
      onConnected: (connection) => this.onConnected(connection),
      onLost: (connection, error) => this.onLost(connection, error),
      onUnreachable: (error) => this.markDead(error, true),
      onDialing: () => this.noteStatus()
    })
    this.cold = new ColdPath({
      shared: this.shared,
      refusal: (command) => this.refusal(command),
      noteFailure: this.noteFailure,
      now: () => this.now(),
      commandTimeout: options.connect.commandTimeout,
      observer: () => this.observer
    })
  }

  /** Why and since when the server is dead, or `undefined`. */
  get death(): Death | undefined {
    return this.health.death
  }

  /** About now, on the monotonic clock; cheap while connected. */
  get tickTime(): number {
    return this.shared.open.first?.tickTime ?? this.now()
  }

  /** When the time of a command that begins now is over, on the monotonic clock. */
  get deadline(): number {
    return this.tickTime + this.options.connect.commandTimeout
  }

  /** Without a deadline, which is on the monotonic clock, the command timeout counts from now. */
  send(command: Command, deadline?: number): Effect.Effect<Answer, MemcacheError> {
    return Effect.suspend(() => {
      const connection = this.open()
      if (connection === undefined) return this.cold.send(command, deadline, true)
      const until = deadline ?? connection.tickTime + this.options.connect.commandTimeout
      return Effect.catch(
        connection.send(command, deadline),
        (error) => this.recover(error, command, connection, until)
      )
    })
  }

  open(): Connection | undefined {
    return this.death === undefined ? this.shared.choose() : undefined
  }

  /** What was not sent goes out once more; for the rest, the failure is noted. */
  recover(
    error: MemcacheError,
    command: Command,
    connection: Connection,
    deadline: number
  ): Effect.Effect<Answer, MemcacheError> {
    this.noteFailure(error, connection, false)
    if (isUnsent(error)) {
      this.observer.retried(1)
      return this.cold.send(command, deadline, false)
    }
    this.observer.failed(command, error, this.now() - deadline + this.options.connect.commandTimeout)
    return Effect.fail(error)
  }

  /** Counts a command that was answered in the server's place, as if it had nothing. */
  missed(command: Command): void {
    this.observer.missed(command)
  }

  /** The same for many commands in one go. */
  sendMany(
    commands: ReadonlyArray<Command>,
    deadline?: number
  ): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> {
    return Effect.suspend(() => {
      const connection = this.open()
      if (connection === undefined) return this.cold.sendMany(commands, deadline, true)
      const until = deadline ?? connection.tickTime + this.options.connect.commandTimeout
      return Effect.flatMap(connection.sendMany(commands, deadline), (outcomes) => {
        noteFailures(outcomes, connection, false, this.noteFailure)
        return this.cold.settle(commands, outcomes, until, true)
      })
    })
  }

  /** Forgets that the server is dead; the next command tries it. */
  revive(): void {
    this.probeFiber?.interruptUnsafe()
    this.probeFiber = undefined
    const wasDead = this.death !== undefined
    this.health.forget()
    if (!wasDead) return
    this.noteStatus()
    this.publish("ServerReturned")
  }

  /** Closes all connections; the next command makes a new one. */
  readonly disconnect: Effect.Effect<void> = Effect.suspend(() => {
    this.health.disconnecting()
    return this.shared.disconnect
  })

  /** Takes no more commands; closes when those in flight are settled, which takes no longer than their timeout. */
  retire(): void {
    this.isClosed = true
    this.isRetired = true
    this.probeFiber?.interruptUnsafe()
    this.shared.retire()
    const close = Effect.suspend(() => {
      // From here on the fiber must not be interrupted by the scope that it closes.
      this.retireFiber = undefined
      return Scope.close(this.scope, Exit.void)
    })
    const patience = this.options.connect.commandTimeout + 100
    this.retireFiber = this.fork(this.inFlight === 0 ? close : Effect.andThen(Effect.sleep(patience), close))
  }

  /** The server as it is now. */
  state(): ServerState {
    const { first, size } = this.shared.open
    const version = first === undefined || first.version === "" ? undefined : first.version
    return {
      server: this.name,
      pool: "main",
      weight: this.weight,
      status: this.status,
      since: DateTime.makeUnsafe(this.since),
      inFlight: this.inFlight,
      connections: size,
      version: Option.fromUndefinedOr(version),
      dialect: Option.fromUndefinedOr(first?.dialect),
      nextProbe: Option.map(Option.fromUndefinedOr(this.death), ({ probeAt }) => DateTime.makeUnsafe(probeAt)),
      error: Option.map(Option.fromUndefinedOr(this.death), ({ error }) => error)
    }
  }

  private get tally(): Tally {
    if (this.share === undefined) {
      const { shared } = this
      this.share = this.options.figures.join(this.name, {
        isAlive: () => this.death === undefined,
        inFlight: () => this.inFlight,
        connections: () => shared.open.members.map(({ connection }) => connection)
      })
    }
    return this.share.tally
  }

  private get observer(): ServerObserver {
    return this.observed ??= new ServerObserver(this.name, this.tally)
  }

  private get inFlight(): number {
    return this.shared.open.inFlight + this.shared.waiting
  }

  private get status(): ServerStatus {
    if (this.death !== undefined) return "dead"
    if (this.shared.open.size > 0) return "connected"
    return this.shared.isDialing ? "connecting" : "idle"
  }

  private refusal(command: string): MemcacheError | undefined {
    if (this.isClosed) {
      const detail = "the server was removed, or the scope of the Memcache layer is closed"
      return MemcacheError.connectionLost({ server: this.name, command, outcome: "not-sent", detail })
    }
    const { death } = this
    if (death === undefined) return undefined
    const retryAfter = Math.max(Math.ceil(death.probeAtMonotonic - this.now()), 0)
    // One for all that fail in the same millisecond: at full load they are many, and the other servers' time.
    if (this.refusals.death !== death || this.refusals.retryAfter !== retryAfter) {
      this.refusals = { death, retryAfter, errors: new Map() }
    }
    const known = this.refusals.errors.get(command)
    if (known !== undefined) return known
    const error = MemcacheError.serverDead({ server: this.name, command, retryAfter, cause: death.error })
    this.refusals.errors.set(command, error)
    return error
  }

  private readonly noteFailure = (error: MemcacheError, connection: Connection, isFresh: boolean): void => {
    const verdict = this.health.failed(error, connection, isFresh)
    if (verdict === "unreachable") this.markDead(error, true)
    else if (verdict === "failing" && this.options.mayMarkDead()) this.markDead(error, false)
  }

  private onConnected(connection: Connection): void {
    this.tally.opened++
    connection.observer = this.observer
    if (this.death !== undefined) {
      this.health.returned(this.now())
      this.probeFiber?.interruptUnsafe()
      this.publish("ServerReturned")
    }
    // The server is connected from its first connection to its last. What was open before is lost, or replaced.
    const isFirst = this.shared.open.size === 1
    if (isFirst) this.health.disconnecting()
    this.health.connected(connection)
    this.noteStatus()
    if (isFirst) this.publish("ServerConnected")
  }

  private onLost(connection: Connection, error: MemcacheError): void {
    // Not if it was let go of before.
    if (this.health.lost(connection) && !this.isClosed) this.tally.lost++
    this.noteStatus()
    if (this.isClosed || this.shared.open.size > 0) return
    this.options.publish({ _tag: "ServerDisconnected", server: this.name, at: this.utc(), error })
  }

  private markDead(error: MemcacheError, isUnreachable: boolean): void {
    if (this.isClosed || this.death !== undefined) return
    // A server that dies again soon after its return goes on with the schedule where it was.
    if (this.health.hasRecovered(this.now())) this.delays = undefined
    const death: Death = { error, isUnreachable, probeAt: this.unixTime(), probeAtMonotonic: this.now() }
    this.health.death = death
    this.tally.deaths++
    this.shared.stopGrowing()
    this.noteStatus()
    const fiber = this.fork(this.probe(death))
    // Whoever hears of the death may end it at once, and the next death has a probe of its own.
    if (this.death === death) this.probeFiber = fiber
  }

  private readonly probe = Effect.fnUntraced(function*(this: Server, death: Death) {
    const delays = this.delays ?? (yield* ProbeDelays.make(this.options.schedule))
    this.delays = delays
    let isAnnounced = false
    while (this.death === death) {
      const delay = yield* delays
      this.health.probeAfter(death, Duration.toMillis(delay), this.now(), this.unixTime())
      if (!isAnnounced) this.announce(death)
      isAnnounced = true
      // Ended by whoever heard of it, when there was no fiber yet that could have been interrupted.
      if (this.death !== death || this.isClosed) return
      yield* Effect.logDebug(`memcached ${this.name} is dead: next probe in ${Duration.format(delay)}`)
      yield* Effect.sleep(delay)
      // Not even a transport that throws may end the probing.
      yield* Effect.exit(
        this.shared.dialApart((opened) => {
          this.probeFiber = undefined
          this.shared.adopt(opened)
        })
      )
    }
    yield* Effect.logDebug(`memcached ${this.name} is back`)
  }).bind(this)

  private stop(): void {
    this.isClosed = true
    this.retireFiber?.interruptUnsafe()
    this.probeFiber?.interruptUnsafe()
    this.shared.retire()
    this.shared.stopDialing()
    this.share?.leave(this.isRetired)
  }

  private announce({ error, probeAt }: Death): void {
    const nextProbe = DateTime.makeUnsafe(probeAt)
    this.options.publish({ _tag: "ServerDead", server: this.name, at: this.utc(), error, nextProbe })
  }

  private publish(_tag: "ServerConnected" | "ServerReturned"): void {
    if (this.isClosed) return
    this.options.publish({ _tag, server: this.name, at: this.utc() })
  }

  private noteStatus(): void {
    const { status } = this
    if (status === this.lastStatus) return
    this.lastStatus = status
    this.since = this.unixTime()
    this.options.onStatus()
  }

  private now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1_000_000
  }

  private unixTime(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  private utc(): DateTime.Utc {
    return DateTime.makeUnsafe(this.unixTime())
  }
}
