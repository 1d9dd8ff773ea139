/**
 * What a soak has shown: the checks, of which every one must hold, the tables for people, and the file that the
 * documentation is made of.
 */
import * as Table from "@effect-memcache/testing/Table"
import { cpus, totalmem } from "node:os"
import type { Result } from "./Soak.ts"
import type { Sample } from "./Tally.ts"
import { slope } from "./Tally.ts"

/** What must hold: `measured` is what was counted, and the check has passed if that is what it must be. */
export interface Check {
  readonly name: string
  /** As in docs/RELIABILITY.md. */
  readonly invariant: string
  readonly measured: string
  readonly isPassed: boolean
  readonly details: ReadonlyArray<string>
}

const MEBIBYTE = 1_048_576
const TEN_MINUTES = 600_000

/** MiB in ten minutes by which the memory may grow, in a run of ten minutes or more; in a shorter one it says nothing. */
const MAX_SLOPE = 1
const MIN_SECONDS = 600

const whole = (n: number): string => Math.round(n).toLocaleString("en-US")

/** Milliseconds at the beginning in which code is compiled and pools are filled. */
const WARM_UP = 60_000

/** MiB in ten minutes. */
export const growth = (samples: ReadonlyArray<Sample>): number => {
  const [first, last] = [samples[0]?.at ?? 0, samples.at(-1)?.at ?? 0]
  const warmUp = Math.min(WARM_UP, (last - first) / 4)
  return slope(samples.filter(({ at }) => at >= first + warmUp)) * TEN_MINUTES / MEBIBYTE
}

const none = (
  invariant: string,
  name: string,
  count: number,
  details: ReadonlyArray<string> = []
): Check => ({ invariant, name, measured: whole(count), isPassed: count === 0, details })

const sum = (counts: ReadonlyArray<readonly [string, number]>): number =>
  counts.reduce((total, [, count]) => total + count, 0)

/** Every check of a run. */
export const checks = (result: Result): ReadonlyArray<Check> => {
  const { seconds, tally } = result
  const repeated = result.opaques.repeated()
  const perTenMinutes = growth(tally.samples)
  const isLong = seconds >= MIN_SECONDS
  const misfits = [...tally.endings, ...tally.failedKeys].filter(([name]) =>
    /^(?:Protocol|Client|Decode)Error /.test(name)
  )
  const hits = tally.endings.get("hit") ?? 0
  return [
    none("A1", "wrong values", tally.wrong.count, tally.wrong.shown),
    none("A1", "stale values", tally.stale.count, tally.stale.shown),
    none(
      "A1",
      "replies that fit no request, of servers that make no mistake",
      sum(misfits),
      misfits.map(([name, count]) => `${count} ${name}`)
    ),
    none("A2", "settled late", tally.late.count, tally.late.shown),
    none("A2", "never settled", tally.unsettled.count, tally.unsettled.shown),
    none("A3", "failures without a type", tally.untyped.count, tally.untyped.shown),
    none("A4", "unhandled rejections", tally.unhandled.count, tally.unhandled.shown),
    {
      invariant: "A5",
      name: `heap, MiB in 10 minutes (${isLong ? `at most ${MAX_SLOPE}` : "not judged in so short a run"})`,
      measured: perTenMinutes.toFixed(2),
      isPassed: !isLong || perTenMinutes <= MAX_SLOPE,
      details: []
    },
    none("A6", "sockets left", result.socketsLeft),
    none("A6", "timers, listeners and other things left", tally.left.count, tally.left.shown),
    none(
      "A7",
      "opaques sent twice",
      repeated.length,
      repeated.slice(0, 5).map(([opaque, n]) => `${opaque}: ${n} times`)
    ),
    none("A7", "counters and appended values that do not add up", tally.sums.count, tally.sums.shown),
    none("A8", "malformed requests", result.malformedCount, result.malformed.slice(0, 5)),
    none("", "servers that did not come back", result.serversLost),
    {
      invariant: "",
      name: "hits, without which nothing is shown",
      measured: whole(hits),
      isPassed: hits > 0,
      details: []
    }
  ]
}

