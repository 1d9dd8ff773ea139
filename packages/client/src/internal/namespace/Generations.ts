/**
 * Which generation of a namespace is the current one, as one process sees it.
 *
 * The rule that keeps old entries from coming back: a generation is in use once. It is made of the time and of chance,
 * so that no other process, at whatever time its clock shows, makes it again; it is added where there is none, and set
 * where there is a wrong one. Then it does not matter which of two wins, or why the last one is gone.
 *
 * @since 0.1.0
 */
import { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type { ArgumentError } from "../../ArgumentError.ts"
import type { KeyError } from "../../KeyError.ts"
import type { Memcache } from "../../Memcache.ts"

/**
 * Ends the name in the keys, and in the key of the generation, which is the name and this alone. No name has it, so no
 * two namespaces share a key.
 *
 * @category constants
 * @since 0.1.0
 */
export const END = "|"

/**
 * Less than every generation, and as long.
 *
 * @category constants
 * @since 0.1.0
 */
export const NONE = "0".repeat(17)

/**
 * What stands before the keys of a generation.
 *
 * @category encoding
 * @since 0.1.0
 */
export const prefixOf = (name: string, generation: string): string => `${name}${END}${generation}${END}`

/**
 * The generations of one namespace.
 *
 * @category models
 * @since 0.1.0
 */
export interface Generations {
  /**
   * Runs `run` behind the current generation. Where one is known that was not checked a moment ago, that is done
   * meanwhile, and if it proves wrong, `run` has been for nothing, in a generation that nobody reads, and is run again.
   *
   * `absent` is for servers that keep no generation and have no error either: the policy "miss" while they are dead.
   */
  readonly use: <A, E>(
    run: (prefix: string) => Effect.Effect<A, E>,
    absent: () => A
  ) => Effect.Effect<A, E | MemcacheError | KeyError>
  /**
   * `use` for what changes an item. It may have done so when the check fails, whose own failure must not say then that
   * nothing was sent: whoever tries that again would count twice.
   */
  readonly change: Generations["use"]
  readonly prefix: Effect.Effect<string, MemcacheError | KeyError>
  readonly clear: Effect.Effect<void, MemcacheError | KeyError>
}

/**
 * Microseconds since 1970, enough until the year 6140, and 31 bits of chance. Their order is that of their times,
 * and what a process makes later is later.
 */
const GENERATION = /^[0-9a-z]{17}$/

const TIME_DIGITS = 11

const CHANCE_DIGITS = 6

/** How often a generation may vanish between two of our commands before it seems that nobody keeps it. */
const MAX_ROUNDS = 3

/**
 * The generations of the namespace of that name. One that was read is current for `checkEvery` milliseconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (cache: Memcache["Service"], name: string, checkEvery: number): Generations => {
  const key = name + END
  // The latest that was seen. One that is read and is earlier has come back from a server that missed a clear, as one
  // does that was dead while its keys lived elsewhere.
  let latest = NONE
  let checkedAt = -Infinity

  const adopt = (generation: string, asOf: number): string => {
    if (generation >= latest) {
      latest = generation
      checkedAt = Math.max(checkedAt, asOf)
    }
    return generation
  }

  /** Stores a generation that is later than `floor`, and answers it; `undefined` if it was not stored. */
  const propose = (mode: "add" | "set", floor: string): Effect.Effect<string | undefined, MemcacheError | KeyError> =>
    Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const asOf = monotonicMillis(clock)
      const isLast = timeOf(floor) >= LAST_TIME
      // Nobody makes such a one; whoever has seen it must forget it, or would replace every other one for ever.
      if (isLast) latest = NONE
      const after = isLast ? 0 : timeOf(floor)
      const made = encode(Math.max(microseconds(clock), after + 1), fiber.getRef(Random.Random).nextDoubleUnsafe())
      return Effect.map(
        neverRefused(cache[mode](key, made, { ttl: "Infinity" })),
        (isStored) => isStored ? adopt(made, asOf) : undefined
      )
    })

  /** Asks the server, and makes a generation if it has none. */
  const read = (rounds: number): Effect.Effect<string | undefined, MemcacheError | KeyError> =>
    Effect.withFiber((fiber) => {
      const asOf = monotonicMillis(fiber.getRef(Clock.Clock))
      // Others may learn of later ones before this answer comes, which is none the less right for it.
      const floor = latest
      return Effect.flatMap(cache.get(key), (stored) => {
        const there = Option.getOrUndefined(stored)
        if (isGeneration(there) && there >= floor) return Effect.succeed(adopt(there, asOf))
        return Effect.filterOrElse(
          propose(Option.isSome(stored) ? "set" : "add", floor),
          (made) => made !== undefined || rounds === 1,
          () => read(rounds - 1)
        )
      })
    })

  const current = read(MAX_ROUNDS)

  const isChecked = (clock: Clock.Clock): boolean => monotonicMillis(clock) - checkedAt < checkEvery

  let checking: Fiber.Fiber<string | undefined, MemcacheError | KeyError> | undefined

  /**
   * The check that all calls of this turn of the event loop share. It leaves at the turn's end, together with what they
   * ask for, so it knows of every clear that this process can have heard of. It is nobody's own, so that no caller's
   * interruption ends it for the others, and it ends with its commands' deadlines.
   */
  const check = (context: Context.Context<never>): Effect.Effect<string | undefined, MemcacheError | KeyError> => {
    if (checking === undefined) {
      queueMicrotask(() => checking = undefined)
      checking = Effect.runForkWith(context)(current)
    }
    return Fiber.join(checking)
  }

  const using = (isChange: boolean): Generations["use"] => (run, absent) =>
    Effect.withFiber((fiber) => {
      const begun = latest
      if (isChecked(fiber.getRef(Clock.Clock))) return run(prefixOf(name, begun))
      const checked = check(fiber.context)
      const go = (generation: string | undefined) =>
        generation === undefined ? Effect.sync(absent) : run(prefixOf(name, generation))
      return begun === NONE
        ? Effect.flatMap(checked, go)
        : Effect.flatMap(Effect.result(run(prefixOf(name, begun))), (result) =>
          Effect.flatMap(
            isChange && !isUndone(result) ? Effect.mapError(checked, unknown) : checked,
            (generation) => generation === begun ? Effect.fromResult(result) : go(generation)
          ))
    })

  return {
    use: using(false),
    change: using(true),
    prefix: Effect.withFiber((fiber) =>
      isChecked(fiber.getRef(Clock.Clock)) ? Effect.succeed(prefixOf(name, latest)) : Effect.flatMap(
        check(fiber.context),
        (generation) =>
          generation === undefined ? Effect.fail(keptByNobody("get")) : Effect.succeed(prefixOf(name, generation))
      )
    ),
    clear: Effect.suspend(() =>
      // Only to be later than it: what cannot be read is replaced as well.
      Effect.flatMap(Effect.option(cache.get(key)), (stored) => {
        const there = Option.getOrUndefined(Option.flatten(stored))
        return Effect.flatMap(
          propose("set", isGeneration(there) && there > latest ? there : latest),
          (made) => made === undefined ? Effect.fail(keptByNobody("set")) : Effect.void
        )
      })
    )
  }
}

