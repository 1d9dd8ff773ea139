/**
 * Watches everything a program does with a cache, and says afterwards whether it was ever given a wrong value, left
 * waiting, or failed in a way that was not promised. It knows no client: operations are effects, values are text.
 *
 * ```ts
 * const checker = yield* Checker.make({ deadline: 250, isExpected: isMemcacheError, outcomeOf: (error) => error.outcome })
 * yield* checker.write("user:1", (value) => cache.set("user:1", value))
 * yield* checker.read("user:1", Effect.map(cache.get("user:1"), Option.getOrUndefined))
 * assert.deepStrictEqual(checker.problems(), [])
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { Counters } from "./Counters.ts"
import { Failures } from "./Failures.ts"
import { Ledger } from "./Ledger.ts"
import type { LoopLag } from "./LoopLag.ts"
import * as Lag from "./LoopLag.ts"
import { Stamps } from "./Stamps.ts"

/**
 * What is known of a write that failed: whether it may have been carried out.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = "not-sent" | "rejected" | "unknown" | "done"

/**
 * What a checker must know of the client.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<E> {
  /** Milliseconds within which every operation must settle. */
  readonly deadline: number
  /** Milliseconds that an operation may take beyond it, less what the event loop was late by then. Default 50. */
  readonly slack?: number | undefined
  /** The errors that the client promises; any other failure is a fault. */
  readonly isExpected: (error: unknown) => error is E
  /** What is known of the effect of a write that failed so. */
  readonly outcomeOf: (error: E) => Outcome
  /** The failure as a word in tables. Default its `_tag` and the outcome. */
  readonly nameOf?: ((error: E) => string) | undefined
  /** Told of every failure. */
  readonly onFailure?: ((error: E, name: string) => void) | undefined
  /** A text that all values contain, to search what is printed for. */
  readonly mark?: string | undefined
}

/**
 * An operation that has settled. Times are those of `performance.now()`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settled<A, E> {
  /** `"ok"`, or the word of the operation (`"hit"`, `"absent"`, `"stored"`), or the failure's name. */
  readonly ended: string
  readonly value: A | undefined
  readonly error: E | undefined
  readonly start: number
  readonly settle: number
}

const INTERRUPTED = "interrupted"

