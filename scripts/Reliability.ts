/**
 * The sections of `docs/RELIABILITY.md` that are made of what was measured, so that the page never tells other figures than
 * the last runs: the comparison with the peers, the mutants, the fuzzer and the soak.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { mutations } from "./Mutations.ts"

const root = join(import.meta.dirname, "..")

/** Where the page is. */
export const page = join(root, "docs", "RELIABILITY.md")

/** What is read of `fuzz/results/latest.json`. */
interface Fuzz {
  readonly command: string
  readonly date: string
  readonly node: string
  readonly inputs: number
  readonly cpuSeconds: number
  readonly failures: number
  readonly targets: ReadonlyArray<{
    readonly target: string
    readonly about: string
    readonly inputs: number
    readonly nanosecondsPerByte: number
    readonly longestMilliseconds: number
    readonly failures: number
  }>
}

/** What is read of `soak/results/latest.json`. */
export interface Soak {
  readonly command: string
  readonly date: string
  readonly node: string
  readonly memcached: string
  readonly seconds: number
  readonly operations: number
  readonly operationsPerSecond: number
  readonly connections: number
  readonly slowestMilliseconds: number
  readonly worstLagMilliseconds: number
  readonly endings: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
  readonly troubles: Readonly<Record<string, number>>
  readonly checks: ReadonlyArray<{
    readonly invariant: string
    readonly name: string
    readonly measured: string
    readonly isPassed: boolean
  }>
}

const whole = (n: number): string => Math.round(n).toLocaleString("en-US")

/** As dprint writes it, so that formatting the page changes nothing: every cell is as wide as the widest of its column. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")))
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>): string =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`
  const [first = [], ...rest] = cells
  return [line(first), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)].join("\n")
}

/** In the unit in which one would say it. */
const duration = (seconds: number): string => {
  const tenths = (n: number): string => n.toLocaleString("en-US", { maximumFractionDigits: 1 })
  if (seconds < 120) return `${whole(seconds)} s`
  return seconds < 7200 ? `${tenths(seconds / 60)} minutes` : `${tenths(seconds / 3600)} hours`
}

const readJson = <A>(file: string): A | undefined => {
  const path = join(root, file)
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) as A : undefined
}

const none = (command: string): string => `No run is kept yet; \`${command}\` makes one.`

const fuzz = (): string => {
  const run = readJson<Fuzz>("fuzz/results/latest.json")
  if (run === undefined) return none("npm run fuzz -- --runs 10000000")
  const told = `\`${run.command}\` on ${run.date}, Node ${run.node.slice(1)}: ${whole(run.inputs)} inputs, ${
    whole(run.failures)
  } failures, ${whole(run.cpuSeconds)} s of one core.`
  const rows = run.targets.map((target) => [
    target.target,
    target.about,
    whole(target.inputs),
    whole(target.nanosecondsPerByte),
    String(target.longestMilliseconds),
    whole(target.failures)
  ])
  return `${told}\n\n${table(["target", "what must hold", "inputs", "ns a byte", "longest ms", "failures"], rows)}`
}

const counts = (record: Readonly<Record<string, number>>): string =>
  Object.entries(record).map(([name, count]) => `${whole(count)} × ${name}`).join(", ") || "none"

/** What is told of a soak, or that none is kept. */
export const soak = (run: Soak | undefined): string => {
  if (run === undefined) return none("npm run soak -- --minutes 30 --save")
  const told = `\`${run.command}\` on ${run.date}, Node ${run.node.slice(1)}, memcached ${run.memcached}: ${
    whole(run.operations)
  } operations in ${duration(run.seconds)} (${whole(run.operationsPerSecond)} a second) over ${
    whole(run.connections)
  } connections; the slowest took ${whole(run.slowestMilliseconds)} ms, and the event loop was late by at most ${
    whole(run.worstLagMilliseconds)
  } ms.`
  const checks = run.checks.map(({ invariant, isPassed, measured, name }) => [
    invariant,
    name,
    measured,
    isPassed ? "yes" : "**no**"
  ])
  const rest = [
    `- How operations ended: ${counts(run.endings)}.`,
    `- Errors, with their outcome: ${counts(run.errors)}.`,
    `- What went wrong on purpose: ${counts(run.troubles)}.`
  ]
  return `${told}\n\n${table(["", "check", "measured", "passed"], checks)}\n\n${rest.join("\n")}`
}

const mutants = (): string => {
  const invariants = [...new Set(mutations.map(({ invariant }) => invariant))]
  return table(
    ["", "mistakes that the tests must notice"],
    invariants.map((invariant) => [
      invariant,
      mutations.filter((mutation) => mutation.invariant === invariant).map(({ name }) => name).join("; ")
    ])
  )
}

const comparison = (): string => {
  const file = join(root, "benchmarks", "FAULTS.md")
  if (!existsSync(file)) return none("npm run bench:faults")
  const found = /<!-- begin: comparison -->\s*([^]*?)\s*<!-- end: comparison -->/.exec(readFileSync(file, "utf8"))
  const made = /^Made by [^]*?\n\n/m.exec(readFileSync(file, "utf8"))
  return `${made?.[0].trim() ?? ""}\n\n${found?.[1] ?? ""}`
}

const sections: Readonly<Record<string, () => string>> = {
  comparison,
  mutants,
  fuzz,
  soak: () => soak(readJson("soak/results/latest.json"))
}

/** The names of the sections that the page must have. */
export const names: ReadonlyArray<string> = Object.keys(sections)

/** The text with every marked section made anew. */
export const fill = (text: string): string =>
  text.replaceAll(
    /(<!-- begin: (\w+) -->)[^]*?(<!-- end: \2 -->)/g,
    (all, begin: string, name: string, end: string) => {
      const make = sections[name]
      return make === undefined ? all : `${begin}\n\n${make()}\n\n${end}`
    }
  )
