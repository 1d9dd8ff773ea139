/**
 * Bytes to be written, encoded one after the other into one growing block.
 *
 * Bytes that were taken are never written to again, because a socket may still hold them: after `take`, encoding goes on
 * behind them, and a block that is full is left to whoever took from it.
 *
 * @since 0.1.0
 */

const BLOCK_SIZE = 65_536

/** Room behind a large value: for its end, and for a few small commands. */
const TAIL = 1024

const MAX_INT32 = 2_147_483_647

/**
 * A buffer for one direction of one connection.
 *
 * @category models
 * @since 0.1.0
 */
export class WriteBuffer {
  private block = new Uint8Array(1024)
  private start = 0
  private position = 0

  /** Bytes that were encoded and not taken yet. */
  get length(): number {
    return this.position - this.start
  }

  /** Everything encoded since the last call; the buffer does not touch these bytes again. */
  take(): Uint8Array {
    const taken = this.block.subarray(this.start, this.position)
    this.start = this.position
    return taken
  }

  /** Appends a byte string (ASCII words, keys). */
  text(text: string): this {
    const length = text.length
    this.reserve(length)
    const block = this.block
    let position = this.position
    for (let i = 0; i < length; i++) block[position++] = text.charCodeAt(i)
    this.position = position
    return this
  }

  /** Appends bytes by copying them, so that the caller may change them afterwards. */
  bytes(bytes: Uint8Array): this {
    this.reserve(bytes.length)
    this.block.set(bytes, this.position)
    this.position += bytes.length
    return this
  }

  /** Appends a non-negative safe integer in decimal, without a string of it: every opaque passes here. */
  number(n: number): this {
    let size = 1
    for (let power = 10; power <= n; power *= 10) size++
    this.reserve(size)
    const block = this.block
    let i = this.position + size - 1
    for (; n > MAX_INT32; i--) {
      const rest = Math.floor(n / 10)
      block[i] = 0x30 + (n - rest * 10)
      n = rest
    }
    // Integers from here on, which takes a third of the time.
    for (let left = n | 0; i >= this.position; i--) {
      const rest = (left / 10) | 0
      block[i] = 0x30 + (left - rest * 10)
      left = rest
    }
    this.position += size
    return this
  }

  /** Appends a blank. */
  blank(): this {
    this.reserve(1)
    this.block[this.position++] = 0x20
    return this
  }

  /** Ends a line or a value. */
  crlf(): this {
    this.reserve(2)
    this.block[this.position++] = 0x0d
    this.block[this.position++] = 0x0a
    return this
  }

  private reserve(size: number): void {
    if (this.position + size <= this.block.length) return
    const held = this.position - this.start
    // Room for twice as much where many small pieces come; behind a large one there is little.
    const room = size < 2 * BLOCK_SIZE ? 2 * (held + size) : held + size + TAIL
    const block = new Uint8Array(Math.max(BLOCK_SIZE, room))
    block.set(this.block.subarray(this.start, this.position))
    this.block = block
    this.start = 0
    this.position = held
  }
}
