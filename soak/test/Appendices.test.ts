/**
 * Values that grow by appending: what is wrong with one, and what need not be.
 */
import { assert, describe, it } from "@effect/vitest"
import { Appendices } from "../Appendices.ts"

const written = (): Appendices => {
  const appendices = new Appendices()
  for (let piece = 1; piece <= 3; piece++) appendices.issue("a")
  appendices.confirm("a", 1)
  return appendices
}

describe("an appended value", () => {
  it("has what was confirmed, and what nobody knows of in any order", () => {
    for (const value of ["a|1;", "a|3;1;2;"]) assert.isUndefined(written().fault("a", value, false))
  })

  it("has no piece twice, and none that nobody wrote", () => {
    for (const value of ["a|1;1;", "a|1;4;", "a|1;0;", "a|1", "b|1;", 1]) {
      assert.isString(written().fault("a", value, true), String(value))
    }
  })

  it("lacks nothing that was confirmed, unless its server was killed", () => {
    for (const value of ["a|", "a|2;", undefined]) {
      assert.isString(written().fault("a", value, false), value)
      assert.isUndefined(written().fault("a", value, true), value)
    }
  })
})
