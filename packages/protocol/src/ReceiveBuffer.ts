/**
 * Received bytes, cut into lines and blocks.
 *
 * No byte is searched twice: what is left of a line at the end of a chunk moves to a small carry, and the search goes on
 * in the next chunk. A block that lies in one chunk is a view of it; a larger one is assembled once, in a buffer of the
 * announced size.
 *
 * A chunk may be pushed only when the one before is used up, which is when a read has answered "more".
 *
 * @since 0.1.0
 */
import * as LargeBlock from "./LargeBlock.ts"

/**
 * What a read answers beside bytes: "more" needs another chunk, "tooLong" and "unterminated" mean that the bytes are not
 * what the protocol says.
 *
 * @category models
 * @since 0.1.0
 */
export type ReadFault = "more" | "tooLong" | "unterminated"

const CR = 0x0d
const LF = 0x0a

/**
 * A buffer for one direction of one connection.
 *
 * @category models
 * @since 0.1.0
 */
export class ReceiveBuffer {
  /** Where the line that `readLine` found lies; valid until the next read or push. */
  line: Uint8Array = new Uint8Array(0)
  lineStart = 0
  lineEnd = 0

  private chunk: Uint8Array = new Uint8Array(0)
  private position = 0
  private carry = new Uint8Array(64)
  private carried = 0
  private block: Uint8Array | undefined = undefined
  private filled = 0
  private skipping = -1
  private isTorn = false
  private readonly isLenient: boolean

  /**
   * A lenient buffer takes a bare LF as the end of a line, as memcached does for command lines. A strict one, for
   * replies, does not.
   */
  constructor(options: { readonly lenient: boolean }) {
    this.isLenient = options.lenient
  }

  /** Adds a chunk. The buffer keeps the reference and never writes to it. */
  push(chunk: Uint8Array): void {
    if (this.position < this.chunk.length) {
      const rest = this.chunk.length - this.position
      const joined = new Uint8Array(rest + chunk.length)
      joined.set(this.chunk.subarray(this.position))
      joined.set(chunk, rest)
      chunk = joined
    }
    this.chunk = chunk
    this.position = 0
  }

  /** Bytes that were pushed and not read yet. */
  get unread(): number {
    return this.chunk.length - this.position + this.carried
  }

  /** The first byte that is not read yet, or -1. */
  get firstByte(): number {
    if (this.carried > 0) return this.carry[0]
    return this.position < this.chunk.length ? this.chunk[this.position] : -1
  }

  /** Whether the line that `readLine` would find begins with `text`, as far as bytes are there. */
  startsWith(text: string): boolean {
    if (this.unread < text.length) return false
    for (let i = 0; i < text.length; i++) {
      const byte = i < this.carried ? this.carry[i] : this.chunk[this.position + i - this.carried]
      if (byte !== text.charCodeAt(i)) return false
    }
    return true
  }

  /**
   * Finds the next line, at most `limit` bytes without its end, and answers `undefined` when `line`, `lineStart` and
   * `lineEnd` hold it.
   */
  readLine(limit: number): ReadFault | undefined {
    const chunk = this.chunk
    const start = this.position
    const length = chunk.length
    let end = start
    while (end < length && chunk[end] !== LF) end++
    if (this.carried + end - start > limit + 1) return "tooLong"
    if (end === length) {
      this.keep(chunk, start, end)
      this.position = end
      return "more"
    }
    this.position = end + 1
    if (this.carried === 0) {
      this.line = chunk
      this.lineStart = start
      this.lineEnd = end
    } else {
      this.keep(chunk, start, end)
      this.line = this.carry
      this.lineStart = 0
      this.lineEnd = this.carried
      this.carried = 0
    }
    if (this.lineEnd > this.lineStart && this.line[this.lineEnd - 1] === CR) {
      this.lineEnd--
      return undefined
    }
    return this.isLenient ? undefined : "unterminated"
  }

  /**
   * The next `size` bytes, which a CRLF must follow. The result may be a view of a chunk. Until the block is complete,
   * each call must name the same size.
   */
  readBlock(size: number): Uint8Array | ReadFault {
    const chunk = this.chunk
    const start = this.position
    if (this.block === undefined) {
      if (chunk.length - start >= size + 2) {
        this.position = start + size + 2
        return chunk[start + size] === CR && chunk[start + size + 1] === LF
          // Not `subarray`: of a Buffer that makes a Buffer, which takes twice as long.
          ? new Uint8Array(chunk.buffer, chunk.byteOffset + start, size)
          : "unterminated"
      }
      this.block = LargeBlock.take(size + 2)
      this.filled = 0
    }
    const block = this.block
    const taken = Math.min(chunk.length - start, block.length - this.filled)
    block.set(start === 0 && taken === chunk.length ? chunk : chunk.subarray(start, start + taken), this.filled)
    this.filled += taken
    this.position = start + taken
    if (this.filled < block.length) return "more"
    this.block = undefined
    return block[size] === CR && block[size + 1] === LF ? block.subarray(0, size) : "unterminated"
  }

  /**
   * Reads past `size` bytes and the CRLF behind them without keeping them. Like `readBlock` it uses up `size + 2` bytes
   * whatever they are, before it answers "unterminated".
   */
  skipBlock(size: number): ReadFault | undefined {
    if (this.skipping < 0) {
      this.skipping = size + 2
      this.isTorn = false
    }
    const chunk = this.chunk
    const body = Math.min(Math.max(this.skipping - 2, 0), chunk.length - this.position)
    this.position += body
    this.skipping -= body
    while (this.skipping > 0) {
      if (this.position === chunk.length) return "more"
      if (chunk[this.position++] !== (this.skipping === 2 ? CR : LF)) this.isTorn = true
      this.skipping--
    }
    this.skipping = -1
    return this.isTorn ? "unterminated" : undefined
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.carried + end - start
    if (needed > this.carry.length) {
      const larger = new Uint8Array(Math.max(needed, this.carry.length * 2))
      larger.set(this.carry.subarray(0, this.carried))
      this.carry = larger
    }
    for (let i = start; i < end; i++) this.carry[this.carried++] = bytes[i]
  }
}
