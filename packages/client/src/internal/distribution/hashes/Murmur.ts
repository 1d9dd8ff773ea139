/**
 * Austin Appleby's 32-bit hashes: MurmurHash2 and MurmurHash3, as libmemcached, twemproxy and pymemcache compute them.
 *
 * By hand: libraries take a Buffer or hash UTF-16 units, the users of this package depend on nothing but Effect, and
 * pymemcache's placement needs the steps of MurmurHash3 one by one.
 *
 * @since 0.1.0
 */

const M = 0x5bd1e995

const word = (bytes: string, at: number): number =>
  bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8) | (bytes.charCodeAt(at + 2) << 16) |
  (bytes.charCodeAt(at + 3) << 24)

/** The one to three bytes from `at` to the end. */
const rest = (bytes: string, at: number): number => {
  let value = 0
  for (let i = bytes.length - 1; i >= at; i--) value = (value << 8) | bytes.charCodeAt(i)
  return value
}

/** libmemcached's and twemproxy's, not the author's: it depends on the length. */
const seedOf = (length: number): number => Math.imul(0xdeadbeef, length)

/**
 * MurmurHash2 with libmemcached's seed.
 *
 * @category encoding
 * @since 0.1.0
 */
export const murmur2 = (bytes: string): number => {
  const { length } = bytes
  const end = length & ~3
  let hash = seedOf(length) ^ length
  for (let at = 0; at < end; at += 4) {
    let k = Math.imul(word(bytes, at), M)
    k ^= k >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(k, M)
  }
  if (end < length) hash = Math.imul(hash ^ rest(bytes, end), M)
  hash ^= hash >>> 13
  hash = Math.imul(hash, M)
  hash ^= hash >>> 15
  return hash >>> 0
}

/**
 * What MurmurHash3 makes of a word of its input before the word enters the hash.
 *
 * @category encoding
 * @since 0.1.0
 */
export const mix3 = (word: number): number => {
  const k = Math.imul(word, 0xcc9e2d51)
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593)
}

/**
 * The hash after one more whole word, which has been through `mix3`.
 *
 * @category encoding
 * @since 0.1.0
 */
export const step3 = (hash: number, mixed: number): number => {
  const h = hash ^ mixed
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}

/**
 * The last steps of MurmurHash3, over the exclusive or of the hash with the mixed rest and the length.
 *
 * @category encoding
 * @since 0.1.0
 */
export const finish3 = (hash: number): number => {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * MurmurHash3, x86, 32 bits.
 *
 * @category encoding
 * @since 0.1.0
 */
export const murmur3 = (bytes: string, seed: number): number => {
  const { length } = bytes
  const end = length & ~3
  let hash = seed | 0
  for (let at = 0; at < end; at += 4) hash = step3(hash, mix3(word(bytes, at)))
  return finish3(hash ^ mix3(rest(bytes, end)) ^ length)
}

/**
 * MurmurHash3 with libmemcached's seed.
 *
 * @category encoding
 * @since 0.1.0
 */
export const murmur3Libmemcached = (bytes: string): number => murmur3(bytes, seedOf(bytes.length))
