/**
 * `npm run soak`: three real servers, bad networks in front of them, and a client that works all the while.
 *
 *     npm run soak -- --minutes 30       half an hour (default 2 minutes)
 *     npm run soak -- --seconds 20       or so many seconds
 *     npm run soak -- --rate 8000        operations a second (the default)
 *     npm run soak -- --seed 7           other operations and other trouble; the same seed makes the same ones
 *     npm run soak -- --save             writes soak/results/latest.json
 *
 * Ends with 1 if one check has failed; its last line is `N passed, N failed`.
 */
import * as Resources from "@effect-memcache/testing/Resources"
import * as Effect from "effect/Effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Report from "./Report.ts"
import type { Progress } from "./Soak.ts"
import * as Soak from "./Soak.ts"
import { Fault } from "./Tally.ts"

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    seconds: { type: "string" },
    rate: { type: "string", default: "8000" },
    seed: { type: "string", default: "1" },
    save: { type: "boolean", default: false }
  }
})

const number = (name: "minutes" | "seconds" | "rate" | "seed", text: string): number => {
  const n = Number(text)
  if (!Number.isFinite(n) || n <= 0) throw new Error(`--${name} needs a number, not "${text}"`)
  return n
}

const seconds = options.seconds === undefined
  ? number("minutes", options.minutes) * 60
  : number("seconds", options.seconds)
const rate = number("rate", options.rate)
const seed = number("seed", options.seed)

/** In which everything is gone, and after which a process that does not end is ended. */
const CLOSING_MILLISECONDS = 1000
const ENDING_MILLISECONDS = 2000

/** In a terminal one line that changes, elsewhere a line each time. */
const show = (line: string): void => {
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${line.slice(0, process.stdout.columns - 1)}` : `${line}\n`)
}

let before = { seconds: 0, operations: 0 }

const progress = ({ operations, seconds: now, tally, trouble }: Progress): void => {
  const speed = (operations - before.operations) / (now - before.seconds)
  const heap = (tally.samples.at(-1)?.heapUsed ?? 0) / 1_048_576
  before = { seconds: now, operations }
  show([
    `${now.toFixed(0)} of ${seconds} s`,
    `${operations.toLocaleString("en-US")} operations`,
    `${Math.round(speed).toLocaleString("en-US")}/s`,
    `${tally.failures.toLocaleString("en-US")} errors`,
    `heap ${heap.toFixed(0)} MiB`,
    trouble === "" ? "no trouble" : trouble
  ].join(", "))
}

const unhandled = new Fault()
for (const event of ["unhandledRejection", "uncaughtException", "warning"] as const) {
  process.on(event, (reason: unknown) => unhandled.add(1, [`${event}: ${String(reason)}`]))
}

// Node opens its output when it is first used, which must not look like a leak.
void [process.stdout, process.stderr]
const resources = Resources.count()

/** What is left in the end; timers and sockets have a moment to go. */
const leaks = async (): Promise<ReadonlyArray<string>> => {
  const until = performance.now() + CLOSING_MILLISECONDS
  while (Resources.leaks(resources, Resources.count()).length > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    // This timer is over, but stands in Node's list until its turn is.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return Resources.leaks(resources, Resources.count())
}

console.log(`Soaking for ${seconds} s at ${rate} operations a second, seed ${seed}.`)
const result = await Effect.runPromise(Effect.scoped(Soak.run({ seconds, rate, seed, progress })))
const left = await leaks()
result.tally.left.add(left.length, left)
result.tally.unhandled.add(unhandled.count, unhandled.shown)

const checks = Report.checks(result)
const failed = checks.filter(({ isPassed }) => !isPassed).length
if (process.stdout.isTTY) show("")
console.log(`\n${Report.table(result)}\n\n${Report.verdict(checks)}\n`)
if (options.save) {
  const words = process.argv.slice(2).filter((word) => word !== "--save")
  const command = ["npm run soak", ...words.length === 0 ? [] : ["--"], ...words].join(" ")
  const directory = join(import.meta.dirname, "results")
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, "latest.json"), Report.toJson(result, checks, { command, seed, rate }))
}
console.log(`${checks.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
setTimeout(() => process.exit(1), ENDING_MILLISECONDS).unref()
