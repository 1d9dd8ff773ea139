import { assert, it } from "@effect/vitest"
import { measure } from "../src/Memory.ts"

it("memory that was used for a moment shows in the growth", () => {
  const memory = measure()
  const size = 64 * 1_048_576
  const sum = new Uint8Array(size).fill(1).reduce((sum, byte) => sum + byte, 0)
  assert.strictEqual(sum, size)
  assert.isAtLeast(memory.baseline, 1_048_576)
  assert.isAtLeast(memory.growth(), size / 2)
})
