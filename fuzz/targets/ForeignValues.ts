/**
 * Values as clients of other languages store them, decoded by the transcoders for those clients. What they wrote was
 * recorded, and is the seed: FastLZ streams, gzip with a header, numbers in words, flags with lengths in them.
 */
import * as Transcoder from "@effect-memcache/client/Transcoder"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { brotliDecompressSync } from "node:zlib"
import type { Target } from "../Target.ts"
import { check } from "../Target.ts"

/** Below the size from which on zlib's own threads inflate. */
const MAX_INFLATED = 4096

const HEADER = 5
const MAX_SEED = 1024

const transcoders = Transcoder.names.map((name) =>
  Result.getOrThrow(Transcoder.make(name, { maxInflatedSize: MAX_INFLATED }))
)

/** What the fixture holds, as much of it as is needed. */
interface Recorded {
  readonly clients: Readonly<Record<string, ReadonlyArray<{ readonly flags: number; readonly bytesB64?: string }>>>
}

/** The transcoder, the flags and the bytes, as one input. */
const encode = (index: number, flags: number, bytes: Uint8Array): Uint8Array =>
  Uint8Array.of(index, flags >>> 24, flags >>> 16, flags >>> 8, flags, ...bytes)

const seeds = (): Array<Uint8Array> => {
  const file = join(import.meta.dirname, "../../packages/client/test/fixtures/vectors/values.json.br")
  const { clients } = JSON.parse(brotliDecompressSync(readFileSync(file)).toString("utf8")) as Recorded
  const unique = new Map<string, Uint8Array>()
  for (const [client, entries] of Object.entries(clients)) {
    for (const { bytesB64, flags } of entries) {
      if (bytesB64 === undefined) continue
      const bytes = Buffer.from(bytesB64, "base64")
      if (bytes.length > MAX_SEED) continue
      Transcoder.names.forEach((name, index) => {
        if (client.startsWith(name.split("/")[0])) {
          unique.set(`${name} ${flags} ${bytesB64}`, encode(index, flags, bytes))
        }
      })
    }
  }
  return [...unique.values()]
}

/** The transcoders by name. */
export const targets: ReadonlyArray<Target> = [{
  name: "foreign-value",
  about: "bytes and flags to the transcoders for other clients; a value or a TranscodeFault, and never over the limit",
  kind: "bytes",
  share: 2,
  seeds,
  run: (input) => {
    const transcoder = transcoders[(input[0] ?? 0) % transcoders.length]
    const flags = input.length < HEADER ? 0 : new DataView(input.buffer, input.byteOffset).getUint32(1)
    const bytes = input.subarray(HEADER)
    const limit = Math.max(MAX_INFLATED, bytes.length)
    const decoded = transcoder.decode(bytes, flags)
    check(!Effect.isEffect(decoded), "a small value was not decoded at once")
    if (Result.isFailure(decoded)) {
      check(decoded.failure._tag === "TranscodeFault", "a failure is no TranscodeFault")
      check(decoded.failure.detail.length < 200, "the detail of a fault is longer than any of ours")
      return bytes.length
    }
    const value = decoded.success
    if (typeof value === "string" || value instanceof Uint8Array) {
      check(value.length <= limit, "a value is larger than the limit")
    }
    return bytes.length
  }
}]
