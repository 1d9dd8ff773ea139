/**
 * Runs every check of the repository, and with `--tests` every test, and says in one readable list how each went.
 *
 * A step that fails does not hide the next one: all of them run, the exit code is 1 in the end. The last line is
 * `N passed, N failed`, with `, N skipped` if there are any; a step counts as one, and a step that runs tests counts
 * as its tests.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { delimiter, join, relative } from "node:path"
import { stripVTControlCharacters } from "node:util"

const root = join(import.meta.dirname, "..")
const isCI = process.env["CI"] !== undefined && process.env["CI"] !== "" && process.env["CI"] !== "false"
// What npm does for a script, so that this one can be started without npm, too.
process.env["PATH"] = `${join(root, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}`
// Some tools take CI for a terminal that shows colors.
if (!process.stdout.isTTY) process.env["NO_COLOR"] = "1"
const scratch = mkdtempSync(join(tmpdir(), "check-"))

interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** A few words beside the step's name. */
  readonly remark?: string | undefined
  /** What a reader needs in order to act, below the step's line. */
  readonly details?: string | undefined
}

interface Step {
  readonly name: string
  /** A step that must have ended before this one starts, whatever its result. */
  readonly after?: string | undefined
  readonly run: () => Promise<Outcome>
}

const passed = (remark?: string): Outcome => ({ passed: 1, failed: 0, skipped: 0, remark })
const failed = (details: string): Outcome => ({ passed: 0, failed: 1, skipped: 0, details })

/** Runs a command; its output is collected, or with `live` passed on while it runs. `code` is `undefined` if absent. */
const execute = (command: string, args: ReadonlyArray<string>, live = false) =>
  new Promise<{ readonly code: number | undefined; readonly output: string }>((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", live ? "inherit" : "pipe", live ? "inherit" : "pipe"]
    })
    const chunks: Array<Buffer> = []
    const text = (): string => stripVTControlCharacters(Buffer.concat(chunks).toString("utf8")).trim()
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.on("error", (error) => resolve({ code: undefined, output: error.message }))
    child.on("close", (code) => resolve({ code: code ?? 1, output: text() }))
  })

const tool = (name: string, command: string, args: ReadonlyArray<string>, after?: string): Step => ({
  name,
  after,
  run: async () => {
    const { code, output } = await execute(command, args)
    return code === 0 ? passed() : failed(output)
  }
})

/** Vitest's report, as much of it as is read here. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly assertionResults: ReadonlyArray<{ readonly status: string }>
  }>
}

const summarize = (report: Report, code: number | undefined): Outcome => {
  const skippedOf = (results: Report["testResults"][number]["assertionResults"]): number =>
    results.filter(({ status }) => status !== "passed" && status !== "failed").length
  // A file that cannot be loaded has no test that could fail.
  const broken = report.testResults.filter(({ assertionResults, status }) =>
    status === "failed" && assertionResults.every((result) => result.status !== "failed")
  )
  const skipped = report.testResults.map(({ assertionResults, name }) => [name, skippedOf(assertionResults)] as const)
    .filter(([, count]) => count > 0)
  const failures = report.numFailedTests + broken.length
  if (report.testResults.length === 0) return failed("No test was found.")
  return {
    passed: report.numPassedTests,
    failed: failures === 0 && code !== 0 ? 1 : failures,
    skipped: skipped.reduce((sum, [, count]) => sum + count, 0),
    remark: `${report.numPassedTests} tests in ${report.testResults.length} files`,
    details: skipped.map(([file, count]) => `${count} skipped in ${relative(root, file)}`).join("\n")
  }
}

/** Vitest would leave one of two processors to itself, which takes most of a minute longer. */
const WORKERS = `--maxWorkers=${Math.max(2, availableParallelism() - 1)}`

