/**
 * The connections of one server: made when commands need them, by one dial at a time that everybody who is waiting
 * shares.
 *
 * Nobody waits while a connection is open: the dial for a further one goes on in the background. What waits for the dial
 * waits within its own command's time and within the bounds of a connection, because there is no other queue while
 * disconnected.
 *
 * @since 0.1.0
 */
import type { Connection } from "@effect-memcache/transport/Connection"
import { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { ConnectOptions } from "@effect-memcache/transport/Transport"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Opened } from "./ConnectionSet.ts"
import { ConnectionSet } from "./ConnectionSet.ts"
import { DialWaiters } from "./DialWaiters.ts"
import { BUSY, Growth } from "./Growth.ts"

/**
 * What a shared dial is made with, and whom it tells.
 *
 * @category options
 * @since 0.1.0
 */
export interface SharedDialOptions {
  /** As in errors. */
  readonly server: string
  readonly connect: ConnectOptions
  /** Connections that may be open at once. */
  readonly connections: number
  readonly dial: Effect.Effect<Connection, MemcacheError, Scope.Scope>
  readonly scope: Scope.Scope
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** On the monotonic clock, in milliseconds. */
  readonly now: () => number
  /** A connection is open; it is among `open` already. */
  readonly onConnected: (connection: Connection) => void
  /** A connection is gone; it is not among `open` any more. */
  readonly onLost: (connection: Connection, error: MemcacheError) => void
  /** The dial failed while no connection was open. */
  readonly onUnreachable: (error: MemcacheError) => void
  /** The dial begins, or was given up. */
  readonly onDialing: () => void
}

/**
 * @category models
 * @since 0.1.0
 */
export class SharedDial {
  readonly open = new ConnectionSet()

  private readonly options: SharedDialOptions
  private readonly growth = new Growth()
  private limit: number
  private readonly waiters: DialWaiters
  /** The dial that is under way, to be told from one that was given up, and from the next. */
  private dialing: symbol | undefined = undefined
  private dialFiber: Fiber.Fiber<unknown, unknown> | undefined = undefined

  constructor(options: SharedDialOptions) {
    this.options = options
    this.limit = options.connections
    const { connect: { commandTimeout: duration }, server } = options
    this.waiters = new DialWaiters(
      options.fork,
      options.now,
      ({ verb: command }) => MemcacheError.timeout({ server, command, outcome: "not-sent", duration })
    )
  }

  /** Commands that wait for the dial. */
  get waiting(): number {
    return this.waiters.count
  }

  get isDialing(): boolean {
    return this.dialing !== undefined
  }

  /** The open connection for the next command, if there is one; dials for another when all are busy. */
  choose(): Connection | undefined {
    return this.limit === 1 ? this.open.first : this.leastBusy()
  }

  /**
   * Runs `use` with a connection as soon as there is one. `deadline` is on the monotonic clock; without one the
   * command timeout counts from now.
   */
  whenConnected<A>(
    command: { readonly verb: string; readonly bytes: number },
    deadline: number | undefined,
    use: (connection: Connection, deadline: number) => Effect.Effect<A, MemcacheError>
  ): Effect.Effect<A, MemcacheError> {
    return Effect.suspend(() => {
      const { connect, server } = this.options
      const open = this.choose()
      if (open !== undefined) return use(open, deadline ?? open.tickTime + connect.commandTimeout)
      const { waiters } = this
      if (waiters.count >= connect.maxInFlight.commands || waiters.bytes > connect.maxInFlight.bytes) {
        const detail = `${waiters.count} commands wait for the connection`
        return Effect.fail(MemcacheError.overloaded({ server, command: command.verb, detail }))
      }
      const until = deadline ?? this.options.now() + connect.commandTimeout
      return Effect.flatMap(
        waiters.wait({ ...command, deadline: until }, this.dialOnce),
        // Chosen anew: that many waited is a reason for another connection, which may come before the last is sent.
        (connection) => use(this.choose() ?? connection, until)
      )
    })
  }

