/**
 * MurmurHash64A, Austin Appleby's 64-bit MurmurHash2, of which mcrouter draws its bits.
 *
 * By hand, in halves of 32 bits: with `bigint` one key takes longer than its whole way to the socket.
 *
 * @since 0.1.0
 */

const M_HIGH = 0xc6a4a793
const M_LOW = 0x5bd1e995

/** A 64-bit number in two halves, as signed 32-bit integers. Mutable, so that a key's bits cost no garbage. */
export interface Halves {
  high: number
  low: number
}

/** The upper 32 bits of the product of two unsigned 32-bit numbers, as a signed integer. */
const upper = (a: number, b: number): number => {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = a1 * b0 + ((a0 * b0) >>> 16)
  const other = a0 * b1 + (middle & 0xffff)
  // None of the sums reaches 2^32, so `>>>` loses nothing.
  return (a1 * b1 + (middle >>> 16) + (other >>> 16)) | 0
}

/** x *= m */
const times = (x: Halves): void => {
  const { high, low } = x
  x.high = (upper(low >>> 0, M_LOW) + Math.imul(low, M_HIGH) + Math.imul(high, M_LOW)) | 0
  x.low = Math.imul(low, M_LOW)
}

/** x ^= x >>> 47 */
const fold = (x: Halves): void => {
  x.low ^= x.high >>> 15
}

const word: Halves = { high: 0, low: 0 }

/** One whole word of input, which stands in `word`, into the hash. */
const enter = (hash: Halves): void => {
  times(word)
  fold(word)
  times(word)
  hash.high ^= word.high
  hash.low ^= word.low
  times(hash)
}

/** hash = seed ^ (length * m) */
const begin = (hash: Halves, seed: number, length: number): void => {
  hash.high = 0
  hash.low = length
  times(hash)
  hash.low ^= seed
}

const finish = (hash: Halves): void => {
  fold(hash)
  times(hash)
  fold(hash)
}

const half = (bytes: string, at: number): number =>
  bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8) | (bytes.charCodeAt(at + 2) << 16) |
  (bytes.charCodeAt(at + 3) << 24)

/** Up to four bytes from `at`; those behind the end are zero. */
const rest = (bytes: string, at: number): number => {
  let value = 0
  for (let i = Math.min(bytes.length, at + 4) - 1; i >= at; i--) value = (value << 8) | bytes.charCodeAt(i)
  return value
}

/**
 * Sets `hash` to that of the bytes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const murmur64 = (hash: Halves, bytes: string, seed: number): void => {
  const { length } = bytes
  const end = length & ~7
  begin(hash, seed, length)
  for (let at = 0; at < end; at += 8) {
    word.low = half(bytes, at)
    word.high = half(bytes, at + 4)
    enter(hash)
  }
  if (end < length) {
    hash.low ^= rest(bytes, end)
    hash.high ^= rest(bytes, end + 4)
    times(hash)
  }
  finish(hash)
}

/**
 * Sets `hash` to the hash of its own eight bytes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const rehash64 = (hash: Halves, seed: number): void => {
  word.high = hash.high
  word.low = hash.low
  begin(hash, seed, 8)
  enter(hash)
  finish(hash)
}
