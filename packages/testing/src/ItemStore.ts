/**
 * The items of one memcached: what is kept, for how long, and what goes when there is no room.
 *
 * The store knows nothing of commands or sockets. It is given a clock, counts in whole seconds as memcached does, and
 * accounts for every item what the real server would: header, cas, key, flags, value and line end. Keys are raw byte
 * strings, so that an item stored under a base64 key is found by its bytes too.
 *
 * @since 0.1.0
 */
import { MAX_RELATIVE_EXPTIME, MAX_UINT64 } from "@effect-memcache/protocol/Limits"

/**
 * A stored item. `exptime` and `lastAccess` are seconds on the store's own clock; an exptime of 0 is never.
 *
 * @category models
 * @since 0.1.0
 */
export interface Item {
  readonly key: string
  /** The key came as base64 (`b`), and is shown so. */
  readonly isBase64: boolean
  readonly flags: number
  exptime: number
  cas: bigint
  value: Uint8Array
  lastAccess: number
  /** Read since it was stored. */
  isFetched: boolean
  /** Marked by `md … I`: readers are told `X`. */
  isStale: boolean
  /** Somebody was told `W`: others are told `Z`. */
  isWinSent: boolean
}

/**
 * Bounds and habits of a store.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Largest item in bytes, its header included. */
  readonly maxItemSize: number
  /** Bytes that all items together may take. */
  readonly memoryLimit: number
  /** Whether old items make room for new ones; otherwise storing fails. */
  readonly isEvicting: boolean
  /** Whether items have cas uniques. */
  readonly hasCas: boolean
}

/**
 * Whether there is room for an item.
 *
 * @category models
 * @since 0.1.0
 */
export type Admission = "ok" | "tooLarge" | "noMemory"

const HEADER_SIZE = 48
const CAS_SIZE = 8
const FLAGS_SIZE = 4

// memcached's clock starts at 2, so that an exptime of 1 lies in the past from the beginning.
const CLOCK_START = 2
const EXPIRED = 1

/** Changes after which the place of the longest unused item is forgotten, however few items there are. */
const MIN_CHANGES = 1000

/**
 * A store. All of its methods look at the clock first: what has expired is gone.
 *
 * @category models
 * @since 0.1.0
 */
export class ItemStore {
  readonly options: Options
  /** Bytes that the items take. */
  bytes = 0
  totalItems = 0
  evictions = 0
  evictedUnfetched = 0
  reclaimed = 0
  expiredUnfetched = 0
  foundExpired = 0

  // Insertion order is the order of use, the longest unused first.
  private items = new Map<string, Item>()
  // Everything that this iterator has passed was evicted, so it stands at the longest unused item without a search. As
  // long as there is one, V8 keeps every table that the map has had since then (Node 24), so it is let go of in time.
  private eldest: MapIterator<Item> | undefined = undefined
  private changes = 0
  private reclaimedAt = 0
  private lastCas = 0n
  private flushAt = 0
  private readonly started: number

  constructor(options: Options) {
    this.options = options
    this.started = Math.floor(options.now() / 1000) - CLOCK_START
  }

  /** Seconds on the store's clock. */
  get time(): number {
    return Math.floor(this.options.now() / 1000) - this.started
  }

  /** Seconds since the store was made. */
  get uptime(): number {
    return this.time - CLOCK_START
  }

  /** How many items there are, expired ones that nobody has asked for since included. */
  get count(): number {
    this.flushIfDue()
    return this.items.size
  }

  /** A time on the store's clock as Unix seconds. */
  toUnix(time: number): number {
    return time + this.started
  }

  /**
   * The exptime of a command on the store's clock. 32 bits are read, as the real server does: 2^31 is negative, and
   * negative is expired. More than 30 days is a Unix time, which is expired if it lies before the server's start.
   */
  expiry(exptime: number): number {
    const seconds = exptime | 0
    if (seconds === 0) return 0
    if (seconds < 0) return EXPIRED
    if (seconds <= MAX_RELATIVE_EXPTIME) return this.time + seconds
    return seconds <= this.started ? EXPIRED : seconds - this.started
  }

  /** What an item takes in bytes. */
  size(item: Pick<Item, "key" | "flags" | "value">): number {
    return this.sizeOf(item.key, item.flags, item.value.length)
  }

  /** The item, if it is there and has not expired. Looking is not an access. */
  find(key: string): Item | undefined {
    this.flushIfDue()
    const item = this.items.get(key)
    if (item === undefined || !this.isExpired(item)) return item
    this.foundExpired++
    if (!item.isFetched) this.expiredUnfetched++
    this.unlink(item)
    return undefined
  }

  /** Items as they lie, the longest unused first, without those that have expired. */
  *entries(): Generator<Item> {
    this.flushIfDue()
    for (const item of this.items.values()) {
      if (!this.isExpired(item)) yield item
    }
  }

