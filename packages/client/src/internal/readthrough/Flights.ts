/**
 * Computations that are under way in this process, one for each key, with those who wait for them.
 *
 * A computation runs in a fiber of its own, so that it is nobody's: a caller that is interrupted leaves, and the last one
 * to leave ends it, and is gone only when it has ended.
 *
 * @since 0.1.0
 */
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import * as Effect from "effect/Effect"
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
}

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
    return this.flights.size === 0 ? undefined : this.flights.get(wire)
  }

  /**
   * Begins a computation and waits for it. Nothing of it can be interrupted but what it says itself, so that it gives up
   * its claim even if it is ended before it has begun.
   */
  start<A, E, R>(wire: WireKey, computation: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) => {
      const flight = new Flight()
      this.flights.set(wire, flight)
      const whole = Effect.ensuring(computation, Effect.sync(() => this.detach(wire, flight)))
      // Not started at once: by the time that anybody can join it, it is known which fiber it is.
      return Effect.flatMap(Effect.forkIn(whole, this.scope, { uninterruptible: true }), (fiber) => {
        flight.fiber = fiber
        return restore(this.join<A, E>(wire, flight))
      })
    })
  }

  /** Waits for a computation that another caller has begun. */
  join<A, E>(wire: WireKey, flight: Flight): Effect.Effect<A, E> {
    return Effect.uninterruptibleMask((restore) => {
      flight.waiting++
      const fiber = flight.fiber as Fiber.Fiber<A, E>
      return Effect.onInterrupt(
        Effect.flatten(Effect.tap(restore(Fiber.await(fiber)), () => Effect.sync(() => flight.waiting--))),
        () => {
          if (--flight.waiting > 0) return Effect.void
          this.detach(wire, flight)
          return Fiber.interrupt(fiber)
        }
      )
    })
  }

  /** Runs a computation that nobody waits for. */
  refresh<R>(computation: Effect.Effect<unknown, never, R>): Effect.Effect<void, never, R> {
    return Effect.asVoid(Effect.forkIn(computation, this.scope, { uninterruptible: true }))
  }

  /** Nobody else joins the computation from here on; those who wait for it still get its result. */
  forget(wire: WireKey): void {
    this.flights.delete(wire)
  }

  private detach(wire: WireKey, flight: Flight): void {
    if (this.flights.get(wire) === flight) this.flights.delete(wire)
  }
}