  /**
   * Dials apart from what is in use and hands the connection on, which nothing can interrupt: it always has an owner. A
   * failure leaves nothing behind.
   */
  dialApart(use: (opened: Opened) => void): Effect.Effect<void, MemcacheError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.fork(this.options.scope), (scope) =>
        restore(Scope.provide(this.options.dial, scope)).pipe(
          Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)),
          Effect.map((connection) => use({ connection, scope }))
        ))
    )
  }

  /** Takes a fresh connection into use in the place of all others, and lets go of them. */
  adopt(opened: Opened): void {
    const before = this.open.replace([opened])
    // Told first: who is let go with the connections before asks for this one.
    this.options.onConnected(opened.connection)
    this.endDial(Effect.succeed(opened.connection))
    for (const { scope } of before) this.discard(scope)
    this.watch(opened)
  }

  /** Closes the scope of a connection that is not used any more. */
  discard(scope: Scope.Closeable): void {
    this.options.fork(Scope.close(scope, Exit.void))
  }

  /** Closes all connections and ends the dial; the next command makes a new one. */
  readonly disconnect: Effect.Effect<void> = Effect.suspend(() => {
    const { dialFiber } = this
    const { members } = this.open
    this.stopDialing()
    // Gone before the first is closed: what had not been sent on it asks for a connection, and must get a new one.
    for (const { connection } of members) {
      this.open.remove(connection)
      this.options.onLost(connection, this.interrupted())
    }
    const closed = Effect.forEach(members, ({ scope }) => Scope.close(scope, Exit.void), {
      concurrency: "unbounded",
      discard: true
    })
    return dialFiber === undefined ? closed : Effect.andThen(closed, Fiber.await(dialFiber))
  })

  /** Whoever waits for the dial fails at once, however long the dial takes to end; nothing of theirs was sent. */
  stopDialing(): void {
    this.endDial(Effect.fail(this.interrupted()))
  }

  /** Ends a dial for one more connection, which nobody waits for. */
  stopGrowing(): void {
    if (this.open.size > 0) this.stopDialing()
  }

  /** From now on no connection is dialed while another is open. */
  retire(): void {
    this.stopGrowing()
    this.limit = 0
  }

  private leastBusy(): Connection | undefined {
    const found = this.open.leastBusy()
    if (
      found !== undefined && found.inFlight > BUSY && this.open.size < this.limit && this.dialing === undefined &&
      this.growth.mayDial(found.tickTime)
    ) this.beginDial()
    return found
  }

  private endDial(outcome: Effect.Effect<Connection, MemcacheError>): void {
    const { dialFiber, dialing } = this
    if (dialing === undefined) return
    this.dialing = undefined
    this.dialFiber = undefined
    dialFiber?.interruptUnsafe()
    this.options.onDialing()
    this.waiters.settle(dialing, outcome)
  }

  private watch({ connection, scope }: Opened): void {
    const { answered } = connection
    connection.onClose((error) => {
      this.discard(scope)
      if (!this.open.remove(connection)) return
      // Where others work, one that was never of use is as good as a dial that failed.
      if (this.open.size > 0 && connection.answered === answered) this.growth.failed(this.options.now())
      this.options.onLost(connection, error)
    })
  }

  private readonly dialOnce = (): symbol | undefined => {
    if (this.dialing === undefined) this.beginDial()
    return this.dialing
  }

  private beginDial(): void {
    const dialing = Symbol()
    this.dialing = dialing
    this.options.onDialing()
    const fiber = this.options.fork(
      Effect.onExit(
        this.dialApart((opened) => {
          // Given up in the meantime.
          if (this.dialing !== dialing) return this.discard(opened.scope)
          this.dialing = undefined
          this.dialFiber = undefined
          this.open.add(opened)
          this.growth.opened(this.options.now())
          this.options.onConnected(opened.connection)
          this.watch(opened)
          this.waiters.settle(dialing, Effect.succeed(opened.connection))
        }),
        (exit) =>
          Effect.sync(() => {
            if (this.dialing !== dialing || Exit.isSuccess(exit)) return
            this.dialing = undefined
            this.dialFiber = undefined
            const error = this.failureOf(exit.cause)
            if (this.open.size > 0) this.growth.failed(this.options.now())
            else this.options.onUnreachable(error)
            this.waiters.settle(dialing, Effect.fail(error))
          })
      )
    )
    // A dial that needs no time is over by now.
    if (this.dialing === dialing) this.dialFiber = fiber
  }

  // A transport that throws is broken for every command alike, which makes the server as good as out of reach.
  private failureOf(cause: Cause.Cause<MemcacheError>): MemcacheError {
    const error = Cause.squash(cause)
    return isMemcacheError(error) ? error : MemcacheError.connect({ server: this.options.server, cause: error })
  }

  private interrupted(): MemcacheError {
    const detail = "the client closed the connection"
    return MemcacheError.connectionLost({ server: this.options.server, outcome: "not-sent", detail })
  }
}
