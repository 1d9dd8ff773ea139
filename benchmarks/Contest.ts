/**
 * One work, done by all clients in turns: A B C A B C. What slows the machine down for a while slows down all of them.
 *
 * Each client has a process of its own for each work, so that none is measured with code that V8 optimized for another
 * work, or with garbage of the one before.
 */
import type { ChildProcess } from "node:child_process"
import { fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import type { Work } from "./Work.ts"
import type { Idle, Question, Reply, Turn } from "./worker.ts"

/** What one client did: turns, or for an idle work measurements of memory; and why it did not do more. */
export interface Performance {
  readonly client: string
  readonly turns: Array<Turn>
  readonly idle: Array<Idle>
  error?: string | undefined
}

export interface Conditions {
  readonly servers: ReadonlyArray<string>
  readonly turnMilliseconds: number
  /** Of CPU: on a busy machine V8 needs more turns to optimize the same. */
  readonly warmUpSeconds: number
  readonly rounds: number
  /** For Node, before the name of the script. */
  readonly execArgv: ReadonlyArray<string>
}

/** No turn takes so long, however busy the machine is. */
const PATIENCE = 120_000

/** In milliseconds; and for a client that hardly uses the CPU there is an end to it. */
const WARM_UP_TURN = 100
const MAX_WARM_UP_TURNS = 20

class Contestant {
  readonly performance: Performance
  /** Of all its turns. */
  cpuSeconds = 0
  private readonly child: ChildProcess
  /** To its standard error. */
  private said = ""

  constructor(client: string, work: Work, { execArgv, servers }: Conditions) {
    this.performance = { client, turns: [], idle: [] }
    const task = JSON.stringify({ client, work, servers })
    this.child = fork(join(import.meta.dirname, "worker.ts"), [task], {
      execArgv: work.kind === "idle" ? [...execArgv, "--expose-gc"] : [...execArgv],
      // The peers may write what they like about deprecations.
      stdio: ["ignore", "ignore", "pipe", "ipc"]
    })
    this.child.stderr?.on("data", (chunk: Buffer) => this.said += chunk.toString())
  }

  /** The next thing it says. */
  async reply(): Promise<Reply> {
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), PATIENCE)
    try {
      const message = once(this.child, "message", { signal: abort.signal }).then(([reply]) => reply as Reply)
      const exit = once(this.child, "exit", { signal: abort.signal }).then(() => ({
        error: `its process ended: ${/^\w*Error\b.*$/m.exec(this.said)?.[0] ?? this.said.trim()}`
      }))
      return await Promise.race([message, exit])
    } catch {
      return { error: `no answer for ${PATIENCE / 1000} s` }
    } finally {
      clearTimeout(timer)
      abort.abort()
    }
  }

  async ask(question: Question): Promise<Reply> {
    const reply = this.reply()
    if (this.child.connected) this.child.send(question)
    return reply
  }

  /** Works for so many seconds of CPU. Answers whether it goes on. */
  async warmUp(seconds: number, inFlight: number): Promise<boolean> {
    for (let turn = 0; turn < MAX_WARM_UP_TURNS && this.cpuSeconds < seconds; turn++) {
      if (!this.record(await this.ask({ turn: WARM_UP_TURN, inFlight }), false)) return false
    }
    return true
  }

  /** Takes down what it answered. Answers whether it goes on. */
  record(reply: Reply, isCounted: boolean): boolean {
    if (typeof reply === "string") return true
    if ("error" in reply) {
      this.performance.error = reply.error
      this.end()
      return false
    }
    if ("turn" in reply) {
      this.cpuSeconds += reply.turn.cpuSeconds
      if (isCounted) this.performance.turns.push(reply.turn)
    }
    if ("idle" in reply) this.performance.idle.push(reply.idle)
    return true
  }

  end(): void {
    this.child.kill("SIGKILL")
  }
}

/** Runs a work. A client that fails is out, and says why; the others go on. */
export const hold = async (
  work: Work,
  names: ReadonlyArray<string>,
  conditions: Conditions
): Promise<ReadonlyArray<Performance>> =>
  work.kind === "idle" ? holdIdle(work, names, conditions) : holdTurns(work, names, conditions)

const holdTurns = async (
  work: Work,
  names: ReadonlyArray<string>,
  conditions: Conditions
): Promise<ReadonlyArray<Performance>> => {
  const all = names.map((name) => new Contestant(name, work, conditions))
  let field: ReadonlyArray<Contestant> = all
  const inTurns = async (question: Question): Promise<void> => {
    const left: Array<Contestant> = []
    for (const contestant of field) {
      if (contestant.record(await contestant.ask(question), true)) left.push(contestant)
    }
    field = left
  }
  /** Side by side, as nothing is measured yet; but with so much in flight they would run into their deadlines. */
  const warmUp = async (): Promise<void> => {
    // With one at a time V8 would take seconds to see what is worth optimizing.
    const inFlight = work.size <= 100 && work.kind !== "batch" ? Math.max(work.inFlight, 100) : work.inFlight
    const isWarm = new Map<Contestant, boolean | Promise<boolean>>()
    for (const contestant of field) {
      const warm = contestant.warmUp(conditions.warmUpSeconds, inFlight)
      isWarm.set(contestant, work.inFlight < 10_000 ? warm : await warm)
    }
    const left = await Promise.all(field.map(async (contestant) => await isWarm.get(contestant) ? [contestant] : []))
    field = left.flat()
  }
  try {
    // They get ready side by side, and have all said so before the first one begins.
    const ready = await Promise.all(field.map((contestant) => contestant.reply()))
    field = field.filter((contestant, i) => contestant.record(ready[i]!, false))
    await warmUp()
    for (let round = 0; round < conditions.rounds; round++) {
      await inTurns({ turn: conditions.turnMilliseconds * work.turn, inFlight: work.inFlight })
    }
    await inTurns("end")
  } finally {
    for (const contestant of all) contestant.end()
  }
  return all.map(({ performance }) => performance)
}

/** Starting can be measured once in a process: each turn has a new one. */
const holdIdle = async (
  work: Work,
  names: ReadonlyArray<string>,
  conditions: Conditions
): Promise<ReadonlyArray<Performance>> => {
  const performances = names.map((client): Performance => ({ client, turns: [], idle: [] }))
  for (let round = 0; round < conditions.rounds; round++) {
    for (const performance of performances) {
      if (performance.error !== undefined) continue
      const contestant = new Contestant(performance.client, work, conditions)
      try {
        if (contestant.record(await contestant.reply(), false)) contestant.record(await contestant.ask("idle"), true)
      } finally {
        contestant.end()
      }
      performance.idle.push(...contestant.performance.idle)
      performance.error = contestant.performance.error
    }
  }
  return performances
}
