import type { ArgumentError } from "@effect-memcache/client/ArgumentError"
import type { KeyError } from "@effect-memcache/client/KeyError"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { compareAndSwap, store, storeMany, storeManyPartial } from "../../../src/internal/commands/Storage.ts"
import { make as makeSession } from "../../FakeSession.ts"

describe("a call's compression", () => {
  it.effect("is checked before anything is sent", () =>
    Effect.gen(function*() {
      const { commands, session } = makeSession(() => ({ _tag: "Stored" }))
      const options = { compression: { codec: "zlib", level: 12 } } as const
      const calls: ReadonlyArray<Effect.Effect<unknown, ArgumentError | KeyError | MemcacheError>> = [
        store(session, "set")("k", 1, options),
        store(session, "add")("k", 1, options),
        compareAndSwap(session)("k", 1, 1n, options),
        storeMany(session)([["k", 1]], options),
        storeManyPartial(session)([["k", 1]], options)
      ]
      for (const call of calls) {
        const error = yield* Effect.flip(call)
        assert.strictEqual(error._tag, "ArgumentError")
        assert.strictEqual(
          error.message,
          "The argument compression.level must be a whole number from 1 to 9 for zlib, not 12. Nothing was sent."
        )
      }
      assert.lengthOf(commands, 0)
    }))

  it.effect("is a matter of the transcoder alone if that checks nothing", () =>
    Effect.gen(function*() {
      const { commands, session } = makeSession(() => ({ _tag: "Stored" }))
      const { decode, encode } = session.transcoder
      const own = { ...session, transcoder: { decode, encode } }
      assert.isTrue(yield* store(own, "set")("k", 1, { compression: { level: 12 } }))
      assert.lengthOf(commands, 1)
    }))
})
