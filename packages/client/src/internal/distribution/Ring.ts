/**
 * Points on a circle of 2^32, each owned by a server: the part that all ketamas share. How many points there are and
 * where, which point is a key's, and who wins a point that two servers claim is for each family to say.
 *
 * @since 0.1.0
 */

/**
 * Points in ascending order, with their owners.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ring {
  readonly points: Uint32Array
  readonly owners: Uint32Array
}

/** A point and its owner are sorted as one number, which is exact below 2^53. */
const OWNERS = 2 ** 21

/**
 * Collects the points that `place` adds. Of equal points the one with the smaller owner comes first, or with
 * `ties: "last"` the one with the greater owner.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  place: (add: (point: number, owner: number) => void) => void,
  ties: "first" | "last" = "first"
): Ring => {
  const packed: Array<number> = []
  place((point, owner) => {
    packed.push(point * OWNERS + (ties === "first" ? owner : OWNERS - 1 - owner))
  })
  const sorted = Float64Array.from(packed).sort()
  const points = new Uint32Array(sorted.length)
  const owners = new Uint32Array(sorted.length)
  for (let i = 0; i < sorted.length; i++) {
    const point = Math.floor(sorted[i] / OWNERS)
    const owner = sorted[i] - point * OWNERS
    points[i] = point
    owners[i] = ties === "first" ? owner : OWNERS - 1 - owner
  }
  return { points, owners }
}

/**
 * The index of the first point at or after `point`; the number of points behind the last one.
 *
 * @category accessors
 * @since 0.1.0
 */
export const lowerBound = ({ points }: Ring, point: number): number => {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (points[middle] < point) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * The index of the first point after `point`; the number of points if there is none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const upperBound = ({ points }: Ring, point: number): number => {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (points[middle] <= point) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * The owner of the first point at or after `point`, around the circle; -1 on an empty one.
 *
 * @category accessors
 * @since 0.1.0
 */
export const ownerAtOrAfter = (ring: Ring, point: number): number => {
  if (ring.points.length === 0) return -1
  const index = lowerBound(ring, point)
  return ring.owners[index === ring.points.length ? 0 : index]
}

/**
 * The owner of the first point after `point`, around the circle; -1 on an empty one.
 *
 * @category accessors
 * @since 0.1.0
 */
export const ownerAfter = (ring: Ring, point: number): number => {
  if (ring.points.length === 0) return -1
  const index = upperBound(ring, point)
  return ring.owners[index === ring.points.length ? 0 : index]
}

/**
 * The owner of the last point at or before `point`, around the circle; -1 on an empty one.
 *
 * @category accessors
 * @since 0.1.0
 */
export const ownerAtOrBefore = (ring: Ring, point: number): number => {
  if (ring.points.length === 0) return -1
  const index = upperBound(ring, point)
  return ring.owners[(index === 0 ? ring.points.length : index) - 1]
}

/**
 * Each owner once, in the order in which the circle meets them from the first point at or after `point` on.
 *
 * @category accessors
 * @since 0.1.0
 */
export function* walk(ring: Ring, point: number): Generator<number> {
  const { owners, points } = ring
  const met = new Set<number>()
  const start = lowerBound(ring, point)
  for (let i = 0; i < points.length; i++) {
    const owner = owners[(start + i) % points.length]
    if (met.has(owner)) continue
    met.add(owner)
    yield owner
  }
}
