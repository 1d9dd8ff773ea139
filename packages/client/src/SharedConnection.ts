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
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { ConnectOptions } from "@effect-memcache/transport/Transport"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
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
    return Effect.suspend(() => {
      const { connect, server } = this.options
      if (this.waiting >= connect.maxInFlight.commands || this.waitingBytes > connect.maxInFlight.bytes) {
        const detail = `${this.waiting} commands wait for the connection`
        return Effect.fail(MemcacheError.overloaded({ server, command: command.verb, detail }))
      }
      const now = this.options.now()
      const until = deadline ?? now + connect.commandTimeout
      this.waiting++
      this.waitingBytes += command.bytes
      return Deferred.await(this.connected()).pipe(
        Effect.timeoutOrElse({
          duration: Math.max(until - now, 0),
          orElse: () =>
            Effect.fail(
              MemcacheError.timeout({
                server,
                command: command.verb,
                outcome: "not-sent",
                duration: connect.commandTimeout
              })
            )
        }),
        Effect.onExit(() =>
          Effect.sync(() => {
            this.waiting--
            this.waitingBytes -= command.bytes
          })
        ),
        Effect.flatMap((connection) => use(connection, until))
      )
    })
  }

  /** Dials apart from what is in use: a probe. A failure leaves nothing behind. */
  readonly open: Effect.Effect<Opened, MemcacheError> = Effect.suspend(() =>
    Effect.flatMap(Scope.fork(this.options.scope), (scope) =>
      this.options.dial.pipe(
        Scope.provide(scope),
        Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)),
        Effect.map((connection) => ({ connection, scope }))
      ))
  )

  /** Takes a fresh connection into use, and lets go of the one before. */
  adopt({ connection, scope }: Opened): void {
    const before = this.scope
    this.connection = connection
    this.scope = scope
    if (before !== undefined) this.options.fork(Scope.close(before, Exit.void))
    this.options.onConnected(connection)
    connection.onClose((error) => {
      this.options.fork(Scope.close(scope, Exit.void))
      if (this.connection !== connection) return
      this.connection = undefined
      this.scope = undefined
      this.options.onLost(error)
    })
  }

  /** Closes the connection, or ends the dial; the next command makes a new one. */
  readonly disconnect: Effect.Effect<void> = Effect.suspend(() => {
    this.stopDialing()
    return this.scope === undefined ? Effect.void : Scope.close(this.scope, Exit.void)
  })

  /** Whoever waits for the dial fails; nothing of theirs was sent. */
  stopDialing(): void {
    this.dialFiber?.interruptUnsafe()
  }

  private connected(): Deferred.Deferred<Connection, MemcacheError> {
    if (this.dialing !== undefined) return this.dialing
    const dialing = Deferred.makeUnsafe<Connection, MemcacheError>()
    if (this.connection !== undefined) {
      Deferred.doneUnsafe(dialing, Effect.succeed(this.connection))
      return dialing
    }
    this.dialing = dialing
    this.dialFiber = this.options.fork(
      Effect.onExit(this.open, (exit) =>
        Effect.sync(() => {
          this.dialing = undefined
          this.dialFiber = undefined
          if (Exit.isSuccess(exit)) {
            this.adopt(exit.value)
            Deferred.doneUnsafe(dialing, Effect.succeed(exit.value.connection))
            return
          }
          const error = Option.getOrUndefined(Exit.findErrorOption(exit))
          if (error !== undefined) this.options.onUnreachable(error)
          Deferred.doneUnsafe(dialing, Effect.fail(error ?? this.interrupted()))
        }))
    )
    return dialing
  }

  private interrupted(): MemcacheError {
    const detail = "the client closed the connection"
    return MemcacheError.connectionLost({ server: this.options.server, outcome: "not-sent", detail })
  }
}
