/**
 * Bob Jenkins' hashes, as libmemcached and twemproxy compute them.
 *
 * By hand: one-at-a-time runs over signed bytes there, which no library does, and lookup3 over a byte string without a
 * Buffer is what a key needs.
 *
 * @since 0.1.0
 */

/**
 * One-at-a-time over signed bytes: the default of libmemcached.
 *
 * @category encoding
 * @since 0.1.0
 */
export const oneAtATime = (bytes: string): number => {
  let hash = 0
  for (let i = 0; i < bytes.length; i++) {
    hash = (hash + ((bytes.charCodeAt(i) << 24) >> 24)) | 0
    hash = (hash + (hash << 10)) | 0
    hash ^= hash >>> 6
  }
  hash = (hash + (hash << 3)) | 0
  hash ^= hash >>> 11
  hash = (hash + (hash << 15)) | 0
  return hash >>> 0
}

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/** Bytes behind the end count as zero, which is what lookup3's long switch comes to. */
const word = (bytes: string, at: number): number =>
  (at < bytes.length ? bytes.charCodeAt(at) : 0) |
  (at + 1 < bytes.length ? bytes.charCodeAt(at + 1) << 8 : 0) |
  (at + 2 < bytes.length ? bytes.charCodeAt(at + 2) << 16 : 0) |
  (at + 3 < bytes.length ? bytes.charCodeAt(at + 3) << 24 : 0)

/** libmemcached and twemproxy give lookup3 this start value. */
const INITIAL = 13

/**
 * lookup3's `hashlittle`, over unsigned bytes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const jenkins = (bytes: string): number => {
  const length = bytes.length
  let a = (0xdeadbeef + length + INITIAL) | 0
  let b = a
  let c = a
  if (length === 0) return c >>> 0
  let at = 0
  for (; length - at > 12; at += 12) {
    a = (a + word(bytes, at)) | 0
    b = (b + word(bytes, at + 4)) | 0
    c = (c + word(bytes, at + 8)) | 0
    a = ((a - c) | 0) ^ rotate(c, 4)
    c = (c + b) | 0
    b = ((b - a) | 0) ^ rotate(a, 6)
    a = (a + c) | 0
    c = ((c - b) | 0) ^ rotate(b, 8)
    b = (b + a) | 0
    a = ((a - c) | 0) ^ rotate(c, 16)
    c = (c + b) | 0
    b = ((b - a) | 0) ^ rotate(a, 19)
    a = (a + c) | 0
    c = ((c - b) | 0) ^ rotate(b, 4)
    b = (b + a) | 0
  }
  a = (a + word(bytes, at)) | 0
  b = (b + word(bytes, at + 4)) | 0
  c = (c + word(bytes, at + 8)) | 0
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  c = ((c ^ b) - rotate(b, 24)) | 0
  return c >>> 0
}
