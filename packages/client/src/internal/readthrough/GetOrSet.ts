/**
 * `getOrSet`: which of its callers computes, what the others are given meanwhile, and what happens when the cache or the
 * computation fails.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import { MAX_RELATIVE_EXPTIME } from "@effect-memcache/protocol/Limits"
import type { Answer as LineAnswer } from "@effect-memcache/protocol/Pipeline"
import type { Value } from "@effect-memcache/protocol/Reply"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { ArgumentError } from "../../ArgumentError.ts"
import type { KeyInput } from "../../Key.ts"
import type { GetOrSetOptions, ValueCodec } from "../../ReadThrough.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import { toExptime } from "../../TimeToLive.ts"
import { ask } from "../commands/Session.ts"
import { wrongOption } from "../commands/Storage.ts"
import { decode, isReady, releaseBehind } from "../commands/Transcoding.ts"
import type { Form } from "../commands/Waiting.ts"
import type { Claim } from "./Claim.ts"
import type { Flights } from "./Flights.ts"
import { Flight, isCircular } from "./Flights.ts"
import type { Found, Question } from "./Lookups.ts"
import { claimOf, commandOf, giveUp, isForText, isFresh, lookup, readAnswer } from "./Lookups.ts"
import * as Policy from "./Policy.ts"
import * as Settlement from "./Settlement.ts"
import type { State } from "./State.ts"

/** One call. What is asked for is known when it runs, and the same at every run. */
interface Call extends Question {
  wire: WireKey
  policy: Policy.Policy
  readonly compute: Effect.Effect<unknown, unknown, unknown>
  readonly options: GetOrSetOptions & { readonly codec?: ValueCodec<unknown, unknown> | undefined }
}

/**
 * What was found, with its value: as it is, or why it cannot be read. A fresh value that can be read is none of these;
 * they go by way of the error channel, so that it has nothing to pass on its own way.
 */
class Read {
  readonly found: Found
  readonly value: Result.Result<unknown, unknown> | undefined

  constructor(found: Found, value: Result.Result<unknown, unknown> | undefined) {
    this.found = found
    this.value = value
  }
}

/** In the place of an error: what only another language can read counts as a miss, and is none. */
const FOREIGN = Symbol("foreign")

type Answer = Effect.Effect<unknown, unknown, unknown>

/**
 * Reads a value, or computes and stores it.
 *
 * @category commands
 * @since 0.1.0
 */
export const getOrSet = (state: State, flights: Flights) => {
  const machine = new Machine(state, flights)
  const form: Form<Call, unknown, unknown> = {
    commandOf: (wire, call) => machine.commandOf(call, wire),
    read: (answer, server, call) => machine.readAnswer(call, answer, server),
    late: (answer, server, call) => giveUp(state, call, answer, server),
    goOn: (problem, call) => machine.goOn(call, problem) as Effect.Effect<unknown, unknown>
  }
  return (key: KeyInput, compute: Answer, options: Call["options"] = {}): Answer => {
    const call: Call = { key, wire: "" as WireKey, policy: Policy.none, compute, options }
    return ask(state.session, form, key, call)
  }
}

/** Where there is nothing to be asked for by `mg`. */
const OTHERWISE = Symbol()

/**
 * What runs in a flight is uninterruptible but for the computation itself and the pauses between two looks, so that no
 * claim is won or lost unseen.
 */
class Machine {
  private readonly state: State
  private readonly flights: Flights
  private readonly fulfil: ReturnType<typeof Settlement.fulfil>
  private readonly release: ReturnType<typeof Settlement.release>
  private lastTtl: TimeToLive | undefined = undefined

  constructor(state: State, flights: Flights) {
    this.state = state
    this.flights = flights
    this.fulfil = Settlement.fulfil(state)
    this.release = Settlement.release(state)
  }

  /** The command that begins a call. What keeps it from being sent goes where its failures go. */
  commandOf(call: Call, wire: WireKey): Command | Effect.Effect<Command, unknown> {
    const { session } = this.state
    const { options } = call
    const policy = Policy.resolve(options)
    if (policy instanceof ArgumentError) return Effect.fail(policy)
    const wrong = options.compression === undefined ? undefined : wrongOption(session, options)
    if (wrong !== undefined) return Effect.fail(wrong)
    const ttl = options.ttl === undefined ? session.defaultTtl : options.ttl
    if (ttl !== undefined && ttl !== this.lastTtl) {
      const exptime = toExptime(ttl, this.state.clock.currentTimeMillisUnsafe())
      if (typeof exptime !== "number") return Effect.fail(exptime)
      // What is relative is right at any time.
      if (exptime <= MAX_RELATIVE_EXPTIME && typeof ttl === "string") this.lastTtl = ttl
    }
    call.wire = wire
    call.policy = policy
    const flight = this.flights.of(wire)
    return flight === undefined ? commandOf(this.state, call) ?? Effect.fail(OTHERWISE) : Effect.fail(flight)
  }

  readAnswer(call: Call, answer: LineAnswer, server: string): Effect.Effect<unknown, MemcacheError> {
    const { reply } = answer
    // Nearly always; everything else looks again, and longer.
    if (reply._tag === "Value" && isFresh(reply, call.policy)) {
      const value = this.decodeAtOnce(call, reply)
      if (value !== undefined) {
        this.state.wins.forget(call.wire)
        this.state.counts.hits++
        return value
      }
    }
    return readAnswer(this.state, call, answer, server, (found) => this.read(call, found) as Effect.Effect<unknown>)
  }

