/**
 * A row on a system clock that a file moves: the library of Debian's `faketime` stands between the process and its
 * system. The monotonic clock goes on as it is, as it would if somebody set the machine's clock.
 */
import * as Effect from "effect/Effect"
import { execFile, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Fact } from "./Verdict.ts"
import * as Verdict from "./Verdict.ts"

export interface Outcome {
  /** What was wrong; empty also where it could not be run. */
  readonly problems: ReadonlyArray<string>
  readonly facts: ReadonlyArray<Fact>
  /** That it was run, or why not. */
  readonly note: string
}

const FILE = "FAKETIME_TIMESTAMP_FILE"

const write = (file: string, hours: number): void => writeFileSync(file, hours < 0 ? `${hours}h\n` : `+${hours}h\n`)

/** What moves this process's clock, if something can. */
export const file = (): { readonly setHours: (hours: number) => void } | undefined => {
  const file = process.env[FILE]
  return file === undefined ? undefined : { setHours: (hours) => write(file, hours) }
}

/** Where the library is, as its own program says it. */
const library: Effect.Effect<string | undefined> = Effect.promise(() =>
  promisify(execFile)("faketime", ["-f", "+0", "printenv", "LD_PRELOAD"]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined
  )
)

/** Milliseconds in which the process must end when its row is over. */
const ENDING = 1000

/** Seconds. */
const LIMIT = "20"

/** Runs rows in a process whose clock can be moved. */
export const run = (rows: ReadonlyArray<string>): Effect.Effect<Outcome> =>
  Effect.flatMap(library, (preload) => {
    if (preload === undefined) {
      return Effect.succeed({ problems: [], facts: [], note: "not run: there is no program \"faketime\"" })
    }
    const directory = mkdtempSync(join(tmpdir(), "faketime-"))
    const file = join(directory, "time")
    write(file, 0)
    const variables = [
      `LD_PRELOAD=${preload}`,
      `${FILE}=${file}`,
      // Otherwise the file is read every ten seconds.
      "FAKETIME_NO_CACHE=1",
      "FAKETIME_DONT_FAKE_MONOTONIC=1",
      "FAKETIME_DONT_RESET=1"
    ]
    const node = [process.execPath, ...process.execArgv, join(import.meta.dirname, "run-row.ts"), ...rows]
    const ended = Effect.callback<Outcome>((resume) => {
      // It must end also where this process is killed for a row that never does.
      const child = spawn("timeout", ["--signal=KILL", LIMIT, "env", ...variables, ...node], {
        stdio: ["ignore", "pipe", "pipe"]
      })
      let stdout = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text)
      // Searched with what this process prints.
      child.stderr.pipe(process.stderr, { end: false })
      let endedAt = 0
      child.on("exit", () => endedAt = Date.now())
      child.on("close", (code, signal) => {
        process.stderr.write(stdout)
        const verdict = Verdict.parse(stdout)
        const late = endedAt - (verdict?.doneAt ?? endedAt)
        resume(Effect.succeed({
          problems: [
            ...verdict?.problems ?? ["it printed no verdict"],
            ...code === 0 ? [] : [`it ended with ${signal ?? `code ${code}`}`],
            ...late > ENDING ? [`it ended ${late} ms after its scope was closed`] : []
          ],
          facts: verdict?.facts ?? [],
          note: "run"
        }))
      })
      return Effect.sync(() => child.kill())
    })
    return Effect.ensuring(ended, Effect.sync(() => rmSync(directory, { recursive: true, force: true })))
  })
