/**
 * One client in one row, in a process of its own: what is thrown here, and what is kept, is the client's.
 *
 * Arguments: the row's number, the client's module, the server's address. Writes one line of JSON when the client is
 * closed, or when the process ends before.
 */
import { writeSync } from "node:fs"
import type { MakeAdapter } from "./Adapter.ts"
import { rows } from "./Rows.ts"
import { Trial } from "./Trial.ts"

const [number, module, address] = process.argv.slice(2)
const row = rows.find((row) => row.number === number)!
const { make } = await import(module!) as { readonly make: MakeAdapter }

const DEFAULT_TIMEOUT = 250
const CLOSE_LIMIT = 2000

const trial = new Trial(await make(address!, row.timeout ?? DEFAULT_TIMEOUT))
let isReported = false
const report = (): void => {
  if (isReported) return
  isReported = true
  const line = Buffer.from(`${JSON.stringify(trial.report())}\n`)
  for (let sent = 0; sent < line.length;) {
    try {
      sent += writeSync(1, line, sent)
    } catch {
      // A full pipe: the parent reads.
    }
  }
}
process.on("exit", report)

await row.play(trial).catch((error: unknown) => {
  trial.facts.unusable = String(error)
})
if (row.closesEarly !== true) {
  let timer: NodeJS.Timeout | undefined = undefined
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, CLOSE_LIMIT)
  })
  await Promise.race([Promise.resolve(trial.adapter.close()).catch(() => undefined), limit])
  clearTimeout(timer)
}
report()
