/**
 * Values that say whose they are, and the judge of every value that is read.
 *
 * A value carries its key and the number of the write. Each key has one writer, so that of any two writes it is known
 * which one is newer, and a value that should have been overwritten or deleted is found out.
 */

/** What is wrong with a value, or nothing. */
export type Verdict = "right" | "stale" | "wrong"

interface Item {
  /** The number of the latest write. */
  issued: number
  /** The number of the latest write or delete that the server has confirmed. */
  confirmed: number
  /** Writes that may be carried out at any time, also after newer ones: nobody knows what became of them. */
  readonly unknown: Set<number>
  /** Writes of which no byte was sent, or that were refused. */
  readonly never: Set<number>
}

const PADDING = "x".repeat(100)

export class Stamps {
  /** The first values that were wrong, as they were read. */
  readonly wrong: Array<{ readonly key: string; readonly value: unknown }> = []
  wrongCount = 0
  staleCount = 0

  private readonly items = new Map<string, Item>()

  /** The next value of a key. */
  issue(key: string): { readonly seq: number; readonly value: string } {
    const seq = ++this.item(key).issued
    return { seq, value: `${key}|${seq}|${PADDING}` }
  }

  confirm(key: string, seq: number): void {
    const item = this.item(key)
    item.confirmed = Math.max(item.confirmed, seq)
  }

  doubt(key: string, seq: number): void {
    this.item(key).unknown.add(seq)
  }

  deny(key: string, seq: number): void {
    this.item(key).never.add(seq)
  }

  /** To be asked when a read starts: nothing older may be read, unless its outcome is unknown. */
  floor(key: string): number {
    return this.item(key).confirmed
  }

  judge(key: string, value: unknown, floor: number): Verdict {
    const item = this.item(key)
    const [owner, number, padding] = typeof value === "string" ? value.split("|") : []
    const seq = Number(number)
    if (owner !== key || padding !== PADDING || !(seq >= 1 && seq <= item.issued) || item.never.has(seq)) {
      this.wrongCount++
      if (this.wrong.length < 5) this.wrong.push({ key, value })
      return "wrong"
    }
    if (seq >= floor || item.unknown.has(seq)) return "right"
    this.staleCount++
    return "stale"
  }

  private item(key: string): Item {
    let item = this.items.get(key)
    if (item === undefined) {
      item = { issued: 0, confirmed: 0, unknown: new Set(), never: new Set() }
      this.items.set(key, item)
    }
    return item
  }
}
