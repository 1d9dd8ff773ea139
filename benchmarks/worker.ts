/**
 * One client in a process of its own. It is told by its parent when its turn is, and answers what it did in it.
 *
 * The task is the first argument, as JSON.
 */
import { setTimeout as delay } from "node:timers/promises"
import { byName } from "./Clients.ts"
import type { Driver, MakeDriver, Task } from "./Driver.ts"
import * as Items from "./Items.ts"
import { seed } from "./Seed.ts"

/** One turn. */
export interface Turn {
  readonly operations: number
  readonly seconds: number
  /** User and system time of this process. */
  readonly cpuSeconds: number
}

/** What an idle client costs. */
export interface Idle {
  /** From the import of the client to its first answer. */
  readonly startMilliseconds: number
  /** What it holds when every server has been asked, without the process as it was before. */
  readonly heapBytes: number
  readonly residentBytes: number
}

/** A turn of so many milliseconds with so many operations under way. */
export interface TurnQuestion {
  readonly turn: number
  readonly inFlight: number
}

/** What a parent asks for: a turn, the memory of an idle client, or the end. */
export type Question = TurnQuestion | "idle" | "end"

export type Reply = { readonly turn: Turn } | { readonly idle: Idle } | { readonly error: string } | "ready" | "done"

const task = JSON.parse(process.argv[2]!) as Task
const { client, servers, work } = task
const items = Items.make(work, client)
const { flags, module } = byName(client)

const say = (reply: Reply): void => {
  process.send?.(reply)
}

const open = async (): Promise<Driver> => {
  const { make } = (await import(module)) as { readonly make: MakeDriver }
  return make(task, items)
}

const takeTurn = async (driver: Driver, { inFlight, turn }: TurnQuestion): Promise<Turn> => {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const operations = await driver.round(turn, inFlight)
  const seconds = (performance.now() - start) / 1000
  const { system, user } = process.cpuUsage(cpu)
  return { operations, seconds, cpuSeconds: (user + system) / 1_000_000 }
}

const settledMemory = async (): Promise<{ readonly heap: number; readonly resident: number }> => {
  for (let i = 0; i < 3; i++) {
    await delay(20)
    globalThis.gc?.()
  }
  const { external, heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed + external, resident: rss }
}

const measureIdle = async (): Promise<Idle> => {
  // What all drivers share is ours, and no client's start is charged with it.
  await import("./Driver.ts")
  const before = await settledMemory()
  const start = performance.now()
  const driver = await open()
  await driver.touch(0)
  const startMilliseconds = performance.now() - start
  // As many keys as reach each of a hundred servers.
  for (let i = 1; i < items.keys.length; i++) await driver.touch(i)
  const after = await settledMemory()
  await driver.close()
  return {
    startMilliseconds,
    heapBytes: after.heap - before.heap,
    residentBytes: after.resident - before.resident
  }
}

await seed(servers, items.keys, Items.stored(work, items), flags)

if (work.kind === "idle") {
  process.once("message", () => {
    measureIdle().then((idle) => say({ idle }), fail)
  })
} else {
  const driver = await open()
  await driver.touch(0)
  process.on("message", (question: Question) => {
    if (question === "end") driver.verify().then(() => say("done"), fail)
    else if (typeof question === "object") takeTurn(driver, question).then((turn) => say({ turn }), fail)
  })
}

function fail(error: unknown): void {
  say({ error: error instanceof Error ? error.message : String(error) })
}
process.on("uncaughtException", fail)
say("ready")
