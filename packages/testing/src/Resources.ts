/**
 * What a program still holds: sockets, timers and listeners, counted before a client is made and after it is closed.
 *
 * @since 0.1.0
 */
import type { EventEmitter } from "node:events"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"

/**
 * How many of each there are; the names are Node's (`TCPSocketWrap`, `Timeout`), with `listeners of process: warning`
 * and `system sockets`.
 *
 * @category models
 * @since 0.1.0
 */
export type Resources = ReadonlyMap<string, number>

/**
 * Counts what keeps this process alive, the listeners of `emitters` (`process` by default), and what the system says
 * of its internet sockets.
 *
 * @category constructors
 * @since 0.1.0
 */
export const count = (emitters: Readonly<Record<string, EventEmitter>> = { process }): Resources => {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const [name, emitter] of Object.entries(emitters)) {
    for (const event of emitter.eventNames()) {
      counts.set(`listeners of ${name}: ${String(event)}`, emitter.listenerCount(event))
    }
  }
  counts.set("system sockets", systemSockets().length)
  return counts
}

/**
 * What there is more of than before, as sentences. Immediates are left out: they are over before anybody could look.
 *
 * @category accessors
 * @since 0.1.0
 */
export const leaks = (before: Resources, after: Resources): ReadonlyArray<string> =>
  [...after].filter(([name, count]) => count > (before.get(name) ?? 0) && name !== "Immediate")
    .map(([name, count]) => `${count} ${name}, ${before.get(name) ?? 0} before`)

/**
 * The internet sockets of this process, as Linux knows them: local and remote address in hexadecimal, and the state.
 * Empty where there is no /proc.
 *
 * @category accessors
 * @since 0.1.0
 */
export const systemSockets = (): ReadonlyArray<string> => {
  const own = new Set<string>()
  for (const fd of list("/proc/self/fd")) {
    const inode = /^socket:\[(\d+)\]$/.exec(target(`/proc/self/fd/${fd}`))?.[1]
    if (inode !== undefined) own.add(inode)
  }
  // Columns: 1 and 2 are the addresses, 3 the state, 9 the inode.
  return ["/proc/self/net/tcp", "/proc/self/net/tcp6"].flatMap((file) =>
    read(file).split("\n").slice(1).map((line) => line.trim().split(/\s+/))
      .filter((row) => own.has(row[9])).map((row) => `${row[1]} ${row[2]} ${row[3]}`)
  )
}

const list = (directory: string): ReadonlyArray<string> => orNothing(() => readdirSync(directory), [])

const target = (link: string): string => orNothing(() => readlinkSync(link), "")

const read = (file: string): string => orNothing(() => readFileSync(file, "latin1"), "")

// A file descriptor may be gone by the time it is looked at, and elsewhere than on Linux there is nothing to look at.
const orNothing = <A>(look: () => A, nothing: A): A => {
  try {
    return look()
  } catch {
    return nothing
  }
}