  /** Counts as a read: the item becomes the most recently used. */
  access(item: Item): void {
    item.isFetched = true
    this.promote(item)
  }

  /** The item becomes the most recently used, without having been read. */
  promote(item: Item): void {
    item.lastAccess = this.time
    this.items.delete(item.key)
    this.append(item)
  }

  /** Makes room for an item of that size, by evicting if that is allowed. */
  admit(key: string, flags: number, length: number): Admission {
    this.flushIfDue()
    const size = this.sizeOf(key, flags, length)
    if (size > this.options.maxItemSize) return "tooLarge"
    if (size > this.options.memoryLimit) return "noMemory"
    if (this.bytes + size <= this.options.memoryLimit) return "ok"
    this.reclaim()
    if (this.bytes + size <= this.options.memoryLimit) return "ok"
    if (!this.options.isEvicting) return "noMemory"
    while (this.bytes + size > this.options.memoryLimit) this.evictOldest()
    return "ok"
  }

  /**
   * Puts a new item under its key, in place of what was there, with the next cas unique, or with `cas` if that is given
   * and not 0. The value is kept as it is: the caller gives it away.
   */
  link(
    fields: { readonly key: string; readonly isBase64: boolean; readonly flags: number; readonly exptime: number },
    value: Uint8Array,
    cas: bigint | undefined
  ): Item {
    const old = this.items.get(fields.key)
    if (old !== undefined) this.unlink(old)
    const item: Item = {
      key: fields.key,
      isBase64: fields.isBase64,
      flags: fields.flags,
      exptime: fields.exptime,
      cas: this.newCas(cas),
      value,
      lastAccess: this.time,
      isFetched: false,
      isStale: false,
      isWinSent: false
    }
    this.append(item)
    this.bytes += this.size(item)
    this.totalItems++
    return item
  }

  /** Takes an item out. */
  unlink(item: Item): void {
    if (this.items.get(item.key) !== item) return
    this.items.delete(item.key)
    this.bytes -= this.size(item)
  }

  /** The next cas unique, or `wanted` if that is given and not 0; always 0 in a store without cas. */
  newCas(wanted?: bigint | undefined): bigint {
    if (!this.options.hasCas) return 0n
    if (wanted !== undefined && wanted !== 0n) return wanted
    this.lastCas = this.lastCas === MAX_UINT64 ? 1n : this.lastCas + 1n
    return this.lastCas
  }

  /**
   * Drops every item, now, or when `delay` has passed: then also what is stored until that moment. A later call takes
   * the place of one that waits.
   */
  flush(delay: number): void {
    const at = this.expiry(delay)
    this.flushAt = at <= this.time ? this.time : at
    this.flushIfDue()
  }

  /** `stats reset`: what the store has counted begins at 0 again, not what it holds. */
  resetCounters(): void {
    this.totalItems = 0
    this.evictions = 0
    this.evictedUnfetched = 0
    this.reclaimed = 0
    this.expiredUnfetched = 0
    this.foundExpired = 0
  }

  private flushIfDue(): void {
    if (this.flushAt === 0 || this.flushAt > this.time) return
    this.flushAt = 0
    this.items = new Map()
    this.eldest = undefined
    this.bytes = 0
  }

  private append(item: Item): void {
    this.items.set(item.key, item)
    // A new iterator searches at most as many entries as there were changes.
    if (this.eldest !== undefined && ++this.changes > this.items.size + MIN_CHANGES) this.eldest = undefined
  }

  private evictOldest(): void {
    if (this.eldest === undefined) {
      this.eldest = this.items.values()
      this.changes = 0
    }
    const { value: item } = this.eldest.next()
    // An iterator that has once ended stays so; whatever it has passed is gone, thus a new one begins where it was.
    if (item === undefined) this.eldest = undefined
    else {
      this.evictions++
      if (!item.isFetched) this.evictedUnfetched++
      this.unlink(item)
    }
  }

  // Before anything that lives is evicted, what has expired goes. One search a second finds all there is.
  private reclaim(): void {
    if (this.reclaimedAt === this.time) return
    this.reclaimedAt = this.time
    for (const item of this.items.values()) {
      if (!this.isExpired(item)) continue
      this.reclaimed++
      if (!item.isFetched) this.expiredUnfetched++
      this.unlink(item)
    }
  }

  private isExpired(item: Item): boolean {
    return item.exptime !== 0 && item.exptime <= this.time
  }

  private sizeOf(key: string, flags: number, length: number): number {
    const fixed = HEADER_SIZE + (this.options.hasCas ? CAS_SIZE : 0) + (flags === 0 ? 0 : FLAGS_SIZE)
    return fixed + key.length + 1 + length + 2
  }
}