interface Notes<A, E> {
  /** The word for a success. */
  readonly done: (value: A) => string
  /** No error: it was interrupted, or failed in a way that is a fault. */
  readonly failed?: ((error: E | undefined) => void) | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export class Checker<E> {
  readonly stamps: Stamps
  readonly ledger = new Ledger()
  readonly counters = new Counters()
  readonly failures: Failures<E>
  readonly lag: LoopLag

  private readonly options: Options<E>

  /** Use `make`, which measures the event loop. */
  constructor(options: Options<E>, lag: LoopLag) {
    this.options = options
    this.lag = lag
    this.stamps = new Stamps(options.mark)
    this.failures = new Failures(options.isExpected)
  }

  /** Runs any operation to its end and notes how it ended; never fails. */
  operation<A>(effect: Effect.Effect<A, unknown>, word?: (value: A) => string): Effect.Effect<Settled<A, E>> {
    return this.observe(effect, { done: word ?? (() => "ok") })
  }

  /** Reads a value, undefined if there is none, and judges it: `"hit"`, `"absent"`, `"stale"` or `"wrong"`. */
  read<A>(key: string, effect: Effect.Effect<A | undefined, unknown>): Effect.Effect<Settled<A | undefined, E>> {
    return Effect.suspend(() => {
      const floor = this.stamps.floor(key)
      return this.observe(effect, { done: (value) => value === undefined ? "absent" : this.judge(key, value, floor) })
    })
  }

  /** Reads many values and judges those that were found: `"hit"`, `"absent"` if there was none, `"stale"`, `"wrong"`. */
  readMany<A>(
    keys: ReadonlyArray<string>,
    effect: Effect.Effect<ReadonlyMap<string, A>, unknown>
  ): Effect.Effect<Settled<ReadonlyMap<string, A>, E>> {
    return Effect.suspend(() => {
      const floors = new Map(keys.map((key) => [key, this.stamps.floor(key)]))
      return this.observe(effect, {
        done: (values) => {
          const words = new Set<string>(
            [...values].map(([key, value]) => this.judge(key, value, floors.get(key) ?? Infinity))
          )
          return ["wrong", "stale", "hit"].find((word) => words.has(word)) ?? "absent"
        }
      })
    })
  }

  /** Writes a value of its own making, about `size` characters long: `"stored"`, or `"not stored"` of a false. */
  write(
    key: string,
    store: (value: string) => Effect.Effect<boolean, unknown>,
    size?: number
  ): Effect.Effect<Settled<boolean, E>> {
    return Effect.suspend(() => {
      const { seq, value } = this.stamps.issue(key, size)
      return this.observe(store(value), {
        done: (isStored) => {
          if (isStored) this.stamps.confirm(key, seq)
          else this.stamps.deny(key, seq)
          return isStored ? "stored" : "not stored"
        },
        failed: (error) => this.noteFailedWrite(key, seq, error)
      })
    })
  }

  /** Deletes an item, after which nothing older may be read: `"deleted"`, or `"absent"` of a false. */
  remove(key: string, effect: Effect.Effect<boolean, unknown>): Effect.Effect<Settled<boolean, E>> {
    return Effect.suspend(() => {
      const { seq } = this.stamps.issue(key)
      return this.observe(effect, {
        done: (wasThere) => {
          // Nothing was there to be older than what is read next, as far as this one knows.
          if (wasThere) this.stamps.confirm(key, seq)
          else this.stamps.deny(key, seq)
          return wasThere ? "deleted" : "absent"
        },
        failed: (error) => this.noteFailedWrite(key, seq, error)
      })
    })
  }

  /** Adds one to a counter, undefined if there is none: `"counted"` or `"absent"`. `Counters.fault` judges the sum. */
  count<A>(key: string, effect: Effect.Effect<A | undefined, unknown>): Effect.Effect<Settled<A | undefined, E>> {
    return this.observe(effect, {
      done: (value) => {
        if (value !== undefined) this.counters.succeeded(key)
        return value === undefined ? "absent" : "counted"
      },
      failed: (error) => {
        if (this.mayHaveHappened(error)) this.counters.doubted(key)
      }
    })
  }

  /** Every point in which what was seen is not as it must be, as sentences. */
  problems(): ReadonlyArray<string> {
    const { failures, lag, ledger, stamps } = this
    const { deadline, slack = 50 } = this.options
    const late = ledger.late(deadline, slack, lag.between)
    return [
      ...stamps.wrongCount > 0 ? [`${stamps.wrongCount} wrong values: ${JSON.stringify(stamps.wrong)}`] : [],
      ...stamps.staleCount > 0 ? [`${stamps.staleCount} values that had been overwritten or deleted`] : [],
      ...ledger.unsettled > 0 ? [`${ledger.unsettled} operations never settled`] : [],
      ...ledger.settledTwice > 0 ? [`${ledger.settledTwice} operations settled twice`] : [],
      ...late.length > 0
        ? [
          `${late.length} operations settled later than ${deadline} + ${slack} ms, the first after ${
            Math.round(late[0].settle - late[0].start)
          } ms: ${late[0].outcome}`
        ]
        : [],
      ...failures.untypedCount > 0
        ? [`${failures.untypedCount} failures that were not promised: ${failures.untyped.join("; ")}`]
        : []
    ]
  }

  private judge(key: string, value: unknown, floor: number): "hit" | "stale" | "wrong" {
    const verdict = this.stamps.judge(key, value, floor)
    return verdict === "right" ? "hit" : verdict
  }

  private noteFailedWrite(key: string, seq: number, error: E | undefined): void {
    if (this.mayHaveHappened(error)) this.stamps.doubt(key, seq)
    else this.stamps.deny(key, seq)
  }

  private mayHaveHappened(error: E | undefined): boolean {
    return error === undefined || ["unknown", "done"].includes(this.options.outcomeOf(error))
  }

  private observe<A>(effect: Effect.Effect<A, unknown>, notes: Notes<A, E>): Effect.Effect<Settled<A, E>> {
    return Effect.suspend(() => {
      const start = performance.now()
      const op = this.ledger.begin()
      let settled: Settled<A, E>
      // A finalizer, because nothing else runs when this fiber is interrupted.
      const noted = Effect.onExit(effect, (exit) =>
        Effect.sync(() => {
          const { ended, error, value } = this.note(exit, notes)
          this.ledger.end(op, ended)
          settled = { ended, value, error, start, settle: performance.now() }
        }))
      return Effect.map(Effect.exit(noted), () => {
        // Whoever is interrupted does not get here, so the interruption came from within.
        if (settled.ended === INTERRUPTED) this.failures.note("an interruption that nobody asked for")
        return settled
      })
    })
  }

  private note<A>(
    exit: Exit.Exit<A, unknown>,
    notes: Notes<A, E>
  ): Pick<Settled<A, E>, "ended" | "value" | "error"> {
    if (Exit.isSuccess(exit)) return { ended: notes.done(exit.value), value: exit.value, error: undefined }
    const isInterrupted = Exit.hasInterrupts(exit)
    const error = isInterrupted ? undefined : this.failures.ofExit(exit)
    notes.failed?.(error)
    if (error === undefined) return { ended: isInterrupted ? INTERRUPTED : "untyped", value: undefined, error }
    const ended = this.nameOf(error)
    this.options.onFailure?.(error, ended)
    return { ended, value: undefined, error }
  }

  private nameOf(error: E): string {
    const { nameOf, outcomeOf } = this.options
    if (nameOf !== undefined) return nameOf(error)
    const tag = typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : "failure"
    return `${tag} ${outcomeOf(error)}`
  }
}

/**
 * A checker that measures the event loop as long as the scope lives.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <E>(options: Options<E>): Effect.Effect<Checker<E>, never, Scope.Scope> =>
  Effect.map(Lag.make, (lag) => new Checker(options, lag))

/**
 * How many operations ended in each way.
 *
 * @category accessors
 * @since 0.1.0
 */
export const endings = (operations: Iterable<{ readonly ended: string }>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { ended } of operations) counts[ended] = (counts[ended] ?? 0) + 1
  return counts
}

/**
 * The longest time in milliseconds that one of the operations took; 0 of none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const longest = (operations: Iterable<{ readonly start: number; readonly settle: number }>): number => {
  let longest = 0
  for (const { settle, start } of operations) longest = Math.max(longest, settle - start)
  return longest
}
