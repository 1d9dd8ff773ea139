/**
 * Paul Hsieh's SuperFastHash, as twemproxy computes it.
 *
 * By hand, because twemproxy widens the last of three odd bytes as a signed one.
 *
 * @since 0.1.0
 */

const pair = (bytes: string, at: number): number => bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8)

/**
 * SuperFastHash; 0 for no bytes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const hsieh = (bytes: string): number => {
  if (bytes.length === 0) return 0
  const odd = bytes.length & 3
  const end = bytes.length - odd
  let hash = 0
  for (let at = 0; at < end; at += 4) {
    hash = (hash + pair(bytes, at)) | 0
    hash = (hash << 16) ^ ((pair(bytes, at + 2) << 11) ^ hash)
    hash = (hash + (hash >>> 11)) | 0
  }
  if (odd === 3) {
    hash = (hash + pair(bytes, end)) | 0
    hash ^= hash << 16
    hash ^= ((bytes.charCodeAt(end + 2) << 24) >> 24) << 18
    hash = (hash + (hash >>> 11)) | 0
  } else if (odd === 2) {
    hash = (hash + pair(bytes, end)) | 0
    hash ^= hash << 11
    hash = (hash + (hash >>> 17)) | 0
  } else if (odd === 1) {
    hash = (hash + bytes.charCodeAt(end)) | 0
    hash ^= hash << 10
    hash = (hash + (hash >>> 1)) | 0
  }
  hash ^= hash << 3
  hash = (hash + (hash >>> 5)) | 0
  hash ^= hash << 4
  hash = (hash + (hash >>> 17)) | 0
  hash ^= hash << 25
  hash = (hash + (hash >>> 6)) | 0
  return hash >>> 0
}