/** Whether what has failed so has certainly changed nothing. */
const isUndone = (result: Result.Result<unknown, unknown>): boolean =>
  Result.isFailure(result) && !(isMemcacheError(result.failure) && result.failure.outcome === "unknown")

/** The same failure, which does not say any more what became of the caller's own command. */
const unknown = <E>(error: E): E | MemcacheError => {
  if (!isMemcacheError(error) || error.outcome === "unknown") return error
  const Reason = error.reason.constructor as new(fields: object) => MemcacheError["reason"]
  return new MemcacheError({ reason: new Reason({ ...error.reason, outcome: "unknown" }) })
}

const isGeneration = (value: unknown): value is string => typeof value === "string" && GENERATION.test(value)

const microseconds = (clock: Clock.Clock): number => Number(clock.currentTimeNanosUnsafe() / 1000n)

const timeOf = (generation: string): number => Number.parseInt(generation.slice(0, TIME_DIGITS), 36)

const LAST_TIME = 36 ** TIME_DIGITS - 1

const encode = (time: number, chance: number): string => {
  const suffix = Math.floor(chance * 36 ** CHANCE_DIGITS)
  return time.toString(36).padStart(TIME_DIGITS, "0") + suffix.toString(36).padStart(CHANCE_DIGITS, "0")
}

// A step of the wall clock must not make an old generation young again.
const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000

const neverRefused = <A, E>(effect: Effect.Effect<A, E | ArgumentError>): Effect.Effect<A, Exclude<E, ArgumentError>> =>
  Effect.catchTag(effect as Effect.Effect<A, ArgumentError>, "ArgumentError", Effect.die) as Effect.Effect<
    A,
    Exclude<E, ArgumentError>
  >

const keptByNobody = (command: string): MemcacheError =>
  MemcacheError.noServer({ command, detail: "the one that holds the namespace's generation keeps nothing" })
