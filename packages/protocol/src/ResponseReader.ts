/**
 * Turns received bytes into replies: a line, and the value behind it where the line announces one.
 *
 * The reader knows nothing of requests. It is fed with chunks and asked for replies until it has none left.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Dialect.ts"
import { MAX_LINE_LENGTH } from "./Limits.ts"
import { ReceiveBuffer } from "./ReceiveBuffer.ts"
import type { Malformed, Reply, Value } from "./Reply.ts"
import { malformed } from "./Reply.ts"

// A code or a word in capitals, or the digits of a counter.
const isReplyStart = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39)

/**
 * A reader for one connection. After a malformed reply it answers the same for ever.
 *
 * @category models
 * @since 0.1.0
 */
export class ResponseReader {
  private readonly buffer = new ReceiveBuffer({ lenient: false })
  private pending: Value | undefined = undefined
  private isPendingKept = false
  private fault: Malformed | undefined = undefined
  private readonly parse: Dialect["parse"]
  private readonly maxItemSize: number

  /** `maxItemSize` bounds what a reply may announce, before anything is allocated for it. */
  constructor(options: { readonly parse: Dialect["parse"]; readonly maxItemSize: number }) {
    this.parse = options.parse
    this.maxItemSize = options.maxItemSize
  }

  /** Adds a chunk; only when `next` has answered `undefined`. */
  push(chunk: Uint8Array): void {
    this.buffer.push(chunk)
  }

  /**
   * The next complete reply, or `undefined` if more bytes are needed. With `keep` false the bytes of a value are read
   * past and the reply's value stays empty: nobody waits for it.
   */
  next(keep: boolean): Reply | undefined {
    if (this.fault !== undefined) return this.fault
    let reply: Value | undefined = this.pending
    if (reply === undefined) {
      // Its line end may never come, and nobody should wait for it.
      const byte = this.buffer.firstByte
      if (byte !== -1 && !isReplyStart(byte)) return this.fail(`not a reply: it begins with byte ${byte}`)
      const fault = this.buffer.readLine(MAX_LINE_LENGTH)
      if (fault === "more") return undefined
      if (fault === "tooLong") return this.fail("a line is longer than 2048 bytes")
      if (fault === "unterminated") return this.fail("a line ends without CRLF")
      const parsed = this.parse(this.buffer.line, this.buffer.lineStart, this.buffer.lineEnd)
      if (parsed._tag === "Malformed") return this.fail(parsed.reason)
      if (parsed._tag !== "Value") return parsed
      reply = parsed
      if (reply.length > this.maxItemSize) {
        return this.fail(`a value of ${reply.length} bytes is larger than maxItemSize (${this.maxItemSize} bytes)`)
      }
    }
    // What was begun in one way is finished in that way: the caller may lose interest between two chunks.
    const isKept = this.pending === undefined ? keep : this.isPendingKept
    const block = isKept ? this.buffer.readBlock(reply.length) : this.buffer.skipBlock(reply.length)
    if (block === "more") {
      this.pending = reply
      this.isPendingKept = isKept
      return undefined
    }
    this.pending = undefined
    if (block === "unterminated" || block === "tooLong") return this.fail("a value is not followed by CRLF")
    if (block !== undefined) reply.value = block
    return reply
  }

  /** Bytes of a reply that is not complete yet. */
  get isInsideReply(): boolean {
    return this.pending !== undefined || this.buffer.unread > 0
  }

  private fail(reason: string): Malformed {
    this.fault = malformed(reason)
    return this.fault
  }
}
