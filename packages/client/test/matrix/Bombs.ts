/**
 * Rows of the fault matrix: items of a few bytes that inflate to very many, in every codec that the client reads.
 */
import type { MemcacheOptions } from "@effect-memcache/client"
import { CODEC_FLAGS, FLAGS } from "@effect-memcache/client/StandardTranscoder"
import * as Memory from "@effect-memcache/testing/Memory"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as zlib from "node:zlib"
import type { Row } from "./Row.ts"

const MEBIBYTE = 1_048_576

/** Bytes of an item. */
const SMALL = 421
const LARGE = MEBIBYTE

/** What may come out, by default; and for small items that cannot do so much. */
const CAP = 8 * MEBIBYTE
const SMALL_CAP = 100_000

/** MiB beyond the cap. */
const MEMORY = 8

/**
 * The same of codecs that keep a window beside what comes out: 8 MiB for zstd, 7 for the usual one of brotli, which Node
 * cannot bound. And what was tried at once has left some with the allocator before another thread tries again.
 */
const WINDOW_MEMORY = 12

/** Zeros that are compressed so that they can follow themselves. */
const ZEROS = new Uint8Array(MEBIBYTE)

/** A beginning, and as many repetitions as there is room for. */
const repeated = (size: number, head: Uint8Array, body: Uint8Array): Uint8Array => {
  const out = new Uint8Array(size)
  out.set(head)
  for (let at = head.length; at < size; at += body.length) out.set(body.subarray(0, size - at), at)
  return out
}

/** Two gigabytes of zeros for each mebibyte: blocks that refer to nothing before them. */
const deflated = zlib.deflateRawSync(ZEROS, { level: 9, finishFlush: zlib.constants.Z_FULL_FLUSH })

/** A zlib header; and a gzip header without a name or a time. */
const ZLIB = Uint8Array.of(0x78, 0xda)
const GZIP = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3)

/** A frame with a window of 8 MiB that says no size, and blocks of one byte that is repeated 128 Ki times (RFC 8878). */
const ZSTD = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68)
const ZSTD_BLOCK = Uint8Array.of(0x02, 0x00, 0x10, 0x00)

/** A mebibyte of zeros for each part of a few bytes; the first also has the header. */
const brotli = (): Promise<{ readonly head: Uint8Array; readonly body: Uint8Array }> =>
  new Promise((resolve) => {
    const stream = zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 2 } })
    const parts: Array<Uint8Array> = []
    const next = () => {
      stream.write(ZEROS)
      stream.flush(zlib.constants.BROTLI_OPERATION_FLUSH, () => {
        parts.push(stream.read() as Uint8Array)
        if (parts.length < 3) return next()
        stream.destroy()
        resolve({ head: Buffer.concat([parts[0], parts[1]]), body: parts[2] })
      })
    }
    next()
  })

/** php-memcached writes the size before the bytes; this one says what it likes. */
const sized = (size: number, bytes: Uint8Array): Uint8Array => {
  const out = new Uint8Array(bytes.length)
  out.set(bytes.subarray(0, bytes.length - 4), 4)
  new DataView(out.buffer).setUint32(0, size, true)
  return out
}

/** Level 2, one literal, and matches that one byte after the other makes longer by 255. */
const fastlz = (size: number): Uint8Array => {
  const out = new Uint8Array(size).fill(0xff)
  out.set([0x20, 0x00, 0xe0])
  return out
}

interface Bomb {
  readonly name: string
  readonly transcoder: "standard" | "php-memcached"
  readonly flags: number
  readonly of: (size: number) => Uint8Array
  /** The reason, if it is not that the cap was reached. */
  readonly detail?: RegExp | undefined
}

const PHP = { zlib: 0x30, fastlz: 0x50, zstd: 0x90 } as const

const TOO_MUCH = /^it inflates to more than \d+ bytes$/
const DAMAGED = /^its compressed bytes are damaged$/

