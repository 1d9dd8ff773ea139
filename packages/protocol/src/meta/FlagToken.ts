/**
 * What may follow a meta flag's letter: the numbers that memcached 1.6.45 reads there, and no others.
 *
 * Shared by both directions, so that what the client lets through is what the server takes. A flag is given whole, its
 * letter first.
 *
 * @since 0.1.0
 */

const UINT32 = "4294967295"
const UINT64 = "18446744073709551615"
const INT32 = "2147483647"
const INT32_NEGATIVE = "2147483648"

/**
 * Whether an unsigned 32-bit number follows the letter: `F`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isUint32 = (flag: string): boolean => isAtMost(flag, 1, UINT32)

/**
 * Whether an unsigned 64-bit number follows the letter: `C`, `E`, `D`, `J`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isUint64 = (flag: string): boolean => isAtMost(flag, 1, UINT64)

/**
 * Whether a signed 32-bit number follows the letter: the exptimes `T`, `N` and `R`. A negative one means "expired".
 *
 * @category guards
 * @since 0.1.0
 */
export const isInt32 = (flag: string): boolean =>
  flag.charCodeAt(1) === 0x2d ? isAtMost(flag, 2, INT32_NEGATIVE) : isAtMost(flag, 1, INT32)

// Compared as text: exact at any size, and nothing is allocated.
const isAtMost = (flag: string, from: number, max: string): boolean => {
  const length = flag.length - from
  if (length < 1 || length > max.length) return false
  let order = 0
  for (let i = 0; i < length; i++) {
    const code = flag.charCodeAt(from + i)
    if (code < 0x30 || code > 0x39) return false
    if (order === 0) order = code - max.charCodeAt(i)
  }
  return length < max.length || order <= 0
}
