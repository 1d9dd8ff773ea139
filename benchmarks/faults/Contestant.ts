/**
 * Runs one client through one row, once: a memcached of its own, the line that breaks before it, and the child process,
 * which is never waited for longer than its limit.
 */
import * as RealMemcached from "@effect-memcache/testing/RealMemcached"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import { join } from "node:path"
import type { Client } from "./Clients.ts"
import { FaultyLine } from "./FaultyLine.ts"
import type { Row } from "./Rows.ts"
import type { Facts } from "./Trial.ts"
import type { Run } from "./Verdict.ts"

const LIMIT = 30_000
const END_LIMIT = 2000
const MEMORY_LIMIT = 700 * 1024

const FLAGS = [
  "--conditions=@effect-memcache/source",
  "--unhandled-rejections=strict",
  "--max-old-space-size=256",
  "--max-semi-space-size=4",
  "--no-deprecation"
]

interface Ending {
  readonly code: number | null
  readonly isBloated: boolean
  readonly resident: number
  readonly ended: number | undefined
  readonly stdout: string
  readonly stderr: string
}

const residentOf = (pid: number): number => {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0)
  } catch {
    return 0
  }
}

const runChild = async (row: Row, client: Client, address: string): Promise<Ending> => {
  const child = spawn(process.execPath, [
    ...FLAGS,
    join(import.meta.dirname, "child.ts"),
    row.number,
    client.module,
    address
  ], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  let stdout = ""
  let stderr = ""
  let reported: number | undefined = undefined
  let isBloated = false
  let isKilled = false
  let resident = 0
  const kill = (): void => {
    isKilled = true
    child.kill("SIGKILL")
  }
  const timers = [
    setTimeout(kill, LIMIT),
    setInterval(() => {
      const now = residentOf(child.pid!)
      resident = Math.max(resident, now)
      if (now < MEMORY_LIMIT) return
      isBloated = true
      kill()
    }, 100)
  ]
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString()
    if (reported !== undefined || !stdout.endsWith("}\n")) return
    reported = performance.now()
    timers.push(setTimeout(kill, END_LIMIT))
  })
  child.stderr.on("data", (chunk: Buffer) => {
    if (stderr.length < 10_000) stderr += chunk.toString()
  })
  const [code] = await once(child, "exit") as [number | null]
  const now = performance.now()
  timers.forEach((timer) => clearTimeout(timer))
  if (child.stdout.readable) await once(child, "close")
  // One that had to be killed after its report only did not end by itself.
  const isJustLate = isKilled && !isBloated && reported !== undefined
  return {
    code: isJustLate ? 0 : code,
    isBloated,
    resident: Math.round(resident / 1024),
    ended: isJustLate || reported === undefined ? undefined : Math.round(now - reported),
    stdout,
    stderr
  }
}

/** Whether the server has an item, asked without any client. */
const hasItem = async (port: number, key: string): Promise<boolean> => {
  const socket = Net.connect(port, "127.0.0.1")
  socket.write(`get ${key}\r\nquit\r\n`)
  let answer = ""
  for await (const chunk of socket) answer += String(chunk)
  return answer.startsWith("VALUE")
}

const injections = async (row: Row, port: number): Promise<ReadonlyArray<string>> => {
  if (row.isInjection !== true) return []
  const found: Array<string> = []
  if (await hasItem(port, "hacked")) found.push("set")
  if (!(await hasItem(port, "victim"))) found.push("flush_all")
  return found
}

export const run = (row: Row, client: Client): Effect.Effect<Run, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    const memcached = yield* RealMemcached.make({ args: ["-t", "1"] })
    const line = new FaultyLine(memcached.port, row.fault)
    yield* Effect.acquireRelease(Effect.promise(() => line.start()), () => Effect.promise(() => line.stop()))
    const ending = yield* Effect.promise(() => runChild(row, client, `127.0.0.1:${line.port}`))
    const injected = yield* Effect.promise(() => injections(row, memcached.port))
    const report = ending.stdout.trim().split("\n").findLast((text) => text.startsWith("{\"seen\""))
    return {
      client: client.name,
      row: row.number,
      facts: report === undefined ? undefined : JSON.parse(report) as Facts,
      code: ending.code,
      isBloated: ending.isBloated,
      resident: ending.resident,
      ended: ending.ended,
      stderr: ending.stderr.slice(0, 2000),
      injected,
      accepts: line.accepts
    }
  }))
