/**
 * Stored values, decoded by the standard transcoder: whoever can write to the cache chooses these bytes and flags.
 */
import * as StandardTranscoder from "@effect-memcache/client/StandardTranscoder"
import type { TranscodeFault } from "@effect-memcache/client/Transcoder"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { isDeepStrictEqual } from "node:util"
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib"
import * as Corpus from "../Corpus.ts"
import type { Target } from "../Target.ts"
import { check } from "../Target.ts"

/** By the first byte of the input. From 21 on, four bytes of it are the flags. */
const FLAGS = [0, 2, 16, 32, 64, 128, 1, 4, 8, 10, 24, 40, 72, 136, 9, 264, 296, 520, 528, 776, 784]

/** Under 64 KiB everything is inflated at once; over it, zlib's threads do it. */
const small = StandardTranscoder.make({ maxInflatedSize: 4096, compression: { threshold: 64 } })
const large = StandardTranscoder.make({ maxInflatedSize: 131_072, compression: false })

const isFault = (u: unknown): u is TranscodeFault =>
  typeof u === "object" && u !== null && "_tag" in u && u._tag === "TranscodeFault"

const checkResult = (result: Result.Result<unknown, TranscodeFault>, limit: number): void => {
  if (Result.isFailure(result)) {
    check(isFault(result.failure), "a failure is no TranscodeFault")
    check(result.failure.detail.length < 120, "the detail of a fault is longer than any of ours")
  } else if (typeof result.success === "string" || result.success instanceof Uint8Array) {
    check(result.success.length <= limit, "a value is larger than the limit")
  }
  for (const key in {}) check(false, `every object has got a property: ${key}`)
}

/** Written and read again, a value is what it was; for JSON, which has no -0 or infinity, from the second time on. */
const checkRoundTrip = (value: unknown): void => {
  const again = rewrite(value)
  if (again === undefined) return
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) {
    check(isDeepStrictEqual(again.value, value), "a value that is written and read again is another one")
    return
  }
  const third = rewrite(again.value)
  check(third !== undefined && isDeepStrictEqual(third.value, again.value), "JSON changes each time it is stored")
}

const rewrite = (value: unknown): { readonly value: unknown } | undefined => {
  const encoded = small.encode(value)
  if (Effect.isEffect(encoded) || Result.isFailure(encoded)) return undefined
  const decoded = small.decode(encoded.success.bytes, encoded.success.flags)
  check(!Effect.isEffect(decoded) && Result.isSuccess(decoded), "what was written cannot be read")
  return { value: decoded.success }
}

const at = (input: Uint8Array, index: number): number => input[index] ?? 0

/** Bombs and what only looks like compressed bytes. */
const compressed = (): Array<Uint8Array> =>
  [
    [10, Buffer.alloc(4096, "a")],
    [10, Buffer.alloc(4097, "a")],
    [8, Buffer.alloc(70_000)],
    [8, Buffer.alloc(131_073)],
    [8, Buffer.alloc(1_000_000)],
    [11, Buffer.from(JSON.stringify({ a: Array.from({ length: 300 }, (_, i) => i) }))],
    [9, Buffer.from("12345678901234567890")],
    [13, Buffer.from("true")]
  ].map(([choice, plain]) => Uint8Array.of(choice as number, ...deflateSync(plain as Buffer)))
    .concat([100, 5000, 200_000].flatMap((size) => {
      const plain = Buffer.alloc(size, "ab")
      return [
        Uint8Array.of(16, ...gzipSync(JSON.stringify("x".repeat(size)))),
        Uint8Array.of(15, ...gzipSync(plain)),
        Uint8Array.of(18, ...brotliCompressSync(plain)),
        Uint8Array.of(20, ...zstdCompressSync(plain))
      ]
    }))

/** The transcoder. */
export const targets: ReadonlyArray<Target> = [{
  name: "value",
  about: "bytes and flags to the transcoder; a value or a TranscodeFault, within the limit, and it comes back the same",
  kind: "bytes",
  share: 1,
  seeds: () => [...Corpus.handmade("values"), ...compressed()],
  run: (input) => {
    const choice = at(input, 0)
    const flags = FLAGS[choice] ??
      ((at(input, 1) << 24) | (at(input, 2) << 16) | (at(input, 3) << 8) | at(input, 4)) >>> 0
    const bytes = input.subarray(choice < FLAGS.length ? 1 : 5)
    const decoded = small.decode(bytes, flags)
    check(!Effect.isEffect(decoded), "a small value was not decoded at once")
    checkResult(decoded, 4096)
    if (Result.isSuccess(decoded)) checkRoundTrip(decoded.success)
    const other = large.decode(bytes, flags)
    if (Effect.isEffect(other)) {
      return Effect.runPromise(Effect.result(other)).then((result) => {
        checkResult(result, 131_072)
        return bytes.length * 2
      })
    }
    checkResult(other, 131_072)
    return bytes.length * 2
  }
}]
