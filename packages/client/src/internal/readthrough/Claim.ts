/**
 * The right to compute one value, as its winner holds it.
 *
 * @since 0.1.0
 */
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import { MAX_KEY_LENGTH } from "@effect-memcache/protocol/Limits"
import type { KeyInput } from "../../Key.ts"

/**
 * What a winner must know to store its value over the item that it has won, and over no other.
 *
 * @category models
 * @since 0.1.0
 */
export class Claim {
  /** The caller's own key. */
  readonly key: KeyInput
  /** When the claim is over, by Effect's `Clock`, in milliseconds. Another may have won from then on. */
  readonly until: number
  /** @internal */
  readonly wire: WireKey
  /** The item that was won, if there is one: an empty one that was made for the claim, or a value that is due. @internal */
  readonly cas: bigint | undefined
  /** The claim is the item itself, and nothing else is in it. @internal */
  readonly isPlaceholder: boolean
  /** Nobody else is kept from computing, so there is nothing to give up. @internal */
  readonly isHeld: boolean
  /** The item beside it that is the claim. @internal */
  readonly claimKey: WireKey | undefined

  /** @internal */
  constructor(fields: Pick<Claim, "key" | "wire" | "until"> & Partial<Claim>) {
    this.key = fields.key
    this.wire = fields.wire
    this.until = fields.until
    this.cas = fields.cas
    this.isPlaceholder = fields.isPlaceholder ?? false
    this.isHeld = fields.isHeld ?? true
    this.claimKey = fields.claimKey
  }
}

const SUFFIX = ":claim"

/**
 * The key of the item that stands for the claim on another: the other's key and `:claim`, or, if that is too long, as
 * much of the key as fits and a hash of it. Two keys with one claim key wait for each other and are no further harm.
 *
 * @category constructors
 * @since 0.1.0
 */
export const claimKeyOf = (wire: WireKey): WireKey => {
  if (wire.length + SUFFIX.length <= MAX_KEY_LENGTH) return `${wire}${SUFFIX}` as WireKey
  const digest = fnv1a(wire).toString(16).padStart(8, "0")
  return `${wire.slice(0, MAX_KEY_LENGTH - SUFFIX.length - digest.length - 1)}:${digest}${SUFFIX}` as WireKey
}

const fnv1a = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
