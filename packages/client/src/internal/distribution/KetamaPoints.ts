/**
 * The points that ketama gives a server: four in each MD5 of the server's name and a number, in proportion to the
 * weights. libmemcached, spymemcached and twemproxy share this to the last bit, which is 32-bit floats.
 *
 * @since 0.1.0
 */
import { md5, uint32LE } from "./hashes/Digest.ts"

/**
 * Points of a server of average weight.
 *
 * @category constants
 * @since 0.1.0
 */
export const POINTS_PER_SERVER = 160

const float = Math.fround

/**
 * How many digests a server gets. With equal weights that is 40, or 39 where the floats come out just below.
 *
 * @category accessors
 * @since 0.1.0
 */
export const digestsOf = (weight: number, total: number, count: number): number => {
  // libmemcached hosts.cc, update_continuum: every step of this is a 32-bit float there.
  const share = float(float(weight) / float(total))
  const quarter = float(float(share * POINTS_PER_SERVER) / 4)
  return Math.floor(float(float(quarter * count) + float(1e-10)))
}

/**
 * Adds the four points of each of the digests of `name-0`, `name-1`, and so on.
 *
 * @category constructors
 * @since 0.1.0
 */
export const add = (
  name: string,
  digests: number,
  owner: number,
  addPoint: (point: number, owner: number) => void
): void => {
  for (let i = 0; i < digests; i++) {
    const digest = md5(`${name}-${i}`)
    for (let j = 0; j < 16; j += 4) addPoint(uint32LE(digest, j), owner)
  }
}
