/**
 * Processes with a client each, and the one memcached that they share: what many of them do with one key at once.
 */
import type { GetOrSetOptions } from "@effect-memcache/client"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ChildProcess } from "node:child_process"
import { fork } from "node:child_process"
import { once } from "node:events"

/** What a process is told to ask for. */
export interface Job {
  readonly key: string
  /** How many ask at once. */
  readonly fibers: number
  /** The first of all to compute never ends, and is there to be killed. */
  readonly firstHangs: boolean
  readonly options: GetOrSetOptions
  /** The value to go on asking for, every 50 ms, behind the first time. */
  readonly until?: string | undefined
}

export type Report =
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Computing"; readonly key: string }
  /** `first`: the different values that the fibers got; `last`: what a last call got. */
  | { readonly _tag: "Done"; readonly key: string; readonly first: ReadonlyArray<string>; readonly last: string }
  | { readonly _tag: "Failed"; readonly key: string; readonly reason: string }

export type Done = Extract<Report, { _tag: "Done" }>

const worker = new URL("fixtures/stampede-worker.ts", import.meta.url)

export class Fleet {
  private readonly address: string
  private readonly protocol: "meta" | "text"
  private members: Array<ChildProcess> = []

  static readonly make = (
    address: string,
    protocol: "meta" | "text",
    size: number
  ): Effect.Effect<Fleet, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const fleet = new Fleet(address, protocol)
        await fleet.fill(size)
        return fleet
      }),
      (fleet) => Effect.sync(() => fleet.members.forEach((member) => member.kill("SIGKILL")))
    )

  private constructor(address: string, protocol: "meta" | "text") {
    this.address = address
    this.protocol = protocol
  }

  /** Starts processes until there are so many. */
  async fill(size: number): Promise<void> {
    const started = Array.from({ length: size - this.members.length }, async () => {
      const member = fork(worker, [this.address, this.protocol], { execArgv: ["--conditions=@effect-memcache/source"] })
      this.members.push(member)
      await once(member, "message")
    })
    await Promise.all(started)
  }

  /** All do the job at once. The first that computes and hangs is killed there and reports nothing. */
  async run(job: Job): Promise<ReadonlyArray<Done>> {
    let hasKilled = !job.firstHangs
    const reports = this.members.map((member) =>
      new Promise<Done | undefined>((resolve, reject) => {
        const listen = (report: Report) => {
          if (!("key" in report) || report.key !== job.key) return
          if (report._tag === "Computing") {
            if (hasKilled) return
            hasKilled = true
            this.members = this.members.filter((other) => other !== member)
            member.once("exit", () => resolve(undefined))
            member.kill("SIGKILL")
          } else {
            member.off("message", listen)
            if (report._tag === "Done") resolve(report)
            else reject(new Error(report.reason))
          }
        }
        member.on("message", listen)
      })
    )
    this.members.forEach((member) => member.send(job))
    return (await Promise.all(reports)).filter((report) => report !== undefined)
  }
}
