/**
 * Finds an opaque that was sent twice among ten million, in two megabytes.
 *
 * Opaques are numbers that a client counts up, so a bit for each is enough, in pages that are made when the first of
 * their numbers comes. Opaques that are no such numbers are kept as they are.
 *
 * @since 0.1.0
 */

const PAGE_BITS = 4096

// Fifteen digits: every such number is exact. No zero in front, so that no two texts are the same number.
const NUMBER = /^(?:0|[1-9]\d{0,14})$/

/**
 * The opaques of everything that one client process has sent, through however many proxies.
 *
 * @category models
 * @since 0.1.0
 */
export class OpaqueSet {
  private readonly pages = new Map<number, Uint32Array>()
  private readonly others = new Set<string>()
  private readonly repeats = new Map<string, number>()
  private count = 0

  /** Notes the opaque of a request, if it has one. */
  add(opaque: string | undefined): void {
    if (opaque === undefined) return
    if (NUMBER.test(opaque) ? this.mark(Number(opaque)) : this.keep(opaque)) {
      this.count++
      return
    }
    this.repeats.set(opaque, (this.repeats.get(opaque) ?? 1) + 1)
  }

  /** Different opaques. */
  get size(): number {
    return this.count
  }

  /** Opaques that were sent more than once, with how often that was. */
  repeated(): ReadonlyArray<readonly [opaque: string, times: number]> {
    return [...this.repeats]
  }

  /** Whether the number is new. */
  private mark(opaque: number): boolean {
    const index = Math.floor(opaque / PAGE_BITS)
    let page = this.pages.get(index)
    if (page === undefined) this.pages.set(index, page = new Uint32Array(PAGE_BITS / 32))
    const bit = opaque % PAGE_BITS
    const mask = 1 << (bit & 31)
    const isNew = (page[bit >>> 5] & mask) === 0
    page[bit >>> 5] |= mask
    return isNew
  }

  /** Whether the text is new. */
  private keep(opaque: string): boolean {
    const { size } = this.others
    return this.others.add(opaque).size > size
  }
}
