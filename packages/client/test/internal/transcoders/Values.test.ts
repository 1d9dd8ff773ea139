/**
 * The judge: every value that a client of another language stored is read as what it is, or refused under its format's
 * name; and is written as that client writes it. Nothing is left out: the totals are part of the test.
 */
import type { Encoded, TranscodeFault, Transcoder } from "@effect-memcache/client/Transcoder"
import { make } from "@effect-memcache/client/Transcoder"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { gunzipSync, inflateSync } from "node:zlib"
import type { Entry, Writing } from "./Values.ts"
import * as Values from "./Values.ts"

const clients = Values.read()

const transcoderOf = (client: string, entry: Entry): Transcoder => {
  const { name, options } = Values.choose(client, entry)
  return Result.getOrThrowWith(make(name, options), (error) => error)
}

const settle = <A>(
  coding: Result.Result<A, TranscodeFault> | Effect.Effect<A, TranscodeFault>
): Effect.Effect<Result.Result<A, TranscodeFault>> =>
  Effect.isEffect(coding) ? Effect.result(coding) : Effect.succeed(coding)

const bytesOf = (entry: Entry): Uint8Array => Buffer.from(entry.bytesB64, "base64")

const FOREIGN = new Set(["pickle", "marshal", "php-serialize", "igbinary", "msgpack", "java-serialized"])

/** What one entry came to, or what is wrong with it. */
const judgeReading = (client: string, entry: Entry) =>
  Effect.gen(function*() {
    const { read, stored, type } = entry
    if (!stored) return "not stored"
    const result = yield* settle(transcoderOf(client, entry).decode(bytesOf(entry), entry.flags))
    if (FOREIGN.has(read)) {
      assert.isTrue(Result.isFailure(result) && result.failure.isForeign === true)
      assert.strictEqual(Result.isFailure(result) && result.failure.format, read)
      return "foreign"
    }
    if (read === "untyped") {
      // The type is lost; the string that is left is read as it is.
      const plain = entry.flags === 2 ? inflateSync(bytesOf(entry)) : Buffer.from(bytesOf(entry))
      assert.strictEqual(Result.getOrThrow(result), plain.toString("utf8"))
      return "untyped"
    }
    if (read === "lossy" && type === "float" && client === "dalli") {
      // Ruby's bare Infinity and NaN are no JSON.
      assert.strictEqual(Result.isFailure(result) && result.failure.format, "json")
      return "lossy"
    }
    assert.deepStrictEqual(Result.getOrThrow(result), Values.readingOf(client, entry))
    return read
  })

