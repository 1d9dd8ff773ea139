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

/** Runs rows, so many at a time; `result` starts the first ones and answers when that row's process has ended. */
export class Children {
  readonly results: Array<Result> = []

  private readonly width: number
  private running = 0
  private readonly waiting: Array<() => void> = []

  constructor(width: number) {
    this.width = width
  }

  async result(row: Row): Promise<Result> {
    if (this.running >= this.width) await new Promise<void>((resolve) => this.waiting.push(resolve))
    else this.running++
    try {
      const result = await execute(row)
      this.results.push(result)
      return result
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

const execute = (row: Row): Promise<Result> =>
  new Promise((resolve) => {
    const start = performance.now()
    const child = spawn(process.execPath, [...ARGS, String(row.number)], {
      stdio: ["ignore", "pipe", "pipe"],
      // Sixty processes load the same files.
      env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "effect-memcache-compiled") }
    })
    const chunks: { readonly stdout: Array<Buffer>; readonly stderr: Array<Buffer> } = { stdout: [], stderr: [] }
    child.stdout.on("data", (chunk: Buffer) => chunks.stdout.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => chunks.stderr.push(chunk))
    const limit = setTimeout(() => child.kill("SIGKILL"), (row.limit ?? LIMIT) * 1000)
    let endedAt = 0
    child.on("exit", () => endedAt = Date.now())
    child.on("close", (code, signal) => {
      clearTimeout(limit)
      const [stdout, stderr] = [Buffer.concat(chunks.stdout).toString(), Buffer.concat(chunks.stderr).toString()]
      const verdict = Verdict.parse(stdout)
      const problems = judge(verdict, { code, signal, endedAt, output: stdout + stderr })
      const took = performance.now() - start
      const output = verdict === undefined ? `${stdout}\n${stderr}`.slice(-4000) : ""
      resolve({ row, problems, facts: verdict?.facts ?? [], took, output })
    })
  })

const judge = (
  verdict: Verdict.Verdict | undefined,
  ended: {
    readonly code: number | null
    readonly signal: string | null
    readonly endedAt: number
    readonly output: string
  }
): ReadonlyArray<string> => {
  const { code, endedAt, output, signal } = ended
  const late = verdict === undefined ? 0 : endedAt - verdict.closedAt
  return [
    ...verdict?.problems ?? ["row: it printed no verdict"],
    ...code === 0 ? [] : [`A4: the process ended with ${signal ?? `code ${code}`}`],
    ...late > ENDING ? [`A6: the process ended ${late} ms after its scope was closed`] : [],
    ...Secrets.found(output, { "the password": PASSWORD, "a value": MARK }).map((found) => `A10: ${found} was printed`)
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
