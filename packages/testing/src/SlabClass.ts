/**
 * Which slab class memcached would put an item into, because `me`, `stats slabs` and `cachedump` name classes.
 *
 * The embedded server has no slabs. The table is the one that memcached builds with its default options: chunks from 96
 * bytes up, each a quarter larger than the one before and rounded up to 8, and a last class of half a megabyte whose
 * chunks larger items are chained from.
 *
 * @since 0.1.0
 */

/**
 * Size of one slab page in bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const PAGE_SIZE = 1_048_576

const LARGEST_CHUNK = 524_288
const GROWTH_FACTOR = 1.25

const chunkSizes: ReadonlyArray<number> = (() => {
  const sizes: Array<number> = []
  let size = 96
  while (size < LARGEST_CHUNK / GROWTH_FACTOR) {
    size = Math.ceil(size / 8) * 8
    sizes.push(size)
    size = Math.floor(size * GROWTH_FACTOR)
  }
  sizes.push(LARGEST_CHUNK)
  return sizes
})()

/**
 * The class, counted from 1, of an item of `size` bytes.
 *
 * @category accessors
 * @since 0.1.0
 */
export const ofSize = (size: number): number => {
  const index = chunkSizes.findIndex((chunk) => size <= chunk)
  return index < 0 ? chunkSizes.length : index + 1
}

/**
 * Size in bytes of one chunk of a class.
 *
 * @category accessors
 * @since 0.1.0
 */
export const chunkSize = (slabClass: number): number => chunkSizes[slabClass - 1]
