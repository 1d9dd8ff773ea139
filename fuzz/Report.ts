/**
 * What a run has shown, for people and for the file that the documentation is made of.
 */
import { cpus } from "node:os"
import type { Row } from "./Campaign.ts"
import type { Target } from "./Target.ts"

/** Growth of the heap over a whole run that is more than noise, in bytes. */
const MAX_GROWTH = 16 * 1024 * 1024

const TEN_MILLION = 10_000_000

const whole = (n: number): string => Math.round(n).toLocaleString("en-US")

/** Growth over the run, in bytes; `null` if it could not be measured. */
const growthOf = ({ heapSlope, inputs }: Row): number | null => heapSlope === null ? null : heapSlope * inputs / 1000

/** Whether the memory of this target grows with its inputs. */
export const isGrowing = (row: Row): boolean => (growthOf(row) ?? 0) > MAX_GROWTH

const HEAD = ["target", "inputs", "inputs/core s", "ns/byte", "longest ms", "heap B/1000", "failures"]

const cells = (row: Row): ReadonlyArray<string> => [
  row.target,
  whole(row.inputs),
  whole(row.inputsPerSecond),
  whole(row.nanosecondsPerByte),
  row.longestMilliseconds.toFixed(2),
  row.heapSlope === null ? "-" : whole(row.heapSlope) + (isGrowing(row) ? " GROWS" : ""),
  whole(row.failures)
]

const sum = (rows: ReadonlyArray<Row>, key: "inputs" | "bytes" | "seconds" | "cpuSeconds" | "failures"): number =>
  rows.reduce((total, row) => total + row[key], 0)

/** The table of a run. */
export const table = (rows: ReadonlyArray<Row>): string => {
  const inputs = sum(rows, "inputs")
  const busy = rows.reduce((total, row) => total + row.nanosecondsPerByte * row.bytes, 0)
  const total = [
    "all",
    whole(inputs),
    whole(inputs / sum(rows, "cpuSeconds")),
    whole(busy / sum(rows, "bytes")),
    Math.max(...rows.map((row) => row.longestMilliseconds)).toFixed(2),
    "",
    whole(sum(rows, "failures"))
  ]
  const lines = [HEAD, ...rows.map(cells), total]
  const widths = HEAD.map((_, i) => Math.max(...lines.map((line) => line[i].length)))
  const text = lines.map((line) =>
    line.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ").trimEnd()
  )
  const rule = "-".repeat(widths.reduce((a, b) => a + b + 2, -2))
  return [text[0], rule, ...text.slice(1, -1), rule, text.at(-1)].join("\n")
}

/** How many seconds of a core ten million inputs take at the speeds measured, shared out as a run shares them out. */
export const secondsForTenMillion = (rows: ReadonlyArray<Row>, targets: ReadonlyArray<Target>): number => {
  const shares = targets.reduce((total, target) => total + target.share, 0)
  return rows.reduce((total, row) => {
    const { share } = targets.find(({ name }) => name === row.target)!
    return total + TEN_MILLION * share / shares / row.inputsPerSecond
  }, 0)
}

/** What `results/latest.json` holds. */
export const toJson = (
  rows: ReadonlyArray<Row>,
  targets: ReadonlyArray<Target>,
  { command, seed }: { readonly command: string; readonly seed: number }
): string =>
  JSON.stringify(
    {
      command,
      seed,
      date: new Date().toISOString().slice(0, 10),
      node: process.version,
      cpu: cpus()[0]?.model ?? "unknown",
      inputs: sum(rows, "inputs"),
      seconds: Number(sum(rows, "seconds").toFixed(1)),
      cpuSeconds: Number(sum(rows, "cpuSeconds").toFixed(1)),
      inputsPerSecond: Math.round(sum(rows, "inputs") / sum(rows, "cpuSeconds")),
      secondsForTenMillion: Math.round(secondsForTenMillion(rows, targets)),
      failures: sum(rows, "failures"),
      targets: rows.map((row) => ({
        ...row,
        seconds: Number(row.seconds.toFixed(1)),
        cpuSeconds: Number(row.cpuSeconds.toFixed(1)),
        inputsPerSecond: Math.round(row.inputsPerSecond),
        nanosecondsPerByte: Math.round(row.nanosecondsPerByte),
        longestMilliseconds: Number(row.longestMilliseconds.toFixed(2)),
        heapSlope: row.heapSlope === null ? null : Math.round(row.heapSlope)
      }))
    },
    null,
    2
  ) + "\n"