const bombs = (head: Uint8Array, body: Uint8Array): ReadonlyArray<Bomb> => {
  const standard = { transcoder: "standard" } as const
  const php = { transcoder: "php-memcached" } as const
  const zlibOf = (size: number) => repeated(size, ZLIB, deflated)
  const zstdOf = (size: number) => repeated(size, ZSTD, ZSTD_BLOCK)
  const flagsOf = (codec: keyof typeof CODEC_FLAGS) => FLAGS.text | CODEC_FLAGS[codec]
  return [
    { ...standard, name: "zlib", flags: flagsOf("zlib"), of: zlibOf },
    { ...standard, name: "gzip", flags: flagsOf("gzip"), of: (size) => repeated(size, GZIP, deflated) },
    { ...standard, name: "brotli", flags: flagsOf("brotli"), of: (size) => repeated(size, head, body) },
    { ...standard, name: "zstd", flags: flagsOf("zstd"), of: zstdOf },
    // They name their size, truly or not: more than may be, or less than comes.
    { ...php, name: "php zlib, 4 GiB", flags: PHP.zlib, of: (size) => sized(0xffff_ffff, zlibOf(size)) },
    { ...php, name: "php fastlz, 4 GiB", flags: PHP.fastlz, of: (size) => sized(0xffff_ffff, fastlz(size)) },
    { ...php, name: "php zlib, as if small", flags: PHP.zlib, of: (size) => sized(SMALL_CAP, zlibOf(size)) },
    { ...php, name: "php zstd, as if small", flags: PHP.zstd, of: (size) => sized(SMALL_CAP, zstdOf(size)) },
    {
      ...php,
      name: "php fastlz, as if small",
      flags: PHP.fastlz,
      of: (size) => sized(SMALL_CAP, fastlz(size)),
      detail: DAMAGED
    }
  ]
}

// So that what one item takes is not hidden in what those before it have left, nor added to it.
setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const hasWindow = /^(brotli|zstd)$/

/** At most 1032 bytes come of one. */
const isDeflate = /^(zlib|gzip)$/

const inflating: Row = {
  number: 69,
  title: "decompression bombs of 421 B and of 1 MiB, in every codec",
  expected: "DecodeError at the cap; RSS + ≤ cap + 8 MiB (12 for zstd and brotli, which keep a window)",
  quick: true,
  needs: "memcached",
  deadline: 5000,
  // Of four threads each keeps what it has freed; what one item takes is judged below.
  memory: 96,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached({ maxItemSize: "2m" })
    const base = { servers: server.address, connectTimeout: "2 seconds", connections: 1 } as const
    const { body, head } = yield* Effect.promise(brotli)
    for (const size of [SMALL, LARGE]) {
      let most = 0
      for (const { detail = TOO_MUCH, flags, name, of, transcoder } of bombs(head, body)) {
        const what = `${name}, ${size} B`
        const bytes = of(size)
        const maxInflatedSize = size === SMALL && isDeflate.test(name) ? SMALL_CAP : CAP
        const options: MemcacheOptions = {
          ...base,
          compression: undefined,
          transcoder: { name: transcoder, maxInflatedSize }
        }
        const writer = yield* row.client({ ...base, compression: undefined, transcoder: { name: "bytes", flags } })
        const stored = yield* writer.checked.operation(writer.cache.set("bomb", bytes))
        yield* writer.close
        const { cache, checked, close, events } = yield* row.client(options)
        yield* checked.operation(cache.get("absent"))
        collect()
        const memory = Memory.measure()
        const { ended, error } = yield* checked.operation(cache.get("bomb"))
        const grown = memory.growth() / MEBIBYTE
        most = Math.max(most, grown)
        const reason = error !== undefined && isMemcacheError(error) && error.reason._tag === "DecodeError"
          ? error.reason
          : undefined
        const isRefused = stored.ended === "ok" && reason !== undefined && detail.test(reason.detail)
        row.expect(what, isRefused, reason?.detail ?? ended)
        const isWhole = reason !== undefined && Buffer.compare(reason.bytes, bytes) === 0
        row.expect(`${what}: its bytes`, isWhole, reason?.bytes.length)
        const allowed = maxInflatedSize / MEBIBYTE + (hasWindow.test(name) ? WINDOW_MEMORY : MEMORY)
        row.expect(`${what}: MiB`, grown <= allowed, grown)
        const next = yield* checked.operation(cache.get("absent"))
        const isKept = next.ended === "ok" && events.every(({ _tag }) => _tag === "ServerConnected")
        row.expect(`${what}: the connection`, isKept, isKept ? "kept" : next.ended)
        yield* close
      }
      row.fact(`${size} B: most MiB`, most)
    }
  })
}

export const rows: ReadonlyArray<Row> = [inflating]
