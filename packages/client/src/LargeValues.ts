/**
 * Values that are larger than an item can be: cut into parts, which are items of their own, with a manifest under the
 * value's key that says where they are.
 *
 * Reading is all or nothing. A part that is missing, or is not what was written, makes the whole value a miss, because a
 * cache may lose any item at any time. Parts are stored before their manifest and have keys of their own in every write,
 * so that a reader sees one write or another, and never a mixture or half of one.
 *
 * @since 0.1.0
 */
import { MAX_EXPTIME, MAX_RELATIVE_EXPTIME } from "@effect-memcache/protocol/Limits"
import { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { ArgumentError, show } from "./ArgumentError.ts"
import type { CompressionOptions } from "./Compression.ts"
import * as Compression from "./Compression.ts"
import type { StoreOptions } from "./internal/commands/Storage.ts"
import type { Manifest } from "./internal/large/Manifest.ts"
import * as Manifests from "./internal/large/Manifest.ts"
import * as Parts from "./internal/large/Parts.ts"
import { MANIFEST_FLAGS, Written } from "./internal/large/Written.ts"
import type { KeyErrorOf, KeyInput } from "./Key.ts"
import * as Key from "./Key.ts"
import type { KeyError } from "./KeyError.ts"
import { Memcache } from "./Memcache.ts"
import * as StandardTranscoder from "./StandardTranscoder.ts"
import type { TimeToLive } from "./TimeToLive.ts"
import { toExptime } from "./TimeToLive.ts"
import type { Encoded, TranscodeFault, Transcoder } from "./Transcoder.ts"

/**
 * A time to live that ends. Parts whose manifest was overwritten, evicted or never stored are found by nobody, and must
 * go some time.
 *
 * @category models
 * @since 0.1.0
 */
export type FiniteTimeToLive = Exclude<TimeToLive, "Infinity">

/**
 * What `make` takes. All of it may be left out.
 *
 * @category options
 * @since 0.1.0
 */
export interface LargeValuesOptions {
  /**
   * Most bytes of an item. What is not larger when it is encoded is stored as one. Default 500,000, of which two fit into
   * one of memcached's pages; at most the client's `maxItemSize` and a little less than the server's `-I`.
   */
  readonly partSize?: number | undefined
  /** Most bytes of a value, written or read, before it is compressed. Default 64 MiB. */
  readonly maxSize?: number | undefined
  /** For what is set without a `ttl`; the client's own `defaultTtl` is not asked. Default 1 day. */
  readonly defaultTtl?: FiniteTimeToLive | undefined
  /** Of the whole value, before it is cut. Default `{ codec: "zlib", threshold: 2000, level: 6 }`. */
  readonly compression?: CompressionOptions | false | undefined
}

/**
 * Options of `set`.
 *
 * @category options
 * @since 0.1.0
 */
export interface SetOptions extends StoreOptions {
  readonly ttl?: FiniteTimeToLive | undefined
}

/**
 * Reads and writes values of any size up to `maxSize`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LargeValues {
  /**
   * Reads a value, in one piece or in parts; none if there is no such item, or if anything of it is missing or harmed.
   * A failure of a server that may have a part is an error.
   */
  readonly get: <K extends KeyInput>(key: K) => Effect.Effect<Option.Option<unknown>, MemcacheError | KeyErrorOf<K>>

  /**
   * Stores a value, whatever was there; `true` when stored. Until it succeeds, the earlier value is read.
   *
   * What is replaced leaves its parts behind, which nobody finds, and which go with their time to live, or before that
   * as what memcached evicts first: what has not been read for longest.
   *
   * A value that is divided fails with a `KeyLengthError`, under a `Key` too, where the client's `prefix` leaves no room
   * for the keys of its parts: 38 bytes with the default sizes, and never more than 45. Nothing was sent then. What is not
   * divided is stored as ever.
   */
  readonly set: (
    key: KeyInput,
    value: unknown,
    options?: SetOptions
  ) => Effect.Effect<boolean, MemcacheError | KeyError | ArgumentError>

  /** Removes a value and its parts; `false` if there was none. */
  readonly delete: <K extends KeyInput>(key: K) => Effect.Effect<boolean, MemcacheError | KeyErrorOf<K>>
}

