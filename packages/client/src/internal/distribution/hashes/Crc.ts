/**
 * CRC-32, in the three widths that clients use, and the CRC-16 of twemproxy.
 *
 * By hand, because `zlib.crc32` takes text or a Buffer: a key with bytes above 0x7f is neither here, and a Buffer for
 * each key costs more than the whole checksum. Its polynomial is that of zlib, and a test compares the two.
 *
 * @since 0.1.0
 */

const crc32Table = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/**
 * CRC-32 as zlib computes it.
 *
 * @category encoding
 * @since 0.1.0
 */
export const crc32 = (bytes: string): number => {
  let crc = -1
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ crc32Table[(crc ^ bytes.charCodeAt(i)) & 0xff]
  return ~crc >>> 0
}

/**
 * The fifteen bits of CRC-32 that libmemcache took in 2004, and that python-memcached and libmemcached took from it.
 *
 * @category encoding
 * @since 0.1.0
 */
export const crc15 = (bytes: string): number => (crc32(bytes) >>> 16) & 0x7fff

const crc16Table = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 8
  for (let bit = 0; bit < 8; bit++) value = (value & 0x8000) === 0 ? value << 1 : (value << 1) ^ 0x1021
  return value & 0xffff
})

/**
 * CRC-16 (CCITT) as twemproxy computes it: in 32 bits that it never masks, so the upper half is what was shifted out.
 *
 * @category encoding
 * @since 0.1.0
 */
export const crc16 = (bytes: string): number => {
  let crc = 0
  for (let i = 0; i < bytes.length; i++) crc = (crc << 8) ^ crc16Table[((crc >>> 8) ^ bytes.charCodeAt(i)) & 0xff]
  return crc >>> 0
}
