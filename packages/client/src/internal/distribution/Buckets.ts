/**
 * The oldest way to weigh servers: each stands in a row of buckets as often as its weight says, and a hash modulo the
 * number of buckets picks one.
 *
 * The row is never written out. A weight may be 65,535, and its place is found among the sums of the weights.
 *
 * @since 0.1.0
 */

/**
 * A row of buckets.
 *
 * @category models
 * @since 0.1.0
 */
export interface Buckets {
  readonly count: number
  /** The position, in the list of weights, of the server that has this bucket. */
  readonly ownerOf: (bucket: number) => number
}

/**
 * The row for servers of these weights, in this order.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (weights: ReadonlyArray<number>): Buckets => {
  const ends: Array<number> = []
  let count = 0
  for (const weight of weights) ends.push(count += weight)
  // Nearly always all weights are 1, and then there is nothing to search.
  if (count === weights.length) return { count, ownerOf: (bucket) => bucket }
  return {
    count,
    ownerOf: (bucket) => {
      let low = 0
      let high = ends.length - 1
      while (low < high) {
        const middle = (low + high) >>> 1
        if (ends[middle] <= bucket) low = middle + 1
        else high = middle
      }
      return low
    }
  }
}