/** What zlib or gzip made the client's bytes of, if they did: everything else must be the same byte for byte. */
const deflatedBody = (client: string, { bytes, flags }: Encoded): Uint8Array | undefined => {
  const isZlib = client === "php-memcached" ? (flags & 0xf0) === 0x30 : /^(7801|789c|1f8b)/.test(hex(bytes))
  return isZlib ? client === "php-memcached" ? bytes.subarray(4) : bytes : undefined
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const inflated = (bytes: Uint8Array): Uint8Array => bytes[0] === 0x1f ? gunzipSync(bytes) : inflateSync(bytes)

const judgeWriting = (client: string, entry: Entry): Effect.Effect<Writing, TranscodeFault> =>
  Effect.gen(function*() {
    const expected = Values.writingOf(client, entry)
    const transcoder = transcoderOf(client, entry)
    const value = Values.valueOf(entry)
    const result = yield* settle(transcoder.encode(value))
    if (expected === "refused") {
      assert.isTrue(Result.isFailure(result))
      return expected
    }
    const written = yield* Effect.fromResult(result)
    if (expected === "otherwise") {
      const back = yield* settle(transcoder.decode(written.bytes, written.flags))
      const reading = entry.type === "bool" && written.flags === 2 ? Number(value) : value
      assert.deepStrictEqual(yield* Effect.fromResult(back), typeof reading === "bigint" ? asRead(reading) : reading)
      return expected
    }
    assert.strictEqual(written.flags, entry.flags)
    const theirs = deflatedBody(client, { bytes: bytesOf(entry), flags: entry.flags })
    const ours = deflatedBody(client, written)
    if (theirs === undefined || ours === undefined) {
      assert.strictEqual(hex(written.bytes), hex(bytesOf(entry)))
      return "same"
    }
    assert.strictEqual(hex(inflated(ours)), hex(inflated(theirs)))
    return "deflated"
  })

const asRead = (value: bigint): number | bigint => Number.isSafeInteger(Number(value)) ? Number(value) : value

const tally = <A extends string>(
  judge: (client: string, entry: Entry) => Effect.Effect<A, TranscodeFault>
): Effect.Effect<Record<string, Record<string, number>>> =>
  Effect.gen(function*() {
    const totals: Record<string, Record<string, number>> = {}
    const wrong: Array<string> = []
    for (const [client, entries] of Object.entries(clients)) {
      const total: Record<string, number> = {}
      for (const entry of entries) {
        const exit = yield* Effect.exit(Effect.suspend(() => judge(client, entry)))
        if (exit._tag === "Success") total[exit.value] = (total[exit.value] ?? 0) + 1
        else wrong.push(`${client}, ${entry.mode}, ${entry.description}: ${String(exit.cause)}`.slice(0, 300))
      }
      totals[client] = total
    }
    assert.deepStrictEqual(wrong, [])
    return totals
  })

describe("the values of other clients", () => {
  it("are 1,457 of eleven clients", () => {
    assert.lengthOf(Object.keys(clients), 11)
    assert.lengthOf(Object.values(clients).flat(), 1457)
  })

  it.effect("are read as what they are, or refused under the name of their format", () =>
    Effect.gen(function*() {
      const totals = yield* tally(judgeReading)
      assert.deepStrictEqual(totals, {
        "python-memcached-1.43-py2": { ok: 60, foreign: 48 },
        "python-memcached-1.59": { ok: 75, foreign: 45 },
        "python-memcached-1.62": { ok: 75, foreign: 45 },
        "pymemcache-3.5.2": { ok: 62, untyped: 66, foreign: 30, "not stored": 2 },
        "pymemcache-git": { ok: 87, untyped: 66, foreign: 45, "not stored": 2 },
        pylibmc: { ok: 81, foreign: 39 },
        "php-memcached": { ok: 255, foreign: 18 },
        dalli: { ok: 113, untyped: 23, lossy: 9, foreign: 40, "not stored": 15 },
        "npm-memcached": { ok: 35, lossy: 1 },
        memjs: { ok: 17 },
        spymemcached: { ok: 91, foreign: 12 }
      })
    }))

  it.effect("are written as the client writes them, or refused where only its serializer could", () =>
    Effect.gen(function*() {
      const totals = yield* tally(judgeWriting)
      assert.deepStrictEqual(totals, {
        "python-memcached-1.43-py2": { same: 49, deflated: 5, otherwise: 30, refused: 24 },
        "python-memcached-1.59": { same: 70, deflated: 5, otherwise: 3, refused: 42 },
        "python-memcached-1.62": { same: 70, deflated: 5, otherwise: 3, refused: 42 },
        "pymemcache-3.5.2": { same: 82, otherwise: 4, refused: 74 },
        "pymemcache-git": { same: 102, deflated: 5, otherwise: 5, refused: 88 },
        pylibmc: { same: 76, deflated: 5, otherwise: 3, refused: 36 },
        "php-memcached": { same: 242, deflated: 6, otherwise: 25 },
        dalli: { same: 94, deflated: 16, otherwise: 38, refused: 52 },
        "npm-memcached": { same: 36 },
        memjs: { same: 17 },
        spymemcached: { same: 71, otherwise: 20, refused: 12 }
      })
    }))
})
