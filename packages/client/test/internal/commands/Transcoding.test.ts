import { value } from "@effect-memcache/protocol/Reply"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Retrieval from "../../../src/internal/commands/Retrieval.ts"
import * as Storage from "../../../src/internal/commands/Storage.ts"
import { standard } from "../../../src/StandardTranscoder.ts"
import type { Transcoder } from "../../../src/Transcoder.ts"
import { fault, foreign } from "../../../src/Transcoder.ts"
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

const foreignItem = Object.assign(value(true), { flags: 1, cas: 7n, length: 2, value: Buffer.from("N.") })

const reading = (onForeign: "fail" | "miss", isLater: boolean) => {
  const { session } = FakeSession.make((command) =>
    command._tag === "Get" && command.keys.length > 1
      ? { items: [FakeSession.text("one"), foreignItem], reply: FakeSession.end }
      : foreignItem
  )
  const decode: Transcoder["decode"] = (bytes, flags) => {
    const result = flags === 1 ? Result.fail(foreign("pickle")) : standard.decode(bytes, flags)
    return isLater && Result.isResult(result) ? Effect.fromResult(result) : result
  }
  return { ...session, onForeign, transcoder: { ...standard, decode } }
}

it.effect.each([false, true])(
  "foreign code is an error that names its format, also later: %o",
  (isLater) =>
    Effect.gen(function*() {
      const session = reading("fail", isLater)
      const errors: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        Retrieval.get(session)("k"),
        Retrieval.gets(session)("k"),
        Retrieval.getAndTouch(session)("k", "1 minute"),
        Retrieval.getMany(session)(["a", "b"])
      ]
      for (const error of yield* Effect.forEach(errors, Effect.flip)) {
        assert.isTrue(error instanceof MemcacheError)
        assert.deepInclude((error as MemcacheError).reason, { _tag: "DecodeError", format: "pickle", flags: 1 })
      }
    })
)

it.effect.each([false, true])(
  "foreign code is a miss where the client says so, also later: %o",
  (isLater) =>
    Effect.gen(function*() {
      const session = reading("miss", isLater)
      assert.deepStrictEqual(yield* Retrieval.get(session)("k"), Option.none())
      assert.deepStrictEqual(yield* Retrieval.gets(session)("k"), Option.none())
      assert.deepStrictEqual(yield* Retrieval.getAndTouch(session)("k", "1 minute"), Option.none())
      assert.deepStrictEqual([...(yield* Retrieval.getMany(session)(["a", "b"]))], [["a", "one"]])
      const { failed } = yield* Retrieval.getManyPartial(session)(["a", "b"])
      assert.strictEqual(failed.size, 0)
    })
)

it.effect("a transcoder that answers neither a result nor an effect is a defect, and no value", () =>
  Effect.gen(function*() {
    const session = reading("fail", false)
    const decode = (() => Promise.resolve("text")) as unknown as Transcoder["decode"]
    const broken = { ...session, transcoder: { ...standard, decode } }
    for (const read of [Retrieval.get(broken)("k"), Retrieval.getMany(broken)(["a"])]) {
      // In a fiber of its own, because what is no effect ends the whole fiber.
      const fiber = yield* Effect.forkChild(read as Effect.Effect<unknown, unknown>)
      assert.isTrue(Exit.hasDies(yield* Fiber.await(fiber)))
    }
  }))

it.effect("what is damaged is no miss", () =>
  Effect.gen(function*() {
    const session = reading("miss", false)
    const decode = () => Result.fail(fault("text", "its bytes are no UTF-8"))
    const damaged = { ...session, transcoder: { ...standard, decode } }
    yield* Effect.flip(Retrieval.get(damaged)("k"))
    yield* Effect.flip(Retrieval.getMany(damaged)(["a", "b"]))
  }))
