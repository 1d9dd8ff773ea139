/**
 * The parts of a large value on their way to the servers and back: a few megabytes at a time, spread over the ring by
 * their keys.
 *
 * @since 0.1.0
 */
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Compression from "../../Compression.ts"
import type { Memcache } from "../../Memcache.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import type { Manifest } from "./Manifest.ts"
import { count, partKey, range } from "./Manifest.ts"

type Cache = Memcache["Service"]

/** Bytes of parts that are asked for or sent at once: a tenth of a second where a gigabit is shared by three. */
const BATCH_BYTES = 4_194_304

/** Parts of one batch, however small they are. */
const BATCH_PARTS = 1000

/**
 * Stores all parts; `false` if one was refused without a reason, as the policy "miss" does and some proxies.
 *
 * @category commands
 * @since 0.1.0
 */
export const write = (
  cache: Cache,
  manifest: Manifest,
  bytes: Uint8Array,
  ttl: TimeToLive
): Effect.Effect<boolean, MemcacheError> =>
  everyBatch(manifest, (indices) =>
    Effect.flatMap(
      neverRefused(cache.setManyPartial(
        indices.map((index) => [partKey(manifest, index), bytes.subarray(...range(manifest, index))] as const),
        { ttl, compression: false }
      )),
      ({ failed, notStored }) => {
        // Also one that is too large for the server, which a batch takes for an answer, is a mistake to be told here.
        for (const error of failed.values()) return Effect.fail(error)
        return Effect.succeed(notStored.length === 0)
      }
    ))

/**
 * All parts as one; `undefined` if one is missing, or the whole is not what was written.
 *
 * @category commands
 * @since 0.1.0
 */
export const read = (cache: Cache, manifest: Manifest): Effect.Effect<Uint8Array | undefined, MemcacheError> =>
  Effect.suspend(() => {
    let whole: Uint8Array | undefined
    let checksum = 0
    const isWhole = everyBatch(
      manifest,
      (indices) =>
        Effect.map(neverRefused(cache.getMany(indices.map((index) => partKey(manifest, index)))), (parts) => {
          for (const index of indices) {
            const part = parts.get(partKey(manifest, index))
            const [start, end] = range(manifest, index)
            if (!(part instanceof Uint8Array) || part.length !== end - start) return false
            // Not before something has come: a manifest alone promises what it likes.
            whole ??= Buffer.allocUnsafeSlow(manifest.length)
            whole.set(part, start)
            checksum = Compression.checksum(part, checksum)
          }
          return true
        })
    )
    return Effect.map(isWhole, (isWhole) => isWhole && checksum === manifest.checksum ? whole : undefined)
  })

/**
 * Removes all parts that are there.
 *
 * @category commands
 * @since 0.1.0
 */
export const remove = (cache: Cache, manifest: Manifest): Effect.Effect<boolean, MemcacheError> =>
  everyBatch(
    manifest,
    (indices) =>
      Effect.as(neverRefused(cache.deleteManyPartial(indices.map((index) => partKey(manifest, index)))), true)
  )

/** Batch after batch, until one answers `false`. */
const everyBatch = (
  manifest: Manifest,
  use: (indices: ReadonlyArray<number>) => Effect.Effect<boolean, MemcacheError>
): Effect.Effect<boolean, MemcacheError> => {
  const parts = count(manifest)
  const size = Math.min(Math.max(1, Math.floor(BATCH_BYTES / manifest.partSize)), BATCH_PARTS)
  const from = (first: number): Effect.Effect<boolean, MemcacheError> => {
    const indices = Array.from({ length: Math.min(size, parts - first) }, (_, i) => first + i)
    const used = Effect.suspend(() => use(indices))
    return first + size >= parts
      ? used
      : Effect.flatMap(used, (isDone) => isDone ? from(first + size) : Effect.succeed(false))
  }
  return from(0)
}

/** The keys and times of parts are made here and are right, unless the client's own prefix leaves no room for any key. */
const neverRefused = <A, E extends { readonly _tag: string }>(
  effect: Effect.Effect<A, E>
): Effect.Effect<A, Extract<E, MemcacheError>> =>
  Effect.catchIf(effect, (error) => error._tag !== "MemcacheError", Effect.die) as Effect.Effect<
    A,
    Extract<E, MemcacheError>
  >
