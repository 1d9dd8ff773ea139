/**
 * MD5 of keys and server names: the only use of `node:crypto`, and only for placement, never for secrecy.
 *
 * @since 0.1.0
 */
import { hash } from "node:crypto"

/**
 * The 16 bytes of the digest as a byte string. This output is the fastest that Node has: no Buffer is made for it.
 *
 * The input is hashed as UTF-8, which for ASCII is the byte string itself.
 *
 * @category encoding
 * @since 0.1.0
 */
export const md5 = (text: string): string => hash("md5", text, "binary")

/**
 * The same for a byte string with bytes above 0x7f, such as a key in UTF-8 on the wire.
 *
 * @category encoding
 * @since 0.1.0
 */
export const md5Bytes = (bytes: string): string => hash("md5", Buffer.from(bytes, "latin1"), "binary")

/**
 * The four bytes at `offset` of a digest as a little-endian unsigned number.
 *
 * @category decoding
 * @since 0.1.0
 */
export const uint32LE = (digest: string, offset: number): number =>
  (digest.charCodeAt(offset) |
    (digest.charCodeAt(offset + 1) << 8) |
    (digest.charCodeAt(offset + 2) << 16) |
    (digest.charCodeAt(offset + 3) << 24)) >>> 0
