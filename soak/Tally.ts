/**
 * What is counted: the sum over all generations of what their checkers saw, and what only the whole process shows.
 */
import type { Checker } from "@effect-memcache/testing/Checker"
import type { Generation } from "./Generation.ts"
import { DEADLINE, READ_THROUGH_DEADLINE, SLACK } from "./Generation.ts"

/** Sentences that are kept of each kind of fault, to be shown. */
const SHOWN = 5

/** One look at the memory, after a collection. */
export interface Sample {
  /** `performance.now()`. */
  readonly at: number
  readonly heapUsed: number
}

/** How often something that must never be has been, and the first few cases. */
export class Fault {
  count = 0
  readonly shown: Array<string> = []

  add(count: number, sentences: ReadonlyArray<string>): void {
    this.count += count
    this.shown.push(...sentences.slice(0, SHOWN - this.shown.length))
  }
}

const plus = (counts: Map<string, number>, name: string, count = 1): void => {
  counts.set(name, (counts.get(name) ?? 0) + count)
}

export class Tally {
  operations = 0
  /** Operations that have failed, so far. */
  failures = 0
  /** Operations that were due and not started, because too many had not ended or the loop was late. */
  skipped = 0
  /** How many were started of each kind. */
  readonly kinds = new Map<string, number>()
  /** How they ended: a word, or the name of an error and its outcome. */
  readonly endings = new Map<string, number>()
  /** Keys that failed in batches that did not. */
  readonly failedKeys = new Map<string, number>()
  /** Generations whose counters and appended values were compared with what the servers hold. */
  compared = 0
  /** Those that were not, because a server did not answer. */
  notCompared = 0
  readonly samples: Array<Sample> = []
  /** Of the operations that have a command's deadline: the longest time, in milliseconds. */
  longest = 0

  readonly wrong = new Fault()
  readonly stale = new Fault()
  readonly late = new Fault()
  readonly unsettled = new Fault()
  readonly untyped = new Fault()
  readonly sums = new Fault()
  readonly unhandled = new Fault()
  /** What is still there when everything is closed. */
  readonly left = new Fault()

  start(kind: string): void {
    this.operations++
    plus(this.kinds, kind)
  }

  keyFailed(name: string): void {
    plus(this.failedKeys, name)
  }

  /** A generation is over: everything of it has ended, or will not. */
  add({ checker, readThrough, running }: Generation): void {
    this.unsettled.add(Math.max(running, checker.ledger.unsettled + readThrough.ledger.unsettled), [])
    this.longest = Math.max(this.longest, checker.ledger.longest())
    this.addChecker(checker, DEADLINE)
    this.addChecker(readThrough, READ_THROUGH_DEADLINE)
  }

  /** Remembers how much memory is in use; collects first, if node was started with `--expose-gc`. */
  sample(): void {
    globalThis.gc?.()
    this.samples.push({ at: performance.now(), heapUsed: process.memoryUsage().heapUsed })
  }

  private addChecker<E>({ failures, lag, ledger, stamps }: Checker<E>, deadline: number): void {
    for (const [ended, count] of ledger.tally()) if (ended !== "pending") plus(this.endings, ended, count)
    this.wrong.add(stamps.wrongCount, stamps.wrong.map(({ key, value }) => `${key} was answered with ${value}`))
    this.stale.add(stamps.staleCount, [])
    this.untyped.add(failures.untypedCount, failures.untyped)
    this.unsettled.add(ledger.settledTwice, [])
    const late = ledger.late(deadline, SLACK, lag.between)
    this.late.add(
      late.length,
      late.map(({ outcome, settle, start }) => {
        const lost = lag.between(start + deadline, settle)
        return `${outcome} after ${Math.round(settle - start)} ms, the loop being late for ${Math.round(lost)} of them`
      })
    )
  }
}

/** Bytes a millisecond by which the memory grows: the slope of the straight line that fits best. 0 of fewer than two. */
export const slope = (samples: ReadonlyArray<Sample>): number => {
  const mean = (values: ReadonlyArray<number>): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1)
  const [at, heap] = [mean(samples.map((sample) => sample.at)), mean(samples.map((sample) => sample.heapUsed))]
  const spread = samples.reduce((sum, sample) => sum + (sample.at - at) ** 2, 0)
  if (spread === 0) return 0
  return samples.reduce((sum, sample) => sum + (sample.at - at) * (sample.heapUsed - heap), 0) / spread
}
