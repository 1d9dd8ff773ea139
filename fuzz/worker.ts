/**
 * The thread that does the work, so that another can watch it, print, and end it where it hangs.
 */
import { parentPort, workerData } from "node:worker_threads"
import type { Failure, Row } from "./Campaign.ts"
import { Coverage } from "./Coverage.ts"
import { Watch } from "./Watch.ts"

/** What is to be done, target by target. */
export interface Job {
  readonly memory: SharedArrayBuffer
  readonly seed: number
  readonly isLearning: boolean
  readonly parts: ReadonlyArray<{ readonly target: string; readonly inputs: number; readonly milliseconds: number }>
}

/** What the thread has to say. */
export type Message =
  | { readonly _tag: "Begin"; readonly target: string }
  | { readonly _tag: "Failure"; readonly failure: Failure }
  | { readonly _tag: "Discovery"; readonly target: string; readonly input: Uint8Array }
  | { readonly _tag: "End"; readonly row: Row }

const job = workerData as Job
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
const say = (message: Message): void => parentPort!.postMessage(message)

// Before the code is loaded that is to be counted.
const coverage = job.isLearning ? new Coverage() : undefined
const Campaign = await import("./Campaign.ts")
const { all } = await import("./Targets.ts")

const watch = new Watch(job.memory)
for (const { inputs, milliseconds, target: name } of job.parts) {
  const target = all.find((target) => target.name === name)!
  say({ _tag: "Begin", target: name })
  const row = await Campaign.run(target, {
    seed: job.seed,
    inputs,
    milliseconds,
    coverage,
    onInput: (input) => watch.begin(input),
    onFailure: (failure) => say({ _tag: "Failure", failure }),
    onDiscovery: (input) => say({ _tag: "Discovery", target: name, input })
  })
  say({ _tag: "End", row })
}
