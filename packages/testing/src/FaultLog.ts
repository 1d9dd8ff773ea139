/**
 * What a fault server saw and did, with monotonic times, and the questions that tests have about it.
 *
 * Memory is bounded: of the entries and of the opaques the newest are kept, and the counters go on.
 *
 * @since 0.1.0
 */

/**
 * A connection was accepted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Accepted {
  readonly _tag: "Accepted"
  /** Milliseconds of `performance.now()`. */
  readonly at: number
  /** From 1, over all restarts of the server. */
  readonly connection: number
}

/**
 * A connection is gone.
 *
 * @category models
 * @since 0.1.0
 */
export interface Closed {
  readonly _tag: "Closed"
  readonly at: number
  readonly connection: number
  /** Bytes of a request that had begun to come. */
  readonly unfinished: number
}

/**
 * A whole request was read.
 *
 * @category models
 * @since 0.1.0
 */
export interface Requested {
  readonly _tag: "Requested"
  readonly at: number
  readonly connection: number
  /** The first word of the line, whether or not that is a command. */
  readonly verb: string
  /** The first key, as on the wire; empty if there is none. */
  readonly key: string
  /** The token behind `O`; empty if there is none. */
  readonly opaque: string
  /** The line without its end, at most its first 512 bytes; a value is never kept. */
  readonly line: string
  /** Size on the wire, value included. */
  readonly bytes: number
  /** Whether it was a whole and legal command. */
  readonly isLegal: boolean
}

/**
 * Bytes were handed to the socket.
 *
 * @category models
 * @since 0.1.0
 */
export interface Written {
  readonly _tag: "Written"
  readonly at: number
  readonly connection: number
  readonly bytes: number
  /** The first 64 bytes. */
  readonly head: string
}

/**
 * One thing that happened.
 *
 * @category models
 * @since 0.1.0
 */
export type Entry = Accepted | Closed | Requested | Written

/**
 * What was counted since the server was made, or since `clear`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counters {
  accepted: number
  closed: number
  requests: number
  /** Requests that were no whole and legal command. */
  malformed: number
  /** Everything that came, TLS aside. */
  bytesRead: number
  /** Of that, whole requests other than `version` and `mn`, with which clients greet and probe. */
  bytesOfUsers: number
  bytesWritten: number
}

/**
 * How much is kept.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Entries (default 50,000, which are about ten megabytes). */
  readonly maxEntries?: number | undefined
  /** Different opaques, of which the older half is forgotten at once (default 200,000). */
  readonly maxOpaques?: number | undefined
}

const GREETINGS: ReadonlySet<string> = new Set(["version", "mn"])

/**
 * Whether a client sends this without being asked to, in order to greet or to probe.
 *
 * @category guards
 * @since 0.1.0
 */
export const isGreeting = (verb: string): boolean => GREETINGS.has(verb)

/**
 * The log of one server.
 *
 * @category models
 * @since 0.1.0
 */
export class FaultLog {
  readonly counters: Counters = {
    accepted: 0,
    closed: 0,
    requests: 0,
    malformed: 0,
    bytesRead: 0,
    bytesOfUsers: 0,
    bytesWritten: 0
  }
  /** Requests by their verb. */
  readonly verbs = new Map<string, number>()
  /** How many are connected now. */
  open = 0
  /** The opaque that came most often, and how often; 0 if none came. */
  largestMultiplicity: { readonly opaque: string; readonly count: number } = { opaque: "", count: 0 }

  private kept: Array<Entry> = []
  private opaques = new Map<string, number>()
  private olderOpaques: ReadonlyMap<string, number> = new Map()
  private readonly maxEntries: number
  private readonly maxOpaques: number
  private readonly watchers = new Set<() => void>()

  constructor(options: Options = {}) {
    this.maxEntries = options.maxEntries ?? 50_000
    this.maxOpaques = options.maxOpaques ?? 200_000
  }

  /** What happened, in its order: the newest entries, if there were more than are kept. */
  get entries(): ReadonlyArray<Entry> {
    return this.kept.length > this.maxEntries ? this.kept.slice(-this.maxEntries) : this.kept
  }

