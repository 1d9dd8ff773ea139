/**
 * That memory is used again only where it was given back, and that nobody's bytes are written over before that.
 */
import { giveBack, LARGE, take } from "@effect-memcache/protocol/LargeBlock"
import { assert, it } from "@effect/vitest"

it("a large block that was given back is used again, for what fits into it", () => {
  const first = take(300_000)
  giveBack(first.subarray(0, 299_998))
  const second = take(200_000)
  assert.strictEqual(second.buffer, first.buffer)
  assert.strictEqual(second.length, 200_000)
})

it("what was not given back is nobody else's", () => {
  const blocks = Array.from({ length: 20 }, () => take(LARGE))
  assert.strictEqual(new Set(blocks.map(({ buffer }) => buffer)).size, 20)
})

it("what is given back twice is lent once", () => {
  const block = take(400_000)
  giveBack(block)
  giveBack(block)
  const [one, two] = [take(400_000), take(400_000)]
  assert.strictEqual(one.buffer, block.buffer)
  assert.notStrictEqual(two.buffer, block.buffer)
})

it("nothing is made of memory that is somebody else's, too small or much too large", () => {
  const chunk = new Uint8Array(500_000)
  giveBack(chunk)
  assert.notStrictEqual(take(500_000).buffer, chunk.buffer)
  const small = take(LARGE)
  giveBack(small)
  assert.notStrictEqual(take(LARGE + 1).buffer, small.buffer)
  const huge = take(5_000_000)
  giveBack(huge)
  assert.notStrictEqual(take(100_000).buffer, huge.buffer)
})

it("small blocks are new, and clean", () => {
  const block = take(LARGE - 1).fill(1)
  giveBack(block)
  assert.deepStrictEqual(take(LARGE - 1), new Uint8Array(LARGE - 1))
})
