/**
 * Notices winners that never come back.
 *
 * An empty item that was made for a claim expires by itself. A value that is due keeps its mark "win sent" for as long as
 * it lives, however dead the winner is, and memcached does not tell when it was sent. So every process remembers when it
 * first read that mark on an item, and takes the claim away when it reads it on the same item (by its cas) after the
 * time that a claim lasts.
 *
 * @since 0.1.0
 */
import type { Key as WireKey } from "@effect-memcache/protocol/Key"

/** Items that are remembered at most; the oldest is forgotten, and only waits longer to be taken over. */
const MAX_WATCHED = 10_000

/**
 * The items that were read with a win sent.
 *
 * @category models
 * @since 0.1.0
 */
export class WinWatch {
  private readonly seen = new Map<WireKey, { readonly cas: bigint; readonly since: number }>()

  /** Notes that another has won the item, and answers whether that was longer ago than a claim lasts. */
  isOverdue(wire: WireKey, cas: bigint, now: number, claimSeconds: number): boolean {
    const seen = this.seen.get(wire)
    if (seen?.cas === cas) return now - seen.since > claimSeconds * 1000
    // Set again behind all others, so that the oldest are the first.
    this.seen.delete(wire)
    if (this.seen.size >= MAX_WATCHED) this.seen.delete(this.seen.keys().next().value!)
    this.seen.set(wire, { cas, since: now })
    return false
  }

  /** The item has been replaced, or was won by the caller. */
  forget(wire: WireKey): void {
    if (this.seen.size > 0) this.seen.delete(wire)
  }
}
