/**
 * From turns to figures: medians, and the ratios that the targets are about.
 */
import { byName } from "./Clients.ts"
import type { Performance } from "./Contest.ts"
import type { Work } from "./Work.ts"
import type { Idle } from "./worker.ts"

/** One client at one work. */
export interface Figures {
  readonly client: string
  readonly role: string
  /** Medians over the turns; 0 if there was none. */
  readonly perSecond: number
  readonly cpuMicroseconds: number
  /** What the medians are of. */
  readonly perSecondByTurn: ReadonlyArray<number>
  readonly cpuMicrosecondsByTurn: ReadonlyArray<number>
  readonly idle?: Idle | undefined
  readonly error?: string | undefined
}

export interface Result {
  readonly work: string
  readonly title: string
  readonly kind: Work["kind"]
  readonly figures: ReadonlyArray<Figures>
}

/** What a ratio must be at least, or at most: a median over the turns, each compared with the other client's next to it. */
export interface Target {
  readonly title: string
  readonly rule: string
  /** Of speeds; 0 if the client failed. */
  readonly ratio: number
  /** Of the CPU that the other client needs and ours needs: what a machine that is busy with other things changes less. */
  readonly cpuRatio: number
  readonly isMet: boolean
}

export interface Summary {
  readonly date: string
  readonly isQuick: boolean
  readonly seconds: number
  readonly machine: {
    readonly node: string
    readonly memcached: string
    readonly processor: string
    readonly cores: number
    readonly platform: string
    /** Processes that wanted to run in the minute before. */
    readonly loadBefore: number
  }
  readonly targets: ReadonlyArray<Target>
  readonly results: ReadonlyArray<Result>
}

export const median = (numbers: ReadonlyArray<number>): number => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return 0
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const resultOf = (work: Work, performances: ReadonlyArray<Performance>): Result => ({
  work: work.name,
  title: work.title,
  kind: work.kind,
  figures: performances.map(figuresOf)
})

const figuresOf = ({ client, error, idle, turns }: Performance): Figures => {
  const speeds = turns.map(({ operations, seconds }) => operations / seconds)
  const costs = turns.map(({ cpuSeconds, operations }) => cpuSeconds * 1_000_000 / operations)
  return {
    client,
    role: byName(client).role,
    perSecond: median(speeds),
    cpuMicroseconds: median(costs),
    perSecondByTurn: speeds.map(Math.round),
    cpuMicrosecondsByTurn: costs.map((cost) => Number(cost.toPrecision(4))),
    idle: idle.length === 0 ? undefined : {
      startMilliseconds: median(idle.map(({ startMilliseconds }) => startMilliseconds)),
      heapBytes: median(idle.map(({ heapBytes }) => heapBytes)),
      residentBytes: median(idle.map(({ residentBytes }) => residentBytes))
    },
    error
  }
}

/** Ratios within one run that the client must reach, whatever the machine. */
const floors: ReadonlyArray<readonly [work: string, againstPeer: number, againstBare: number]> = [
  ["get-100", 3, 0.5],
  ["get-1000", 4, 0.5],
  ["set-100", 2.2, 0.5],
  ["get-1", 0.9, 0.85],
  ["set-1", 0.9, 0.85],
  ["mixed", 3, 0.5],
  ["batch-8", 1.6, 0.6],
  ["get-10k", 2, 0.7],
  ["get-900k-8", 1.2, 0.8]
]

/** How much more a get may cost when 100,000 are started at once and not 1,000. */
const BURST_LIMIT = 1.5

/** What may be left of the speed when metrics are read every second. */
const METRICS_FLOOR = 0.85

/** What may be left of the speed when values are checked by a schema, and when a hit might have been a miss. */
const variantFloors: ReadonlyArray<readonly [work: string, ours: string, theirs: string, floor: number]> = [
  ["structs", "effect-store", "effect-structs", 0.6],
  ["read-through", "effect-get-or-set", "effect", 0.8]
]

/** Every target whose work was measured. A client that failed has missed it. */
export const targetsOf = (results: ReadonlyArray<Result>): ReadonlyArray<Target> => {
  const figuresOf = (work: string): ReadonlyArray<Figures> =>
    results.find((result) => result.work === work)?.figures ?? []
  const titleOf = (work: string): string => results.find((result) => result.work === work)?.title ?? work
  const targets: Array<Target> = []
  const add = (
    title: string,
    rule: string,
    ours: Figures | undefined,
    theirs: Figures | undefined,
    judge: (ratio: number) => boolean
  ): void => {
    if (ours === undefined || theirs === undefined) return
    const hasFailed = ours.error !== undefined || theirs.error !== undefined
    const ratio = hasFailed ? 0 : ratioOfTurns(ours.perSecondByTurn, theirs.perSecondByTurn)
    const cpuRatio = hasFailed ? 0 : ratioOfTurns(theirs.cpuMicrosecondsByTurn, ours.cpuMicrosecondsByTurn)
    targets.push({ title, rule, ratio, cpuRatio, isMet: !hasFailed && judge(ratio) })
  }
  for (const [work, ...wanted] of floors) {
    const figures = figuresOf(work)
    const ours = figures.find(({ client }) => client === "effect")
    const opponents = [fastest(figures.filter(({ role }) => role === "peer")), figures.find(isBare)]
    opponents.forEach((theirs, i) => {
      const floor = wanted[i]!
      add(titleOf(work), `at least ${floor} times ${theirs?.client}`, ours, theirs, (ratio) => ratio >= floor)
    })
  }
  for (const [work, ours, theirs, floor] of variantFloors) {
    const [variant, plain] = [ours, theirs].map((name) => figuresOf(work).find(({ client }) => client === name))
    add(titleOf(work), `at least ${floor} of ${theirs}`, variant, plain, (ratio) => ratio >= floor)
  }
  const bursts = [figuresOf("burst-100000"), figuresOf("burst-1000")].map((figures) =>
    figures.find(({ client }) => client === "effect")
  )
  const [metrics, plain] = ["effect-metrics", "effect"].map((name) =>
    figuresOf("observed").find(({ client }) => client === name)
  )
  add(
    "cost of a get, 100,000 started at once",
    `at most ${BURST_LIMIT} times that of 1,000`,
    bursts[1],
    bursts[0],
    (ratio) => ratio <= BURST_LIMIT
  )
  add("get with metrics", `at least ${METRICS_FLOOR} of without`, metrics, plain, (ratio) => ratio >= METRICS_FLOOR)
  return targets
}

const ratioOfTurns = (above: ReadonlyArray<number>, below: ReadonlyArray<number>): number =>
  median(above.slice(0, below.length).map((n, i) => n / below[i]!))

const isBare = ({ client }: Figures): boolean => client === "bare"

const fastest = (figures: ReadonlyArray<Figures>): Figures | undefined =>
  figures.filter(({ error }) => error === undefined).sort((a, b) => b.perSecond - a.perSecond)[0]
