/**
 * The numbers that memcached fixes, in one place, each with its source.
 *
 * @since 0.1.0
 */

/**
 * Longest key in bytes on the wire, a prefix and base64 text included (protocol.txt, "Keys").
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_KEY_LENGTH = 250

/**
 * Longest binary key in raw bytes: its base64 text must fit into 250 bytes, and 187 raw bytes would need 252.
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_BINARY_KEY_LENGTH = 186

/**
 * Longest opaque token; memcached 1.6.18 and 1.6.45 refuse 32 bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_OPAQUE_LENGTH = 31

/**
 * Longest line without its end. memcached closes on longer ones, except for the key lists of `get` and `gets`, and no
 * reply line comes near it.
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_LINE_LENGTH = 2048

/**
 * Largest client flags. memcached before 1.6.45 cuts larger ones to 32 bits without an error.
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_FLAGS = 4_294_967_295

/**
 * Largest unsigned 64-bit number: counters, deltas and cas uniques.
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_UINT64 = 18_446_744_073_709_551_615n

/**
 * Largest exptime in seconds that is read as relative: 30 days. Above it the server reads a Unix time.
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_RELATIVE_EXPTIME = 2_592_000

/**
 * Largest exptime. The server keeps a signed 32-bit number and wraps without an error (live on 1.6.18 and 1.6.45).
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_EXPTIME = 2_147_483_647

/**
 * The server's default item size limit in bytes (`-I 1m`). It counts the item's header and key too, so the largest
 * value is about 50 bytes plus the key smaller.
 *
 * @category constants
 * @since 0.1.0
 */
export const DEFAULT_MAX_ITEM_SIZE = 1_048_576