/** Default of `partSize`. */
const PART_SIZE = 500_000

/** Default of `maxSize`. */
const MAX_SIZE = 67_108_864

/** Values that are read or written in parts at once: half of what may be in flight on a connection by default. */
const TRANSFERS = 4

/**
 * How much longer parts live than they must, for the time between the first of them and the manifest. If that takes
 * longer, a value misses that much earlier.
 */
const MARGIN_SECONDS = 60

/**
 * Large values on the client that is there, which must write by the standard transcoder.
 *
 * ```ts
 * const large = yield* LargeValues.make({ partSize: 500_000 })
 * yield* large.set("report", bytes, { ttl: "1 hour" })
 * yield* large.get("report")
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: LargeValuesOptions = {}): Effect.Effect<LargeValues, ArgumentError, Memcache> =>
  Effect.gen(function*() {
    const partSize = yield* whole("partSize", options.partSize ?? PART_SIZE)
    const maxSize = yield* whole("maxSize", options.maxSize ?? MAX_SIZE)
    const wrong = Compression.check(options.compression)
    if (wrong !== undefined) {
      return yield* new ArgumentError({ argument: `compression.${wrong.option}`, detail: wrong.detail })
    }
    const defaultTtl = options.defaultTtl ?? "1 day"
    yield* exptimeOf(defaultTtl, "defaultTtl")
    const transcoder = StandardTranscoder.make({ compression: options.compression, maxInflatedSize: maxSize })
    return divided({ cache: yield* Memcache, partSize, maxSize, defaultTtl, transcoder })
  })

const whole = (argument: string, value: number): Effect.Effect<number, ArgumentError> =>
  Number.isSafeInteger(value) && value >= 1 && value <= MAX_WHOLE
    ? Effect.succeed(value)
    : Effect.fail(new ArgumentError({ argument, detail: `must be a whole number from 1 to 2^30, not ${show(value)}` }))

const MAX_WHOLE = 1_073_741_824

/** The exptime of a ttl that ends. */
const exptimeOf = (ttl: FiniteTimeToLive, argument: string): Effect.Effect<number, ArgumentError> =>
  Clock.clockWith((clock) => {
    const exptime = toExptime(ttl, clock.currentTimeMillisUnsafe())
    if (typeof exptime !== "number") return Effect.fail(new ArgumentError({ argument, detail: exptime.detail }))
    return exptime === 0
      ? Effect.fail(
        new ArgumentError({ argument, detail: "must end, because parts that nobody finds must go some time" })
      )
      : Effect.succeed(exptime)
  })

const longer = (exptime: number): TimeToLive =>
  exptime <= MAX_RELATIVE_EXPTIME
    ? Duration.seconds(exptime + MARGIN_SECONDS)
    : DateTime.makeUnsafe(Math.min(exptime + MARGIN_SECONDS, MAX_EXPTIME) * 1000)

interface Resolved {
  readonly cache: Memcache["Service"]
  readonly partSize: number
  readonly maxSize: number
  readonly defaultTtl: FiniteTimeToLive
  readonly transcoder: Transcoder
}

