import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Storage from "../../../src/internal/commands/Storage.ts"
import { standard } from "../../../src/StandardTranscoder.ts"
import * as FakeSession from "../../FakeSession.ts"

const play = (flags: number) => {
  const { commands, session } = FakeSession.make(() => ({ _tag: "Stored" }))
  const encode = () => Result.succeed({ bytes: new Uint8Array(1), flags })
  return { commands, session: { ...session, transcoder: { ...standard, encode } } }
}

it.effect("flags that no item can have are never sent", () =>
  Effect.gen(function*() {
    for (const flags of [-1, 2 ** 32, 1.5, NaN, Infinity]) {
      const { commands, session } = play(flags)
      const error = yield* Effect.flip(Storage.store(session, "set")("k", 1))
      assert.strictEqual(error._tag === "MemcacheError" && error.reason._tag, "EncodeError")
      assert.strictEqual(error._tag === "MemcacheError" && error.outcome, "not-sent")
      yield* Effect.flip(Storage.storeMany(session)([["k", 1]]))
      assert.deepStrictEqual(commands, [])
    }
  }))

it.effect("flags from 0 to 2^32 - 1 are sent as they are", () =>
  Effect.gen(function*() {
    for (const flags of [0, 2 ** 31, 2 ** 32 - 1]) {
      const { commands, session } = play(flags)
      assert.isTrue(yield* Storage.store(session, "set")("k", 1))
      assert.deepStrictEqual(commands.map((command) => command._tag === "Store" && command.flags), [flags])
    }
  }))
