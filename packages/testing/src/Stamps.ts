/**
 * Values that say whose they are, and the judge of every value that is read: any client's, since both are plain text.
 *
 * A value carries its key and the number of the write, over and over, so that a piece of another value in it is found
 * out. What a key may hold is known from the writes: nothing older than the latest one that was confirmed, except a
 * write of which nobody knows what became of it.
 *
 * @since 0.1.0
 */

/**
 * What is wrong with a value, or nothing. "stale": it was this key's, and was overwritten or deleted before the read
 * began.
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict = "right" | "stale" | "wrong"

interface Item {
  /** The number of the latest write. */
  issued: number
  /** Nothing older may be read, unless its outcome is unknown. */
  floor: number
  /** Writes that have not settled, with the oldest one that was open when they began: these two have no order. */
  readonly open: Map<number, number>
  /** Writes that may be carried out at any time, also after newer ones: nobody knows what became of them. */
  readonly unknown: Set<number>
  /** Writes of which no byte was sent, or that were refused. */
  readonly never: Set<number>
}

const DEFAULT_SIZE = 100

/** How many wrong values are kept to be shown. */
const SHOWN = 5

/**
 * @category models
 * @since 0.1.0
 */
export class Stamps {
  /** The first values that were wrong: how they begin. */
  readonly wrong: Array<{ readonly key: string; readonly value: string }> = []
  wrongCount = 0
  staleCount = 0
  /** Values that were looked at. */
  judged = 0

  private readonly items = new Map<string, Item>()
  private readonly mark: string

  /** Every value contains `mark`, so that it can be searched for where no value may be. */
  constructor(mark = "stamped") {
    this.mark = mark
  }

  /** The next value of a key, about `size` characters long. A deletion is a write too; its value is not used. */
  issue(key: string, size = DEFAULT_SIZE): { readonly seq: number; readonly value: string } {
    const item = this.item(key)
    const seq = ++item.issued
    const [oldest = seq] = item.open.keys()
    item.open.set(seq, oldest)
    return { seq, value: this.value(key, seq, size) }
  }

  /** The write was carried out. */
  confirm(key: string, seq: number): void {
    const item = this.item(key)
    item.floor = Math.max(item.floor, item.open.get(seq) ?? seq)
    item.open.delete(seq)
  }

  /** Nobody knows whether the write was, or will be, carried out. */
  doubt(key: string, seq: number): void {
    const item = this.item(key)
    item.open.delete(seq)
    item.unknown.add(seq)
  }

  /** The write was not carried out, and never will be. */
  deny(key: string, seq: number): void {
    const item = this.item(key)
    item.open.delete(seq)
    item.never.add(seq)
  }

  /** To be asked when a read starts, and told to `judge`. */
  floor(key: string): number {
    return this.item(key).floor
  }

  /** Looks at a value that was read: text, or the bytes of it. */
  judge(key: string, value: unknown, floor = this.floor(key)): Verdict {
    this.judged++
    const item = this.item(key)
    const text = value instanceof Uint8Array ? new TextDecoder().decode(value) : value
    const [seq, size] = typeof text === "string" && text.startsWith(`${key}|`)
      ? text.slice(key.length + 1, key.length + 40).split("|").map(Number)
      : []
    const isOwn = seq >= 1 && seq <= item.issued && size >= 0 && text === this.value(key, seq, size)
    if (!isOwn || item.never.has(seq)) {
      this.wrongCount++
      if (this.wrong.length < SHOWN) this.wrong.push({ key, value: this.beginning(text) })
      return "wrong"
    }
    if (seq >= floor || item.unknown.has(seq)) return "right"
    this.staleCount++
    return "stale"
  }

  private value(key: string, seq: number, size: number): string {
    const head = `${key}|${seq}|${size}|`
    const unit = `${this.mark}:${key}:${seq};`
    return head + unit.repeat(Math.ceil(Math.max(size - head.length, 1) / unit.length))
  }

  // Without the mark, which may be searched for in what is printed.
  private beginning(value: unknown): string {
    return String(value).slice(0, 200).replaceAll(this.mark, "…")
  }

  private item(key: string): Item {
    let item = this.items.get(key)
    if (item === undefined) {
      item = { issued: 0, floor: 0, open: new Map(), unknown: new Set(), never: new Set() }
      this.items.set(key, item)
    }
    return item
  }
}
