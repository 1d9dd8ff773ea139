import { assert, describe, it } from "@effect/vitest"
import { Stamps } from "../src/Stamps.ts"

const written = (stamps: Stamps, key: string, size?: number): string => {
  const { seq, value } = stamps.issue(key, size)
  stamps.confirm(key, seq)
  return value
}

describe("Stamps", () => {
  it("takes a value that was written for right, as text and as bytes, whatever its size and key", () => {
    const stamps = new Stamps("mark")
    for (const key of ["a", "user:1|2", "schlüssel", "__proto__"]) {
      for (const size of [0, 1, 100, 10_000]) {
        const value = written(stamps, key, size)
        assert.include(value, "mark")
        assert.strictEqual(stamps.judge(key, value), "right")
        assert.strictEqual(stamps.judge(key, new TextEncoder().encode(value)), "right")
      }
    }
    assert.strictEqual(stamps.judged, 32)
  })

  it("makes values of about the size that is asked for", () => {
    const { value } = new Stamps().issue("key", 10_000)
    assert.isAtLeast(value.length, 10_000)
    assert.isBelow(value.length, 10_100)
  })

  it("finds another key's value, a piece of a value, two values in one, and what nobody wrote", () => {
    const stamps = new Stamps()
    const a = written(stamps, "a")
    const b = written(stamps, "b")
    const others = new Stamps()
    others.issue("a")
    const future = others.issue("a").value
    const wrong: ReadonlyArray<unknown> = [
      b,
      a.slice(0, -1),
      a + a,
      a.slice(0, -10) + b.slice(-10),
      future,
      "",
      "a|",
      undefined,
      null,
      1,
      { key: "a" }
    ]
    for (const value of wrong) assert.strictEqual(stamps.judge("a", value), "wrong", String(value))
    assert.strictEqual(stamps.wrongCount, wrong.length)
    assert.isAtMost(stamps.wrong.length, 5)
  })

  it("never shows the mark of a wrong value", () => {
    const stamps = new Stamps("secret-mark")
    stamps.judge("a", written(stamps, "b"))
    assert.notInclude(JSON.stringify(stamps.wrong), "secret-mark")
  })

  it("finds a value that had been overwritten before the read began", () => {
    const stamps = new Stamps()
    const old = written(stamps, "a")
    const early = stamps.floor("a")
    const { seq } = stamps.issue("a")
    stamps.confirm("a", seq)
    assert.strictEqual(stamps.judge("a", old, early), "right")
    assert.strictEqual(stamps.judge("a", old), "stale")
    assert.strictEqual(stamps.staleCount, 1)
  })

  it("takes an old value for right if nobody knows what became of its write", () => {
    const stamps = new Stamps()
    const { seq, value } = stamps.issue("a")
    stamps.doubt("a", seq)
    written(stamps, "a")
    assert.strictEqual(stamps.judge("a", value), "right")
  })

  it("takes a value that was never sent for wrong", () => {
    const stamps = new Stamps()
    const { seq, value } = stamps.issue("a")
    stamps.deny("a", seq)
    assert.strictEqual(stamps.judge("a", value), "wrong")
  })

  it("takes either of two writes that overlapped, whichever was confirmed last", () => {
    const stamps = new Stamps()
    const one = stamps.issue("a")
    const two = stamps.issue("a")
    stamps.confirm("a", two.seq)
    stamps.confirm("a", one.seq)
    assert.strictEqual(stamps.judge("a", one.value), "right")
    assert.strictEqual(stamps.judge("a", two.value), "right")
    written(stamps, "a")
    assert.strictEqual(stamps.judge("a", one.value), "stale")
    assert.strictEqual(stamps.judge("a", two.value), "stale")
  })
})
