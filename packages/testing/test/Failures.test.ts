import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { Failures } from "../src/Failures.ts"

class Promised {
  readonly _tag = "Promised"
}

const make = () => new Failures((error): error is Promised => error instanceof Promised)

describe("Failures", () => {
  it("answers a promised error that is alone, and nothing of a success", () => {
    const failures = make()
    const error = new Promised()
    assert.strictEqual(failures.ofExit(Exit.fail(error)), error)
    assert.isUndefined(failures.ofExit(Exit.succeed(1)))
    assert.strictEqual(failures.untypedCount, 0)
  })

  it("notes every other failure", () => {
    const causes: ReadonlyArray<Cause.Cause<unknown>> = [
      Cause.fail("a string"),
      Cause.die(new Promised()),
      Cause.interrupt(),
      Cause.combine(Cause.fail(new Promised()), Cause.die("and more"))
    ]
    for (const cause of causes) {
      const failures = make()
      assert.isUndefined(failures.ofCause(cause))
      assert.strictEqual(failures.untypedCount, 1)
      assert.lengthOf(failures.untyped, 1)
    }
  })

  it("keeps the first five sentences and counts on", () => {
    const failures = make()
    for (let i = 0; i < 10; i++) failures.note(String(i))
    assert.deepStrictEqual(failures.untyped, ["0", "1", "2", "3", "4"])
    assert.strictEqual(failures.untypedCount, 10)
  })
})
