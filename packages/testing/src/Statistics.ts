/**
 * What a memcached counts about its commands, under the names that `stats` shows.
 *
 * As in the real server, what concerns a stored item is counted for its slab class, and the general report shows the
 * sum over the classes.
 *
 * @since 0.1.0
 */

/**
 * Counted for each slab class.
 *
 * @category models
 * @since 0.1.0
 */
export type ClassCounter =
  | "get_hits"
  | "cmd_set"
  | "delete_hits"
  | "incr_hits"
  | "decr_hits"
  | "cas_hits"
  | "cas_badval"
  | "touch_hits"

/**
 * Counted for the server.
 *
 * @category models
 * @since 0.1.0
 */
export type ServerCounter =
  | "cmd_get"
  | "cmd_flush"
  | "cmd_touch"
  | "cmd_meta"
  | "get_misses"
  | "delete_misses"
  | "incr_misses"
  | "decr_misses"
  | "cas_misses"
  | "touch_misses"
  | "store_too_large"
  | "store_no_memory"
  | "auth_cmds"
  | "auth_errors"
  | "bytes_read"
  | "bytes_written"
  | "total_connections"
  | "rejected_connections"

/**
 * What `stats detail` counts for the keys that begin alike.
 *
 * @category models
 * @since 0.1.0
 */
export interface PrefixCounts {
  get: number
  hit: number
  set: number
  del: number
}

const PREFIX_DELIMITER = ":"

/**
 * The counters of one server.
 *
 * @category models
 * @since 0.1.0
 */
export class Statistics {
  /** `stats detail on`. */
  isDetailed = false

  private readonly server = new Map<ServerCounter, number>()
  private readonly classes = new Map<number, Map<ClassCounter, number>>()
  private readonly prefixes = new Map<string, PrefixCounts>()

  /** Counts for the server. */
  count(counter: ServerCounter, by = 1): void {
    this.server.set(counter, this.value(counter) + by)
  }

  /** Counts for a slab class. */
  countIn(slabClass: number, counter: ClassCounter): void {
    let counts = this.classes.get(slabClass)
    if (counts === undefined) this.classes.set(slabClass, counts = new Map())
    counts.set(counter, (counts.get(counter) ?? 0) + 1)
  }

  /** Counts for the key's prefix, if `stats detail` is on and the key has one. */
  countPrefix(key: string, counter: keyof PrefixCounts): void {
    if (!this.isDetailed) return
    const end = key.indexOf(PREFIX_DELIMITER)
    if (end < 0) return
    const prefix = key.slice(0, end)
    let counts = this.prefixes.get(prefix)
    if (counts === undefined) this.prefixes.set(prefix, counts = { get: 0, hit: 0, set: 0, del: 0 })
    counts[counter]++
  }

  /** A counter of the server. */
  value(counter: ServerCounter): number {
    return this.server.get(counter) ?? 0
  }

  /** A counter of one slab class. */
  valueIn(slabClass: number, counter: ClassCounter): number {
    return this.classes.get(slabClass)?.get(counter) ?? 0
  }

  /** A counter over all slab classes. */
  sum(counter: ClassCounter): number {
    let sum = 0
    for (const counts of this.classes.values()) sum += counts.get(counter) ?? 0
    return sum
  }

  /** The prefixes seen since `stats detail on`. */
  get detail(): ReadonlyMap<string, PrefixCounts> {
    return this.prefixes
  }

  /** `stats reset`: everything begins at 0 again; `stats detail` stays on or off. */
  reset(): void {
    this.server.clear()
    this.classes.clear()
    this.prefixes.clear()
  }
}
