import { ArgumentError, isArgumentError, show } from "@effect-memcache/client/ArgumentError"
import { OptionsError } from "@effect-memcache/client/OptionsError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const error = new ArgumentError({ argument: "delta", detail: "must be a whole number, not 1.5" })

describe("an argument error", () => {
  it("reads as a sentence", () => {
    assert.strictEqual(error.message, "The argument delta must be a whole number, not 1.5. Nothing was sent.")
    assert.isTrue(isArgumentError(error))
    assert.isFalse(isArgumentError(new OptionsError({ option: "delta", detail: "" })))
  })

  it.effect("is caught by its tag", () =>
    Effect.gen(function*() {
      const failing: Effect.Effect<string, ArgumentError> = Effect.fail(error)
      const caught = yield* failing.pipe(Effect.catchTag("ArgumentError", ({ argument }) => Effect.succeed(argument)))
      assert.strictEqual(caught, "delta")
    }))
})

describe("show", () => {
  const table: ReadonlyArray<readonly [value: unknown, shown: string]> = [
    ["0\r\nflush_all", "\"0\\r\\nflush_all\""],
    ["x".repeat(50), `"${"x".repeat(40)}..."`],
    [1e21, "1e+21"],
    [-0, "-0"],
    [Number.NaN, "NaN"],
    [2n ** 200n, `${String(2n ** 200n).slice(0, 40)}...`],
    [undefined, "undefined"],
    [null, "null"],
    [true, "true"],
    [[1], "an array"],
    [{ password: "hunter2" }, "an object"],
    [Symbol("s"), "a symbol"],
    [() => 1, "a function"]
  ]
  it.each(table)("writes %o", (value, shown) => {
    assert.strictEqual(show(value), shown)
  })

  it.prop("stays short and on one line", [Schema.Unknown], ([value]) => {
    assert.isBelow(show(value).length, 300)
    assert.notMatch(show(value), /[\r\n]/)
  })
})
