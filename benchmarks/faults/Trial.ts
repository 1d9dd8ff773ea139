/**
 * What a client is seen to do, from the outside: each operation, when it settled and how. It runs in the child process,
 * because only there is memory the client's own.
 */
import { readFileSync } from "node:fs"
import type { Adapter } from "./Adapter.ts"
import { TRIGGER } from "./FaultyLine.ts"

/** After so many milliseconds an operation counts as one that hangs. */
export const PATIENCE = 5000

export interface Seen {
  readonly key: string
  readonly verb: "get" | "set"
  /** `refused` is a store that was answered with `false`; `not an error` was rejected with something that is none. */
  readonly ended: "value" | "wrong" | "miss" | "stored" | "refused" | "error" | "not an error" | "pending"
  readonly milliseconds: number
  /** How late the event loop was at most while it lasted, which is not the client's fault alone. */
  readonly lag: number
  /** What was read instead, or the error. */
  readonly detail: string
}

export interface Facts {
  readonly seen: Array<Seen>
  /** In MiB, over what was used before the fault. */
  memory: number
  /** How long after the fault all was well again; infinite (`null` in JSON) if never. */
  recovery: number | undefined
  /** Why the row could not be begun. */
  unusable: string | undefined
  cannot: boolean
}

const POLL = 100
/** A busy machine may take longer than a client's timeout to connect. */
const SEEDINGS = 60
const RECOVERY_LIMIT = 3000
const LAG_STEP = 10

/** A value that tells its key. */
export const stamp = (key: string, size = 64): string => `${key}|`.padEnd(size, "v")

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

const peakMemory = (): number => {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))
  return found === null ? 0 : Number(found[1]) / 1024
}

const describe = (error: unknown): string =>
  error instanceof Error
    ? `${error.name}: ${error.message}`.slice(0, 160)
    : `${typeof error}: ${String(error)}`.slice(0, 160)

export class Trial {
  readonly facts: Facts = { seen: [], memory: 0, recovery: undefined, unusable: undefined, cannot: false }
  readonly adapter: Adapter
  private readonly open = new Map<symbol, Omit<Seen, "ended" | "milliseconds" | "lag" | "detail">>()
  private before = 0
  /** When the event loop is looked at next. */
  private expected = performance.now() + LAG_STEP
  private lags: Array<readonly [at: number, lag: number]> = []
  private watch: NodeJS.Timeout

  constructor(adapter: Adapter) {
    this.adapter = adapter
    this.watch = setInterval(() => {
      const now = performance.now()
      if (now - this.expected > LAG_STEP) this.lags.push([now, now - this.expected])
      this.expected = now + LAG_STEP
    }, LAG_STEP).unref()
  }

  /** Stores values before the fault, and reads one, so that the client is connected. */
  async seed(...keys: ReadonlyArray<string>): Promise<void> {
    for (const key of keys) {
      for (let left = SEEDINGS;; left--) {
        const isStored = await this.adapter.set(key, stamp(key)).catch((error: unknown) => describe(error))
        if (isStored === true) break
        if (left === 0) throw new Error(`could not store before the fault: ${String(isStored)}`)
        await sleep(POLL)
      }
      // Reading that one is the fault.
      if (key !== TRIGGER && await this.adapter.get(key) !== stamp(key)) {
        throw new Error("could not read before the fault")
      }
    }
    this.before = peakMemory()
  }

  get(key: string, signal?: AbortSignal): Promise<Seen> {
    return this.run({ key, verb: "get" }, () => this.adapter.get(key, signal), (value) => {
      if (value === undefined) return { ended: "miss", detail: "" }
      return value === stamp(key)
        ? { ended: "value", detail: "" }
        : { ended: "wrong", detail: JSON.stringify(value.slice(0, 60)) }
    })
  }

  set(key: string, value = stamp(key)): Promise<Seen> {
    return this.run({ key, verb: "set" }, () => this.adapter.set(key, value), (isStored) => ({
      ended: isStored ? "stored" : "refused",
      detail: ""
    }))
  }

  readonly sleep = sleep

  /** Reads until all is well again. */
  async recover(...keys: ReadonlyArray<string>): Promise<void> {
    const start = performance.now()
    do {
      const found = []
      for (const key of keys) found.push((await this.get(key)).ended)
      if (found.every((ended) => ended === "value")) {
        this.facts.recovery = Math.round(performance.now() - start)
        return
      }
      if (found.includes("pending")) break
      await sleep(POLL)
    } while (performance.now() - start < RECOVERY_LIMIT)
    this.facts.recovery = Infinity
  }

  /** What was seen so far, with what is still open. */
  report(): Facts {
    clearInterval(this.watch)
    for (const [id, { key, verb }] of this.open) {
      this.open.delete(id)
      this.facts.seen.push({ key, verb, ended: "pending", milliseconds: PATIENCE, lag: 0, detail: "" })
    }
    if (this.before > 0) this.facts.memory = Math.round(peakMemory() - this.before)
    return this.facts
  }

  private async run<A>(
    what: { readonly key: string; readonly verb: "get" | "set" },
    start: () => Promise<A>,
    judge: (value: A) => Pick<Seen, "ended" | "detail">
  ): Promise<Seen> {
    const id = Symbol()
    this.open.set(id, what)
    const from = performance.now()
    let timer: NodeJS.Timeout | undefined = undefined
    const patience = new Promise<Pick<Seen, "ended" | "detail">>((resolve) => {
      timer = setTimeout(() => resolve({ ended: "pending", detail: "" }), PATIENCE)
    })
    // A client may throw where it should reject: both are errors that its caller can catch.
    const settled = (async () => judge(await start()))().catch((error: unknown) => ({
      ended: error instanceof Error ? "error" : "not an error",
      detail: describe(error)
    } as const))
    const ending = await Promise.race([settled, patience])
    clearTimeout(timer)
    this.open.delete(id)
    const until = performance.now()
    const seen = { ...what, ...ending, milliseconds: Math.round(until - from), lag: this.lagBetween(from, until) }
    this.facts.seen.push(seen)
    return seen
  }

  private lagBetween(from: number, until: number): number {
    // What settles at the end of a delay settles before the delay is noticed.
    let lag = Math.max(0, until - Math.max(this.expected, from))
    for (const [at, late] of this.lags) if (at >= from && at - late <= until) lag += late
    return Math.round(lag)
  }
}
