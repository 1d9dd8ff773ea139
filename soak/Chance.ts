/**
 * Chance that comes again with the same seed.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export class Chance {
  private readonly random: (typeof Random.Random)["Service"]

  /** Of one seed, each name has a chance of its own. */
  constructor(seed: number, name: string) {
    this.random = Effect.runSync(Random.withSeed(Random.Random, `${seed} ${name}`))
  }

  /** From 0 to 1. */
  share(): number {
    return this.random.nextDoubleUnsafe()
  }

  /** A whole number from 0 to `n - 1`. */
  below(n: number): number {
    return Math.floor(this.share() * n)
  }

  between(from: number, until: number): number {
    return from + this.share() * (until - from)
  }

  of<A>(choices: ReadonlyArray<A>): A {
    return choices[this.below(choices.length)]
  }
}
