import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import { assert, describe, it } from "@effect/vitest"
import * as Gutter from "../../../src/internal/servers/Gutter.ts"

const key = "k" as Key
const now = 1_800_000_000
const store: Command = {
  _tag: "Store",
  mode: "set",
  key,
  flags: 0,
  exptime: 0,
  value: new Uint8Array(0),
  noreply: false
}

describe("an exptime on a spare server", () => {
  const table: ReadonlyArray<readonly [exptime: number, capped: number, why: string]> = [
    [0, 60, "for ever becomes the cap"],
    [30, 30, "less than the cap stays"],
    [60, 60, "the cap stays"],
    [61, 60, "more becomes the cap"],
    [2_592_000, 60, "thirty days are relative"],
    [now + 30, 30, "a moment before the cap becomes what is left until then"],
    [now + 3600, 60, "a moment behind it becomes the cap"],
    [now, -1, "the present moment is past"],
    [now - 1, -1, "a past moment is past"],
    [-1, -1, "expired stays expired"]
  ]
  for (const [exptime, capped, why] of table) {
    it(`${exptime}: ${why}`, () => assert.strictEqual(Gutter.capExptime(exptime, 60, now), capped))
  }
})

describe("a command on a spare server", () => {
  it("has its exptime capped wherever it has one", () => {
    const commands: ReadonlyArray<Command> = [
      store,
      { ...store, _tag: "Cas", cas: 1n },
      { _tag: "Touch", key, exptime: 0, noreply: false },
      { _tag: "GetAndTouch", keys: [key], withCas: false, exptime: 0 }
    ] as ReadonlyArray<Command>
    for (const command of commands) {
      assert.deepStrictEqual(Gutter.capCommand(command, 60, now), { ...command, exptime: 60 } as Command)
    }
    const count: Command = {
      _tag: "Arithmetic",
      mode: "incr",
      key,
      delta: 1n,
      create: { initial: 5n, exptime: 0 },
      noreply: false
    }
    assert.deepStrictEqual(Gutter.capCommand(count, 60, now), { ...count, create: { initial: 5n, exptime: 60 } })
  })

  it("is sent as it is where nothing is to be capped", () => {
    const commands: ReadonlyArray<Command> = [
      { ...store, exptime: 10 },
      { _tag: "Get", keys: [key], withCas: false },
      { _tag: "Delete", key, noreply: false },
      { _tag: "Arithmetic", mode: "decr", key, delta: 1n, create: undefined, noreply: false }
    ]
    for (const command of commands) assert.strictEqual(Gutter.capCommand(command, 60, now), command)
  })
})
