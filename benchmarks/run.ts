/**
 * Measures this client and its peers against each other, and writes down what came out.
 *
 * `npm run bench` takes about a quarter of an hour, `npm run bench -- --quick` less than a minute. With `--only` and
 * `--clients` a part is run, and only printed.
 */
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus, loadavg } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { byName, clients, contestants } from "./Clients.ts"
import { hold } from "./Contest.ts"
import * as Peers from "./Peers.ts"
import * as Report from "./Report.ts"
import * as Servers from "./Servers.ts"
import type { Result, Summary } from "./Summary.ts"
import * as Summaries from "./Summary.ts"
import type { Work } from "./Work.ts"
import { select, works } from "./Work.ts"

const USAGE = `npm run bench -- [options]

  --quick              the works with targets only, in short turns: less than a minute
  --only a,b           works by name, * stands for anything; the result is printed and not written
  --clients a,b        clients by name; likewise
  --rounds n           turns of each client in each work
  --milliseconds n     length of a turn
  --source             run the sources as they are, without a build
  --list               names of works and clients
`

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    clients: { type: "string" },
    rounds: { type: "string" },
    milliseconds: { type: "string" },
    source: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

const root = join(import.meta.dirname, "..")
const say = (text: string): void => void process.stdout.write(text)
const isPartial = options.only !== undefined || options.clients !== undefined

const chosen = options.only !== undefined
  ? select(options.only.split(","))
  : works.filter(({ isQuick }) => isQuick || !options.quick)

const fieldOf = (work: Work, missing: ReadonlySet<string>): ReadonlyArray<string> => {
  const usual = (options.quick ? work.quickClients : undefined) ?? work.clients ?? contestants
  const wanted = options.clients?.split(",").map((name) => byName(name).name)
  // A work with clients of its own is about those.
  const field = wanted === undefined ? usual : work.clients?.filter((name) => wanted.includes(name)) ?? wanted
  return field.filter((name) => !missing.has(name))
}

/** What users run is what is built. */
const build = (): void => {
  const { status, stdout } = spawnSync("tsc", ["-b", "packages/client"], { cwd: root, encoding: "utf8" })
  if (status !== 0) throw new Error(`The client could not be built:\n${stdout}`)
}

const measure = async (work: Work, missing: ReadonlySet<string>, servers: Servers.Servers): Promise<Result> => {
  const performances = await hold(work, fieldOf(work, missing), {
    servers: servers.addresses(work.servers),
    turnMilliseconds: Number(options.milliseconds ?? (options.quick ? 50 : 150)),
    warmUpSeconds: options.quick ? 0.4 : 1.5,
    rounds: Number(options.rounds ?? (options.quick ? Math.max(2, Math.ceil(work.rounds / 5)) : work.rounds)),
    execArgv: options.source ? ["--conditions=@effect-memcache/source"] : []
  })
  return Summaries.resultOf(work, performances)
}

const main = Effect.scoped(Effect.gen(function*() {
  const failure = Peers.install()
  if (failure !== undefined) say(`The peers could not be installed and do not take part: ${failure}\n`)
  const missing = new Set(failure === undefined ? [] : clients.filter((c) => c.package).map(({ name }) => name))
  if (!options.source) build()
  const start = performance.now()
  const load = loadavg()[0]!
  const servers = yield* Servers.start(chosen.some((work) => work.servers > 3))
  const results: Array<Result> = []
  for (const work of chosen) {
    if (fieldOf(work, missing).length === 0) continue
    const result = yield* Effect.promise(() => measure(work, missing, servers))
    say(Report.workText(result))
    results.push(result)
  }
  return {
    date: new Date().toISOString(),
    isQuick: options.quick,
    seconds: Math.round((performance.now() - start) / 1000),
    machine: {
      node: process.version,
      memcached: servers.version,
      processor: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      platform: `${process.platform} ${process.arch}`,
      loadBefore: load
    },
    targets: Summaries.targetsOf(results),
    results
  } satisfies Summary
}))

const write = (summary: Summary): void => {
  const files = {
    json: join(import.meta.dirname, "results", "latest.json"),
    md: join(import.meta.dirname, "RESULTS.md")
  }
  mkdirSync(join(import.meta.dirname, "results"), { recursive: true })
  writeFileSync(files.json, `${JSON.stringify(summary, undefined, 2)}\n`)
  writeFileSync(files.md, Report.markdown(summary))
  // The repository's check looks at the format of everything.
  spawnSync("dprint", ["fmt", files.json, files.md], { cwd: root })
  say("\nWritten: benchmarks/RESULTS.md and benchmarks/results/latest.json\n")
}

if (options.help) say(USAGE)
else if (options.list) {
  say(`works:   ${works.map(({ name }) => name).join(", ")}\nclients: ${clients.map(({ name }) => name).join(", ")}\n`)
} else if (chosen.length === 0) {
  say("There is no such work; --list names them.\n")
  process.exitCode = 1
} else {
  await Effect.runPromise(main).then(
    (summary) => {
      say(Report.targetsText(summary.targets))
      if (!isPartial) write(summary)
    },
    (error: Error) => {
      say(`${error.message}\n`)
      process.exitCode = 1
    }
  )
}
