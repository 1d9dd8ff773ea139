/**
 * Bytes to text and numbers, without `TextDecoder` and without regular expressions.
 *
 * Text here is a *byte string*: each UTF-16 unit is one byte. Wire words are ASCII, keys may hold any byte above 0x7f,
 * and both survive the way there and back unchanged.
 *
 * @since 0.1.0
 */

/**
 * The bytes from `start` to `end` as a byte string.
 *
 * @category decoding
 * @since 0.1.0
 */
export const byteString = (bytes: Uint8Array, start: number, end: number): string => {
  let text = ""
  let i = start
  // Eight at a time: each concatenation is a string of its own.
  for (; i + 8 <= end; i += 8) {
    text += String.fromCharCode(
      bytes[i],
      bytes[i + 1],
      bytes[i + 2],
      bytes[i + 3],
      bytes[i + 4],
      bytes[i + 5],
      bytes[i + 6],
      bytes[i + 7]
    )
  }
  for (; i + 2 <= end; i += 2) text += String.fromCharCode(bytes[i], bytes[i + 1])
  return i < end ? text + String.fromCharCode(bytes[i]) : text
}

/**
 * A byte string as bytes. Units above 0xff would be cut, so only byte strings may be given.
 *
 * @category encoding
 * @since 0.1.0
 */
export const bytes = (text: string): Uint8Array => {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i)
  return out
}

/**
 * Whether the bytes from `start` to `end` are exactly `text`.
 *
 * @category guards
 * @since 0.1.0
 */
export const equals = (bytes: Uint8Array, start: number, end: number, text: string): boolean => {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false
  }
  return true
}

/**
 * Whether the bytes from `start` begin with `text`, without reaching beyond `end`.
 *
 * @category guards
 * @since 0.1.0
 */
export const startsWith = (bytes: Uint8Array, start: number, end: number, text: string): boolean =>
  end - start >= text.length && equals(bytes, start, start + text.length, text)

/**
 * The decimal number between `start` and `end`, or -1 if there is anything but 1 to 15 digits. Fifteen digits stay
 * exact in a double and hold every length, flags and exptime that memcached can send.
 *
 * @category decoding
 * @since 0.1.0
 */
export const digits = (bytes: Uint8Array, start: number, end: number): number => {
  const length = end - start
  if (length < 1 || length > 15) return -1
  let n = 0
  for (let i = start; i < end; i++) {
    const digit = bytes[i] - 0x30
    if (digit < 0 || digit > 9) return -1
    n = n * 10 + digit
  }
  return n
}

/**
 * The unsigned 64-bit number between `start` and `end`, or `undefined` if it is not one.
 *
 * @category decoding
 * @since 0.1.0
 */
export const uint64 = (bytes: Uint8Array, start: number, end: number): bigint | undefined => {
  if (end - start <= 15) {
    const n = digits(bytes, start, end)
    return n < 0 ? undefined : BigInt(n)
  }
  if (end - start > 20) return undefined
  for (let i = start; i < end; i++) {
    if (bytes[i] < 0x30 || bytes[i] > 0x39) return undefined
  }
  const n = BigInt(byteString(bytes, start, end))
  return n > 18_446_744_073_709_551_615n ? undefined : n
}

/**
 * Where the word that begins at `start` ends: the index of the next blank, or `end`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const wordEnd = (bytes: Uint8Array, start: number, end: number): number => {
  let i = start
  while (i < end && bytes[i] !== 0x20) i++
  return i
}

/**
 * What a message may show of received bytes: at most 40 of them, in quotes, everything but printable ASCII escaped, so
 * that neither a whole value nor a control sequence gets into somebody's log.
 *
 * @category formatting
 * @since 0.1.0
 */
export const excerpt = (bytes: Uint8Array, start: number, end: number): string => {
  const shown = Math.min(end, start + 40)
  let text = "\""
  for (let i = start; i < shown; i++) {
    const code = bytes[i]
    if (code === 0x22 || code === 0x5c) text += `\\${String.fromCharCode(code)}`
    else if (code < 0x20 || code > 0x7e) text += `\\x${code < 0x10 ? "0" : ""}${code.toString(16)}`
    else text += String.fromCharCode(code)
  }
  return shown < end ? `${text}"...` : `${text}"`
}
