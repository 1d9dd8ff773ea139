import type { Key } from "@effect-memcache/protocol/Key"
import type { Value } from "@effect-memcache/protocol/Reply"
import * as Reply from "@effect-memcache/protocol/Reply"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Retrieval from "../../../src/internal/commands/Retrieval.ts"
import { returnOf } from "../../../src/internal/commands/StaleWin.ts"
import * as FakeSession from "../../FakeSession.ts"

const item = (fields: Partial<Value>): Value =>
  Object.assign(Reply.value(false), { flags: 16, length: 1, value: Buffer.from("v"), ...fields })

const stale = item({ isStale: true, isWin: true })

it("only a win on a stale item is given back, and by the item's cas where it is known", () => {
  const key = "k" as Key
  assert.deepStrictEqual(returnOf(stale, key)?.flags, ["I"])
  assert.deepStrictEqual(returnOf({ ...stale, cas: 7n }, key)?.flags, ["I", "C7"])
  for (const other of [item({}), item({ isStale: true, isWinSent: true }), item({ isWin: true })]) {
    assert.isUndefined(returnOf(other, key))
  }
})

it.effect("a read of one key gives it back, unless it answers the cas, and answers its value whatever becomes of that", () =>
  Effect.gen(function*() {
    for (const reply of [Reply.status("Header", false), MemcacheError.connectionLost({ outcome: "unknown" })]) {
      const make = () => FakeSession.make(({ _tag }) => _tag === "MetaDelete" ? reply : { ...stale, cas: 7n })
      const [get, gets, many] = [make(), make(), make()]
      assert.deepStrictEqual(yield* Retrieval.get(get.session)("k"), Option.some("v"))
      assert.strictEqual(Option.getOrThrow(yield* Retrieval.gets(gets.session)("k")).value, "v")
      assert.strictEqual((yield* Retrieval.getMany(many.session)(["k"])).get("k"), "v")
      assert.lengthOf(gets.commands, 1)
      for (const { commands } of [get, many]) {
        assert.deepStrictEqual(commands[1], { _tag: "MetaDelete", key: "k" as Key, flags: ["I", "C7"] })
      }
    }
  }))
