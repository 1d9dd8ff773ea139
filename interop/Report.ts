/**
 * Prints what was tried with whom as a table.
 */
import type { Reporter, TestModule } from "vitest/node"

/** What one test found out about a neighbour. */
export interface Trial {
  readonly name: string
  readonly version: string
  /** The placement in this client's words, or how values are stored. */
  readonly profile: string
  /** How many keys were written by the neighbour and read by this client. */
  readonly readHere?: number
  /** How many were written by this client and read by the neighbour. */
  readonly readThere?: number
}

const HEAD = ["client", "version", "placement, or values", "written there, read here", "written here, read there"]

const NUMBER = /^[\d,]+$|^-$/

/** Columns as wide as they need to be; numbers stand to the right. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const line = (row: ReadonlyArray<string>): string =>
    row.map((cell, i) => NUMBER.test(cell) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])).join("  ").trimEnd()
  const [head, ...body] = rows.map(line)
  return [head, widths.map((width) => "-".repeat(width)).join("  "), ...body].join("\n")
}

const trialsOf = (modules: ReadonlyArray<TestModule>): ReadonlyArray<Trial> =>
  modules.flatMap((module) => [...module.children.allTests()]).flatMap((test) => {
    const { trial } = test.meta() as { readonly trial?: Trial }
    return test.result().state === "passed" && trial !== undefined ? [trial] : []
  })

class Report implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const rows = new Map<string, Trial>()
    for (const trial of trialsOf(modules)) {
      const key = `${trial.name} ${trial.profile}`
      rows.set(key, { ...rows.get(key), ...trial })
    }
    const cells = [...rows.values()].map(({ name, profile, readHere, readThere, version }) => [
      name,
      version,
      profile,
      readHere === undefined ? "-" : String(readHere),
      readThere === undefined ? "-" : String(readThere)
    ])
    if (cells.length > 0) console.log(`\n${table([HEAD, ...cells])}`)
  }
}

export default Report
