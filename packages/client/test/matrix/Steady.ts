/**
 * Operations at a steady rate, whatever becomes of those before them: what is asked must not slow down with the answers.
 */
import type { Settled } from "@effect-memcache/testing/Checker"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Checked, Client, Promised, Run } from "./Row.ts"

/** What is kept of an operation: not its value, of which thousands would look like a leak. */
export interface Timed extends Pick<Settled<unknown, Promised>, "ended" | "start" | "settle"> {}

export interface Load {
  /** Those that have settled, in the order in which they did. */
  readonly settled: ReadonlyArray<Timed>
  /** Begins no more, waits for those that have begun, and answers all. */
  readonly stop: Effect.Effect<ReadonlyArray<Timed>>
}

/** Milliseconds between two looks at how many are due. */
const TICK = 10

/** As many are begun in one turn of the event loop: a client's clock begins at the end of the turn. */
const TOGETHER = 20

/** Begins so many operations a second; those that a late event loop has missed come one turn after the other. */
export const start = Effect.fnUntraced(function*(
  perSecond: number,
  operation: (index: number) => Effect.Effect<Timed>
): Effect.fn.Return<Load, never, Scope.Scope> {
  const settled: Array<Timed> = []
  const fibers = yield* FiberSet.make<void>()
  const begun = performance.now()
  let count = 0
  const one = Effect.suspend(() => {
    const kept = Effect.map(operation(count++), ({ ended, settle, start }) => {
      settled.push({ ended, settle, start })
    })
    return FiberSet.run(fibers, kept, { startImmediately: true })
  })
  const isDue = () => count < Math.floor((performance.now() - begun) * perSecond / 1000)
  const some = Effect.repeat(one, { while: isDue, times: TOGETHER - 1 })
  const begin = Effect.whileLoop({ while: isDue, body: () => Effect.andThen(some, Effect.yieldNow), step: () => {} })
  const beginning = yield* FiberSet.make<unknown>()
  yield* FiberSet.run(beginning, Effect.repeat(begin, Schedule.spaced(TICK)))
  return {
    settled,
    stop: Effect.as(Effect.andThen(FiberSet.clear(beginning), FiberSet.awaitEmpty(fibers)), settled)
  }
})

/** Milliseconds from one time to another, less what the event loop was late after `limit` of them had passed. */
export const lasted = (row: Run, start: number, settle: number, limit: number): number =>
  row.took({ ended: "", value: undefined, error: undefined, start, settle }, limit)

const KEYS = 100

/** Whose increments are judged in the end. */
export const COUNTER = "counter"

/** Half of them reads, a quarter writes, a quarter counts. */
export const mixed = (checked: Checked, index: number): Effect.Effect<Timed> => {
  const key = `key:${(index >> 2) % KEYS}`
  switch (index % 4) {
    case 0:
      return checked.set(key)
    case 1:
      return checked.increment(COUNTER)
    default:
      return checked.get(key)
  }
}

const SERVED: ReadonlySet<string> = new Set(["hit", "absent", "stored", "counted"])

/** Whether the server has answered it. */
export const isServed = ({ ended }: Timed): boolean => SERVED.has(ended)

/** Judges what the server holds of the counter in the end. */
export const judgeCounter = (row: Run, client: Client): Effect.Effect<void> =>
  Effect.map(client.checked.operation(client.cache.get(COUNTER)), ({ value }) => {
    const stored = value?._tag === "Some" ? Number(value.value) : 0
    row.fact("counter", stored)
    row.counted(COUNTER, stored)
  })
