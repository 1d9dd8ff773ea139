/**
 * FastLZ, which php-memcached compresses with unless it is told otherwise, in both directions and byte for byte.
 *
 * Written by hand because npm has no package for it that is kept and runs without a compiler, and because what is read
 * comes from a server: neither side may write or read beyond its bounds, however the bytes are damaged. It is a
 * Lempel-Ziv coder of byte-aligned instructions; the first three bits of a stream are its level, less one.
 *
 * | first byte | instruction |
 * | --- | --- |
 * | `000n nnnn` | n + 1 bytes follow as they are |
 * | `lllo oooo` | l + 2 bytes are copied from o * 256 + next byte + 1 back; l = 7 is lengthened by bytes before that one |
 *
 * At level 1 one byte lengthens. At level 2 bytes do until one is below 255, and an offset of 8,191 is followed by two
 * bytes of a longer one.
 *
 * @since 0.1.0
 */

const MAX_LITERALS = 32
/** Offsets from here on have two bytes more, at level 2. */
const NEAR = 8191
const MAX_FAR_DISTANCE = 65_535 + NEAR - 1
/** The longest match of one instruction at level 1. */
const MAX_MATCH = 262
const HASH_MASK = 8191
/** The compressor chooses level 2 from here on. */
const LEVEL_2_SIZE = 65_536

/**
 * Decompresses to exactly `size` bytes; `undefined` if the stream is none, or has more or fewer.
 *
 * @category decoding
 * @since 0.1.0
 */
export const inflate = (bytes: Uint8Array, size: number): Uint8Array | undefined => {
  const level = bytes.length === 0 ? -1 : bytes[0] >> 5
  if (level !== 0 && level !== 1) return undefined
  const out = new Uint8Array(size)
  let at = 0
  let to = 0
  while (at < bytes.length) {
    const control = at === 0 ? bytes[at++] & 31 : bytes[at++]
    if (control < 32) {
      const end = at + control + 1
      if (end > bytes.length || to + control + 1 > size) return undefined
      while (at < end) out[to++] = bytes[at++]
      continue
    }
    let length = (control >> 5) + 2
    let offset = (control & 31) << 8
    // A byte beyond the end is undefined, which ends the loop; that there was one is seen below.
    if (length === 9) {
      let more = bytes[at++]
      length += more
      if (level === 1) {
        while (more === 255) {
          more = bytes[at++]
          length += more
        }
      }
    }
    const low = bytes[at++]
    offset += low
    if (level === 1 && offset === NEAR) {
      offset += (bytes[at] << 8) + bytes[at + 1]
      at += 2
    }
    if (at > bytes.length || to + length > size || offset + 1 > to) return undefined
    // Byte by byte, since a match may overlap what it writes.
    for (let from = to - offset - 1; length > 0; length--) out[to++] = out[from++]
  }
  return to === size ? out : undefined
}

/**
 * Compresses as the C library does, at the level that it chooses by the size.
 *
 * Values of 2,000 bytes and more are compressed at once, 1 MiB in about 10 ms: no thread of Node's can do it.
 *
 * @category encoding
 * @since 0.1.0
 */
export const deflate = (bytes: Uint8Array): Uint8Array => {
  const isLevel2 = bytes.length >= LEVEL_2_SIZE
  // A byte for every 32 literals, and the one that may be reserved for the next.
  const out = new Uint8Array(bytes.length + Math.ceil(bytes.length / MAX_LITERALS) + 1)
  // Where each hash of three bytes was seen last.
  const seen = new Int32Array(HASH_MASK + 1)
  const maxDistance = isLevel2 ? MAX_FAR_DISTANCE : NEAR + 1
  const bound = bytes.length - 2
  const last = bytes.length - 12
  let to = 1
  let literals = 0

  const literal = (at: number): void => {
    if (literals === MAX_LITERALS) endLiterals()
    out[to++] = bytes[at]
    literals++
  }
  /** Writes how many literals there are where that was left free, and leaves the next byte free. */
  const endLiterals = (): void => {
    if (literals === 0) return
    out[to - literals - 1] = literals - 1
    literals = 0
    to++
  }
  const match = (length: number, offset: number): void => {
    endLiterals()
    to--
    let rest = length - 2
    if (isLevel2) {
      const isFar = offset >= NEAR
      out[to++] = (Math.min(rest, 7) << 5) + (isFar ? 31 : offset >> 8)
      if (rest >= 7) {
        for (rest -= 7; rest >= 255; rest -= 255) out[to++] = 255
        out[to++] = rest
      }
      out[to++] = isFar ? 255 : offset & 255
      if (isFar) {
        out[to++] = (offset - NEAR) >> 8
        out[to++] = (offset - NEAR) & 255
      }
    } else {
      for (; rest > MAX_MATCH; rest -= MAX_MATCH) {
        out[to++] = (7 << 5) + (offset >> 8)
        out[to++] = MAX_MATCH - 9
        out[to++] = offset & 255
      }
      out[to++] = (Math.min(rest, 7) << 5) + (offset >> 8)
      if (rest >= 7) out[to++] = rest - 7
      out[to++] = offset & 255
    }
    to++
  }

  let at = 0
  while (at < Math.min(bytes.length, 2)) literal(at++)
  while (at < last) {
    let from = at - 1
    let length = 3
    if (!isLevel2 || !isRun(bytes, at)) {
      const slot = hash(bytes, at)
      from = seen[slot]
      seen[slot] = at
      length = at - from < maxDistance ? matchAt(bytes, from, at, at - from < NEAR || !isLevel2 ? 3 : 5) : 0
    }
    if (length === 0) {
      literal(at++)
      continue
    }
    const end = extend(bytes, from, at, length, bound)
    match(end - at, at - from - 1)
    // Only the last two positions of a match are remembered.
    seen[hash(bytes, end - 2)] = end - 2
    seen[hash(bytes, end - 1)] = end - 1
    at = end
  }
  while (at < bytes.length) literal(at++)
  endLiterals()
  if (isLevel2) out[0] |= 1 << 5
  return out.subarray(0, to - 1)
}

const hash = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at] | bytes[at + 1] << 8
  return (first ^ (bytes[at + 1] | bytes[at + 2] << 8) ^ first >> 3) & HASH_MASK
}

/** Whether the byte before is repeated three times. */
const isRun = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === bytes[at - 1] && bytes[at + 1] === bytes[at] && bytes[at + 2] === bytes[at]

/** The number of bytes asked for if so many are the same in both places, else 0. */
const matchAt = (bytes: Uint8Array, from: number, at: number, length: number): number => {
  for (let i = 0; i < length; i++) if (bytes[from + i] !== bytes[at + i]) return 0
  return length
}

/**
 * The end of a match whose first bytes are known. The C library looks at eight more bytes whatever the bound, and leaves
 * out the last one that it looked at.
 */
const extend = (bytes: Uint8Array, from: number, at: number, length: number, bound: number): number => {
  const back = at - from
  let end = at + length
  // A run is looked at from one byte before, and never beyond the bound.
  const free = back === 1 ? 0 : end + 8
  while ((end < free || end < bound) && bytes[end] === bytes[end - back]) end++
  return end < free || end < bound ? end : end - 1
}
