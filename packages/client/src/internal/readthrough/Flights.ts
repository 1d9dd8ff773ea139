/**
 * Computations that are under way in this process, one for each key, with those who wait for them.
 *
 * A computation runs in a fiber of its own, so that it is nobody's: a caller that is interrupted leaves, and the last one
 * to leave ends it, and is gone only when it has ended.
 *
 * @since 0.1.0
 */
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"

/**
 * A computation and how many wait for it.
 *
 * @category models
 * @since 0.1.0
 */
export class Flight {
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  waiting = 0
  /** Computations that this one waits for. */
  readonly awaits: Array<Flight> = []
}

/** The computation that a fiber is part of, those that it forks included. */
const Own = Context.Reference<Flight | undefined>("@effect-memcache/client/readthrough/Flights/Own", {
  defaultValue: () => undefined
})

/**
 * Whether a computation waits for that of the fiber, so that neither would ever end if the fiber waited for it: it may be
 * the very same one, which asks for its own key, or two that ask for each other's.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCircular = (flight: Flight, fiber: Fiber.Fiber<unknown, unknown>): boolean => {
  const own = fiber.getRef(Own)
  return own !== undefined && reaches(flight, own)
}

const reaches = (from: Flight, to: Flight): boolean => from === to || from.awaits.some((next) => reaches(next, to))

/**
 * All computations of one client.
 *
 * @category models
 * @since 0.1.0
 */
export class Flights {
  private readonly scope: Scope.Scope
  private readonly flights = new Map<WireKey, Flight>()

  constructor(scope: Scope.Scope) {
    this.scope = scope
  }

  /** The computation of the key that can be waited for, if there is one. */
  of(wire: WireKey): Flight | undefined {
    if (this.flights.size === 0) return undefined
    const flight = this.flights.get(wire)
    // Not before it is known which fiber it is: whoever begins it may have to yield in between.
    return flight?.fiber === undefined ? undefined : flight
  }

  /**
   * Begins a computation and waits for it. Nothing of it can be interrupted but what it says itself, so that it gives up
   * its claim even if it is ended before it has begun. `alone` is for `join`.
   */
  start<A, E, R>(
    wire: WireKey,
    computation: Effect.Effect<A, E, R>,
    alone: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) => {
      const flight = new Flight()
      this.flights.set(wire, flight)
      const whole = Effect.ensuring(
        Effect.provideService(computation, Own, flight),
        Effect.sync(() => this.detach(wire, flight))
      )
      // Not started at once: by the time that anybody can join it, it is known which fiber it is.
      return Effect.flatMap(Effect.forkIn(whole, this.scope, { uninterruptible: true }), (fiber) => {
        flight.fiber = fiber
        return restore(this.join(wire, flight, alone))
      })
    })
  }

  /**
   * Waits for a computation that another caller has begun. If that is ended with the client, nobody has interrupted its
   * callers: they go on `alone`.
   */
  join<A, E, R>(wire: WireKey, flight: Flight, alone: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.withFiber((self) => {
        const own = self.getRef(Own)
        flight.waiting++
        own?.awaits.push(flight)
        let isGone = false
        const leave = (): void => {
          // A computation that interrupts itself ends here in both ways.
          if (isGone) return
          isGone = true
          flight.waiting--
          own?.awaits.splice(own.awaits.indexOf(flight), 1)
        }
        const fiber = flight.fiber as Fiber.Fiber<A, E>
        return Effect.onInterrupt(
          Effect.flatMap(restore(Fiber.await(fiber)), (exit) => {
            leave()
            return this.isEndedWithClient(exit) ? restore(alone) : exit
          }),
          () => {
            leave()
            if (flight.waiting > 0) return Effect.void
            this.detach(wire, flight)
            return Fiber.interrupt(fiber)
          }
        )
      })
    )
  }

  /** Runs a computation that nobody waits for. */
  refresh<R>(computation: Effect.Effect<unknown, never, R>): Effect.Effect<void, never, R> {
    return Effect.asVoid(Effect.forkIn(computation, this.scope, { uninterruptible: true }))
  }

  /** Nobody else joins the computation from here on; those who wait for it still get its result. */
  forget(wire: WireKey): void {
    this.flights.delete(wire)
  }

  private isEndedWithClient(exit: Exit.Exit<unknown, unknown>): boolean {
    return this.scope.state._tag === "Closed" && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
  }

  private detach(wire: WireKey, flight: Flight): void {
    if (this.flights.get(wire) === flight) this.flights.delete(wire)
  }
}
