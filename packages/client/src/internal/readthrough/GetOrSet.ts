/**
 * `getOrSet`: which of its callers computes, what the others are given meanwhile, and what happens when the cache or the
 * computation fails.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { ArgumentError } from "../../ArgumentError.ts"
import type { KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import type { KeyError } from "../../KeyError.ts"
import type { GetOrSetOptions, ValueCodec } from "../../ReadThrough.ts"
import { toExptime } from "../../TimeToLive.ts"
import { decode } from "../commands/Transcoding.ts"
import type { Claim } from "./Claim.ts"
import type { Flight, Flights } from "./Flights.ts"
import type { Found, Question } from "./Lookups.ts"
import { lookup } from "./Lookups.ts"
import * as Policy from "./Policy.ts"
import * as Settlement from "./Settlement.ts"
import type { State } from "./State.ts"

/** One call, checked. */
interface Call extends Question {
  readonly compute: Effect.Effect<unknown, unknown, unknown>
  readonly options: GetOrSetOptions & { readonly codec?: ValueCodec<unknown, unknown> | undefined }
}

/** What was found, with its value: as it is, or why it cannot be read. */
interface Read {
  readonly _tag: Found["_tag"]
  readonly claim: Claim
  readonly value: Result.Result<unknown, unknown> | undefined
}

type Answer = Effect.Effect<unknown, unknown, unknown>

/**
 * Reads a value, or computes and stores it.
 *
 * @category commands
 * @since 0.1.0
 */
export const getOrSet = (state: State, flights: Flights) => {
  const machine = new Machine(state, flights)
  return (key: KeyInput, compute: Answer, options: Call["options"] = {}): Answer =>
    Effect.suspend(() => {
      const call = machine.check(key, compute, options)
      return "_tag" in call ? Effect.fail(call) : machine.run(call)
    })
}

/**
 * What runs in a flight is uninterruptible but for the computation itself and the pauses between two looks, so that no
 * claim is won or lost unseen.
 */
class Machine {
  private readonly state: State
  private readonly flights: Flights
  private readonly fulfil: ReturnType<typeof Settlement.fulfil>
  private readonly release: ReturnType<typeof Settlement.release>

  constructor(state: State, flights: Flights) {
    this.state = state
    this.flights = flights
    this.fulfil = Settlement.fulfil(state)
    this.release = Settlement.release(state)
  }

  check(key: KeyInput, compute: Answer, options: Call["options"]): Call | KeyError | ArgumentError {
    const { clock, session } = this.state
    const wire = Key.wireOf(key, session.prefix)
    if (typeof wire !== "string") return wire
    const policy = Policy.resolve(options)
    if (policy instanceof ArgumentError) return policy
    const exptime = toExptime(options.ttl ?? session.defaultTtl, clock.currentTimeMillisUnsafe())
    return typeof exptime === "number" ? { key, wire, policy, compute, options } : exptime
  }

  run(call: Call): Answer {
    const flight = this.flights.of(call.wire)
    if (flight !== undefined) return this.share(call, flight)
    return this.look(call, this.answer, () => this.begin(call, this.compute(call)))
  }

  /** Reads the item and goes on with what was found, or without the cache if that has failed. */
  private look(call: Call, use: (call: Call, read: Read) => Answer, withoutCache: () => Answer): Answer {
    return Effect.matchEffect(lookup(this.state, call, (found) => this.readValue(call, found)), {
      onSuccess: (read) => use.call(this, call, read),
      onFailure: (error) => {
        if (call.options.onError === "fail") return Effect.fail(error)
        this.state.counts.errors++
        return withoutCache()
      }
    })
  }

  private readValue(call: Call, { _tag, claim, command, item, server }: Found): Effect.Effect<Read> {
    if (item === undefined) return Effect.succeed({ _tag, claim, value: undefined })
    const { codec } = call.options
    const stored: Effect.Effect<unknown, unknown> = decode(
      this.state.session.transcoder,
      item,
      command,
      server,
      (value) => value
    )
    const value = codec === undefined ? stored : Effect.flatMap(stored, codec.decode)
    return Effect.match(value, {
      onSuccess: (value): Read => ({ _tag, claim, value: Result.succeed(value) }),
      onFailure: (error): Read => ({ _tag, claim, value: Result.fail(error) })
    })
  }

