/**
 * twemproxy, which is `nutcracker` on Debian, in front of memcached servers; it ends with its scope.
 */
import * as PortOwner from "@effect-memcache/testing/PortOwner"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import * as Installed from "./Installed.ts"

const HOST = "127.0.0.1"
const START_TIMEOUT = 5_000
const ATTEMPTS = 5

/** twemproxy on this machine. Debian puts it where only administrators look. */
export const installed = (): Installed.Installed =>
  Installed.find({
    name: "twemproxy",
    debian: "nutcracker",
    programs: ["nutcracker", "/usr/sbin/nutcracker"],
    probe: ["-V"]
  })

export interface Options {
  readonly program: string
  /** `127.0.0.1:11211` each. */
  readonly servers: ReadonlyArray<string>
  /** How long it waits for a server that hangs, in milliseconds. */
  readonly timeout?: number
}

/** Starts it; answers where it listens. */
export const make = (options: Options): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function*() {
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "nutcracker-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    const { port } = yield* Effect.acquireRelease(
      Effect.promise(() => start(folder, options)),
      ({ child }) => Effect.promise(() => end(child))
    )
    return `${HOST}:${port}`
  })

const start = async (
  folder: string,
  options: Options
): Promise<{ readonly port: number; readonly child: ChildProcess }> => {
  for (let attempt = 1;; attempt++) {
    const [port, statsPort] = [await freePort(), await freePort()]
    const file = join(folder, "nutcracker.yml")
    await writeFile(file, configuration(port, options))
    const args = ["-c", file, "-a", HOST, "-s", String(statsPort), "-o", join(folder, "log"), "-m", "16384"]
    const child = spawn(options.program, args, { stdio: "ignore" })
    const endWithUs = (): void => void child.kill("SIGKILL")
    process.once("exit", endWithUs)
    child.once("exit", () => process.off("exit", endWithUs))
    const place = { host: HOST, port, path: undefined, isEncrypted: false, user: undefined }
    const deadline = performance.now() + START_TIMEOUT
    while (performance.now() < deadline && isRunning(child)) {
      if (child.pid !== undefined && await PortOwner.owns(child.pid, place).catch(() => false)) return { port, child }
      await delay(10)
    }
    await end(child)
    // Somebody else may have taken the port.
    if (attempt === ATTEMPTS) throw new Error("nutcracker does not start")
  }
}

const configuration = (port: number, { servers, timeout = 400 }: Options): string =>
  [
    "interop:",
    `  listen: ${HOST}:${port}`,
    "  hash: md5",
    "  distribution: ketama",
    `  timeout: ${timeout}`,
    "  servers:",
    ...servers.map((server, i) => `    - ${server}:1 server${i}`),
    ""
  ].join("\n")

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null

const end = async (child: ChildProcess): Promise<void> => {
  if (!isRunning(child)) return
  const gone = once(child, "exit")
  child.kill("SIGKILL")
  await gone
}

const freePort = async (): Promise<number> => {
  const probe = Net.createServer().listen(0, HOST)
  await once(probe, "listening")
  const address = probe.address()
  await once(probe.close(), "close")
  return address !== null && typeof address === "object" ? address.port : 0
}
