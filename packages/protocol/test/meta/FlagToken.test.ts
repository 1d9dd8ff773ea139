import { assert, it } from "@effect/vitest"
import { isInt32, isUint32, isUint64 } from "../../src/meta/FlagToken.ts"

const cases: ReadonlyArray<readonly [guard: (flag: string) => boolean, legal: string, illegal: string]> = [
  [isUint32, "F0 F1 F007 F4294967295", "F F-1 F+1 F4294967296 F9999999999 F10000000000 F1x Fx F0x1 F1.5 F1e3"],
  [isUint64, "C0 C18446744073709551615 C9999999999999999999", "C C-1 C18446744073709551616 C99999999999999999999 C1n"],
  [
    isInt32,
    "T0 T-1 T-0 T2147483647 T-2147483648",
    "T T- T+5 T--5 T2147483648 T-2147483649 T99999999999 T5- T5x T- Tx"
  ]
]

it("a number is taken up to the largest that the server holds, and nothing else is a number", () => {
  for (const [guard, legal, illegal] of cases) {
    for (const flag of legal.split(" ")) assert.isTrue(guard(flag), flag)
    for (const flag of illegal.split(" ")) assert.isFalse(guard(flag), flag)
  }
})

it("digits of other alphabets and blanks are no number", () => {
  for (const flag of ["T\u0661", "T 5", "T5 ", "T5\r", "T\n", "T5\u0000"]) assert.isFalse(isInt32(flag), flag)
})
