import type { Connection } from "@effect-memcache/transport/Connection"
import { assert, describe, it } from "@effect/vitest"
import * as Scope from "effect/Scope"
import { ConnectionSet } from "../../../src/internal/servers/ConnectionSet.ts"

const opened = (inFlight: number) => ({
  connection: { inFlight } as Connection & { inFlight: number },
  scope: Scope.makeUnsafe()
})

const setOf = (...inFlight: ReadonlyArray<number>) => {
  const set = new ConnectionSet()
  const members = inFlight.map(opened)
  for (const member of members) set.add(member)
  return { set, members, indexOfLeast: () => members.findIndex(({ connection }) => connection === set.leastBusy()) }
}

describe("ConnectionSet", () => {
  it("an empty one has no connection", () => {
    const { set } = setOf()
    assert.isUndefined(set.first)
    assert.isUndefined(set.leastBusy())
    assert.deepStrictEqual([set.size, set.inFlight], [0, 0])
  })

  it("the least busy one is the one with the least in flight, wherever it stands", () => {
    assert.strictEqual(setOf(3, 2, 1).indexOfLeast(), 2)
    assert.strictEqual(setOf(3, 1, 2).indexOfLeast(), 1)
    assert.strictEqual(setOf(1, 3, 2).indexOfLeast(), 0)
    assert.strictEqual(setOf(7).indexOfLeast(), 0)
  })

  it("of equal ones the oldest is chosen", () => {
    assert.strictEqual(setOf(0, 0, 0).indexOfLeast(), 0)
    assert.strictEqual(setOf(2, 1, 1).indexOfLeast(), 1)
  })

  it("what is in flight is the sum of all", () => {
    const { members, set } = setOf(3, 2, 1)
    assert.deepStrictEqual([set.size, set.inFlight], [3, 6])
    members[0].connection.inFlight = 10
    assert.strictEqual(set.inFlight, 13)
  })

  it("one that was removed is gone, once", () => {
    const { members: [a, b, c], set } = setOf(1, 1, 1)
    assert.isTrue(set.remove(a.connection))
    assert.isFalse(set.remove(a.connection))
    assert.strictEqual(set.first, b.connection)
    assert.isTrue(set.remove(c.connection))
    assert.strictEqual(set.first, b.connection)
    assert.isTrue(set.remove(b.connection))
    assert.isUndefined(set.first)
    assert.strictEqual(set.size, 0)
  })

  it("others that take the place of all are all that is left", () => {
    const { members, set } = setOf(1, 2)
    const next = opened(5)
    assert.deepStrictEqual(set.replace([next]), members)
    assert.strictEqual(set.first, next.connection)
    assert.deepStrictEqual([set.size, set.inFlight], [1, 5])
  })
})
