import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { OpaqueSet } from "../src/OpaqueSet.ts"

// Numbers, two borders of pages, and texts that are almost the same number or too long for one.
const TEXTS = ["007", "7", "0", "00", "abc", "", "999999999999999", "1000000000000000", "-1", "1e3", "1000", "O1"]
const KNOWN = [...Array.from({ length: 40 }, (_, i) => String(i < 20 ? 4086 + i : 8172 + i)), ...TEXTS]

const opaques = Arbitrary.array(
  Arbitrary.map(
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: KNOWN.length - 1 }))),
    (index) => KNOWN[index]
  ),
  { maxLength: 60 }
)

describe("OpaqueSet", () => {
  it.prop("counts each opaque as a map of texts would", [opaques], ([sent]) => {
    const set = new OpaqueSet()
    const counts = new Map<string, number>()
    for (const opaque of sent) {
      set.add(opaque)
      counts.set(opaque, (counts.get(opaque) ?? 0) + 1)
    }
    set.add(undefined)
    assert.strictEqual(set.size, counts.size)
    assert.deepStrictEqual(new Map(set.repeated()), new Map([...counts].filter(([, times]) => times > 1)))
  })

  it("finds the one that came twice among a million", () => {
    const set = new OpaqueSet()
    for (let i = 1; i <= 1_000_000; i++) set.add(String(i))
    set.add("345678")
    assert.strictEqual(set.size, 1_000_000)
    assert.deepStrictEqual(set.repeated(), [["345678", 2]])
  })
})
