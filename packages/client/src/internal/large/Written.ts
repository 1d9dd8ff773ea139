/**
 * What is encoded already: bytes and flags that the standard transcoder stores as they are.
 *
 * It is how a large value becomes several items with flags of their own through the client's own methods, which take
 * values. Other transcoders cannot write it, and say so.
 *
 * @since 0.1.0
 */
/**
 * The flags of a manifest. No other client that is known has them, so nobody takes one for a value.
 *
 * @category constants
 * @since 0.1.0
 */
export const MANIFEST_FLAGS = 32_768

/**
 * Bytes and flags in place of a value.
 *
 * @category models
 * @since 0.1.0
 */
export class Written {
  readonly bytes: Uint8Array
  readonly flags: number

  constructor(bytes: Uint8Array, flags: number) {
    this.bytes = bytes
    this.flags = flags
  }

  /** Any other transcoder would store what it is made of. */
  toJSON(): never {
    throw new TypeError("only the standard transcoder can write this")
  }
}
