/**
 * How often each command was sent, by the opaque that it carries: a client may send no opaque twice, and so no command.
 *
 * @since 0.1.0
 */

/**
 * @category models
 * @since 0.1.0
 */
export class Multiplicity {
  private readonly counts = new Map<string, number>()

  /** Notes the opaque of a request; none is no command that could be told from another. */
  add(opaque: string | undefined): void {
    if (opaque !== undefined) this.counts.set(opaque, (this.counts.get(opaque) ?? 0) + 1)
  }

  /** Different opaques. */
  get size(): number {
    return this.counts.size
  }

  /** Opaques that were sent more than once, with how often that was. */
  repeated(): ReadonlyArray<readonly [opaque: string, times: number]> {
    return [...this.counts].filter(([, times]) => times > 1)
  }
}

/**
 * The opaques in the log of a server or a proxy.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = (opaques: Iterable<string | undefined>): Multiplicity => {
  const multiplicity = new Multiplicity()
  for (const opaque of opaques) multiplicity.add(opaque)
  return multiplicity
}
