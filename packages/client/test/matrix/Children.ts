/**
 * Starts a process for each row, a few at a time, and judges from outside what a process cannot say of itself: whether it
 * ended by itself and well, and what it has printed.
 */
import * as Secrets from "@effect-memcache/testing/Secrets"
import * as Table from "@effect-memcache/testing/Table"
import { spawn } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Row } from "./Row.ts"
import { MARK, PASSWORD } from "./Row.ts"
import type { Fact } from "./Verdict.ts"
import * as Verdict from "./Verdict.ts"

export interface Result {
  readonly row: Row
  readonly problems: ReadonlyArray<string>
  readonly facts: ReadonlyArray<Fact>
  /** Milliseconds from the start of the process to its end. */
  readonly took: number
  /** The end of what it printed, if it ended without a verdict. */
  readonly output: string
}

const ARGS = [
  "--conditions=@effect-memcache/source",
  "--unhandled-rejections=strict",
  "--max-old-space-size=256",
  // Otherwise garbage that is not yet looked at takes up to 48 MiB, which hides what is kept.
  "--max-semi-space-size=4",
  join(import.meta.dirname, "run-row.ts")
]

/** Seconds. */
const LIMIT = 20

/** Milliseconds in which a process must end when its row is over. */
const ENDING = 1000

/** Runs rows, so many at a time. */
export class Children {
  readonly results: Array<Result> = []

  private readonly width: number
  private running = 0
  private readonly waiting: Array<() => void> = []

  constructor(width: number) {
    this.width = width
  }

  /** Runs a row in a process of its own, when there is room for it. */
  async result(row: Row): Promise<Result> {
    const result = await this.inTurn(() => execute(row))
    this.results.push(result)
    return result
  }

  /** Runs rows one after the other in one process, of which nothing is seen from outside; answers their verdicts. */
  async verdicts(rows: ReadonlyArray<Row>): Promise<ReadonlyArray<Verdict.Verdict>> {
    const ended = await this.inTurn(() => start(rows, LIMIT))
    return Verdict.parseAll(ended.stdout)
  }

  private async inTurn<A>(work: () => Promise<A>): Promise<A> {
    if (this.running >= this.width) await new Promise<void>((resolve) => this.waiting.push(resolve))
    else this.running++
    try {
      return await work()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.running--
      else next()
    }
  }

  /** Every row that was run, with what was measured. */
  table(): string {
    const sorted = [...this.results].sort((a, b) => a.row.number - b.row.number)
    const lines = sorted.map(({ facts, problems, row, took }) => [
      `${row.number} ${row.title}`,
      problems.length === 0 ? "ok" : "FAILED",
      `${(took / 1000).toFixed(1)} s`,
      row.expected,
      facts.map(({ measured, name }) => `${name} ${measured}`).join(", ")
    ])
    return Table.format([["row", "", "", "expected", "measured"], ...lines], { align: "left" })
  }
}

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  /** When it ended, in Unix milliseconds. */
  readonly endedAt: number
  readonly stdout: string
  readonly stderr: string
  readonly took: number
}

const start = (rows: ReadonlyArray<Row>, limit: number): Promise<Ended> =>
  new Promise((resolve) => {
    const begun = performance.now()
    const child = spawn(process.execPath, [...ARGS, ...rows.map(({ number }) => String(number))], {
      stdio: ["ignore", "pipe", "pipe"],
      // Sixty processes load the same files.
      env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "effect-memcache-compiled") }
    })
    const chunks: { readonly stdout: Array<Buffer>; readonly stderr: Array<Buffer> } = { stdout: [], stderr: [] }
    child.stdout.on("data", (chunk: Buffer) => chunks.stdout.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => chunks.stderr.push(chunk))
    const killer = setTimeout(() => child.kill("SIGKILL"), limit * 1000)
    let endedAt = 0
    child.on("exit", () => endedAt = Date.now())
    child.on("close", (code, signal) => {
      clearTimeout(killer)
      const [stdout, stderr] = [Buffer.concat(chunks.stdout).toString(), Buffer.concat(chunks.stderr).toString()]
      resolve({ code, signal, endedAt, stdout, stderr, took: performance.now() - begun })
    })
  })

const execute = async (row: Row): Promise<Result> => {
  const ended = await start([row], row.limit ?? LIMIT)
  const verdict = Verdict.parse(ended.stdout)
  const output = verdict === undefined ? `${ended.stdout}\n${ended.stderr}`.slice(-4000) : ""
  return { row, problems: judge(verdict, ended), facts: verdict?.facts ?? [], took: ended.took, output }
}

const judge = (verdict: Verdict.Verdict | undefined, ended: Ended): ReadonlyArray<string> => {
  const { code, endedAt, signal, stderr, stdout } = ended
  const late = verdict === undefined ? 0 : endedAt - verdict.doneAt
  return [
    ...verdict?.problems ?? ["row: it printed no verdict"],
    ...code === 0 ? [] : [`A4: the process ended with ${signal ?? `code ${code}`}`],
    ...late > ENDING ? [`A6: the process ended ${late} ms after its row`] : [],
    ...Secrets.found(stdout + stderr, { "the password": PASSWORD, "a value": MARK }).map((found) =>
      `A10: ${found} was printed`
    )
  ]
}

/** What a reader of a failed test needs. */
export const explain = ({ facts, output, problems, row }: Result): string =>
  [
    `row ${row.number}: ${row.title}. Expected: ${row.expected}.`,
    ...problems.map((problem) => `- ${problem}`),
    `Measured: ${facts.map(({ measured, name }) => `${name} ${measured}`).join(", ")}`,
    `Alone: node ${ARGS.slice(0, -1).join(" ")} packages/client/test/matrix/run-row.ts ${row.number}`,
    output
  ].join("\n").trimEnd()
