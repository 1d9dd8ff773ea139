/**
 * Every operation of a run: when it started, when it settled, how, and to which server its key belongs.
 *
 * A run has a million of them, so they are columns of numbers: a record for each would measure the garbage collector.
 *
 * @since 0.1.0
 */

/**
 * The server of an operation on several servers at once.
 *
 * @category constants
 * @since 0.1.0
 */
export const SEVERAL = 255

const GROWTH = 1 << 17

const PENDING = 0

/**
 * One operation; times are those of `performance.now()`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sample {
  readonly start: number
  readonly settle: number
  readonly outcome: string
}

/**
 * @category models
 * @since 0.1.0
 */
export class Ledger {
  /** How often an operation settled that had settled before. */
  settledTwice = 0
  /** Names of the phases that have begun. */
  readonly phases: Array<{ readonly name: string; readonly start: number }> = []
  /** Keys of batches that failed, which is no failure of the batch: `phase server outcome`. */
  readonly failedKeys = new Map<string, number>()

  private size = 0
  private start = new Float64Array(GROWTH)
  private settle = new Float64Array(GROWTH)
  private server = new Uint8Array(GROWTH)
  private phase = new Uint8Array(GROWTH)
  private outcome = new Uint8Array(GROWTH)
  private readonly outcomes: Array<string> = ["pending"]
  private readonly codes = new Map<string, number>([["pending", PENDING]])

  /** An operation starts now, on a server by its index; answers what to name it by when it ends. */
  begin(server = 0): number {
    const op = this.size++
    if (op === this.start.length) this.grow()
    this.start[op] = performance.now()
    this.server[op] = server
    return op
  }

  /** The operation settles now; `outcome` is any word for how. */
  end(op: number, outcome: string): void {
    if (this.outcome[op] !== PENDING) this.settledTwice++
    this.settle[op] = performance.now()
    // Where it settles: what is in flight when a phase begins has its fate from that phase.
    this.phase[op] = this.phases.length - 1
    this.outcome[op] = this.code(outcome)
  }

  /** A phase begins; an operation belongs to the phase in which it settles. */
  enter(name: string): void {
    this.phases.push({ name, start: performance.now() })
  }

  /** A key of a batch failed. */
  keyFailed(server: number, outcome: string): void {
    const entry = `${this.phases.at(-1)?.name ?? ""} ${server} ${outcome}`
    this.failedKeys.set(entry, (this.failedKeys.get(entry) ?? 0) + 1)
  }

  /** All that have begun. */
  get operations(): number {
    return this.size
  }

  /** Those that have not ended. */
  get unsettled(): number {
    return this.count((_, outcome) => outcome === "pending")
  }

  /** How many there are of each outcome; of one phase and server, if they are given. */
  tally(phase?: string, server?: number): Map<string, number> {
    const counts = new Map<string, number>()
    this.each((op, outcome) => {
      if (phase !== undefined && this.phases[this.phase[op]]?.name !== phase) return
      if (server !== undefined && this.server[op] !== server) return
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
    })
    return counts
  }

  /**
   * Settled operations that took more than `slack` milliseconds beyond their `deadline`, less what the event loop was
   * late from the deadline on. A loop that was late before it is no excuse: a timer is due at the same time after it.
   */
  late(deadline: number, slack: number, lag: (from: number, until: number) => number): Array<Sample> {
    const found: Array<Sample> = []
    this.each((op, outcome) => {
      const [start, settle] = [this.start[op], this.settle[op]]
      const excess = settle - start - deadline
      if (outcome === "pending" || excess <= slack) return
      if (excess - lag(start + deadline, settle) > slack) found.push({ start, settle, outcome })
    })
    return found
  }

  /** The longest time in milliseconds that a settled operation took, less what the event loop itself was late. */
  longest(lag: (start: number, settle: number) => number = () => 0): number {
    let longest = 0
    this.each((op, outcome) => {
      const [start, settle] = [this.start[op], this.settle[op]]
      if (outcome === "pending" || settle - start <= longest) return
      longest = Math.max(longest, settle - start - lag(start, settle))
    })
    return longest
  }

  /** Latencies of the operations of one server that started in a time, unsorted. */
  latencies(server: number, from: number, until: number): Float64Array {
    const found: Array<number> = []
    for (let op = 0; op < this.size; op++) {
      if (this.server[op] !== server || this.outcome[op] === PENDING) continue
      if (this.start[op] >= from && this.start[op] < until) found.push(this.settle[op] - this.start[op])
    }
    return Float64Array.from(found)
  }

  /** The median of a percentile over windows of equal length: one window that the machine spoiled does not decide. */
  percentile(server: number, [from, until]: readonly [number, number], q: number, windows = 5): number {
    const width = (until - from) / windows
    const each = Array.from(
      { length: windows },
      (_, i) => quantile(this.latencies(server, from + i * width, from + (i + 1) * width), q)
    )
    return quantile(Float64Array.from(each), 0.5)
  }

  /** When an operation of this server first settled with an outcome, of those that started after a time. */
  firstAfter(server: number, from: number, outcomes: ReadonlyArray<string>): number {
    let first = Infinity
    this.each((op, outcome) => {
      if (this.server[op] !== server || this.start[op] < from || !outcomes.includes(outcome)) return
      first = Math.min(first, this.settle[op])
    })
    return first
  }

  private count(matches: (op: number, outcome: string) => boolean): number {
    let count = 0
    this.each((op, outcome) => {
      if (matches(op, outcome)) count++
    })
    return count
  }

  private each(visit: (op: number, outcome: string) => void): void {
    for (let op = 0; op < this.size; op++) visit(op, this.outcomes[this.outcome[op]])
  }

  private code(outcome: string): number {
    let code = this.codes.get(outcome)
    if (code === undefined) {
      code = this.outcomes.push(outcome) - 1
      this.codes.set(outcome, code)
    }
    return code
  }

  private grow(): void {
    const longer = <A extends Float64Array | Uint8Array>(column: A, other: A): A => {
      other.set(column)
      return other
    }
    const length = this.start.length * 2
    this.start = longer(this.start, new Float64Array(length))
    this.settle = longer(this.settle, new Float64Array(length))
    this.server = longer(this.server, new Uint8Array(length))
    this.phase = longer(this.phase, new Uint8Array(length))
    this.outcome = longer(this.outcome, new Uint8Array(length))
  }
}

/**
 * The smallest value that a share `q` of all values does not exceed; NaN of none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const quantile = (values: Float64Array, q: number): number =>
  values.length === 0 ? Number.NaN : values.toSorted()[Math.max(Math.ceil(values.length * q) - 1, 0)]
