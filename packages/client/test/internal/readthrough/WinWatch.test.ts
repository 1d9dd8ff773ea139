import type { Key } from "@effect-memcache/protocol/Key"
import { assert, it } from "@effect/vitest"
import { WinWatch } from "../../../src/internal/readthrough/WinWatch.ts"

const key = "k" as Key

it("a win is overdue when the same item was seen won longer ago than a claim lasts", () => {
  const watch = new WinWatch()
  assert.isFalse(watch.isOverdue(key, 1n, 0, 2))
  assert.isFalse(watch.isOverdue(key, 1n, 2000, 2))
  assert.isTrue(watch.isOverdue(key, 1n, 2001, 2))
})

it("another item under the same key, or one that was seen without the mark, begins anew", () => {
  const watch = new WinWatch()
  watch.isOverdue(key, 1n, 0, 2)
  assert.isFalse(watch.isOverdue(key, 2n, 5000, 2))
  assert.isFalse(watch.isOverdue(key, 2n, 7000, 2))
  watch.forget(key)
  assert.isFalse(watch.isOverdue(key, 2n, 9000, 2))
})

it("remembers 10,000 items, and forgets the oldest first", () => {
  const watch = new WinWatch()
  for (let i = 0; i < 10_001; i++) watch.isOverdue(`k${i}` as Key, 1n, i, 2)
  assert.isFalse(watch.isOverdue("k0" as Key, 1n, 1_000_000, 2))
  assert.isTrue(watch.isOverdue("k2" as Key, 1n, 1_000_000, 2))
})
