import { assert, it } from "@effect/vitest"
import { format } from "../src/Table.ts"

it("columns are as wide as they need to be", () => {
  const rows = [["", "ops", "p99"], ["server 0", 12_345, 1.5], ["two", 1]]
  assert.strictEqual(format(rows), "            ops  p99\nserver 0  12345  1.5\ntwo           1")
  assert.strictEqual(format(rows, { align: "left" }), "          ops    p99\nserver 0  12345  1.5\ntwo       1")
  assert.strictEqual(format([]), "")
})
