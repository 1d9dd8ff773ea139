/**
 * Two network namespaces, joined by a cable, that are gone when their owner is.
 *
 * A small shell waits beside the owner for the end of its standard input, which comes when the owner closes it or dies in
 * whatever way; then it ends what runs in the namespaces and deletes them. Should somebody kill that shell too, the next
 * owner sweeps: the names tell who made them.
 */
import type { ChildProcess } from "node:child_process"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"

const PREFIX = "effect-memcache"

/** Where `ip` keeps the names. */
const DIRECTORY = "/run/netns"

/** The name of both ends of the cable. */
export const DEVICE = "cable0"

/** The search path, with the places that only root has in it, and not everywhere. */
export const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`
})

/** What stands before a command so that it runs in the namespace; it keeps its process id. */
export const launcher = (name: string): ReadonlyArray<string> => ["nsenter", `--net=${DIRECTORY}/${name}`, "--"]

/** Runs a program to its end and answers what it wrote; rejects with what it complained of. */
export const execute = (command: ReadonlyArray<string>, input = ""): Promise<string> =>
  new Promise((resolve, reject) => {
    const [program, ...args] = command
    const child = execFile(program, args, { env: environment() }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command.join(" ")}: ${stderr.trim() || error.message}`))
    })
    child.stdin?.on("error", () => {})
    child.stdin?.end(input)
  })

// A process id comes again, but not with the same start. The state is the third field, the start the twenty-second; the
// name before them may hold anything.
const startOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]
  } catch {
    return undefined
  }
}

let made = 0

/** A name that nobody else has. */
export const uniqueName = (): string => `${PREFIX}-${process.pid}-${startOf(process.pid)}-${++made}`

/** The namespaces of owners that have died. */
export const leftovers = (): ReadonlyArray<string> => {
  try {
    return readdirSync(DIRECTORY).filter((name) => {
      const [, pid, start] = new RegExp(`^${PREFIX}-(\\d+)-(\\d+)-`).exec(name) ?? []
      return pid !== undefined && startOf(Number(pid)) !== start
    })
  } catch {
    return []
  }
}

const CLEAN_UP = `trap "" INT TERM HUP
cat > /dev/null
for name in "$@"; do
  [ -e "${DIRECTORY}/$name" ] || continue
  for pid in $(ip netns pids "$name"); do kill -9 "$pid"; done
  ip netns del "$name"
done`

/** Deletes the namespaces, and ends what runs in them, as soon as its standard input ends. */
const caretaker = (names: ReadonlyArray<string>): ChildProcess => {
  const child = spawn("sh", ["-c", CLEAN_UP, "sh", ...names], {
    stdio: ["pipe", "ignore", "ignore"],
    // A signal from the terminal goes to the whole group.
    detached: true,
    env: environment()
  })
  child.unref()
  return child
}

const dismiss = async (caretaker: ChildProcess): Promise<void> => {
  if (caretaker.exitCode !== null || caretaker.signalCode !== null) return
  const gone = once(caretaker, "exit")
  caretaker.ref()
  caretaker.stdin?.end()
  await gone
}

export interface Address {
  readonly client: string
  readonly server: string
}

export class NamespacePair {
  readonly client: string
  readonly server: string
  private readonly caretaker: ChildProcess
  private making: Promise<unknown> = Promise.resolve()

  constructor() {
    const name = uniqueName()
    this.client = `${name}-client`
    this.server = `${name}-server`
    this.caretaker = caretaker([this.client, this.server])
  }

  make(address: Address): Promise<void> {
    const making = this.build(address)
    this.making = making.catch(() => {})
    return making
  }

  /** Ends what runs in them and deletes them. */
  async remove(): Promise<void> {
    // Whoever waited for them may have been interrupted, and they are made all the same.
    await this.making
    await dismiss(this.caretaker)
  }

  private async build({ client, server }: Address): Promise<void> {
    const abandoned = leftovers()
    if (abandoned.length > 0) await dismiss(caretaker(abandoned))
    await execute(["ip", "netns", "add", this.client])
    await execute(["ip", "netns", "add", this.server])
    const ends = [[this.client, client], [this.server, server]] as const
    await execute(
      ["ip", "-n", this.client, "link", "add", DEVICE, "type", "veth", "peer", "name", DEVICE, "netns", this.server]
    )
    for (const [name, address] of ends) {
      await execute(
        ["ip", "-n", name, "-batch", "-"],
        `addr add ${address}/30 dev ${DEVICE}\nlink set lo up\nlink set ${DEVICE} up\n`
      )
    }
  }
}
