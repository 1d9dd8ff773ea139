/**
 * Puts this client and its peers through the same faults, and writes down what came out.
 *
 * `npm run bench:faults` takes some minutes: every client goes through every row twice, each time in a process of its own.
 * With `--rows` and `--clients` a part is run, and only printed.
 */
import * as RealMemcached from "@effect-memcache/testing/RealMemcached"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { byName, clients } from "./faults/Clients.ts"
import { run } from "./faults/Contestant.ts"
import * as Report from "./faults/Report.ts"
import { rows } from "./faults/Rows.ts"
import type { Run } from "./faults/Verdict.ts"
import * as Peers from "./Peers.ts"

const USAGE = `npm run bench:faults -- [options]

  --rows a,b           rows by number; the result is printed and not written
  --clients a,b        clients by name; likewise
  --times n            how often each client goes through each row (default 2)
  --at-once n          processes side by side (default 3)
  --verbose            everything that was found, not only the gravest
`

const { values: options } = parseArgs({
  options: {
    rows: { type: "string" },
    clients: { type: "string" },
    times: { type: "string", default: "2" },
    "at-once": { type: "string", default: "3" },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

const root = join(import.meta.dirname, "..")
const say = (text: string): void => void process.stdout.write(text)
const isPartial = options.rows !== undefined || options.clients !== undefined
const wantedRows = options.rows?.split(",")
const chosenRows = rows.filter(({ number }) => wantedRows === undefined || wantedRows.includes(number))
const chosenClients = options.clients?.split(",").map(byName) ?? clients

const versionOf = ({ package: name }: { readonly package?: string | undefined }): string => {
  const file = name === undefined ? "../packages/client/package.json" : `node_modules/${name}/package.json`
  return (JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8")) as { readonly version: string }).version
}

const main = Effect.gen(function*() {
  const failure = Peers.install()
  if (failure !== undefined) say(`The peers could not be installed and do not take part: ${failure}\n`)
  const field = chosenClients.filter((client) => failure === undefined || client.package === undefined)
  const memcached = yield* Effect.scoped(Effect.map(RealMemcached.make(), ({ version }) => version))
  const start = performance.now()
  const jobs = chosenRows.flatMap((row) =>
    field.flatMap((client) => Array.from({ length: Number(options.times) }, () => ({ row, client })))
  )
  const runs = yield* Effect.forEach(
    jobs,
    ({ client, row }) => Effect.tap(run(row, client), (done: Run) => Effect.sync(() => say(Report.lineOf(row, done)))),
    { concurrency: Number(options["at-once"]) }
  )
  return Report.summarise(chosenRows, runs, {
    date: new Date().toISOString(),
    seconds: Math.round((performance.now() - start) / 1000),
    node: process.version,
    memcached,
    times: Number(options.times),
    clients: field.map((client) => ({ name: client.name, version: versionOf(client), settings: client.settings }))
  })
})

const write = (summary: Report.Summary): void => {
  const json = join(import.meta.dirname, "results", "faults.json")
  const md = join(import.meta.dirname, "FAULTS.md")
  mkdirSync(join(import.meta.dirname, "results"), { recursive: true })
  writeFileSync(json, `${JSON.stringify(summary, undefined, 2)}\n`)
  writeFileSync(md, Report.markdown(summary))
  // The repository's check looks at the format of everything.
  spawnSync("dprint", ["fmt", json, md], { cwd: root })
  say("\nWritten: benchmarks/FAULTS.md and benchmarks/results/faults.json\n")
}

if (options.help) say(USAGE)
else {
  await Effect.runPromise(main).then((summary) => {
    say(Report.text(summary, options.verbose))
    if (!isPartial) write(summary)
  }, (error: Error) => {
    say(`${error.message}\n`)
    process.exitCode = 1
  })
}
