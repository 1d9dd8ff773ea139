/**
 * How much memory this process took at most: what a fault makes a client keep shows nowhere else.
 *
 * Linux counts the peak of the resident set itself, so a peak between two looks is not missed.
 *
 * @since 0.1.0
 */
import { readFileSync, writeFileSync } from "node:fs"

/**
 * A measurement that began with a baseline.
 *
 * @category models
 * @since 0.1.0
 */
export interface Memory {
  /** Bytes at the beginning. */
  readonly baseline: number
  /** Bytes that the process has had at most since then, beyond the baseline. */
  readonly growth: () => number
}

/**
 * Begins a measurement. It should begin when everything is loaded and has run once. Where there is no /proc, the growth
 * is that of the moment.
 *
 * @category constructors
 * @since 0.1.0
 */
export const measure = (): Memory => {
  try {
    // Sets the peak back to what is used now (Linux 4.0 and later).
    writeFileSync("/proc/self/clear_refs", "5")
  } catch {
    // The peak of before stays, which makes the baseline higher, not the growth wrong: both are peaks.
  }
  const baseline = peak()
  return { baseline, growth: () => Math.max(peak() - baseline, 0) }
}

const peak = (): number => {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]
    return Number(kibibytes) * 1024
  } catch {
    return process.memoryUsage.rss()
  }
}
