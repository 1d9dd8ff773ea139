/**
 * What has happened at one server, as plain numbers. Counting is on the way of every command, so it is an addition to a
 * field; everything that metrics need beyond it is made when they are read.
 *
 * @since 0.1.0
 */
import { Histogram } from "./Histogram.ts"

/**
 * Hears of a kind of operation, or of a way in which it fails, when it happens for the first time.
 *
 * @category models
 * @since 0.1.0
 */
export type OnSeries = (operation: string, errorType: string | undefined, durations: Histogram) => void

/**
 * @category models
 * @since 0.1.0
 */
export class Tally {
  /** Keys that were read and found, and those that were read and not found. */
  hits = 0
  misses = 0
  /** Commands that were tried again: not sent the first time, or reads of a client that tries those again. */
  retries = 0
  /** Times that the server was found dead. */
  deaths = 0
  /** Connections that were opened, and those of them that were lost without our doing. */
  opened = 0
  lost = 0
  bytesSent = 0
  bytesReceived = 0

  private readonly boundaries: ReadonlyArray<number>
  private readonly onSeries: OnSeries
  private readonly answers = new Map<string, Histogram>()
  private lastOperation = ""
  private lastDurations: Histogram | undefined = undefined
  private readonly failures = new Map<string, Map<string, Histogram>>()

  constructor(boundaries: ReadonlyArray<number>, onSeries: OnSeries) {
    this.boundaries = boundaries
    this.onSeries = onSeries
  }

  /** A command was answered, whether or not with what was hoped for. */
  answered(operation: string, millis: number): void {
    // Mostly it is the same operation as before.
    if (operation !== this.lastOperation) {
      this.lastDurations = this.answers.get(operation) ?? this.series(this.answers, operation, operation, undefined)
      this.lastOperation = operation
    }
    this.lastDurations!.record(millis)
  }

  /** A command failed, for good. */
  failed(operation: string, errorType: string, millis: number): void {
    let byType = this.failures.get(operation)
    if (byType === undefined) {
      byType = new Map()
      this.failures.set(operation, byType)
    }
    const durations = byType.get(errorType) ?? this.series(byType, errorType, operation, errorType)
    durations.record(millis)
  }

  private series(
    among: Map<string, Histogram>,
    name: string,
    operation: string,
    errorType: string | undefined
  ): Histogram {
    const durations = new Histogram(this.boundaries)
    among.set(name, durations)
    this.onSeries(operation, errorType, durations)
    return durations
  }
}
