/**
 * Counters that are only ever counted up by one, and how far each may have come: a command that is sent twice, or that
 * says it was carried out and was not, shows here.
 *
 * @since 0.1.0
 */

/**
 * What is known of one counter.
 *
 * @category models
 * @since 0.1.0
 */
export interface Count {
  readonly key: string
  /** Increments that were answered. */
  readonly successes: number
  /** Increments of which nobody knows whether they were carried out. */
  readonly unknown: number
}

/**
 * @category models
 * @since 0.1.0
 */
export class Counters {
  private readonly counts = new Map<string, { successes: number; unknown: number }>()

  /** An increment of the key was answered. */
  succeeded(key: string): void {
    this.entry(key).successes++
  }

  /** An increment of the key failed, and may have been carried out. */
  doubted(key: string): void {
    this.entry(key).unknown++
  }

  /** What is known of a key; nothing was counted if it was never named. */
  of(key: string): Count {
    return { key, successes: 0, unknown: 0, ...this.counts.get(key) }
  }

  /** All keys that were counted. */
  get keys(): ReadonlyArray<string> {
    return [...this.counts.keys()]
  }

  private entry(key: string): { successes: number; unknown: number } {
    let entry = this.counts.get(key)
    if (entry === undefined) this.counts.set(key, entry = { successes: 0, unknown: 0 })
    return entry
  }
}

/**
 * What is wrong with a counter of which the server holds `stored`, as a sentence; none if it can be right. One that
 * `mayBeLost`, with its server, may be less than it was counted.
 *
 * @category accessors
 * @since 0.1.0
 */
export const fault = (
  { key, successes, unknown }: Count,
  stored: number,
  options?: { readonly mayBeLost?: boolean | undefined }
): string | undefined => {
  const isRight = (options?.mayBeLost === true || successes <= stored) && stored <= successes + unknown
  return isRight ? undefined : `${key} is ${stored} after ${successes} successes and ${unknown} unknown`
}
