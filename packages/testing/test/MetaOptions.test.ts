import * as Key from "@effect-memcache/protocol/Key"
import { assert, describe, it } from "@effect/vitest"
import * as MetaOptions from "../src/MetaOptions.ts"

const read = (text: string, ...flags: ReadonlyArray<string>): MetaOptions.MetaOptions => {
  const key = Key.make(text)
  return MetaOptions.make(Key.isKey(key) ? key : assert.fail(text), flags)
}

describe("MetaOptions", () => {
  it("says what is there, and that the rest is not", () => {
    assert.deepStrictEqual(read("k"), {
      key: "k",
      isBase64: false,
      wantsValue: false,
      isQuiet: false,
      isUncounted: false,
      isInvalidating: false,
      isEmptying: false,
      flags: 0,
      compare: undefined,
      newCas: undefined,
      exptime: undefined,
      vivify: undefined,
      recache: undefined,
      mode: undefined,
      delta: 1n,
      initial: 0n
    })
  })

  it("reads numbers of their own width", () => {
    const options = read("k", "F4294967295", "C18446744073709551615", "T-1", "N0", "R30", "D0", "J7", "E0")
    assert.deepInclude(options, {
      flags: 4_294_967_295,
      compare: 18_446_744_073_709_551_615n,
      newCas: 0n,
      exptime: -1,
      vivify: 0,
      recache: 30,
      delta: 0n,
      initial: 7n
    })
  })

  it("decodes a base64 key into its bytes", () => {
    assert.deepInclude(read("Zm8K/w==", "b"), { key: "fo\n\xff", isBase64: true })
  })

  it("takes the letter behind M and no more", () => {
    assert.strictEqual(read("k", "Mappend").mode, "a")
    assert.strictEqual(read("k", "M+").mode, "+")
  })
})
