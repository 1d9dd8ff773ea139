/**
 * From what was seen to one word for the table. Of several findings the gravest counts, and all of them are kept.
 */
import type { Row } from "./Rows.ts"
import type { Facts, Seen } from "./Trial.ts"

/** From the gravest on. */
export const grades = [
  "command injected",
  "uncaught exception",
  "wrong value",
  "hangs",
  "memory",
  "does not recover",
  "does not end",
  "false miss",
  "late",
  "not an error",
  "cannot",
  "not its protocol",
  "ok"
] as const

export type Grade = typeof grades[number]

/** One client in one row, once. */
export interface Run {
  readonly client: string
  readonly row: string
  /** Nothing if the process never wrote it. */
  readonly facts: Facts | undefined
  /** How the process ended: `null` if it was killed, or aborted. */
  readonly code: number | null
  /** Whether it was killed because it used too much memory. */
  readonly isBloated: boolean
  /** The most memory that it was seen to hold, in MiB. */
  readonly resident: number
  /** Milliseconds from the report to the end; killed after two seconds. */
  readonly ended: number | undefined
  readonly stderr: string
  /** Commands that came through, as the server shows them. */
  readonly injected: ReadonlyArray<string>
  readonly accepts: number
}

export interface Finding {
  readonly grade: Grade
  readonly text: string
}

/** What a busy machine may add to a deadline, beyond the lag of the client's own loop. */
const SLACK = 150
const DEADLINE = 250
/** In MiB, with what the observation itself takes. */
const MEMORY_LIMIT = 96
const END_LIMIT = 1000

/** What Node says when it aborts, as it does when its heap is full: no code is left of that, as if it had been killed. */
const FATAL = /^FATAL ERROR/m

const lateness = ({ lag, milliseconds }: Seen): number => Math.round(milliseconds - lag - DEADLINE)

const firstError = (stderr: string): string =>
  (/^(?:\w*Error|Uncaught|FATAL)[^\n]*/m.exec(stderr)?.[0] ?? stderr.trim().split("\n")[0] ?? "").replaceAll(
    /127\.0\.0\.1:\d+/g,
    "the server"
  ).slice(0, 120)

export const findingsOf = (row: Row, run: Run): ReadonlyArray<Finding> => {
  const { facts } = run
  const findings: Array<Finding> = []
  const find = (grade: Grade, text: string): void => void findings.push({ grade, text })
  if (run.injected.length > 0) find("command injected", `command injected (${run.injected.join(", ")})`)
  if (run.isBloated) find("memory", "memory grew beyond 700 MiB")
  else if (run.code === null && FATAL.test(run.stderr)) {
    find("uncaught exception", `process aborted: ${firstError(run.stderr)}`)
  } else if (run.code !== null && run.code !== 0) {
    // Node ends with 13 when what the row awaits can never come, because nothing is left that could bring it.
    if (run.code === 13) find("hangs", "hangs (never settles)")
    else find("uncaught exception", `uncaught exception: ${firstError(run.stderr)}`)
  } else if (facts === undefined) find("hangs", `hangs (process stuck for 30 s, ${run.resident} MiB)`)
  if (facts === undefined) return findings
  if (facts.cannot) find("cannot", "cannot (has no cancellation)")
  if (facts.unusable !== undefined) find("uncaught exception", facts.unusable)
  const count = (ended: Seen["ended"]): ReadonlyArray<Seen> => facts.seen.filter((seen) => seen.ended === ended)
  const total = facts.seen.length
  const wrong = count("wrong")
  if (wrong.length > 0) find("wrong value", `wrong value (${wrong.length} of ${total})`)
  const pending = count("pending")
  if (pending.length > 0 && run.code !== 1) find("hangs", `hangs (${pending.length} of ${total} open after 5 s)`)
  if (facts.memory > MEMORY_LIMIT) find("memory", `memory grew by ${facts.memory} MiB`)
  if (facts.recovery === null) find("does not recover", "does not recover (3 s)")
  const misses = row.isInjection === true
    ? []
    : count("miss")
  if (misses.length > 0) find("false miss", `failure told as a miss (${misses.length} of ${total})`)
  if (row.isUntimed !== true && row.isInjection !== true) {
    const late = facts.seen.filter((seen) => seen.ended !== "pending" && lateness(seen) > SLACK)
    if (late.length > 0) find("late", `late by ${Math.max(...late.map(lateness))} ms (${late.length} of ${total})`)
  }
  const untyped = count("not an error")
  if (untyped.length > 0) find("not an error", `rejected with no Error (${untyped.length} of ${total})`)
  if (row.isEnding === true || row.closesEarly === true) {
    if (run.ended === undefined || run.ended > END_LIMIT) find("does not end", "process does not end")
  }
  return findings
}

export const gravest = (findings: ReadonlyArray<Finding>): Finding =>
  findings.toSorted((a, b) => grades.indexOf(a.grade) - grades.indexOf(b.grade))[0] ?? { grade: "ok", text: "ok" }
