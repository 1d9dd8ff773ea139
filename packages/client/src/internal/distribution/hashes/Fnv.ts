/**
 * The FNV hashes, as libmemcached and twemproxy compute them: over signed bytes, and the 64-bit ones cut to 32.
 *
 * By hand, because libraries hash unsigned bytes. All of it is in 32 bits: the low half of a product or an exclusive or
 * depends on the low halves only, and nobody looks at the upper half.
 *
 * @since 0.1.0
 */

const OFFSET_32 = 0x811c9dc5
const PRIME_32 = 0x01000193
/** The low halves of 0xcbf29ce484222325 and 0x100000001b3. */
const OFFSET_64 = 0x84222325
const PRIME_64 = 0x1b3

/** C's `char` on x86: a byte of 0x80 and above is negative, and widens to ones. */
const signed = (byte: number): number => (byte << 24) >> 24

const fnv1 = (offset: number, prime: number) => (bytes: string): number => {
  let hash = offset
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash, prime) ^ signed(bytes.charCodeAt(i))
  return hash >>> 0
}

const fnv1a = (offset: number, prime: number) => (bytes: string): number => {
  let hash = offset
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ signed(bytes.charCodeAt(i)), prime)
  return hash >>> 0
}

/**
 * FNV-1, 32 bits.
 *
 * @category encoding
 * @since 0.1.0
 */
export const fnv1_32 = fnv1(OFFSET_32, PRIME_32)

/**
 * FNV-1a, 32 bits.
 *
 * @category encoding
 * @since 0.1.0
 */
export const fnv1a_32 = fnv1a(OFFSET_32, PRIME_32)

/**
 * The low 32 bits of FNV-1, 64 bits.
 *
 * @category encoding
 * @since 0.1.0
 */
export const fnv1_64 = fnv1(OFFSET_64, PRIME_64)

/**
 * What libmemcached and twemproxy call FNV-1a, 64 bits: its constants in a 32-bit variable.
 *
 * @category encoding
 * @since 0.1.0
 */
export const fnv1a_64 = fnv1a(OFFSET_64, PRIME_64)

/**
 * FNV-1, 64 bits, over UTF-16 units, as spymemcached hashes a string; its low 32 bits.
 *
 * @category encoding
 * @since 0.1.0
 */
export const fnv1_64Text = (text: string): number => {
  let hash = OFFSET_64
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash, PRIME_64) ^ text.charCodeAt(i)
  return hash >>> 0
}

/**
 * FNV-1a, 32 bits, over UTF-16 units, as spymemcached hashes a string.
 *
 * @category encoding
 * @since 0.1.0
 */
export const fnv1a_32Text = (text: string): number => {
  let hash = OFFSET_32
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME_32)
  return hash >>> 0
}
