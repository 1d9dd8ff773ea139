/**
 * Values that grow by `append`, a numbered piece at a time: one that is there twice was sent twice, and one that the
 * client was told of must be there.
 */

interface Appendix {
  issued: number
  readonly confirmed: Set<number>
}

export class Appendices {
  private readonly all = new Map<string, Appendix>()

  /** What stands before all pieces. */
  head(key: string): string {
    return `${key}|`
  }

  /** The next piece of a value. */
  issue(key: string): { readonly piece: number; readonly text: string } {
    const piece = ++this.of(key).issued
    return { piece, text: `${piece};` }
  }

  /** The piece was appended. */
  confirm(key: string, piece: number): void {
    this.of(key).confirmed.add(piece)
  }

  /**
   * What is wrong with the value that is stored, as a sentence. Pieces may be missing of a value that `mayBeLost`, and
   * when it was read while others were appending.
   */
  fault(key: string, value: unknown, mayBeLost: boolean): string | undefined {
    const { confirmed, issued } = this.of(key)
    if (value === undefined) return mayBeLost || confirmed.size === 0 ? undefined : `${key} is gone`
    const head = this.head(key)
    if (typeof value !== "string" || !value.startsWith(head) || !/^(?:\d+;)*$/.test(value.slice(head.length))) {
      return `${key} is ${String(value).slice(0, 100)}`
    }
    const pieces = value.slice(head.length).split(";").slice(0, -1).map(Number)
    const different = new Set(pieces)
    if (different.size < pieces.length) return `${key} has a piece twice`
    if (pieces.some((piece) => piece < 1 || piece > issued)) return `${key} has a piece that nobody wrote`
    return mayBeLost || [...confirmed].every((piece) => different.has(piece)) ? undefined : `${key} lacks a piece`
  }

  private of(key: string): Appendix {
    let appendix = this.all.get(key)
    if (appendix === undefined) this.all.set(key, appendix = { issued: 0, confirmed: new Set() })
    return appendix
  }
}
