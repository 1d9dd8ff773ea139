/**
 * `npm run test:mutants`: breaks the code on purpose, one small mistake at a time, and demands that the tests notice.
 *
 * It works on copies of the working tree, so nothing here is changed. First the named tests are run on code that is
 * whole: what fails there says nothing about a mistake. Words choose mutations by name: `npm run test:mutants -- opaque`.
 */
import { spawn } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import type { Mutation } from "./Mutations.ts"
import { mutations } from "./Mutations.ts"

const root = join(import.meta.dirname, "..")

/** Copies that are worked on side by side. */
const LANES = 2

/** Tests that take longer are ended: a mistake may well make them endless. Code that is whole has more time, for all. */
const PATIENCE_MILLISECONDS = 60_000
const WHOLE_PATIENCE_MILLISECONDS = 300_000

/** What a run of some test files has shown. */
interface Outcome {
  /** By test file: the first test that failed. */
  readonly failures: ReadonlyMap<string, string>
  /** Something outside of any test failed, or the run did not end. */
  readonly disaster: string | undefined
  readonly output: string
}

/** Vitest's report, as much of it as is read here. */
interface Report {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: ReadonlyArray<{ readonly status: string; readonly fullName: string }>
  }>
}

/** A copy of what the tests need. The packages find each other in the copy, everything else where it is installed. */
const copy = (directory: string): void => {
  // Projects without which the configuration does not load; none of their tests is run.
  for (const name of ["examples", "interop", "soak"]) mkdirSync(join(directory, name), { recursive: true })
  for (const name of ["packages", "fuzz", "package.json", "tsconfig.json", "vitest.workspace.ts"]) {
    cpSync(join(root, name), join(directory, name), {
      recursive: true,
      filter: (source) => !/[\\/](dist|node_modules|\.scratch)$/.test(source)
    })
  }
  const modules = join(directory, "node_modules")
  mkdirSync(join(modules, "@effect-memcache"), { recursive: true })
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name === "@effect-memcache" || name === ".vite" || name === ".cache") continue
    symlinkSync(join(root, "node_modules", name), join(modules, name))
  }
  for (const name of readdirSync(join(directory, "packages"))) {
    symlinkSync(join(directory, "packages", name), join(modules, "@effect-memcache", name))
  }
}

const execute = (
  directory: string,
  args: ReadonlyArray<string>,
  patience: number
): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "node_modules", "vitest", "vitest.mjs"), ...args], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1", CI: "true" }
    })
    const chunks: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk))
    const timer = setTimeout(() => child.kill("SIGKILL"), patience)
    child.on("close", (code) => {
      clearTimeout(timer)
      resolve({ code, output: Buffer.concat(chunks).toString("utf8") })
    })
  })

