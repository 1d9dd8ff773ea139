/**
 * What is measured: every work, once, with what it needs.
 *
 * Each client does the same work on the same keys and values, so a work says nothing about how it is done.
 */

/** What one operation is. A batch counts as one, and so does each get of a burst. */
export type Kind = "get" | "set" | "mixed" | "increment" | "batch" | "burst" | "idle"

export interface Work {
  /** For `--only`. */
  readonly name: string
  readonly title: string
  readonly kind: Kind
  /** Bytes of a value. */
  readonly size: number
  /** What a value is, if it is no text. */
  readonly shape?: "struct" | undefined
  /** How many different keys there are. */
  readonly keys: number
  /** Operations that are always under way; for a burst, how many are started at once. */
  readonly inFlight: number
  readonly servers: number
  /** How often each client has its turn, and how long a turn is compared to that of other works. */
  readonly rounds: number
  readonly turn: number
  /** Whether `--quick` runs it. */
  readonly isQuick: boolean
  /** Who takes part, if not all; with `--quick` perhaps only some. */
  readonly clients?: ReadonlyArray<string> | undefined
  readonly quickClients?: ReadonlyArray<string> | undefined
}

/** Keys of one batch. */
export const BATCH_SIZE = 100

// Short turns, and many: what else the machine does comes and goes within seconds, and hits all clients alike then.
const ROUNDS = 15

const work = (name: string, title: string, rest: Partial<Work> & Pick<Work, "kind">): Work => ({
  name,
  title,
  size: 100,
  keys: 1000,
  inFlight: 100,
  servers: 1,
  rounds: ROUNDS,
  turn: 1,
  isQuick: false,
  ...rest
})

const count = (n: number): string => n.toLocaleString("en-US")

const small = (["get", "set"] as const).flatMap((kind) =>
  [1, 10, 100, 1000, 10_000].map((inFlight) =>
    work(`${kind}-${inFlight}`, `${kind} of 100 bytes, ${count(inFlight)} in flight`, {
      kind,
      inFlight,
      // One round trip at a time measures the scheduler of the machine as much as the client.
      rounds: inFlight === 1 ? 25 : ROUNDS,
      // Long enough for each of those in flight to be answered several times.
      turn: inFlight === 10_000 ? 3 : 1,
      isQuick: inFlight === 1 || inFlight === 100 || (inFlight === 1000 && kind === "get")
    })
  )
)

const large = (["get", "set"] as const).flatMap((kind) =>
  [1, 8].map((inFlight) =>
    work(`${kind}-900k-${inFlight}`, `${kind} of 900 KB, ${inFlight} in flight`, {
      kind,
      inFlight,
      size: 900 * 1024,
      keys: 8,
      turn: 2,
      isQuick: kind === "get" && inFlight === 8
    })
  )
)

const batches = [1, 3].flatMap((servers) =>
  [1, 8].map((inFlight) =>
    work(
      `batch-${inFlight}${servers === 1 ? "" : "-three"}`,
      `batch of ${BATCH_SIZE} keys, ${inFlight} in flight, ${servers === 1 ? "one server" : "three servers"}`,
      { kind: "batch", inFlight, servers, isQuick: inFlight === 8 && servers === 1 }
    )
  )
)

const bursts = [1000, 100_000].map((inFlight) =>
  work(`burst-${inFlight}`, `${count(inFlight)} gets started at once`, {
    kind: "burst",
    inFlight,
    rounds: 5,
    isQuick: true,
    quickClients: ["bare", "effect"]
  })
)

const idle = [3, 100].map((servers) =>
  work(`idle-${servers}`, `idle client, ${servers} servers`, {
    kind: "idle",
    servers,
    rounds: 3,
    clients: ["bare", "effect-alone", "effect", "memcached", "memjs", "memcache-client", "memcache"]
  })
)

export const works: ReadonlyArray<Work> = [
  ...small,
  work("get-10k", "get of 10 KB, 64 in flight", {
    kind: "get",
    size: 10 * 1024,
    keys: 100,
    inFlight: 64,
    isQuick: true
  }),
  ...large,
  ...batches,
  work("mixed", "90 % get, 10 % set of 100 bytes, 100 in flight", { kind: "mixed", isQuick: true }),
  work("increment", "increment, 100 in flight", { kind: "increment", keys: 100 }),
  ...bursts,
  work("observed", "get of 100 bytes, 100 in flight, with metrics and a tracer", {
    kind: "get",
    // Metrics are read every second.
    turn: 8,
    rounds: 5,
    isQuick: true,
    clients: ["effect", "effect-metrics", "effect-traced"]
  }),
  work("structs", "get of a struct of five fields, 1,000 in flight, with and without a schema", {
    kind: "get",
    inFlight: 1000,
    shape: "struct",
    isQuick: true,
    clients: ["effect-structs", "effect-store"]
  }),
  work("read-through", "get of 100 bytes, 1,000 in flight, by get and by getOrSet", {
    kind: "get",
    inFlight: 1000,
    isQuick: true,
    clients: ["effect", "effect-get-or-set"]
  }),
  ...idle
]

/** Works by their names, where `*` stands for anything. */
export const select = (patterns: ReadonlyArray<string>): ReadonlyArray<Work> =>
  works.filter(({ name }) => patterns.some((pattern) => new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name)))