  /** The accepted connections that are kept, in a stretch of `performance.now()`. */
  accepts(from = -Infinity, to = Infinity): ReadonlyArray<Accepted> {
    return this.entries.filter((entry): entry is Accepted =>
      entry._tag === "Accepted" && entry.at >= from && entry.at <= to
    )
  }

  /** The largest number of connections that were accepted within any stretch of so many milliseconds. */
  mostAcceptsWithin(millis: number): number {
    const times = this.accepts().map(({ at }) => at)
    let most = 0
    let first = 0
    for (let last = 0; last < times.length; last++) {
      while (times[last] - times[first] > millis) first++
      most = Math.max(most, last - first + 1)
    }
    return most
  }

  /** The requests that are kept; with a verb, only its own. */
  requests(verb?: string): ReadonlyArray<Requested> {
    return this.entries.filter((entry): entry is Requested =>
      entry._tag === "Requested" && (verb === undefined || entry.verb === verb)
    )
  }

  /** The requests that are kept, without those with which clients greet and probe. */
  get userRequests(): ReadonlyArray<Requested> {
    return this.requests().filter(({ verb }) => !isGreeting(verb))
  }

  /** How many requests had this verb, the forgotten ones included. */
  count(verb: string): number {
    return this.verbs.get(verb) ?? 0
  }

  /** How often this opaque came. More than once means that a command was sent again. */
  multiplicity(opaque: string | number): number {
    const text = String(opaque)
    return this.opaques.get(text) ?? this.olderOpaques.get(text) ?? 0
  }

  /**
   * Resolves when the condition holds, which it may do already, or when the signal says to give up. The condition is asked
   * at every entry, so it should look at counters rather than search the entries.
   */
  until(isSo: (log: FaultLog) => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (signal?.aborted !== true && !isSo(this)) return
        this.watchers.delete(look)
        resolve()
      }
      this.watchers.add(look)
      signal?.addEventListener("abort", look, { once: true })
      look()
    })
  }

  /** Forgets everything, except how many are connected now. */
  clear(): void {
    const { counters } = this
    counters.accepted = 0
    counters.closed = 0
    counters.requests = 0
    counters.malformed = 0
    counters.bytesRead = 0
    counters.bytesOfUsers = 0
    counters.bytesWritten = 0
    this.verbs.clear()
    this.opaques = new Map()
    this.olderOpaques = new Map()
    this.largestMultiplicity = { opaque: "", count: 0 }
    this.kept = []
  }

  /** Writes an entry: the server's side of the log. */
  add(entry: Entry): void {
    this.tally(entry)
    this.kept.push(entry)
    // A quarter at a time: four copies for each entry, instead of all of them each time.
    if (this.kept.length >= 1.25 * this.maxEntries) this.kept = this.kept.slice(-this.maxEntries)
    for (const look of this.watchers) look()
  }

  /** Counts bytes that came. */
  addBytesRead(bytes: number): void {
    this.counters.bytesRead += bytes
    for (const look of this.watchers) look()
  }

  private tally(entry: Entry): void {
    const { counters } = this
    switch (entry._tag) {
      case "Accepted":
        counters.accepted++
        this.open++
        return
      case "Closed":
        counters.closed++
        this.open--
        return
      case "Written":
        counters.bytesWritten += entry.bytes
        return
      case "Requested":
        counters.requests++
        if (!entry.isLegal) counters.malformed++
        if (!isGreeting(entry.verb)) counters.bytesOfUsers += entry.bytes
        this.verbs.set(entry.verb, this.count(entry.verb) + 1)
        if (entry.opaque !== "") this.tallyOpaque(entry.opaque)
    }
  }

  private tallyOpaque(opaque: string): void {
    const count = this.multiplicity(opaque) + 1
    this.opaques.set(opaque, count)
    if (count > this.largestMultiplicity.count) this.largestMultiplicity = { opaque, count }
    // A generation at a time: a Map whose oldest entry is deleted again and again searches for it ever longer.
    if (this.opaques.size < this.maxOpaques / 2) return
    this.olderOpaques = this.opaques
    this.opaques = new Map()
  }
}
