import type { Key } from "@effect-memcache/protocol/Key"
import { assert, it } from "@effect/vitest"
import { claimKeyOf } from "../../../src/internal/readthrough/Claim.ts"

const keyOf = (text: string): string => claimKeyOf(text as Key)

it("the claim on a key is named after it", () => {
  assert.strictEqual(keyOf("user:7"), "user:7:claim")
  assert.strictEqual(keyOf("k".repeat(244)), `${"k".repeat(244)}:claim`)
})

it("the claim on a long key is as long as a key may be, and differs where the keys do", () => {
  const long = "k".repeat(249)
  assert.strictEqual(keyOf(`${long}a`).length, 250)
  assert.match(keyOf(`${long}a`), /^k{235}:[0-9a-f]{8}:claim$/)
  assert.notStrictEqual(keyOf(`${long}a`), keyOf(`${long}b`))
  assert.strictEqual(keyOf(`${long}a`), keyOf(`${long}a`))
})
