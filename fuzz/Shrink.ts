/**
 * Makes a failing input as small as it gets, since nobody understands four thousand bytes of noise.
 */

/** How often the input may be tried again. */
const MAX_TRIES = 4000

/**
 * Leaves out ever smaller pieces and makes bytes plainer, as long as `fails` says that it still fails.
 */
export const shrink = async (
  input: Uint8Array,
  fails: (input: Uint8Array) => boolean | Promise<boolean>
): Promise<Uint8Array> => {
  let smallest = input
  let tries = 0
  const isSpent = (): boolean => tries >= MAX_TRIES
  const accepts = async (candidate: Uint8Array): Promise<boolean> => {
    if (isSpent()) return false
    tries++
    if (!await fails(candidate)) return false
    smallest = candidate
    return true
  }
  for (let isSmaller = true; isSmaller && !isSpent();) {
    isSmaller = false
    for (let size = Math.ceil(smallest.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < smallest.length && !isSpent();) {
        if (await accepts(without(smallest, at, size))) isSmaller = true
        else at += size
      }
    }
  }
  for (let at = 0; at < smallest.length && !isSpent(); at++) {
    for (const plain of [0, 0x61, 0x30]) {
      if (smallest[at] === plain) break
      if (await accepts(smallest.with(at, plain))) break
    }
  }
  return smallest
}

const without = (input: Uint8Array, at: number, size: number): Uint8Array => {
  const end = Math.min(at + size, input.length)
  const out = new Uint8Array(input.length - (end - at))
  out.set(input.subarray(0, at))
  out.set(input.subarray(end), at)
  return out
}
