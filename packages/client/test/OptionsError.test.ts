import { OptionsError } from "@effect-memcache/client/OptionsError"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"

const error = new OptionsError({ option: "servers[1]", detail: "\"a:0\" has a port that is not from 1 to 65535" })

it("an options error reads as a sentence that begins with the option", () => {
  assert.strictEqual(error.message, "The option servers[1] \"a:0\" has a port that is not from 1 to 65535.")
})

it.effect("an options error is caught by its tag", () =>
  Effect.gen(function*() {
    const failing: Effect.Effect<string, OptionsError> = Effect.fail(error)
    const caught = yield* failing.pipe(Effect.catchTag("OptionsError", ({ option }) => Effect.succeed(option)))
    assert.strictEqual(caught, "servers[1]")
  }))
