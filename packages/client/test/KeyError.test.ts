import * as KeyError from "@effect-memcache/client/KeyError"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"

const secret = "session 4711"

const table: ReadonlyArray<readonly [error: KeyError.KeyError, message: RegExp]> = [
  [KeyError.fromFault({ _tag: "KeyLength", length: 0 }, secret), /is empty.*1 to 250/],
  [KeyError.fromFault({ _tag: "KeyLength", length: 251 }, secret), /251 bytes.*at most 250.*Shorten/],
  [KeyError.fromFault({ _tag: "KeyCharacter", index: 7, code: 0x20 }, secret), /U\+0020.*index 7.*Replace/],
  [KeyError.fromFault({ _tag: "KeyCharacter", index: 0, code: 0x7f }, secret), /U\+007F.*index 0/],
  [KeyError.fromFault({ _tag: "KeyEncoding", index: 3 }, secret), /surrogate.*index 3/],
  [KeyError.notText(secret), /neither/]
]

describe("a key error", () => {
  it.each(table)("%o says the rule and what to do", (error, message) => {
    assert.match(error.message, message)
    assert.isTrue(KeyError.isKeyError(error))
  })

  it.each(table)("%o holds the key and prints it nowhere", (error) => {
    assert.strictEqual(error.key, secret)
    const printed = [
      String(error),
      JSON.stringify(error),
      inspect(error),
      inspect(error, { depth: Infinity, showHidden: true, getters: true }),
      error.stack,
      JSON.stringify(Object.getOwnPropertyDescriptors(error)),
      JSON.stringify({ ...error }),
      Cause.pretty(Cause.fail(error))
    ].join("\n")
    assert.notInclude(printed, "4711")
    for (const name of Reflect.ownKeys(error)) {
      assert.notInclude([secret], Reflect.get(error, name), `in the property ${String(name)}`)
    }
  })

  it.effect("is caught by its tag", () =>
    Effect.gen(function*() {
      const failing: Effect.Effect<number, KeyError.KeyError> = Effect.fail(
        KeyError.fromFault({ _tag: "KeyLength", length: 300 }, secret)
      )
      const length = yield* failing.pipe(Effect.catchTag("KeyLengthError", (error) => Effect.succeed(error.length)))
      assert.strictEqual(length, 300)
    }))

  it("survives its schema without the key", () => {
    const codec = Schema.toCodecJson(KeyError.KeyError)
    const back = Schema.decodeSync(codec)(Schema.encodeSync(codec)(table[2][0]))
    assert.strictEqual(back.message, table[2][0].message)
    assert.isUndefined(back.key)
  })
})

it("nothing else is a key error", () => {
  assert.isFalse(KeyError.isKeyError(new Error("x")))
})
