/**
 * What a run must show, and in which points it does not.
 */
import * as Counters from "@effect-memcache/testing/Counters"
import type { Counted, Run } from "./Fleet.ts"
import { COMMAND_TIMEOUT, CONNECT_TIMEOUT, VICTIM } from "./Fleet.ts"
import { HIT } from "./Load.ts"

/** What an operation may take beyond its timeout, in milliseconds. */
const SLACK = 50

/** What a probe and the news of it may take beyond the interval. */
const RETURN_SLACK = 50

/** How much slower the other servers may be while one is away. */
export const allowedP99 = (before: number): number => before * 1.5 + 5

export interface Latency {
  readonly server: number
  readonly before: number
  readonly down: number
  readonly after: number
}

/** Percentiles of each server's operations, as medians of windows. */
export const latencies = ({ ledger, servers, times: { back, baseline, end, fault } }: Run, q: number) =>
  servers.map((_, server): Latency => ({
    server,
    before: ledger.percentile(server, [baseline, fault], q),
    down: ledger.percentile(server, [fault, back], q),
    after: ledger.percentile(server, [end - 850, end], q, 3)
  }))

const heard = ({ events, servers }: Run, tag: "ServerDead" | "ServerReturned", from: number): number =>
  events.find((event) => event._tag === tag && event.server === servers[VICTIM] && event.heard >= from)?.heard ??
    Number.NaN

/** Milliseconds from the fault until the client held the server for dead; NaN if it never did. */
export const detection = (run: Run): number => heard(run, "ServerDead", run.times.fault) - run.times.fault

/** Milliseconds from the server's return until the client used it; NaN if it never did. */
export const returning = (run: Run): number => heard(run, "ServerReturned", run.times.fault) - run.times.back

/** Every point in which the run is not as it must be. */
export const problems = (run: Run): ReadonlyArray<string> => [
  ...settling(run),
  ...failing(run),
  ...values(run),
  ...counting(run),
  ...comingBack(run),
  ...slowing(run)
]

const settling = ({ lag, ledger }: Run): ReadonlyArray<string> => {
  const late = ledger.late(COMMAND_TIMEOUT, SLACK, lag.between)
  return [
    ...ledger.operations < 10_000 ? [`only ${ledger.operations} operations`] : [],
    ...ledger.unsettled > 0 ? [`${ledger.unsettled} operations never settled`] : [],
    ...ledger.settledTwice > 0 ? [`${ledger.settledTwice} operations settled twice`] : [],
    ...late.length > 0
      ? [
        `${late.length} operations settled late, the first after ${Math.round(late[0].settle - late[0].start)} ms: ${
          late[0].outcome
        }`
      ]
      : []
  ]
}

const isFailure = (outcome: string): boolean => outcome.includes(" ") || outcome === "untyped"

const failing = ({ failures, ledger, servers }: Run): ReadonlyArray<string> => [
  ...failures.untypedCount > 0
    ? [`${failures.untypedCount} failures that must not be: ${failures.untyped.join("; ")}`]
    : [],
  ...servers.flatMap((_, server) =>
    ledger.phases.flatMap(({ name }) =>
      [...ledger.tally(name, server)]
        .filter(([outcome]) => isFailure(outcome) && (server !== VICTIM || name !== "down"))
        .map(([outcome, count]) => `${count} times ${outcome} for keys of server ${server} ${name}`)
    )
  ),
  ...[...ledger.failedKeys]
    .filter(([entry]) => !entry.startsWith(`down ${VICTIM} `))
    .map(([entry, count]) => `${count} keys of batches failed: ${entry}`)
]

const values = ({ scenario, stamps }: Run): ReadonlyArray<string> => [
  ...stamps.wrongCount > 0
    ? [`${stamps.wrongCount} wrong values, the first ${JSON.stringify(stamps.wrong[0])}`]
    : [],
  // What the other two are documented to do.
  ...stamps.staleCount > 0 && (scenario.policy === "fail" || scenario.policy === "miss")
    ? [`${stamps.staleCount} values that had been overwritten or deleted`]
    : []
]

const counting = ({ counters, scenario }: Run): ReadonlyArray<string> => {
  const isLost = ({ home }: Counted) => scenario.fault === "kill" && home === VICTIM
  const judge = (count: Counted, mayBeLost: boolean): ReadonlyArray<string> => {
    const fault = Counters.fault(count, count.stored, { mayBeLost })
    return fault === undefined ? [] : [fault]
  }
  return [
    ...[...counters.before, ...counters.down].flatMap((count) => judge(count, isLost(count))),
    ...counters.after.flatMap((count) => judge(count, false)),
    ...counters.after.every(({ successes }) => successes === 0) ? ["nothing was counted after the return"] : []
  ]
}

const comingBack = (run: Run): ReadonlyArray<string> => {
  const { ledger, scenario, times } = run
  // From one probe to the next: at a server that hangs, the probe itself takes until its connection is given up.
  const interval = scenario.probeInterval + (scenario.fault === "freeze" ? CONNECT_TIMEOUT : 0)
  const time = returning(run)
  const served = ledger.firstAfter(VICTIM, times.back, [HIT]) - times.back
  return [
    ...run.events.filter((event) => event._tag === "ServerDead").length === 1
      ? []
      : [`servers died ${run.events.filter((event) => event._tag === "ServerDead").length} times, not once`],
    ...time <= interval + RETURN_SLACK ? [] : [`the server was back in use after ${Math.round(time)} ms`],
    ...served <= interval + 2 * RETURN_SLACK ? [] : [`its first hit came after ${Math.round(served)} ms`]
  ]
}

/** Beyond this share, others on the machine decide on latencies as much as the client does. */
const DISTURBANCE = 0.15

/** Whether the machine was ours enough to compare latencies. */
export const isDisturbed = ({ others }: Run): boolean => others > DISTURBANCE

const slowing = (run: Run): ReadonlyArray<string> =>
  latencies(run, 0.99).filter(({ server }) => server !== VICTIM && !isDisturbed(run))
    .filter(({ before, down }) => !(down <= allowedP99(before)))
    .map(({ before, down, server }) => `p99 of server ${server} is ${down.toFixed(1)} ms, was ${before.toFixed(1)} ms`)
