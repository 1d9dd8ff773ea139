/**
 * What every family of clients can say about a key: which server is its home, and who is asked when that one is away.
 *
 * Three kinds of client differ in the second half only: those that ask nobody else, those that walk on in an order of
 * their own, and those that build their ring anew without the server.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { HashInput } from "../../Key.ts"

/**
 * A list of servers with a rule that places keys on them. Indices count in the order of the list.
 *
 * @category models
 * @since 0.1.0
 */
export interface Placement {
  /** The server of a key, or of the hash that routes in the key's place; -1 if there is none. */
  readonly indexOf: (key: Key, hash?: HashInput | undefined) => number
  /**
   * The servers to try, in turn, beginning at `indexOf`. Where the family's own rule comes back to a server, so does
   * this; where it gives up, this ends. Lazy, since the first or second server is nearly always the one that is wanted.
   */
  readonly sequence: (key: Key, hash?: HashInput | undefined) => Iterable<number>
  /**
   * The placement while these servers are away, by the family's own rule: its `indexOf` never answers one of them, and
   * is -1 for keys that the family would then give up. Indices stay those of the whole list.
   */
  readonly without: (away: ReadonlySet<number>) => Placement
  /** Whether keys have more than one server at all. */
  readonly failsOver: boolean
}

/**
 * The server of a key, or -1.
 *
 * @category models
 * @since 0.1.0
 */
export type Locate = (key: Key, hash: HashInput | undefined) => number

/**
 * The servers of a key, in the order in which they are tried.
 *
 * @category models
 * @since 0.1.0
 */
export type Candidates = (key: Key, hash: HashInput | undefined) => Iterable<number>

const nobody: ReadonlySet<number> = new Set()

/**
 * For families that try one server and no other.
 *
 * @category constructors
 * @since 0.1.0
 */
export const alone = (locate: Locate): Placement => {
  const one = (placement: Placement): Placement => ({
    ...placement,
    without: (away) => one(placement.without(away)),
    failsOver: false
  })
  return one(inOrder(locate, (key, hash) => {
    const home = locate(key, hash)
    return home < 0 ? [] : [home]
  }))
}

/**
 * For families that try one server after another. `candidates` begins at home.
 *
 * @category constructors
 * @since 0.1.0
 */
export const inOrder = (locate: Locate, candidates: Candidates, away: ReadonlySet<number> = nobody): Placement => ({
  indexOf: away.size === 0 ? locate : (key, hash) => {
    const home = locate(key, hash)
    if (!away.has(home)) return home
    for (const index of candidates(key, hash)) if (!away.has(index)) return index
    return -1
  },
  sequence: away.size === 0 ? candidates : (key, hash) => remaining(candidates(key, hash), away),
  without: (more) => inOrder(locate, candidates, new Set([...away, ...more])),
  failsOver: true
})

function* remaining(indices: Iterable<number>, away: ReadonlySet<number>): Generator<number> {
  for (const index of indices) if (!away.has(index)) yield index
}

/**
 * How many rings `sequence` keeps of those that it had to build. A pool asks `without` once when a server goes or comes,
 * and never needs them; a tool that asks `sequence` meets the same few again and again.
 */
const KEPT_RINGS = 32

/**
 * For families that build their ring anew from the servers that are left. `build` is given their indices, in order.
 *
 * @category constructors
 * @since 0.1.0
 */
export const rebuilt = (count: number, build: (live: ReadonlyArray<number>) => Locate): Placement => {
  const rings = new Map<string, Locate>()
  const ringWithout = (away: ReadonlySet<number>): Locate => {
    const live = Array.from({ length: count }, (_, index) => index).filter((index) => !away.has(index))
    const name = live.join()
    const known = rings.get(name)
    if (known !== undefined) return known
    const ring: Locate = live.length === 0 ? () => -1 : build(live)
    if (rings.size === KEPT_RINGS) rings.delete(rings.keys().next().value!)
    rings.set(name, ring)
    return ring
  }
  const view = (away: ReadonlySet<number>): Placement => {
    const locate = ringWithout(away)
    return {
      indexOf: locate,
      *sequence(key, hash) {
        const gone = new Set(away)
        for (let index = locate(key, hash); index >= 0; index = ringWithout(gone)(key, hash)) {
          yield index
          gone.add(index)
        }
      },
      without: (more) => view(new Set([...away, ...more])),
      failsOver: true
    }
  }
  return view(nobody)
}

/**
 * The same placement for keys that carry a prefix which the family sends but does not hash. Keys without it are placed as
 * they are.
 *
 * @category combinators
 * @since 0.1.0
 */
export const unprefixed = (placement: Placement, prefix: string): Placement => {
  const bare = (key: Key): Key =>
    // Still the bytes of a key, and only hashed.
    key.length > prefix.length && key.startsWith(prefix) ? key.slice(prefix.length) as Key : key
  return {
    indexOf: (key, hash) => placement.indexOf(bare(key), hash),
    sequence: (key, hash) => placement.sequence(bare(key), hash),
    without: (away) => unprefixed(placement.without(away), prefix),
    failsOver: placement.failsOver
  }
}
