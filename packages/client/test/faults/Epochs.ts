/**
 * Counters of several times of a run: what was counted before a server died may be lost with it, so that from then on
 * others are counted.
 */
import { type Count, Counters } from "@effect-memcache/testing/Counters"

const PER_EPOCH = 30

export class Epochs {
  private epoch = ""
  private readonly counters = new Counters()

  /** From here on others are counted. */
  enter(epoch: string): void {
    this.epoch = epoch
  }

  pick(random: number): string {
    return keyOf(this.epoch, Math.floor(random * PER_EPOCH))
  }

  succeeded(key: string): void {
    this.counters.succeeded(key)
  }

  doubted(key: string): void {
    this.counters.doubted(key)
  }

  keys(epoch: string): ReadonlyArray<string> {
    return Array.from({ length: PER_EPOCH }, (_, i) => keyOf(epoch, i))
  }

  of(epoch: string): ReadonlyArray<Count> {
    return this.keys(epoch).map((key) => this.counters.of(key))
  }
}

const keyOf = (epoch: string, i: number): string => `count:${epoch}:${i}`
