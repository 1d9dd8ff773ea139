/**
 * What came out, for a terminal, for `results/faults.json` and for `FAULTS.md`.
 */
import type { Row } from "./Rows.ts"
import type { Finding, Run } from "./Verdict.ts"
import { findingsOf, gravest } from "./Verdict.ts"

export interface Cell {
  readonly client: string
  /** The gravest of all runs. */
  readonly verdict: Finding
  /** The verdict of each run by itself. */
  readonly runs: ReadonlyArray<string>
  /** Everything that was found, once each. */
  readonly findings: ReadonlyArray<string>
  /** How operations ended, over all runs: `{ "get value": 12 }`. */
  readonly endings: Readonly<Record<string, number>>
  /** Some of the errors that callers saw, and of the wrong values. */
  readonly details: ReadonlyArray<string>
  /** The largest growth in MiB. */
  readonly memory: number
  /** Milliseconds until all was well again in each run; `null` for never, nothing where it was not asked. */
  readonly recovery: ReadonlyArray<number | null>
  readonly accepts: ReadonlyArray<number>
}

export interface Summary {
  readonly date: string
  readonly seconds: number
  readonly node: string
  readonly memcached: string
  readonly times: number
  readonly clients: ReadonlyArray<{ readonly name: string; readonly version: string; readonly settings: string }>
  readonly rows: ReadonlyArray<{
    readonly number: string
    readonly title: string
    readonly explanation: string
    readonly cells: ReadonlyArray<Cell>
  }>
}

const judge = (row: Row, run: Run): ReadonlyArray<Finding> => {
  if (row.isText === true && run.client === "memjs") return [{ grade: "not its protocol", text: "not its protocol" }]
  return findingsOf(row, run)
}

/** The gravest of all runs, and in how many of them, if not in all. */
const overall = (runs: ReadonlyArray<ReadonlyArray<Finding>>): Finding => {
  const worst = gravest(runs.flat())
  const count = runs.filter((findings) => findings.some(({ grade }) => grade === worst.grade)).length
  return worst.grade === "ok" || count === runs.length
    ? worst
    : { grade: worst.grade, text: `${worst.text} in ${count} of ${runs.length} runs` }
}

const cellOf = (row: Row, client: string, runs: ReadonlyArray<Run>): Cell => {
  const all = runs.map((run) => judge(row, run))
  const endings: Record<string, number> = {}
  const details = new Set<string>()
  for (const seen of runs.flatMap(({ facts }) => facts?.seen ?? [])) {
    const word = `${seen.verb} ${seen.ended}`
    endings[word] = (endings[word] ?? 0) + 1
    if (seen.detail !== "" && details.size < 6) details.add(`${word}: ${seen.detail}`)
  }
  return {
    client,
    verdict: overall(all),
    runs: all.map((findings) => gravest(findings).text),
    findings: [...new Set(all.flat().map(({ text }) => text))],
    endings,
    details: [...details],
    memory: Math.max(...runs.map(({ facts }) => facts?.memory ?? 0)),
    recovery: runs.flatMap(({ facts }) => facts?.recovery === undefined ? [] : [facts.recovery]),
    accepts: runs.map(({ accepts }) => accepts)
  }
}

export const summarise = (
  rows: ReadonlyArray<Row>,
  runs: ReadonlyArray<Run>,
  about: Omit<Summary, "rows">
): Summary => ({
  ...about,
  rows: rows.map((row) => ({
    number: row.number,
    title: row.title,
    explanation: row.explanation,
    cells: about.clients.map(({ name }) =>
      cellOf(row, name, runs.filter((run) => run.row === row.number && run.client === name))
    )
  }))
})

/** One line while it runs. */
export const lineOf = (row: Row, run: Run): string =>
  `${row.number.padStart(3)}  ${row.title.padEnd(44)} ${run.client.padEnd(16)} ${gravest(judge(row, run)).text}\n`

export const text = ({ rows }: Summary, isVerbose: boolean): string => {
  const lines = rows.flatMap(({ cells, number, title }) => [
    `\n${number}: ${title}`,
    ...cells.flatMap((cell) => [
      `  ${cell.client.padEnd(16)} ${cell.verdict.text}`,
      ...isVerbose
        ? [
          `      runs: ${cell.runs.join(" / ")}`,
          `      all: ${cell.findings.join("; ")}`,
          `      ${JSON.stringify(cell.endings)}, ${cell.memory} MiB, recovery ${
            JSON.stringify(cell.recovery)
          }, accepts ${cell.accepts.join(" ")}`,
          ...cell.details.map((detail) => `      ${detail}`)
        ]
        : []
    ])
  ])
  return `${lines.join("\n")}\n`
}

const tableLine = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const escape = (words: string): string => words.replaceAll("|", "\\|").replaceAll("<", "&lt;")

/** The comparison as a table of Markdown; `docs/RELIABILITY.md` shows it too, by `scripts/Reliability.ts`. */
const comparison = ({ clients, rows }: Summary): string =>
  [
    tableLine(["", "fault", ...clients.map(({ name, version }) => `${name} ${version}`)]),
    tableLine(["---:", "---", ...clients.map(() => "---")]),
    ...rows.map(({ cells, number, title }) =>
      tableLine([number, title, ...cells.map(({ verdict }) => escape(verdict.text))])
    )
  ].join("\n")

export const markdown = (summary: Summary): string => {
  const { clients, date, memcached, node, rows, seconds, times } = summary
  return `# What clients do when things break

Made by \`npm run bench:faults\` on ${date.slice(0, 10)} in ${seconds} s: Node ${node.slice(1)}, memcached ${memcached}.

Every client goes through every row ${
    times === 2 ? "twice" : `${times} times`
  }, each time in a process of its own with a memcached of its own behind a line
that breaks; a cell shows the gravest of what was seen, and \`results/faults.json\` keeps the rest. The limit for a command is
250 ms where a client has one; late is what needs more than 150 ms longer, after the lag of its event loop is subtracted. An
operation that is open after 5 s hangs. Memory may grow by 96 MiB, with what the observation itself takes. Values tell their
key, so that a wrong one is seen. Clients that answer with nothing where they fail cannot be told from a miss: that is a
failure told as a miss.

<!-- begin: comparison -->

${comparison(summary)}

<!-- end: comparison -->

## What happens in each row

${rows.map(({ explanation, number, title }) => `- **${number}, ${title}.** ${explanation}`).join("\n")}

## Settings

What is not named is at its default.

${clients.map(({ name, settings, version }) => `- ${name} ${version}: ${settings}.`).join("\n")}
`
}
