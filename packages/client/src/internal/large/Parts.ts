/**
 * The parts of a large value on their way to the servers and back: a few megabytes at a time, spread over the ring by
 * their keys.
 *
 * @since 0.1.0
 */
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type { ArgumentError } from "../../ArgumentError.ts"
import * as Compression from "../../Compression.ts"
import type { KeyError } from "../../KeyError.ts"
import { isKeyError } from "../../KeyError.ts"
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
 * It begins with the last of them, whose keys are the longest: where the client's prefix leaves no room for them, that is
 * found before anything is sent.
 *
 * @category commands
 * @since 0.1.0
 */
export const write = (
  cache: Cache,
  manifest: Manifest,
  bytes: Uint8Array,
  ttl: TimeToLive
): Effect.Effect<boolean, MemcacheError | KeyError | ArgumentError> =>
  everyBatch(manifest, "from the last", (indices) =>
    Effect.flatMap(
      cache.setManyPartial(
        indices.map((index) => [partKey(manifest, index), bytes.subarray(...range(manifest, index))] as const),
        { ttl, compression: false }
      ),
      ({ failed, notStored }): Effect.Effect<boolean, MemcacheError> => {
        // Also one that is too large for the server, which a batch takes for an answer, is a mistake to be told here.
        for (const error of failed.values()) return Effect.fail(error)
        return Effect.succeed(notStored.length === 0)
      }
    ))

/**
 * All parts as one; `undefined` if one is missing, or the whole is not what was written. What has no room for its key
 * behind the client's prefix was stored by nobody, and is missing.
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
      "from the first",
      (indices) =>
        Effect.map(cache.getMany(indices.map((index) => partKey(manifest, index))), (parts) => {
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
    return Effect.map(
      Effect.catchIf(isWhole, isKeyError, () => Effect.succeed(false)),
      (isWhole) => isWhole && checksum === manifest.checksum ? whole : undefined
    )
  })

/**
 * Removes all parts that are there.
 *
 * @category commands
 * @since 0.1.0
 */
export const remove = (cache: Cache, manifest: Manifest): Effect.Effect<boolean, KeyError> =>
  everyBatch(
    manifest,
    "from the first",
    (indices) => Effect.as(cache.deleteManyPartial(indices.map((index) => partKey(manifest, index))), true)
  )

/** Batch after batch, until one answers `false`. */
const everyBatch = <E>(
  manifest: Manifest,
  order: "from the first" | "from the last",
  use: (indices: ReadonlyArray<number>) => Effect.Effect<boolean, E>
): Effect.Effect<boolean, E> => {
  const parts = count(manifest)
  const size = Math.min(Math.max(1, Math.floor(BATCH_BYTES / manifest.partSize)), BATCH_PARTS)
  const batches = Math.ceil(parts / size)
  const from = (turn: number): Effect.Effect<boolean, E> => {
    const first = size * (order === "from the first" ? turn : batches - 1 - turn)
    const indices = Array.from({ length: Math.min(size, parts - first) }, (_, i) => first + i)
    const used = Effect.suspend(() => use(indices))
    return turn + 1 >= batches
      ? used
      : Effect.flatMap(used, (isDone) => isDone ? from(turn + 1) : Effect.succeed(false))
  }
  return from(0)
}
