/**
 * Memory for the values that do not come in one piece, used again.
 *
 * New memory for each value of 900 KB took a fifth of the time of reading it: pages that the system has to clear, and
 * garbage collections that all this memory calls for. What is given back here is held weakly, so that it costs nothing to
 * keep: the next collection takes what nobody has asked for.
 *
 * @since 0.1.0
 */

/**
 * From here on memory is used again, in bytes: the most that Node reads from a socket at once. Smaller blocks are cheap.
 *
 * @category constants
 * @since 0.1.0
 */
export const LARGE = 65_536

/** Blocks that wait to be used again: as many as values are likely to come in on several connections at a time. */
const MAX_SPARE = 8

const spare: Array<WeakRef<ArrayBuffer>> = []

/** Memory that was taken here, so that a socket's own chunk is never taken for it, and nothing is given back twice. */
const lent = new WeakSet<ArrayBufferLike>()

/**
 * A block of this size, in bytes. What is in it is anything: it must be filled before it is read.
 *
 * @category constructors
 * @since 0.1.0
 */
export const take = (size: number): Uint8Array => {
  if (size < LARGE) return new Uint8Array(size)
  const buffer = fitting(size) ?? new ArrayBuffer(size)
  lent.add(buffer)
  return new Uint8Array(buffer, 0, size)
}

/**
 * Takes a block back, or a view of one. Nobody may look at these bytes any more: the next large value is written over
 * them. Bytes that were not taken here, or were given back before, are let alone.
 *
 * @category combinators
 * @since 0.1.0
 */
export const giveBack = (bytes: Uint8Array): void => {
  if (bytes.length < LARGE - 2 || !lent.delete(bytes.buffer)) return
  if (spare.length === MAX_SPARE) spare.shift()
  spare.push(new WeakRef(bytes.buffer as ArrayBuffer))
}

/**
 * Looks among the spare ones from the last on, which is the warmest, and forgets those that are gone. Not among much larger
 * ones: whoever keeps a value would keep all of that.
 */
const fitting = (size: number): ArrayBuffer | undefined => {
  for (let i = spare.length - 1; i >= 0; i--) {
    const buffer = spare[i].deref()
    if (buffer !== undefined && (buffer.byteLength < size || buffer.byteLength > 2 * size)) continue
    spare.splice(i, 1)
    if (buffer !== undefined) return buffer
  }
  return undefined
}
