/**
 * Prints a run as a table, for people who want to see more than that it was well.
 */
import { SEVERAL } from "@effect-memcache/testing/Ledger"
import { format } from "@effect-memcache/testing/Table"
import type { Run } from "./Fleet.ts"
import { VICTIM } from "./Fleet.ts"
import * as Verdict from "./Verdict.ts"

const millis = (value: number): string => Number.isNaN(value) ? "-" : value.toFixed(1)

const PHASES = ["before", "down", "after"] as const

export const print = (run: Run): void => {
  const { failures, lag, ledger, scenario, servers, stamps, times } = run
  const where = [...servers.map((_, i) => i), SEVERAL]
  const nameOf = (server: number): string =>
    server === SEVERAL ? "batches" : server === VICTIM ? `server ${server}, the victim` : `server ${server}`
  const outcomes = [...ledger.tally().keys()].filter((outcome) => outcome !== "hit" && outcome !== "absent")
  const [p50, p99] = [Verdict.latencies(run, 0.5), Verdict.latencies(run, 0.99)]
  const rows = where.flatMap((server) =>
    PHASES.map((phase) => {
      const tally = ledger.tally(phase, server)
      const of = (outcome: string): number => tally.get(outcome) ?? 0
      return [
        `${nameOf(server)}, ${phase}`,
        [...tally.values()].reduce((sum, count) => sum + count, 0),
        of("hit"),
        of("absent"),
        ...outcomes.map(of),
        ...[p50, p99].map((each) => server === SEVERAL ? "-" : millis(each[server][phase]))
      ]
    })
  )
  const head = ["", "operations", "hits", "absent", ...outcomes, "p50 ms", "p99 ms"]
  const facts = [
    `wrong values ${stamps.wrongCount}`,
    `stale ${stamps.staleCount}`,
    `untyped ${failures.untypedCount}`,
    `unsettled ${ledger.unsettled}`,
    `found dead after ${millis(Verdict.detection(run))} ms`,
    `back in use after ${millis(Verdict.returning(run))} ms`,
    `dials of the victim ${run.dials.filter((at) => at >= times.fault).length}`,
    `loop late by at most ${millis(lag.worst())} ms`,
    `others used ${Math.round(run.others * 100)} % of the processors`
  ]
  const keys = [...ledger.failedKeys].map(([entry, count]) => `${count} (${entry})`)
  console.log([
    `\n${scenario.fault}, policy ${scenario.policy}, ${scenario.outage / 1000} s, ${scenario.fibers} fibers`,
    format([head, ...rows]),
    facts.join(", "),
    ...Verdict.isDisturbed(run)
      ? ["THE P99 WAS NOT JUDGED: with so much else on the machine it says nothing of the client."]
      : [],
    ...keys.length > 0 ? [`keys of batches that failed (phase, server, reason): ${keys.join(", ")}`] : []
  ].join("\n"))
}
