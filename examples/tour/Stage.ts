/**
 * What the tour looks like: colors and live lines in a terminal, plain text when it is piped.
 */
import { styleText } from "node:util"

// Whoever has seen enough, as `npm start | head` does, ends the tour.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))

const isTerminal = process.stdout.isTTY === true

type Style = Parameters<typeof styleText>[0]

const paint = (style: Style) => (text: string) => isTerminal ? styleText(style, text) : text

export const bold = paint("bold")
export const dim = paint("dim")
export const green = paint("green")
export const yellow = paint("yellow")
export const red = paint("red")
export const cyan = paint("cyan")

export const line = (text = "") => {
  process.stdout.write(`${text}\n`)
}

export const title = (text: string, aside: string) => {
  line()
  line(`${bold(cyan(text))}  ${dim(aside)}`)
}

let chapter = 0

export const heading = (text: string) => {
  chapter++
  line()
  line(`${bold(`${chapter}  ${text}`)}`)
}

/** A call and what it answered, in two columns. */
export const call = (code: string, answer: string, millis?: number) => {
  const time = millis === undefined ? "" : dim(`  ${millis.toFixed(1)} ms`)
  line(`   ${code.padEnd(58)} ${dim("→")} ${answer}${time}`)
}

export const remark = (text: string) => line(`   ${dim(text)}`)

export const bar = (label: string, count: number, total: number) => {
  const width = Math.round((count / Math.max(total, 1)) * 40)
  line(`   ${label.padEnd(24)} ${green("█".repeat(width))} ${count}`)
}

/**
 * Rows that grow to the right while they are watched. In a terminal they are drawn again in place; elsewhere they are
 * written once, when they are complete.
 */
export const makeRows = (labels: ReadonlyArray<string>) => {
  const cells = labels.map(() => "")
  let isDrawn = false
  const draw = () => {
    if (isDrawn && isTerminal) process.stdout.write(`\u001b[${labels.length}A`)
    labels.forEach((label, i) => {
      if (isTerminal) process.stdout.write("\u001b[2K")
      line(`   ${label.padEnd(24)} ${cells[i]}`)
    })
    isDrawn = true
  }
  return {
    add: (row: number, cell: string) => {
      cells[row] += cell
    },
    refresh: () => {
      if (isTerminal) draw()
    },
    finish: () => {
      if (!isTerminal) draw()
    }
  }
}
