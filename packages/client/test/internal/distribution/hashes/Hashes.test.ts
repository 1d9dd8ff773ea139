import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { crc32 as zlibCrc32 } from "node:zlib"
import { crc15, crc16, crc32 } from "../../../../src/internal/distribution/hashes/Crc.ts"
import * as Fnv from "../../../../src/internal/distribution/hashes/Fnv.ts"
import { hsieh } from "../../../../src/internal/distribution/hashes/Hsieh.ts"
import { jenkins, oneAtATime } from "../../../../src/internal/distribution/hashes/Jenkins.ts"
import { murmur2, murmur3 } from "../../../../src/internal/distribution/hashes/Murmur.ts"
import { murmur64, rehash64 } from "../../../../src/internal/distribution/hashes/Murmur64.ts"
import * as Libmemcached from "../../../../src/internal/distribution/Libmemcached.ts"
import { toBytes } from "../../../../src/internal/distribution/Routing.ts"
import type { Keys } from "../Vectors.ts"
import { read, wire } from "../Vectors.ts"

const libmemcached = read<Keys & { readonly hashValues: Readonly<Record<string, ReadonlyArray<number>>> }>(
  "dist-libmemcached"
)
const pymemcache = read<Keys & { readonly murmur3: ReadonlyArray<number> }>("dist-pymemcache")

describe("libmemcached's hashes", () => {
  it("are all in the vectors", () => {
    assert.sameMembers(Object.keys(libmemcached.hashValues), Object.keys(Libmemcached.hashes))
  })

  it.each(Object.entries(Libmemcached.hashes))("agree with it: %s", (name, hashOf) => {
    const expected = libmemcached.hashValues[name]
    assert.lengthOf(expected, 480)
    assert.deepStrictEqual([...libmemcached.keys, ...libmemcached.utf8Keys].map((key) => hashOf(wire(key))), expected)
  })
})

it("MurmurHash3 agrees with pymemcache's, which hashes code points modulo 256", () => {
  const codePoints = (text: string) => String.fromCharCode(...Array.from(text, (c) => c.codePointAt(0)! & 0xff))
  assert.lengthOf(pymemcache.murmur3, 480)
  assert.deepStrictEqual(
    [...pymemcache.keys, ...pymemcache.utf8Keys].map((key) => murmur3(codePoints(key), 0)),
    pymemcache.murmur3
  )
})

describe("what has published values has them", () => {
  it("CRC-32: the check value of the catalogue, and its fifteen bits", () => {
    assert.strictEqual(crc32("123456789"), 0xcbf43926)
    assert.strictEqual(crc15("123456789"), 0x4bf4)
  })

  it("CRC-16: the check value of XMODEM in the lower half", () => {
    assert.strictEqual(crc16("123456789") & 0xffff, 0x31c3)
  })

  it("FNV: the author's test strings", () => {
    assert.strictEqual(Fnv.fnv1_32("foobar"), 0x31f0b262)
    assert.strictEqual(Fnv.fnv1a_32("foobar"), 0xbf9cf968)
    assert.strictEqual(Fnv.fnv1_64("foobar"), 0xa4dda9c2)
    assert.strictEqual(Fnv.fnv1_64Text("foobar"), 0xa4dda9c2)
    assert.strictEqual(Fnv.fnv1a_32Text("foobar"), 0xbf9cf968)
  })

  it("MurmurHash3: seeds and lengths", () => {
    assert.strictEqual(murmur3("", 0), 0)
    assert.strictEqual(murmur3("", 1), 0x514e28b7)
    assert.strictEqual(murmur3("test", 0), 0xba6bd213)
    assert.strictEqual(murmur3("Hello, world!", 0x9747b28c), 0x24884cba)
  })
})

describe("signed bytes", () => {
  it("move the hash of a key that is not ASCII, and of no other", () => {
    const unsigned = (bytes: string): number => {
      let hash = 0x811c9dc5
      for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes.charCodeAt(i), 0x01000193)
      return hash >>> 0
    }
    assert.strictEqual(Fnv.fnv1a_32("key"), unsigned("key"))
    assert.notStrictEqual(Fnv.fnv1a_32("\u00e4"), unsigned("\u00e4"))
  })
})

describe("any bytes", () => {
  const all = [
    crc15,
    crc16,
    crc32,
    hsieh,
    jenkins,
    murmur2,
    oneAtATime,
    Fnv.fnv1_32,
    Fnv.fnv1_64,
    Fnv.fnv1a_32,
    Fnv.fnv1a_64
  ]

  it.prop("hash to an unsigned number of 32 bits", [Schema.String], ([text]) => {
    for (const hash of all) {
      const value = hash(toBytes(text))
      assert.isTrue(Number.isInteger(value) && value >= 0 && value <= 0xffffffff)
    }
  })

  it.prop("have the CRC-32 that zlib computes", [Schema.String], ([text]) => {
    assert.strictEqual(crc32(toBytes(text)), zlibCrc32(Buffer.from(text)))
  })

  it.prop("have the MurmurHash64A that 64-bit arithmetic computes", [Schema.String], ([text]) => {
    const hash = { high: 0, low: 0 }
    const value = () => (BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0)
    murmur64(hash, toBytes(text), 4193360111)
    const expected = reference(Buffer.from(text), 4193360111n)
    assert.strictEqual(value(), expected)
    rehash64(hash, 4193360111)
    const next = Buffer.alloc(8)
    next.writeBigUInt64LE(expected)
    assert.strictEqual(value(), reference(next, 4193360111n))
  })
})

/** MurmurHash64A as its author wrote it, in bigints. */
const reference = (bytes: Buffer, seed: bigint): bigint => {
  const m = 0xc6a4a7935bd1e995n
  const cut = (value: bigint) => BigInt.asUintN(64, value)
  let h = seed ^ cut(BigInt(bytes.length) * m)
  const end = bytes.length & ~7
  for (let at = 0; at < end; at += 8) {
    let k = cut(bytes.readBigUInt64LE(at) * m)
    k = cut((k ^ (k >> 47n)) * m)
    h = cut((h ^ k) * m)
  }
  if (end < bytes.length) {
    for (let at = end; at < bytes.length; at++) h ^= BigInt(bytes[at]) << BigInt(8 * (at - end))
    h = cut(h * m)
  }
  h = cut((h ^ (h >> 47n)) * m)
  return h ^ (h >> 47n)
}
