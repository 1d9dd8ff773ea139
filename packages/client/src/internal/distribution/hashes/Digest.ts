/**
 * MD5 and SHA-1 of keys and server names: the only use of `node:crypto`, and only for placement, never for secrecy.
 *
 * @since 0.1.0
 */
import { hash } from "node:crypto"
import { isAscii } from "../Routing.ts"

/**
 * The 16 bytes of the digest as a byte string. This output is the fastest that Node has: no Buffer is made for it.
 *
 * Node hashes a string as UTF-8, which for ASCII is the byte string itself.
 *
 * @category encoding
 * @since 0.1.0
 */
export const md5 = (bytes: string): string =>
  hash("md5", isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1"), "binary")

/**
 * The 20 bytes of a SHA-1 digest as a byte string.
 *
 * @category encoding
 * @since 0.1.0
 */
export const sha1 = (bytes: string): string =>
  hash("sha1", isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1"), "binary")

/**
 * The first four bytes of MD5 as a little-endian number, which is what the ketama family calls the MD5 of a key.
 *
 * @category encoding
 * @since 0.1.0
 */
export const md5Point = (bytes: string): number => uint32LE(md5(bytes), 0)

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

/**
 * The four bytes at `offset` of a digest as a big-endian unsigned number.
 *
 * @category decoding
 * @since 0.1.0
 */
export const uint32BE = (digest: string, offset: number): number =>
  ((digest.charCodeAt(offset) << 24) |
    (digest.charCodeAt(offset + 1) << 16) |
    (digest.charCodeAt(offset + 2) << 8) |
    digest.charCodeAt(offset + 3)) >>> 0