const test = async (
  directory: string,
  files: ReadonlyArray<string>,
  { only, patience }: { readonly only?: string | undefined; readonly patience: number }
): Promise<Outcome> => {
  const file = join(directory, "report.json")
  rmSync(file, { force: true })
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`]
  const names = only === undefined ? [] : ["--testNamePattern", only]
  const args = ["run", "--config", "vitest.workspace.ts", ...reporters, ...names, ...files]
  const { code, output } = await execute(directory, args, patience)
  const failures = new Map<string, string>()
  if (!existsSync(file)) return { failures, disaster: "the run did not end", output }
  const report = JSON.parse(readFileSync(file, "utf8")) as Report
  for (const { assertionResults, message, name, status } of report.testResults) {
    if (status !== "failed") continue
    const first = assertionResults.find((result) => result.status === "failed")
    failures.set(relative(directory, name), first?.fullName ?? message)
  }
  const missing = files.filter((file) => !report.testResults.some(({ name }) => relative(directory, name) === file))
  if (missing.length > 0) return { failures, disaster: `not run: ${missing.join(", ")}`, output }
  return { failures, disaster: failures.size === 0 && code !== 0 ? "an error outside of any test" : undefined, output }
}

/** What is wrong with a mutation itself, or `undefined`. */
const flaw = ({ file, find }: Mutation): string | undefined => {
  if (!existsSync(join(root, file))) return `${file} is not there`
  const count = readFileSync(join(root, file), "utf8").split(find).length - 1
  return count === 1 ? undefined : `what is to be found stands ${count} times in ${file}`
}

/** Makes the mistake, runs the tests, takes it back. Answers who caught it, or why nobody did. */
const judge = async (
  directory: string,
  mutation: Mutation
): Promise<{ readonly isCaught: boolean; readonly by: string; readonly output: string }> => {
  const path = join(directory, mutation.file)
  const whole = readFileSync(path, "utf8")
  writeFileSync(path, whole.replace(mutation.find, () => mutation.replace))
  try {
    const { disaster, failures, output } = await test(directory, mutation.tests, {
      only: mutation.only,
      patience: PATIENCE_MILLISECONDS
    })
    const silent = mutation.tests.filter((file) => !failures.has(file))
    if (disaster !== undefined && !disaster.startsWith("not run")) return { isCaught: true, by: disaster, output }
    if (silent.length > 0) return { isCaught: false, by: `nothing in ${silent.join(" and ")}`, output }
    return { isCaught: true, by: mutation.tests.map((file) => failures.get(file)!).join("; "), output }
  } finally {
    writeFileSync(path, whole)
  }
}

const words = process.argv.slice(2)
const chosen = mutations.filter(({ invariant, name }) =>
  words.length === 0 || words.some((word) => name.includes(word) || invariant === word)
)
const flaws = chosen.flatMap((mutation) => {
  const found = flaw(mutation)
  return found === undefined ? [] : [`${mutation.name}: ${found}`]
})
const scratch = mkdtempSync(join(tmpdir(), "mutants-"))
const started = performance.now()
let caught = 0
try {
  if (flaws.length > 0) throw new Error(`Some mutations do not fit the code any more.\n${flaws.join("\n")}`)
  if (chosen.length === 0) throw new Error("No mutation is called so.")
  const lanes = Array.from({ length: Math.min(LANES, chosen.length) }, (_, i) => join(scratch, String(i)))
  for (const lane of lanes) copy(lane)

  const files = [...new Set(chosen.flatMap(({ tests }) => tests))]
  const base = await test(lanes[0], files, { patience: WHOLE_PATIENCE_MILLISECONDS })
  if (base.disaster !== undefined) throw new Error(`The tests cannot be run: ${base.disaster}.\n${base.output}`)
  console.log(`${files.length - base.failures.size} of ${files.length} test files pass on code that is whole.\n`)

  const isProof = ({ tests }: Mutation): boolean => tests.every((file) => !base.failures.has(file))
  for (const [file, name] of base.failures) console.log(`They prove nothing: ${file} fails by itself (${name})`)
  for (const mutation of chosen) {
    if (!isProof(mutation)) console.log(`${mutation.invariant.padEnd(4)} UNPROVEN         ${mutation.name}`)
  }

  const waiting = chosen.filter(isProof)
  await Promise.all(lanes.map(async (lane) => {
    for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift()) {
      const start = performance.now()
      const { by, isCaught, output } = await judge(lane, mutation)
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      if (isCaught) caught++
      const verdict = isCaught ? "caught" : "ALIVE "
      console.log(`${mutation.invariant.padEnd(4)} ${verdict} ${seconds.padStart(5)} s  ${mutation.name}`)
      console.log(`${" ".repeat(20)}${isCaught ? "by " : ""}${by}`)
      if (!isCaught) console.log(output.replaceAll(/^/gm, "    "))
    }
  }))
} catch (error) {
  console.log((error as Error).message)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.log(`\n${Math.round((performance.now() - started) / 1000)} s`)
console.log(`${caught} passed, ${chosen.length - caught + (chosen.length === 0 ? 1 : 0)} failed`)
process.exitCode = caught === chosen.length && chosen.length > 0 ? 0 : 1
