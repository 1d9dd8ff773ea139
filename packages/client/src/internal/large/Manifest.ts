/**
 * What stands in the place of a large value: where its parts are, and how to know that they are all there and unharmed.
 *
 * It is a line of text: `1 <id> <length> <part size> <checksum> <flags>`. The 1 is the version of this form. Stored data
 * outlives any correction, so another form will have another number, and what is not exactly of this one is refused.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Compression from "../../Compression.ts"
import type { Encoded } from "../../Transcoder.ts"

/**
 * The parts of one write of one value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Manifest {
  /** Of this write and of no other, so that the parts of two writes cannot mix. */
  readonly id: string
  /** Of the whole encoded value, in bytes, at least 1. */
  readonly length: number
  /** Of every part but the last one, in bytes. */
  readonly partSize: number
  /** CRC-32 of the whole encoded value. */
  readonly checksum: number
  /** How the whole is read, as of an item that is not divided. */
  readonly flags: number
}

const FORM = /^1 ([0-9a-z]{10,40}) ([1-9][0-9]{0,14}) ([1-9][0-9]{0,14}) (0|[1-9][0-9]{0,9}) (0|[1-9][0-9]{0,9})$/

/**
 * The manifest of a new write of these bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const describe = ({ bytes, flags }: Encoded, partSize: number): Effect.Effect<Manifest> =>
  Effect.withFiber((fiber) => {
    const random = fiber.getRef(Random.Random)
    const digits = (): string => Math.floor(random.nextDoubleUnsafe() * 36 ** 10).toString(36).padStart(10, "0")
    // When, and 103 bits of chance: also programs that begin in the same millisecond write different parts.
    const id = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe().toString(36) + digits() + digits()
    return Effect.succeed({ id, length: bytes.length, partSize, checksum: Compression.checksum(bytes), flags })
  })

/**
 * A manifest as it is stored.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = ({ checksum, flags, id, length, partSize }: Manifest): Uint8Array =>
  Buffer.from(`1 ${id} ${length} ${partSize} ${checksum} ${flags}`, "latin1")

/**
 * The manifest in these bytes, or `undefined` if there is none.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (bytes: Uint8Array): Manifest | undefined => {
  if (bytes.length > MAX_LENGTH) return undefined
  const match = FORM.exec(Buffer.from(bytes).toString("latin1"))
  if (match === null) return undefined
  const [length, partSize, checksum, flags] = match.slice(2).map(Number)
  return checksum <= MAX_UINT32 && flags <= MAX_UINT32 ? { id: match[1], length, partSize, checksum, flags } : undefined
}

const MAX_LENGTH = 100

const MAX_UINT32 = 4_294_967_295

/**
 * How many parts there are.
 *
 * @category accessors
 * @since 0.1.0
 */
export const count = ({ length, partSize }: Manifest): number => Math.ceil(length / partSize)

/**
 * The key of a part, which has nothing of the value's own key: that one may be as long as a key can be.
 *
 * @category accessors
 * @since 0.1.0
 */
export const partKey = ({ id }: Manifest, index: number): string => `part:${id}:${index}`

/**
 * Where a part begins and ends in the whole.
 *
 * @category accessors
 * @since 0.1.0
 */
export const range = ({ length, partSize }: Manifest, index: number): readonly [start: number, end: number] => [
  index * partSize,
  Math.min((index + 1) * partSize, length)
]
