/**
 * Durations, counted in buckets: what Effect's histogram metric shows, as plain fields that cost a few nanoseconds to
 * write and are looked at only when somebody asks.
 *
 * @since 0.1.0
 */
import type { HistogramState } from "effect/Metric"

/**
 * Upper bounds of the buckets, in seconds. OpenTelemetry's own begin at a millisecond, in which a cache on the same
 * network has answered five times.
 *
 * @category constants
 * @since 0.1.0
 */
export const DEFAULT_BOUNDARIES: ReadonlyArray<number> = [
  0.00005,
  0.0001,
  0.00025,
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5
]

/**
 * @category models
 * @since 0.1.0
 */
export class Histogram {
  private readonly boundaries: ReadonlyArray<number>
  /** The same in milliseconds, which is what clocks are read in. */
  private readonly limits: Float64Array
  /** One more than there are limits. Not integers of 32 bits: those are full after an afternoon. */
  private readonly counts: Float64Array
  private count = 0
  private sum = 0
  private min = Number.MAX_VALUE
  private max = -Number.MAX_VALUE

  /** `boundaries` are seconds, and rise. */
  constructor(boundaries: ReadonlyArray<number>) {
    this.boundaries = boundaries
    this.limits = Float64Array.from(boundaries, (seconds) => seconds * 1000)
    this.counts = new Float64Array(boundaries.length + 1)
  }

  record(millis: number): void {
    const { limits } = this
    let bucket = 0
    // From below: most commands are in the first buckets.
    while (bucket < limits.length && millis > limits[bucket]) bucket++
    this.counts[bucket]++
    this.count++
    this.sum += millis
    if (millis < this.min) this.min = millis
    if (millis > this.max) this.max = millis
  }

  /** In seconds. As in Effect's own, a bucket counts what is in those below it too. */
  state(): HistogramState {
    let below = 0
    return {
      buckets: this.boundaries.map((boundary, i) => [boundary, below += this.counts[i]] as const),
      count: this.count,
      sum: this.sum / 1000,
      min: this.count === 0 ? this.min : this.min / 1000,
      max: this.count === 0 ? this.max : this.max / 1000
    }
  }
}