  /** Goes on where a fresh value is not the answer. */
  goOn(call: Call, problem: unknown): Answer {
    if (problem instanceof Read) return this.answer(call, problem)
    if (problem instanceof Flight) return this.share(call, problem)
    const compute = () => this.begin(call, this.compute(call))
    if (problem === OTHERWISE) return this.look(call, this.answer, compute)
    return isMemcacheError(problem) ? this.goOnWithout(call, problem, this.answer, compute) : Effect.fail(problem)
  }

  /** Reads the item: a fresh value is the answer, and anything else is for `use`, or without the cache if it failed. */
  private look(call: Call, use: (call: Call, read: Read) => Answer, withoutCache: () => Answer): Answer {
    const read: Answer = lookup(this.state, call, (found) => this.read(call, found) as Effect.Effect<unknown>)
    return Effect.catch(read, (problem) =>
      problem instanceof Read
        ? use.call(this, call, problem)
        : this.goOnWithout(call, problem as MemcacheError, use, withoutCache))
  }

  private goOnWithout(
    call: Call,
    error: MemcacheError,
    use: (call: Call, read: Read) => Answer,
    withoutCache: () => Answer
  ): Answer {
    if (isForText(this.state, call, error)) return this.look(call, use, withoutCache)
    if (call.options.onError === "fail") return Effect.fail(error)
    this.state.counts.errors++
    return withoutCache()
  }

  private read(call: Call, found: Found): Answer {
    const { item } = found
    if (item === undefined) return Effect.fail(new Read(found, undefined))
    const value = this.decodeAtOnce(call, item)
    if (value === undefined) return this.readSlowly(call, found, item)
    if (found._tag !== "Hit") return Effect.fail(new Read(found, Result.succeed(value.value)))
    this.state.counts.hits++
    return value
  }

  private decodeAtOnce({ options: { codec } }: Call, item: Value): Exit.Success<unknown, never> | undefined {
    const stored = this.state.session.transcoder.decode(item.value, item.flags)
    if (!isReady(stored) || !Result.isSuccess(stored)) return undefined
    const value = codec === undefined ? Exit.succeed(stored.success) : codec.decode(stored.success)
    if (!Exit.isExit(value) || Exit.isFailure(value)) return undefined
    // Not before: what cannot be read at once is read once more.
    releaseBehind(item, stored.success)
    return value as Exit.Success<unknown, never>
  }

  /** What must be waited for, or cannot be read. */
  private readSlowly(call: Call, found: Found, item: Value): Answer {
    const { codec } = call.options
    const { onForeign, transcoder } = this.state.session
    const missed = onForeign === "miss" ? Effect.fail(FOREIGN) : undefined
    const stored: Answer = decode(transcoder, item, found.command, found.server, (value): unknown => value, missed)
    return Effect.flatMap(
      Effect.result(codec === undefined ? stored : Effect.flatMap(stored, codec.decode)),
      (value) => {
        if (found._tag !== "Hit" || Result.isFailure(value)) return Effect.fail(new Read(found, value))
        this.state.counts.hits++
        return Effect.succeed(value.success)
      }
    )
  }

  /** What a caller is given that has read the item, and finds no computation to join. */
  private answer(call: Call, { found, value }: Read): Answer {
    const { counts } = this.state
    const claim = claimOf(this.state, call, found)
    if (value !== undefined && Result.isFailure(value)) {
      if (value.failure === FOREIGN) return this.win(call, claim)
      if (call.options.onError === "fail") {
        return Effect.andThen(Effect.ignore(this.release(claim)), Effect.fail(value.failure))
      }
      counts.errors++
      return this.win(call, claim)
    }
    switch (found._tag) {
      case "Hit":
      case "Stale":
        counts.stale++
        return Effect.succeed(value!.success)
      case "Pending":
        counts.pending++
        return this.begin(call, this.wait(call, claim))
      case "Win": {
        if (value === undefined) {
          counts.wins++
          return this.win(call, claim)
        }
        counts.refreshes++
        if (call.options.refresh === "wait") return this.win(call, claim)
        return Effect.as(this.flights.refresh(reported(this.produce(call, claim))), value.success)
      }
    }
  }

  /** Whoever wins computes, also if others of this process wait for something else: that claim is over, or a server is. */
  private win(call: Call, claim: Claim): Answer {
    return this.flights.start(call.wire, this.produce(call, claim), this.compute(call))
  }

  /** Another caller of this process may have been faster in the meantime. */
  private begin(call: Call, computation: Answer): Answer {
    const flight = this.flights.of(call.wire)
    return flight === undefined
      ? this.flights.start(call.wire, computation, this.compute(call))
      : this.share(call, flight)
  }

  private share(call: Call, flight: Flight): Answer {
    return Effect.withFiber((fiber) => {
      // It is a part of that computation, and would wait for itself.
      if (isCircular(flight, fiber)) return this.compute(call)
      this.state.counts.shared++
      return this.flights.join(call.wire, flight, this.compute(call))
    })
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
      const again = (_: Call, { found, value }: Read): Answer => {
        const claim = claimOf(this.state, call, found)
        if (found._tag === "Pending") return next(claim)
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
