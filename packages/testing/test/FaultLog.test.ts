import { assert, describe, it } from "@effect/vitest"
import type { Entry } from "../src/FaultLog.ts"
import { FaultLog } from "../src/FaultLog.ts"

const accepted = (at: number, connection = 1): Entry => ({ _tag: "Accepted", at, connection })

const requested = (verb: string, opaque = "", at = 0): Entry => ({
  _tag: "Requested",
  at,
  connection: 1,
  verb,
  key: "",
  opaque,
  line: verb,
  bytes: 10,
  isLegal: verb !== "bogus"
})

const logOf = (entries: ReadonlyArray<Entry>, options?: ConstructorParameters<typeof FaultLog>[0]): FaultLog => {
  const log = new FaultLog(options)
  for (const entry of entries) log.add(entry)
  return log
}

describe("FaultLog", () => {
  it("counts accepts in a window, and in the fullest window of a length", () => {
    const log = logOf([0, 100, 190, 200, 1000, 1100].map((at) => accepted(at)))
    assert.strictEqual(log.accepts(100, 200).length, 3)
    assert.strictEqual(log.accepts(101).length, 4)
    assert.strictEqual(log.mostAcceptsWithin(100), 3)
    assert.strictEqual(log.mostAcceptsWithin(99), 2)
    assert.strictEqual(log.mostAcceptsWithin(200), 4)
    assert.strictEqual(new FaultLog().mostAcceptsWithin(100), 0)
  })

  it("knows how often each opaque came, and the one that came most often", () => {
    const log = logOf(["1", "2", "1", "3", "", ""].map((opaque) => requested("mg", opaque)))
    assert.deepStrictEqual([1, "2", 4].map((opaque) => log.multiplicity(opaque)), [2, 1, 0])
    assert.deepStrictEqual(log.largestMultiplicity, { opaque: "1", count: 2 })
  })

  it("tells the requests of users from greetings", () => {
    const log = logOf(["version", "mn", "mg", "bogus", "mn"].map((verb) => requested(verb)))
    assert.deepStrictEqual(log.userRequests.map(({ verb }) => verb), ["mg", "bogus"])
    assert.strictEqual(log.requests("mn").length, 2)
    assert.strictEqual(log.count("mn"), 2)
    assert.deepInclude(log.counters, { requests: 5, malformed: 1, bytesOfUsers: 20 })
  })

  it("keeps the newest entries and opaques, and counts all", () => {
    const entries = Array.from({ length: 1000 }, (_, i) => requested("mg", String(i), i))
    const log = logOf(entries, { maxEntries: 10, maxOpaques: 6 })
    assert.deepStrictEqual(log.entries, entries.slice(-10))
    assert.deepStrictEqual([995, 996, 999].map((opaque) => log.multiplicity(opaque)), [0, 1, 1])
    assert.strictEqual(log.counters.requests, 1000)
  })

  it("forgets everything but who is connected", () => {
    const log = logOf([accepted(0), accepted(0, 2), requested("mg", "1")])
    log.clear()
    assert.strictEqual(log.open, 2)
    log.add({ _tag: "Closed", at: 0, connection: 1, unfinished: 0 })
    assert.strictEqual(log.open, 1)
    assert.deepInclude(log.counters, { accepted: 0, closed: 1, requests: 0 })
    assert.deepStrictEqual([log.entries.length, log.count("mg"), log.multiplicity(1)], [1, 0, 0])
  })

  it("waits until something is so, or until it is told to give up", async () => {
    const log = new FaultLog()
    await log.until(() => true)
    const later = log.until(({ counters }) => counters.requests === 2)
    log.add(requested("mg"))
    log.add(requested("mg"))
    await later
    const controller = new AbortController()
    const never = log.until(() => false, controller.signal)
    controller.abort()
    await never
  })
})
