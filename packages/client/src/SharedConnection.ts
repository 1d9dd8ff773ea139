/**
 * The connection of one server: made when a command needs it, by one dial that everybody who is waiting shares, and
 * replaced when it is lost.
 *
 * What waits for the dial waits within its own command's time and within the bounds of a connection, because there is no
 * other queue while disconnected.
 *
 * @since 0.1.0
 */
import type { Connection } from "@effect-memcache/transport/Connection"
import { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { ConnectOptions } from "@effect-memcache/transport/Transport"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"

/**
 * What a shared connection is made with, and whom it tells.
 *
 * @category options
 * @since 0.1.0
 */
export interface SharedConnectionOptions {
  /** As in errors. */
  readonly server: string
  readonly connect: ConnectOptions
  readonly dial: Effect.Effect<Connection, MemcacheError, Scope.Scope>
  readonly scope: Scope.Scope
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** On the monotonic clock, in milliseconds. */
  readonly now: () => number
  readonly onConnected: (connection: Connection) => void
  readonly onLost: (error: MemcacheError) => void
  /** The shared dial failed. */
  readonly onUnreachable: (error: MemcacheError) => void
  /** The shared dial begins, or was given up. */
  readonly onDialing: () => void
}

/**
 * A connection with the scope that closes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Opened {
  readonly connection: Connection
  readonly scope: Scope.Closeable
}

/**
 * @category models
 * @since 0.1.0
 */
export class SharedConnection {
  /** The live connection, if there is one. */
  connection: Connection | undefined = undefined
  /** Commands that wait for the dial. */
  waiting = 0

  private readonly options: SharedConnectionOptions
  private waitingBytes = 0
  private scope: Scope.Closeable | undefined = undefined
  private dialing: Deferred.Deferred<Connection, MemcacheError> | undefined = undefined
  private dialFiber: Fiber.Fiber<unknown, unknown> | undefined = undefined

  constructor(options: SharedConnectionOptions) {
    this.options = options
  }

  get isDialing(): boolean {
    return this.dialing !== undefined
  }

  /**
   * Runs `use` with the connection as soon as there is one. `deadline` is on the monotonic clock; without one the
   * command timeout counts from now. This is off the hot path, so it may cost a timeout each.
   */
  whenConnected<A>(
    command: { readonly verb: string; readonly bytes: number },
    deadline: number | undefined,
    use: (connection: Connection, deadline: number) => Effect.Effect<A, MemcacheError>
  ): Effect.Effect<A, MemcacheError> {
    // What is counted here must be counted off again, so nothing may come between.
    return Effect.uninterruptibleMask((restore) => {
      const { connect, server } = this.options
      if (this.waiting >= connect.maxInFlight.commands || this.waitingBytes > connect.maxInFlight.bytes) {
        const detail = `${this.waiting} commands wait for the connection`
        return Effect.fail(MemcacheError.overloaded({ server, command: command.verb, detail }))
      }
      const now = this.options.now()
      const until = deadline ?? now + connect.commandTimeout
      this.waiting++
      this.waitingBytes += command.bytes
      // The dial's own timer is set first, so that of two equal times the one that says more comes first.
      const connected = Effect.timeoutOrElse(Deferred.await(this.connected()), {
        duration: Math.max(until - now, 0),
        orElse: () => {
          const duration = connect.commandTimeout
          return Effect.fail(
            MemcacheError.timeout({ server, command: command.verb, outcome: "not-sent", duration })
          )
        }
      })
      return restore(connected).pipe(
        Effect.onExit(() =>
          Effect.sync(() => {
            this.waiting--
            this.waitingBytes -= command.bytes
          })
        ),
        Effect.flatMap((connection) => restore(use(connection, until)))
      )
    })
  }

  /**
   * Dials apart from what is in use and hands the connection on, which nothing can interrupt: it always has an owner. A
   * failure leaves nothing behind.
   */
  open(use: (opened: Opened) => void): Effect.Effect<void, MemcacheError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.fork(this.options.scope), (scope) =>
        restore(Scope.provide(this.options.dial, scope)).pipe(
          Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)),
          Effect.map((connection) => use({ connection, scope }))
        ))
    )
  }

  /** Takes a fresh connection into use, and lets go of the one before. */
  adopt({ connection, scope }: Opened): void {
    const before = this.scope
    this.connection = connection
    this.scope = scope
    // Told first: who is let go with the connection before asks for this one.
    this.options.onConnected(connection)
    if (before !== undefined) this.discard(before)
    connection.onClose((error) => {
      this.discard(scope)
      if (this.connection !== connection) return
      this.connection = undefined
      this.scope = undefined
      this.options.onLost(error)
    })
  }

  /** Closes the scope of a connection that is not used any more. */
  discard(scope: Scope.Closeable): void {
    this.options.fork(Scope.close(scope, Exit.void))
  }

  /** Closes the connection and ends the dial; the next command makes a new one. */
  readonly disconnect: Effect.Effect<void> = Effect.suspend(() => {
    const { dialFiber, scope } = this
    this.stopDialing()
    const closed = scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
    return dialFiber === undefined ? closed : Effect.andThen(closed, Fiber.await(dialFiber))
  })

  /** Whoever waits for the dial fails at once, however long the dial takes to end; nothing of theirs was sent. */
  stopDialing(): void {
    const { dialFiber, dialing } = this
    if (dialing === undefined) return
    this.dialing = undefined
    this.dialFiber = undefined
    dialFiber?.interruptUnsafe()
    this.options.onDialing()
    Deferred.doneUnsafe(dialing, Effect.fail(this.interrupted()))
  }

  private connected(): Deferred.Deferred<Connection, MemcacheError> {
    if (this.dialing !== undefined) return this.dialing
    const dialing = Deferred.makeUnsafe<Connection, MemcacheError>()
    if (this.connection !== undefined) {
      Deferred.doneUnsafe(dialing, Effect.succeed(this.connection))
      return dialing
    }
    this.dialing = dialing
    this.options.onDialing()
    const fiber = this.options.fork(
      Effect.onExit(
        this.open((opened) => {
          // Given up in the meantime.
          if (this.dialing !== dialing) return this.discard(opened.scope)
          this.dialing = undefined
          this.dialFiber = undefined
          this.adopt(opened)
          Deferred.doneUnsafe(dialing, Effect.succeed(opened.connection))
        }),
        (exit) =>
          Effect.sync(() => {
            if (this.dialing !== dialing || Exit.isSuccess(exit)) return
            this.dialing = undefined
            this.dialFiber = undefined
            const error = this.failureOf(exit.cause)
            this.options.onUnreachable(error)
            Deferred.doneUnsafe(dialing, Effect.fail(error))
          })
      )
    )
    // A dial that needs no time is over by now.
    if (this.dialing === dialing) this.dialFiber = fiber
    return dialing
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
