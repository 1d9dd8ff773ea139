import { assert, describe, it } from "@effect/vitest"
import type { Placement } from "../../../src/internal/distribution/Placement.ts"
import { alone, inOrder, rebuilt, unprefixed } from "../../../src/internal/distribution/Placement.ts"
import { wire } from "./Vectors.ts"

const key = wire("key")
const without = (placement: Placement, ...away: ReadonlyArray<number>): Placement => placement.without(new Set(away))

describe("a family that asks nobody else", () => {
  const placement = alone(() => 2)

  it("gives up the keys of a server that is away, and no others", () => {
    assert.isFalse(placement.failsOver)
    assert.deepStrictEqual([...placement.sequence(key)], [2])
    assert.strictEqual(without(placement, 1).indexOf(key), 2)
    assert.strictEqual(without(placement, 2).indexOf(key), -1)
    assert.isFalse(without(placement, 2).failsOver)
  })
})

describe("a family that walks on", () => {
  const placement = inOrder(() => 2, () => [2, 0, 2, 1, 0])

  it("tries what is left, in its own order, and then gives up", () => {
    assert.deepStrictEqual([...placement.sequence(key)], [2, 0, 2, 1, 0])
    assert.strictEqual(without(placement, 2).indexOf(key), 0)
    assert.deepStrictEqual([...without(placement, 0).sequence(key)], [2, 2, 1])
    assert.strictEqual(without(without(placement, 2), 0).indexOf(key), 1)
    assert.strictEqual(without(placement, 0, 1, 2).indexOf(key), -1)
  })

  it("reads no more of the order than is asked for", () => {
    const read: Array<number> = []
    const lazy = inOrder(() => 0, function*() {
      for (let i = 0; i < 5; i++) {
        read.push(i)
        yield i
      }
    })
    assert.strictEqual(lazy.indexOf(key), 0)
    assert.deepStrictEqual(read, [])
    assert.strictEqual(without(lazy, 0, 1).indexOf(key), 2)
    assert.deepStrictEqual(read, [0, 1, 2])
  })
})

describe("a family that builds anew", () => {
  const counted = (count: number) => {
    const built: Array<string> = []
    const placement = rebuilt(count, (live) => {
      built.push(live.join())
      return () => live[0]
    })
    return { built, placement }
  }

  it("is built once for each set of servers that are left", () => {
    const { built, placement } = counted(3)
    assert.deepStrictEqual([...placement.sequence(key)], [0, 1, 2])
    assert.deepStrictEqual([...placement.sequence(key)], [0, 1, 2])
    assert.strictEqual(without(without(placement, 1), 0).indexOf(key), 2)
    assert.strictEqual(without(placement, 0, 1).indexOf(key), 2)
    assert.deepStrictEqual(built, ["0,1,2", "1,2", "2", "0,2"])
  })

  it("does not build for servers that nobody asks about, and keeps only some of what it has built", () => {
    const { built, placement } = counted(60)
    const [first] = placement.sequence(key)
    assert.strictEqual(first, 0)
    assert.lengthOf(built, 1)
    assert.lengthOf([...placement.sequence(key)], 60)
    const once = built.length
    assert.lengthOf([...placement.sequence(key)], 60)
    assert.isAbove(built.length, once)
  })

  it("without any server answers nobody", () => {
    const { placement } = counted(2)
    assert.strictEqual(without(placement, 0, 1).indexOf(key), -1)
    assert.deepStrictEqual([...without(placement, 0, 1).sequence(key)], [])
    assert.strictEqual(counted(0).placement.indexOf(key), -1)
  })
})

it("a prefix that is not hashed is taken off, and nothing else", () => {
  const seen: Array<string> = []
  const placement = unprefixed(
    inOrder((key) => {
      seen.push(key)
      return 0
    }, () => [0, 1]),
    "app:"
  )
  for (const text of ["app:user", "user", "app:", "app:app:x", "applause"]) placement.indexOf(wire(text))
  without(placement, 1).indexOf(wire("app:y"))
  assert.deepStrictEqual(seen, ["user", "user", "app:", "app:x", "applause", "y"])
  assert.deepStrictEqual([...placement.sequence(wire("app:z"))], [0, 1])
})
