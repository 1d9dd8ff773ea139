/**
 * How busy others keep the machine: a latency that was measured beside somebody else's work is not the client's.
 */
import { readFileSync } from "node:fs"

interface Times {
  readonly total: number
  readonly busy: number
}

// The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
const machineTimes = (): Times => {
  const ticks = readFileSync("/proc/stat", "latin1").split("\n", 1)[0].split(/ +/).slice(1, 9).map(Number)
  const total = ticks.reduce((sum, value) => sum + value, 0)
  return { total, busy: total - ticks[3] - ticks[4] }
}

// utime and stime stand behind the name, which may hold anything.
const processTicks = (pid: number): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return 0
  }
}

/**
 * Answers the share of all processors that was used, since the call, by processes other than this one and those of
 * `pids`. 0 where there is no /proc.
 */
export const usedByOthers = (pids: () => ReadonlyArray<number>): () => number => {
  if (process.platform !== "linux") return () => 0
  const known = new Map<number, number>()
  const note = (): Map<number, number> => {
    for (const pid of [process.pid, ...pids()]) known.set(pid, processTicks(pid))
    return new Map(known)
  }
  const [before, own] = [machineTimes(), note()]
  return () => {
    const after = machineTimes()
    let ours = 0
    for (const [pid, ticks] of note()) ours += Math.max(ticks - (own.get(pid) ?? 0), 0)
    return Math.max((after.busy - before.busy - ours) / (after.total - before.total), 0)
  }
}
