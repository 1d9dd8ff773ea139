import { assert, describe, it } from "@effect/vitest"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Options } from "../src/ItemStore.ts"
import { ItemStore } from "../src/ItemStore.ts"

const START = 1_800_000_000

const make = (options: Partial<Options> = {}) => {
  const clock = { seconds: START }
  const store = new ItemStore({
    now: () => clock.seconds * 1000,
    maxItemSize: 1024,
    memoryLimit: 4096,
    isEvicting: true,
    hasCas: true,
    ...options
  })
  const put = (key: string, length = 0, exptime = 0): boolean => {
    if (store.admit(key, 0, length) !== "ok") return false
    store.link({ key, isBase64: false, flags: 0, exptime: store.expiry(exptime) }, new Uint8Array(length), undefined)
    return true
  }
  return { store, clock, put }
}

describe("ItemStore", () => {
  it("accounts for an item what memcached does", () => {
    const { store } = make()
    assert.strictEqual(store.size({ key: "k", flags: 0, value: new Uint8Array(10) }), 48 + 8 + 2 + 10 + 2)
    assert.strictEqual(store.size({ key: "k", flags: 1, value: new Uint8Array(10) }), 48 + 8 + 2 + 4 + 10 + 2)
    const { store: bare } = make({ hasCas: false })
    assert.strictEqual(bare.size({ key: "k", flags: 0, value: new Uint8Array(10) }), 48 + 2 + 10 + 2)
  })

  it("takes the largest values that were measured on the real server and not a byte more", () => {
    const { store } = make({ maxItemSize: 1_048_576, memoryLimit: 67_108_864 })
    for (
      const [key, flags, length] of [["k", 0, 1_048_516], ["k", 5, 1_048_512], ["k".repeat(250), 0, 1_048_267]] as const
    ) {
      assert.strictEqual(store.admit(key, flags, length), "ok")
      assert.strictEqual(store.admit(key, flags, length + 1), "tooLarge")
    }
  })

  it("reads exptimes as signed 32-bit seconds, relative up to 30 days", () => {
    const { store } = make()
    const { time } = store
    assert.strictEqual(store.expiry(0), 0)
    assert.strictEqual(store.expiry(1), time + 1)
    assert.strictEqual(store.expiry(2_592_000), time + 2_592_000)
    assert.strictEqual(store.expiry(2_592_001), 1)
    assert.strictEqual(store.expiry(START + 60), time + 60)
    assert.strictEqual(store.expiry(-1), 1)
    assert.strictEqual(store.expiry(2_147_483_648), 1)
    assert.strictEqual(store.expiry(4_294_967_297), time + 1)
  })

  it("forgets an item in the second in which it expires", () => {
    const { clock, put, store } = make()
    put("k", 1, 10)
    clock.seconds += 9
    assert.isDefined(store.find("k"))
    clock.seconds += 1
    assert.isUndefined(store.find("k"))
    assert.strictEqual(store.bytes, 0)
    assert.strictEqual(store.foundExpired, 1)
    assert.strictEqual(store.expiredUnfetched, 1)
  })

  it("lists living items, the longest unused first", () => {
    const { clock, put, store } = make()
    put("a")
    put("b", 0, 5)
    put("c")
    store.access(store.find("a")!)
    clock.seconds += 5
    assert.deepStrictEqual([...store.entries()].map(({ key }) => key), ["c", "a"])
  })

  it("evicts the longest unused items until there is room", () => {
    const { put, store } = make({ memoryLimit: 400 })
    for (const key of ["a", "b", "c", "d"]) put(key, 39)
    store.access(store.find("a")!)
    assert.isTrue(put("e", 39))
    assert.deepStrictEqual([...store.entries()].map(({ key }) => key), ["c", "d", "a", "e"])
    assert.isTrue(put("f", 200))
    assert.deepStrictEqual([...store.entries()].map(({ key }) => key), ["e", "f"])
    assert.strictEqual(store.evictions, 4)
    assert.strictEqual(store.evictedUnfetched, 3)
    assert.isAtMost(store.bytes, 400)
  })

  it("keeps evicting in the order of use while thousands of items come and go", () => {
    const { put, store } = make({ memoryLimit: 10_000 })
    for (let i = 0; i < 5_000; i++) assert.isTrue(put(`key${i}`, 40))
    const keys = [...store.entries()].map(({ key }) => key)
    assert.strictEqual(keys.at(-1), "key4999")
    assert.deepStrictEqual(keys, keys.map((_, i) => `key${5_000 - keys.length + i}`))
  })

  it("drops what has expired before it evicts what lives", () => {
    const { clock, put, store } = make({ memoryLimit: 200 })
    put("old", 37)
    put("short", 35, 1)
    clock.seconds += 1
    assert.isTrue(put("new", 37))
    assert.deepStrictEqual([...store.entries()].map(({ key }) => key), ["old", "new"])
    assert.strictEqual(store.evictions, 0)
    assert.strictEqual(store.reclaimed, 1)
  })

  it("refuses where it may not evict, and where the item is larger than the memory", () => {
    const { put, store } = make({ memoryLimit: 200, isEvicting: false })
    assert.isTrue(put("a", 100))
    assert.strictEqual(store.admit("b", 0, 100), "noMemory")
    assert.isDefined(store.find("a"))
    assert.strictEqual(make({ memoryLimit: 200 }).store.admit("b", 0, 300), "noMemory")
  })

  it("counts cas uniques from 1, takes a chosen one, and wraps behind the largest", () => {
    const { store } = make()
    assert.strictEqual(store.newCas(), 1n)
    assert.strictEqual(store.newCas(18_446_744_073_709_551_615n), 18_446_744_073_709_551_615n)
    assert.strictEqual(store.newCas(0n), 2n)
    assert.strictEqual(make({ hasCas: false }).store.newCas(), 0n)
  })

  it("flushes at once what is there and keeps what comes after", () => {
    const { put, store } = make()
    put("a")
    store.flush(0)
    put("b")
    assert.isUndefined(store.find("a"))
    assert.isDefined(store.find("b"))
  })

  it("flushes after a delay, what was stored meanwhile included", () => {
    const { clock, put, store } = make()
    put("a")
    store.flush(10)
    clock.seconds += 9
    put("b")
    assert.strictEqual(store.count, 2)
    clock.seconds += 1
    assert.strictEqual(store.count, 0)
    put("c")
    clock.seconds += 100
    assert.isDefined(store.find("c"))
  })

  it("lets a later flush take the place of one that waits", () => {
    const { clock, put, store } = make()
    store.flush(10)
    store.flush(20)
    put("a")
    clock.seconds += 15
    assert.isDefined(store.find("a"))
    clock.seconds += 5
    assert.isUndefined(store.find("a"))
  })

  it("works at the beginning of time, where a test clock starts", () => {
    const store = new ItemStore({
      now: () => 0,
      maxItemSize: 1024,
      memoryLimit: 4096,
      isEvicting: true,
      hasCas: true
    })
    store.link({ key: "gone", isBase64: false, flags: 0, exptime: store.expiry(-1) }, new Uint8Array(0), undefined)
    store.link(
      { key: "far", isBase64: false, flags: 0, exptime: store.expiry(3_456_000) },
      new Uint8Array(0),
      undefined
    )
    assert.isUndefined(store.find("gone"))
    assert.strictEqual(store.find("far")?.exptime, store.time + 3_456_000)
  })

  it("takes no more memory for an item that is read again and again, also after an eviction", () => {
    setFlagsFromString("--expose-gc")
    const gc = runInNewContext("gc") as () => void
    const heap = (): number => {
      gc()
      return process.memoryUsage().heapUsed
    }
    const { put, store } = make()
    for (let i = 0; i < 10; i++) put(`key:${i}`, 900)
    assert.isAbove(store.evictions, 0)
    const before = heap()
    const item = store.find("key:9")!
    for (let i = 0; i < 200_000; i++) store.promote(item)
    assert.isBelow(heap() - before, 4_000_000)
    // It is still there, so that what was measured is not what is left when it is gone.
    assert.strictEqual(store.find("key:9"), item)
  })
})
