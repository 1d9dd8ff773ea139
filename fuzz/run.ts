/**
 * `npm run fuzz`: throws millions of nearly right bytes at everything that reads bytes of others.
 *
 *     npm run fuzz -- --seconds 60              equal time for every target (the default)
 *     npm run fuzz -- --runs 10000000           so many inputs, shared out among the targets
 *     npm run fuzz -- --target meta-pipeline    this one only; every target whose name has the word in it
 *     npm run fuzz -- --seed 7                  other inputs; the same seed makes the same ones
 *     npm run fuzz -- --input FILE --target T   one input again
 *     npm run fuzz -- --learn                   looks for inputs that reach new code, and keeps them in the corpus
 *     npm run fuzz -- --save                    writes fuzz/results/latest.json; of one target, its row of it
 *     npm run fuzz -- --list                    the targets, and what is required of each
 *
 * Ends with 1 if a promise was broken. Then the input is in `fuzz/corpus/found`, and is run by every run from then on.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Worker } from "node:worker_threads"
import type { Row } from "./Campaign.ts"
import * as Corpus from "./Corpus.ts"
import * as Report from "./Report.ts"
import { all } from "./Targets.ts"
import { Watch } from "./Watch.ts"
import type { Job, Message } from "./worker.ts"

/** An input that takes longer is a hang. Generous, because the machine may be busy with something else. */
const HANG_MILLISECONDS = 20_000

const PROGRESS_MILLISECONDS = 3000

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string" },
    runs: { type: "string" },
    seed: { type: "string", default: "1" },
    target: { type: "string" },
    input: { type: "string" },
    learn: { type: "boolean", default: false },
    save: { type: "boolean", default: false },
    list: { type: "boolean", default: false }
  }
})

const number = (name: "seconds" | "runs" | "seed"): number | undefined => {
  const text = options[name]
  if (text === undefined) return undefined
  const n = Number(text.replaceAll("_", ""))
  if (!Number.isFinite(n) || n < 0) throw new Error(`--${name} needs a number, not "${text}"`)
  return n
}

const exact = all.filter(({ name }) => name === options.target)
const targets = exact.length > 0 ? exact : all.filter(({ name }) => name.includes(options.target ?? ""))

const repeat = (target: string, file: string): string => `npm run fuzz -- --target ${target} --input ${file}`

const list = (): void => {
  const width = Math.max(...all.map(({ name }) => name.length))
  for (const { about, name } of all) console.log(`${name.padEnd(width)}  ${about}`)
}

const runOne = async (file: string): Promise<void> => {
  for (const target of targets) {
    const input = Corpus.read(file)
    console.log([`${target.name}: ${file}`, ...target.explain?.(input) ?? []].join("\n  "))
    await target.run(input)
    console.log("  holds")
  }
}

const job = (memory: SharedArrayBuffer): Job => {
  const runs = number("runs")
  const seconds = number("seconds") ?? (runs === undefined ? 60 : Infinity)
  const shares = targets.reduce((sum, { share }) => sum + share, 0)
  return {
    memory,
    seed: number("seed")!,
    isLearning: options.learn,
    parts: targets.map(({ name, share }) => ({
      target: name,
      inputs: runs === undefined ? Infinity : Math.ceil(runs * share / shares),
      // With a number of inputs, seconds are only what it may take at most.
      milliseconds: seconds * 1000 / (runs === undefined ? targets.length : 1)
    }))
  }
}

const fuzz = (): Promise<ReadonlyArray<Row>> => {
  const watch = new Watch()
  const rows: Array<Row> = []
  let target = ""
  let discoveries = 0
  let began = performance.now()
  let countAtBegin = 0
  let seen = { count: -1, at: performance.now() }

  const fail = (input: Uint8Array, message: string): void => {
    const file = Corpus.keep(target, input)
    const shown = JSON.stringify(Buffer.from(input).toString("latin1")).slice(0, 400)
    console.log(
      `\nFAILED ${target}\n${message.replaceAll(/^/gm, "  ")}\n  input: ${shown}\n  ${repeat(target, file)}\n`
    )
  }

  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: job(watch.memory) })
    const progress = setInterval(() => {
      const inputs = watch.count - countAtBegin
      const rate = inputs / (performance.now() - began) * 1000
      const learned = options.learn ? `, ${discoveries} new` : ""
      console.log(`${target.padEnd(22)} ${inputs.toLocaleString("en-US")} inputs, ${Math.round(rate)}/s${learned}`)
    }, PROGRESS_MILLISECONDS)
    const guard = setInterval(() => {
      const { count } = watch
      if (count !== seen.count) seen = { count, at: performance.now() }
      if (performance.now() - seen.at < HANG_MILLISECONDS) return
      fail(watch.input, `An input takes more than ${HANG_MILLISECONDS / 1000} s; it was not made smaller.`)
      process.exitCode = 1
      // Ends the run with what there is.
      void worker.terminate()
    }, 1000)
    worker.on("message", (message: Message) => {
      switch (message._tag) {
        case "Begin":
          target = message.target
          began = performance.now()
          countAtBegin = watch.count
          break
        case "Failure":
          fail(message.failure.input, message.failure.message)
          break
        case "Discovery":
          discoveries++
          Corpus.learn(message.target, message.input)
          break
        case "End":
          rows.push(message.row)
      }
    })
    worker.on("error", reject)
    worker.on("exit", () => {
      clearInterval(progress)
      clearInterval(guard)
      resolve(rows)
    })
  })
}

const save = (rows: ReadonlyArray<Row>): void => {
  const file = join(import.meta.dirname, "results", "latest.json")
  const seed = number("seed")!
  if (rows.length === all.length || !existsSync(file)) {
    const command = `npm run fuzz -- ${process.argv.slice(2).filter((word) => word !== "--save").join(" ")}`.trim()
    return writeFileSync(file, Report.toJson(rows, all, { command, seed }))
  }
  const saved = JSON.parse(readFileSync(file, "utf8")) as { command: string; seed: number; targets: ReadonlyArray<Row> }
  const merged = saved.targets.map((old) => rows.find(({ target }) => target === old.target) ?? old)
  writeFileSync(file, Report.toJson(merged, all, saved))
}

const main = async (): Promise<void> => {
  if (options.list) return list()
  if (targets.length === 0) throw new Error(`no target is called "${options.target}"; --list names them`)
  if (options.input !== undefined) return runOne(options.input)
  const rows = await fuzz()
  if (rows.length > 0) console.log(`\n${Report.table(rows)}`)
  if (rows.length === all.length && !options.learn) {
    const minutes = Report.secondsForTenMillion(rows, all) / 60
    console.log(`\nTen million inputs take ${minutes.toFixed(1)} minutes of one core at this speed.`)
  }
  if (options.save && rows.length > 0) save(rows)
  if (rows.some((row) => row.failures > 0 || Report.isGrowing(row))) process.exitCode = 1
}

await main()