const tests = (name: string, projects: ReadonlyArray<string>, live: boolean): Step => ({
  name,
  run: async () => {
    const file = join(scratch, `${name.replaceAll(" ", "-")}.json`)
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`]
    const chosen = projects.map((project) => `--project=${project}`)
    const args = ["run", "--config", "vitest.workspace.ts", WORKERS, ...chosen, ...reporters]
    const { code, output } = await execute("vitest", args, live)
    try {
      const outcome = summarize(JSON.parse(readFileSync(file, "utf8")) as Report, code)
      return outcome.failed > 0 && !live ? { ...outcome, details: output } : outcome
    } catch {
      return failed(`${output}\nvitest ended without a report.`.trim())
    }
  }
})

/** That what the tests start is there. `setup.mjs` has tried; here it is decided what its absence means. */
const servers: Step = {
  name: "real servers",
  run: async () => {
    const isMissing = async (command: string, args: ReadonlyArray<string>): Promise<boolean> =>
      (await execute(command, args)).code === undefined
    const version = await execute("memcached", ["-V"])
    const missing = [
      ...version.code === undefined ? ["memcached"] : [],
      ...await isMissing("memccapable", ["-x"]) ? ["memccapable (Debian: libmemcached-tools)"] : [],
      ...await isMissing("openssl", ["version"]) ? ["openssl"] : []
    ]
    if (missing.length === 0) return passed(version.output)
    const sentence = `Not on PATH: ${missing.join(", ")}. The tests that need it cannot run; installing it mends that.`
    return isCI
      ? failed(`${sentence} With CI set, nothing may be skipped.`)
      : { ...passed(), passed: 0, skipped: 1, details: sentence }
  }
}

const checks: ReadonlyArray<Step> = [
  tool("types", "tsc", ["-b"]),
  tool("format", "dprint", ["check"]),
  tool("lint", "oxlint", []),
  tests("import edges", ["workspace"], false),
  tool("unused code", "knip", ["--no-progress", "--no-config-hints"]),
  tool("packages", "node", ["scripts/packages.ts"], "types")
]

const color = (code: number, text: string): string =>
  process.stdout.isTTY && process.env["NO_COLOR"] === undefined ? `\u001b[${code}m${text}\u001b[0m` : text

const print = (step: Step, outcome: Outcome, seconds: number): void => {
  const [code, verdict] = outcome.failed > 0
    ? [31, "FAILED"] as const
    : outcome.passed === 0
    ? [33, "skipped"] as const
    : [32, "ok"] as const
  const time = `${seconds.toFixed(1).padStart(6)} s`
  console.log(`${step.name.padEnd(14)}${color(code, verdict.padEnd(8))}${time}   ${outcome.remark ?? ""}`.trimEnd())
  if (outcome.details) console.log(outcome.details.replaceAll(/^/gm, "    "))
}

/** Runs steps two at a time, and prints each one in its turn, as soon as it is known. */
const runAll = async (steps: ReadonlyArray<Step>): Promise<Array<Outcome>> => {
  const results = steps.map((step) => ({ step, ...Promise.withResolvers<readonly [Outcome, seconds: number]>() }))
  const waiting = [...results]
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { resolve, step } = next
      await results.find((other) => other.step.name === step.after)?.promise
      const start = performance.now()
      const outcome = await step.run().catch((error: unknown) => failed(String(error)))
      resolve([outcome, (performance.now() - start) / 1000])
    }
  }
  const workers = [worker(), worker()]
  const outcomes: Array<Outcome> = []
  for (const { promise, step } of results) {
    const [outcome, seconds] = await promise
    print(step, outcome, seconds)
    outcomes.push(outcome)
  }
  await Promise.all(workers)
  return outcomes
}

const outcomes: Array<Outcome> = []
try {
  if (process.argv.includes("--tests")) {
    outcomes.push(...await runAll([servers, ...checks]))
    // After the checks and alone: tests measure time, and their output is shown while they run.
    outcomes.push(...await runAll([tests("tests", ["!workspace", "!interop", "!matrix"], true)]))
    outcomes.push(...await runAll([tests("fault matrix", ["matrix"], true)]))
  } else {
    outcomes.push(...await runAll(checks))
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

const sum = (key: "passed" | "failed" | "skipped"): number =>
  outcomes.reduce((total, outcome) => total + outcome[key], 0)
console.log(
  `\n${sum("passed")} passed, ${sum("failed")} failed${sum("skipped") > 0 ? `, ${sum("skipped")} skipped` : ""}`
)
process.exitCode = sum("failed") > 0 ? 1 : 0
