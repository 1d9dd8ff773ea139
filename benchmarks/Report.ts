/**
 * The same figures for a terminal and for `RESULTS.md`, in tables and in bars of text.
 */
import { byName } from "./Clients.ts"
import type { Figures, Result, Summary, Target } from "./Summary.ts"

const BAR_WIDTH = 40

/** Two or three digits that count. */
const number = (n: number): string =>
  n >= 100 ? Math.round(n).toLocaleString("en-US") : n >= 10 ? n.toFixed(1) : n.toFixed(2)

const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MB`

const bar = (value: number, largest: number): string => {
  const eighths = largest === 0 ? 0 : Math.round(value / largest * BAR_WIDTH * 8)
  const rest = eighths % 8
  return "█".repeat(eighths >> 3) + (rest === 0 ? "" : " ▏▎▍▌▋▊▉"[rest])
}

const title = ({ client }: Figures): string => byName(client).title

const isIdle = ({ kind }: Result): boolean => kind === "idle"

const figureText = (figures: Figures, largest: number): string => {
  const name = title(figures).padEnd(24)
  const { cpuMicroseconds, error, idle, perSecond } = figures
  if (error !== undefined) return `  ${name}failed: ${error}`
  if (idle !== undefined) {
    const start = `${number(idle.startMilliseconds)} ms`.padStart(10)
    return `  ${name}${start} to the first answer, ${megabytes(idle.heapBytes).padStart(8)} of heap, ` +
      `${megabytes(idle.residentBytes).padStart(8)} of memory`
  }
  const speed = `${number(perSecond / 1000)} k/s`.padStart(12)
  const cpu = `${number(cpuMicroseconds)} µs`.padStart(12)
  return `  ${name}${speed}${cpu}   ${bar(perSecond, largest)}`.trimEnd()
}

const largestOf = (result: Result): number => Math.max(...result.figures.map(({ perSecond }) => perSecond))

/** One work for a terminal: speed, client CPU for each operation, and a bar. */
export const workText = (result: Result): string => {
  const lines = result.figures.map((figures) => figureText(figures, largestOf(result)))
  return `\n${result.title}\n${lines.join("\n")}\n`
}

export const targetsText = (targets: ReadonlyArray<Target>): string => {
  if (targets.length === 0) return ""
  const lines = targets.map(({ cpuRatio, isMet, ratio, rule, title }) =>
    `  ${isMet ? "met   " : "MISSED"}  ${ratio.toFixed(2).padStart(6)}  ${cpuRatio.toFixed(2).padStart(6)}  ` +
    `${rule.padEnd(36)}  ${title}`
  )
  return `\nTargets, as ratios within this run: of speed, and beside it of client CPU\n${lines.join("\n")}\n`
}

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`
  return [line(head), line(head.map((_, i) => i === 0 ? "---" : "---:")), ...rows.map(line)].join("\n")
}

const comparison = (
  results: ReadonlyArray<Result>,
  names: ReadonlyArray<string>,
  cell: (figures: Figures) => string
): string =>
  table(
    ["work", ...names.map((name) => byName(name).title)],
    results.map((result) => [
      result.title,
      ...names.map((name) => {
        const figures = result.figures.find(({ client }) => client === name)
        return figures === undefined ? "" : figures.error === undefined ? cell(figures) : "failed"
      })
    ])
  )

const failuresText = (results: ReadonlyArray<Result>): string => {
  const failures = results.flatMap(({ figures, title: work }) =>
    figures.flatMap(({ client, error }) => error === undefined ? [] : [`- ${client}, ${work}: ${error}`])
  )
  return failures.length === 0 ? "" : `\n## What failed\n\n${failures.join("\n")}\n`
}

/** The page for readers. */
export const markdown = (summary: Summary): string => {
  const { machine, results, targets } = summary
  const measured = results.filter((result) => !isIdle(result))
  const idle = results.filter(isIdle)
  const names = [...new Set(results.flatMap(({ figures }) => figures.map(({ client }) => client)))]
  const contestants = names.filter((name) => byName(name).role !== "variant")
  const main = measured.filter(({ figures }) => figures.every(({ role }) => role !== "variant"))
  const observed = measured.filter((result) => !main.includes(result))
  const command = `npm run bench${summary.isQuick ? " -- --quick" : ""}`
  const [day] = summary.date.split("T")
  const load = machine.loadBefore.toFixed(1)
  return `# How fast it is

Made by \`${command}\` on ${day} in ${summary.seconds} s: Node ${machine.node.slice(1)}, memcached \
${machine.memcached}, ${machine.cores} × ${machine.processor}, ${machine.platform}, load ${load} before the run. Only ratios within one run mean anything: client, server and \
whatever else the machine does share its cores.

Each client runs in a process of its own and does the same work on the same keys in turns; figures are medians of the \
turns, and the ratios to be reached medians of the ratios of turns next to each other. Every value that is read is compared. \`raw\` is a socket that gets bytes encoded beforehand and only counts the \
bytes of the replies; \`bare\` is the least client that one can write on \`node:net\` with promises, without timeouts, key \
checks and bounds. \`effect-memcache\` is the program that users write: \`Memcache\` from its layer, callers that are fibers, \
opaques, key checks, deadlines and bounds on; \`set\` of 900 KB alone says \`compression: false\`, because no peer \
compresses. \`memjs\` has no batches, so there it starts single gets; its values become text as those of the others do. \
Timeouts of the peers are raised where they would end the work.

## Targets

${
    table(
      ["work", "rule", "measured", "", "the same by client CPU"],
      targets.map(({ cpuRatio, isMet, ratio, rule, title }) => [
        title,
        rule,
        ratio.toFixed(2),
        isMet ? "met" : "**missed**",
        cpuRatio.toFixed(2)
      ])
    )
  }

## Chart

Thousands of operations a second.

\`\`\`
${main.map((result) => workChart(result)).join("\n\n")}
\`\`\`

## Thousands of operations a second

${comparison(main, contestants, ({ perSecond }) => number(perSecond / 1000))}

## CPU of the client for one operation, in microseconds

${comparison(main, contestants, ({ cpuMicroseconds }) => number(cpuMicroseconds))}
${observed.map(observedText).join("")}${idle.map(idleText).join("")}${failuresText(results)}`
}

const workChart = (result: Result): string => {
  const lines = result.figures.filter(({ error }) => error === undefined).map((figures) =>
    `  ${title(figures).padEnd(16)} ${bar(figures.perSecond, largestOf(result))} ${number(figures.perSecond / 1000)}`
  )
  return [result.title, ...lines].join("\n")
}

const observedText = (result: Result): string =>
  `\n## ${result.title}\n\n${
    table(
      ["client", "thousands a second", "CPU for one, µs"],
      result.figures.map((figures) => [
        title(figures),
        number(figures.perSecond / 1000),
        number(figures.cpuMicroseconds)
      ])
    )
  }\n`

const idleText = (result: Result): string =>
  `\n## ${result.title}\n\n${
    table(
      ["client", "from its import to the first answer, ms", "heap, MB", "memory of the process, MB"],
      result.figures.flatMap((figures) =>
        figures.idle === undefined ? [] : [[
          title(figures),
          number(figures.idle.startMilliseconds),
          (figures.idle.heapBytes / 1_048_576).toFixed(1),
          (figures.idle.residentBytes / 1_048_576).toFixed(1)
        ]]
      )
    )
  }\n`
