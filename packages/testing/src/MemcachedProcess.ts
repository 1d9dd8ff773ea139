/**
 * One memcached process: started, watched until it listens, signalled, ended.
 *
 * Real time passes here, whatever clock a test uses: the process does not know of that clock.
 *
 * @since 0.1.0
 */
import type { ChildProcess } from "node:child_process"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { readdir, readFile } from "node:fs/promises"
import * as Net from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { promisify } from "node:util"
import type { Place } from "./PortOwner.ts"
import * as PortOwner from "./PortOwner.ts"

/**
 * How the process is started.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  readonly binary: string
  readonly args: ReadonlyArray<string>
  /** A unix socket; a free port if left out. */
  readonly path: string | undefined
  readonly isEncrypted: boolean
  /** Somebody whom the server lets in, where it asks for that. */
  readonly user: Place["user"]
  /** The network namespace that it runs in; the machine's own and 127.0.0.1 if left out. */
  readonly side: { readonly host: string; readonly launcher: ReadonlyArray<string> } | undefined
}

const HOST = "127.0.0.1"
const START_TIMEOUT = 5_000
const POLL_INTERVAL = 10

// Between finding a free port and listening on it somebody else may have taken it.
const ATTEMPTS = 5

/**
 * A process that can be started again after it has ended.
 *
 * @category models
 * @since 0.1.0
 */
export class MemcachedProcess {
  readonly host: string
  readonly path: string | undefined
  /** The port, once it has been started; 0 with a unix socket. A restart takes the same. */
  port = 0

  private readonly options: Options
  private child: ChildProcess | undefined = undefined

  constructor(options: Options) {
    this.options = options
    this.path = options.path
    this.host = options.side?.host ?? HOST
  }

  /** The process id of the latest start. */
  get pid(): number {
    return this.child?.pid ?? 0
  }

  /** Starts it and waits until it listens. Rejects with what it said if it ends instead. */
  async start(): Promise<void> {
    const isFirst = this.port === 0 && this.path === undefined
    for (let attempt = 1;; attempt++) {
      if (isFirst) this.port = await freePort()
      try {
        return await this.startOnce()
      } catch (error) {
        await this.kill()
        if (!isFirst || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** Sends a signal to the process, if it still runs. */
  signal(signal: NodeJS.Signals): void {
    const child = this.child
    if (child !== undefined && isRunning(child)) child.kill(signal)
  }

  /** Lets it hang, and waits until it does: a thread may go on for a moment after the signal was sent. */
  async hang(): Promise<void> {
    const child = this.child
    if (child?.pid === undefined || !isRunning(child)) return
    child.kill("SIGSTOP")
    while (isRunning(child) && !await isStopped(child.pid).catch(() => false)) await delay(1)
  }

  /** Ends it at once and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.child
    if (child === undefined || !isRunning(child)) return
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    await gone
  }

  private async startOnce(): Promise<void> {
    const { args, binary, isEncrypted, path, side, user } = this.options
    const where = path === undefined ? ["-l", this.host, "-p", String(this.port), "-U", "0"] : ["-s", path]
    // memcached refuses to run as root unless it is told so.
    const asRoot = process.getuid?.() === 0 ? ["-u", "root"] : []
    const [program, ...words] = [...side?.launcher ?? [], binary, ...where, ...asRoot, ...args]
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] })
    this.child = child
    const endWithUs = (): void => void child.kill("SIGKILL")
    process.once("exit", endWithUs)
    child.once("exit", () => process.off("exit", endWithUs))
    let said = ""
    child.stderr?.on("data", (chunk: Buffer) => said += chunk.toString())
    let fault: Error | undefined
    child.once("error", (error) => fault = error)
    const place = { host: this.host, port: this.port, path, isEncrypted, user }
    const deadline = performance.now() + START_TIMEOUT
    while (performance.now() < deadline) {
      if (fault !== undefined) throw fault
      if (!isRunning(child)) throw new Error(said.trim() || `it ended with code ${child.exitCode}`)
      if (child.pid !== undefined && await PortOwner.owns(child.pid, place).catch(() => false)) return
      await delay(POLL_INTERVAL)
    }
    throw new Error(
      `it does not listen on ${path ?? `${this.host}:${this.port}`} after ${START_TIMEOUT} ms. ${said.trim()}`
    )
  }
}

const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null

// The state is the letter behind the name, which stands in brackets and may hold anything.
const isStopped = async (pid: number): Promise<boolean> => {
  if (process.platform !== "linux") {
    const { stdout } = await promisify(execFile)("ps", ["-o", "state=", "-p", String(pid)])
    return stdout.trim().startsWith("T")
  }
  const threads = await readdir(`/proc/${pid}/task`)
  const states = await Promise.all(threads.map(async (thread) => {
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, "latin1")
    return stat[stat.lastIndexOf(")") + 2]
  }))
  return states.every((state) => state === "T")
}

const freePort = async (): Promise<number> => {
  const probe = Net.createServer().listen(0, HOST)
  await once(probe, "listening")
  const address = probe.address()
  probe.close()
  await once(probe, "close")
  return address !== null && typeof address === "object" ? address.port : 0
}