const divided = ({ cache, defaultTtl, maxSize, partSize, transcoder }: Resolved): LargeValues => {
  const transfers = Semaphore.makeUnsafe(TRANSFERS)

  /** The value under the key as it stands there, or the manifest of one. */
  const find = <K extends KeyInput>(key: K): Effect.Effect<Found, MemcacheError | KeyErrorOf<K>> =>
    Effect.catch(
      Effect.map(cache.get(key), (value): Found => ({ value, manifest: undefined })),
      (error): Effect.Effect<Found, MemcacheError | KeyErrorOf<K>> => {
        // What the client itself does not read is in its error.
        if (!isMemcacheError(error) || error.reason._tag !== "DecodeError") return Effect.fail(error)
        const { bytes, flags } = error.reason
        const manifest = flags === MANIFEST_FLAGS ? Manifests.decode(bytes) : undefined
        if (manifest !== undefined) return Effect.succeed({ value: Option.none(), manifest })
        // Small as it is stored, and larger than the client would make it.
        return Effect.mapBoth(wait(transcoder.decode(bytes, flags)), {
          onSuccess: (value) => ({ value: Option.some(value), manifest: undefined }),
          onFailure: () => error
        })
      }
    )

  const join = (manifest: Manifest): Effect.Effect<Option.Option<unknown>, MemcacheError> => {
    const unreadable = ({ detail, format, issue }: TranscodeFault): MemcacheError =>
      MemcacheError.decode({
        command: "get",
        format,
        detail,
        issue,
        flags: manifest.flags,
        bytes: Manifests.encode(manifest)
      })
    if (manifest.length > maxSize) {
      const detail = `${manifest.length} bytes, and maxSize is ${maxSize}`
      return Effect.fail(unreadable({ _tag: "TranscodeFault", format: "large-value", detail }))
    }
    return transfers.withPermit(Effect.flatMap(Parts.read(cache, manifest), (bytes) => {
      if (bytes === undefined) return Effect.succeedNone
      return Effect.mapBoth(wait(transcoder.decode(bytes, manifest.flags)), {
        onSuccess: Option.some,
        onFailure: unreadable
      })
    }))
  }

  const store = <E>(
    encoded: Encoded,
    exptime: number,
    put: (item: Written) => Effect.Effect<boolean, E>
  ): Effect.Effect<boolean, E | MemcacheError | KeyError | ArgumentError> => {
    const { bytes, flags } = encoded
    if (bytes.length <= partSize) return put(new Written(bytes, flags))
    if (bytes.length > maxSize) {
      const detail = `${bytes.length} bytes, and maxSize is ${maxSize}`
      return Effect.fail(MemcacheError.valueTooLarge({ command: "set", outcome: "not-sent", detail }))
    }
    return transfers.withPermit(Effect.flatMap(Manifests.describe(encoded, partSize), (manifest) =>
      Effect.flatMap(
        Parts.write(cache, manifest, bytes, longer(exptime)),
        (isStored) => isStored ? put(new Written(Manifests.encode(manifest), MANIFEST_FLAGS)) : Effect.succeed(false)
      )))
  }

  const prepare = Effect.fnUntraced(function*(value: unknown, options: SetOptions | undefined) {
    const ttl = options?.ttl ?? defaultTtl
    const exptime = yield* exptimeOf(ttl, "ttl")
    const compression = options?.compression
    const wrong = compression === undefined || compression === false ? undefined : transcoder.check?.(compression)
    if (wrong !== undefined) {
      return yield* new ArgumentError({ argument: `compression.${wrong.option}`, detail: wrong.detail })
    }
    const encoded = yield* Effect.mapError(
      wait(transcoder.encode(value, options)),
      ({ detail, issue }) => MemcacheError.encode({ command: "set", detail, issue })
    )
    return { encoded, exptime, ttl }
  })

  return {
    get: (key) =>
      Effect.flatMap(
        find(key),
        ({ manifest, value }) => manifest === undefined ? Effect.succeed(value) : join(manifest)
      ),
    set: (key, value, options) => {
      // Before the parts are stored, though their keys have nothing of it.
      const wire = Key.wireOf(key, "")
      return typeof wire === "string"
        ? Effect.flatMap(
          prepare(value, options),
          ({ encoded, exptime, ttl }) =>
            store(encoded, exptime, (item) => cache.set(key, item, { ttl, compression: false }))
        )
        : Effect.fail(wire)
    },
    delete: (key) =>
      Effect.flatMap(find(key), ({ manifest }) =>
        manifest === undefined
          ? cache.delete(key)
          : Effect.tap(cache.delete(key), Effect.ignore(Parts.remove(cache, manifest))))
  }
}

interface Found {
  readonly value: Option.Option<unknown>
  readonly manifest: Manifest | undefined
}

const wait = <A>(
  coding: Result.Result<A, TranscodeFault> | Effect.Effect<A, TranscodeFault>
): Effect.Effect<A, TranscodeFault> => Effect.isEffect(coding) ? coding : Effect.fromResult(coding)