const sorted = (counts: ReadonlyMap<string, number>): ReadonlyArray<readonly [string, number]> =>
  [...counts].sort(([, a], [, b]) => b - a)

/** Names of errors begin with a capital; what else an operation ends with does not. */
const isError = ([name]: readonly [string, number]): boolean => /^[A-Z]/.test(name)

const section = (
  title: string,
  counts: Iterable<readonly [string, number]>
): ReadonlyArray<readonly [string, string]> => [
  ["", ""],
  [title, ""],
  ...[...counts].map(([name, count]) => [`  ${name}`, whole(count)] as const)
]

/** Everything, for people. */
export const table = (result: Result): string => {
  const { connections, requests, seconds, tally, troubles, worstLag } = result
  const endings = sorted(tally.endings)
  const errors = endings.filter(isError)
  return Table.format([
    ["seconds", seconds.toFixed(0)],
    ["operations", whole(tally.operations)],
    ["  a second", whole(tally.operations / seconds)],
    ["  due and not started", whole(tally.skipped)],
    ["requests on the wire", whole(requests)],
    ["connections", whole(connections)],
    ["slowest operation, ms", whole(tally.longest)],
    ["event loop late, ms at most", whole(worstLag)],
    ["heap at the end, MiB", whole((tally.samples.at(-1)?.heapUsed ?? 0) / MEBIBYTE)],
    ["generations of keys compared with the servers", `${tally.compared} of ${tally.compared + tally.notCompared}`],
    ...section("what was done", sorted(tally.kinds)),
    ...section("how it ended", endings.filter((ending) => !isError(ending))),
    ...section("errors, with their outcome", errors),
    ...section("keys that failed in batches that did not", sorted(tally.failedKeys)),
    ...section("what went wrong, how often", sorted(troubles))
  ])
}

/** The checks, for people. */
export const verdict = (all: ReadonlyArray<Check>): string => {
  const rows = all.map(({ invariant, isPassed, measured, name }) => [
    `${isPassed ? "ok  " : "FAIL"}  ${invariant.padEnd(2)}  ${name}`,
    measured
  ])
  const details = all.filter(({ isPassed }) => !isPassed).flatMap(({ details, name }) =>
    details.map((detail) => `${name}: ${detail}`)
  )
  return [Table.format(rows), ...details].join("\n")
}

/** What `results/latest.json` holds. */
export const toJson = (
  result: Result,
  all: ReadonlyArray<Check>,
  about: { readonly command: string; readonly seed: number; readonly rate: number }
): string =>
  JSON.stringify(
    {
      ...about,
      date: new Date().toISOString().slice(0, 10),
      node: process.version,
      memcached: result.memcached,
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / MEBIBYTE / 1024),
      seconds: Math.round(result.seconds),
      operations: result.tally.operations,
      operationsPerSecond: Math.round(result.tally.operations / result.seconds),
      notStarted: Math.round(result.tally.skipped),
      requests: result.requests,
      connections: result.connections,
      slowestMilliseconds: Math.round(result.tally.longest),
      worstLagMilliseconds: Math.round(result.worstLag),
      heapMiBPerTenMinutes: Number(growth(result.tally.samples).toFixed(2)),
      generationsCompared: result.tally.compared,
      kinds: Object.fromEntries(sorted(result.tally.kinds)),
      endings: Object.fromEntries(sorted(result.tally.endings).filter((ending) => !isError(ending))),
      errors: Object.fromEntries(sorted(result.tally.endings).filter(isError)),
      failedKeys: Object.fromEntries(sorted(result.tally.failedKeys)),
      troubles: Object.fromEntries(sorted(result.troubles)),
      checks: all.map(({ invariant, isPassed, measured, name }) => ({ invariant, name, measured, isPassed }))
    },
    null,
    2
  ) + "\n"