  /** What a caller is given that has read the item, and finds no computation to join. */
  private answer(call: Call, { _tag, claim, value }: Read): Answer {
    const { counts } = this.state
    if (value !== undefined && Result.isFailure(value)) {
      if (call.options.onError === "fail") {
        return Effect.andThen(Effect.ignore(this.release(claim)), Effect.fail(value.failure))
      }
      counts.errors++
      return this.begin(call, this.produce(call, claim))
    }
    switch (_tag) {
      case "Hit":
        counts.hits++
        return Effect.succeed(value!.success)
      case "Stale":
        counts.stale++
        return Effect.succeed(value!.success)
      case "Pending":
        counts.pending++
        return this.begin(call, this.wait(call, claim))
      case "Win": {
        if (value === undefined) {
          counts.wins++
          return this.begin(call, this.produce(call, claim))
        }
        counts.refreshes++
        if (call.options.refresh === "wait") return this.begin(call, this.produce(call, claim))
        return Effect.as(this.flights.refresh(call.wire, reported(this.produce(call, claim))), value.success)
      }
    }
  }

  /** Another caller of this process may have been faster in the meantime. */
  private begin(call: Call, computation: Answer): Answer {
    const flight = this.flights.of(call.wire)
    return flight === undefined ? this.flights.start(call.wire, computation) : this.share(call, flight)
  }

  private share(call: Call, flight: Flight): Answer {
    this.state.counts.shared++
    return this.flights.join(call.wire, flight)
  }

  private compute(call: Call): Answer {
    const { counts } = this.state
    return Effect.suspend(() => {
      counts.computed++
      return Effect.onExit(Effect.interruptible(call.compute), (exit) => {
        if (Exit.isFailure(exit)) counts.failed++
        return Effect.void
      })
    })
  }

  /** Computes under a claim and stores what comes of it; a claim that comes to nothing is given up. */
  private produce(call: Call, claim: Claim): Answer {
    return Effect.matchCauseEffect(this.compute(call), {
      onSuccess: (value) => Effect.as(this.store(call, claim, value), value),
      onFailure: (cause) => Effect.andThen(Effect.ignore(this.release(claim)), Effect.failCause(cause))
    })
  }

  /** Never fails: the value is there, and what the cache makes of it is the cache's own trouble. */
  private store(call: Call, claim: Claim, value: unknown): Effect.Effect<void> {
    const { codec, ...options } = call.options
    const stored = codec === undefined ? Effect.succeed(value) : codec.encode(value)
    const fulfilled = Effect.flatMap(stored, (stored) => this.fulfil(claim, stored, options))
    return Effect.matchEffect(fulfilled, {
      onSuccess: (swap) => {
        if (swap !== "stored") this.state.counts.unstored++
        return Effect.void
      },
      onFailure: () => {
        this.state.counts.unstored++
        return Effect.ignore(this.release(claim))
      }
    })
  }

  /** Looks again by the schedule until the winner, who is in another process, has stored a value or lost its claim. */
  private wait(call: Call, claim: Claim): Answer {
    return Effect.flatMap(Schedule.toStepWithSleep(call.options.wait ?? patience(call.policy)), (step) => {
      const next = (claim: Claim): Answer =>
        Effect.flatMap(
          Effect.interruptible(Effect.as(step(undefined), true)).pipe(Pull.catchDone(() => Effect.succeed(false))),
          (isWaiting) => isWaiting ? this.look(call, again, () => this.compute(call)) : this.produce(call, claim)
        )
      const again = (_: Call, { _tag, claim, value }: Read): Answer => {
        if (_tag === "Pending") return next(claim)
        if (value !== undefined && Result.isSuccess(value)) return Effect.succeed(value.success)
        if (value !== undefined && call.options.onError === "fail") return Effect.fail(value.failure)
        if (value === undefined) this.state.counts.wins++
        else this.state.counts.errors++
        return this.produce(call, claim)
      }
      return next(claim)
    })
  }
}

const patience = ({ claimSeconds }: Policy.Policy): Schedule.Schedule<unknown> =>
  Schedule.max([
    Schedule.jittered(Schedule.min([Schedule.exponential("10 millis", 1.5), Schedule.spaced("250 millis")])),
    Schedule.during(`${claimSeconds + 2} seconds`)
  ])

/** A failure that no caller hears of goes where Effect's own do. */
const reported = (computation: Answer): Effect.Effect<unknown, never, unknown> =>
  Effect.catchCause(computation, (cause) =>
    Effect.withFiber((fiber) => {
      const level = fiber.getRef(References.UnhandledLogLevel)
      return level === undefined || Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.logWithLevel(level)("a value that is due could not be computed anew", cause)
    }))
