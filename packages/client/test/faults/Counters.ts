/**
 * Counters that are only ever counted up by one, and how far each may have come: a command that is sent twice, or that
 * says it was carried out and was not, shows here.
 */

export interface Count {
  readonly key: string
  readonly successes: number
  readonly unknown: number
}

const PER_EPOCH = 30

export class Counters {
  private epoch = ""
  private readonly counts = new Map<string, { successes: number; unknown: number }>()

  /** From here on others are counted, because what was counted before may be lost with a server. */
  enter(epoch: string): void {
    this.epoch = epoch
    for (const key of this.keys(epoch)) this.counts.set(key, { successes: 0, unknown: 0 })
  }

  pick(random: number): string {
    return keyOf(this.epoch, Math.floor(random * PER_EPOCH))
  }

  succeeded(key: string): void {
    this.counts.get(key)!.successes++
  }

  doubted(key: string): void {
    this.counts.get(key)!.unknown++
  }

  keys(epoch: string): ReadonlyArray<string> {
    return Array.from({ length: PER_EPOCH }, (_, i) => keyOf(epoch, i))
  }

  of(epoch: string): ReadonlyArray<Count> {
    return this.keys(epoch).map((key) => ({ key, ...this.counts.get(key)! }))
  }
}

const keyOf = (epoch: string, i: number): string => `count:${epoch}:${i}`
