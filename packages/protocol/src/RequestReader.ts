/**
 * Turns received bytes into requests, as a server does: a line, and the value behind it where the line announces one.
 *
 * The reader knows no dialect and never gives up: whatever the bytes are, it answers with a command or with what to say
 * to them, and goes on reading where memcached would.
 *
 * @since 0.1.0
 */
import type { Cas, MetaSet, Store } from "./Command.ts"
import { hasDataBlock } from "./Command.ts"
import { MAX_LINE_LENGTH } from "./Limits.ts"
import { ReceiveBuffer } from "./ReceiveBuffer.ts"
import type { ParseRequestLine, Request } from "./Request.ts"

// memcached lets the key lists of get and gets grow without bound; a mebibyte is four thousand of the longest keys.
const MAX_GET_LINE_LENGTH = 1_048_576

const CLOSE: Request = { _tag: "Close" }

const BAD_CHUNK = "CLIENT_ERROR bad data chunk"

/** What has to be read before the next line: a value to keep, one to read past, or nothing. */
type Block =
  | { readonly _tag: "Keep"; readonly command: Store | Cas | MetaSet; readonly size: number }
  | { readonly _tag: "Skip"; readonly request: Request | undefined; readonly size: number }

/**
 * A reader for one connection. After `Close` it answers the same for ever.
 *
 * @category models
 * @since 0.1.0
 */
export class RequestReader {
  private readonly buffer = new ReceiveBuffer({ lenient: true })
  private block: Block | undefined = undefined
  private isClosed = false
  private readonly parse: ParseRequestLine
  private readonly maxBlockSize: number

  /** A value of more than `maxBlockSize` bytes is read past and never held. */
  constructor(options: { readonly parse: ParseRequestLine; readonly maxBlockSize: number }) {
    this.parse = options.parse
    this.maxBlockSize = options.maxBlockSize
  }

  /** Adds a chunk, best when `next` has answered `undefined`. */
  push(chunk: Uint8Array): void {
    this.buffer.push(chunk)
  }

  /**
   * The next complete request, or `undefined` if more bytes are needed. A command's value may be a view of the chunk it
   * came in.
   *
   * A value without a CRLF behind it answers `bad data chunk` when `size + 2` bytes are used up, so that its rest is read
   * as commands. That error is hidden by `noreply`, but not by the quiet flag of a meta command.
   */
  next(): Request | undefined {
    while (!this.isClosed) {
      if (this.block !== undefined) {
        const outcome = this.readBlock(this.block)
        if (outcome === "more") return undefined
        this.block = undefined
        if (outcome !== undefined) return outcome
        continue
      }
      const limit = this.buffer.startsWith("get ") || this.buffer.startsWith("gets ")
        ? MAX_GET_LINE_LENGTH
        : MAX_LINE_LENGTH
      const fault = this.buffer.readLine(limit)
      if (fault === "more") return undefined
      const request = fault === undefined ? this.readLine() : CLOSE
      if (request?._tag === "Close") this.isClosed = true
      if (request !== undefined) return request
    }
    return CLOSE
  }

  /** What a complete value answers; `undefined` if nothing. */
  private readBlock(block: Block): Request | "more" | undefined {
    if (block._tag === "Skip") return this.buffer.skipBlock(block.size) === "more" ? "more" : block.request
    const value = this.buffer.readBlock(block.size)
    if (value === "more") return "more"
    if (typeof value === "object") return { _tag: "Command", command: { ...block.command, value } }
    return "noreply" in block.command && block.command.noreply ? undefined : { _tag: "Refuse", reply: BAD_CHUNK }
  }

  /** What the line alone answers; `undefined` if nothing, or if a value must be read first. */
  private readLine(): Request | undefined {
    const line = this.parse(this.buffer.line, this.buffer.lineStart, this.buffer.lineEnd)
    switch (line._tag) {
      case "Close":
        return line
      case "Refuse": {
        const request: Request | undefined = line.reply === "" ? undefined : { _tag: "Refuse", reply: line.reply }
        if (line.swallow < 0) return request
        this.block = { _tag: "Skip", request, size: line.swallow }
        return undefined
      }
      case "Command": {
        const { blockSize: size, command } = line
        if (!hasDataBlock(command)) return { _tag: "Command", command }
        this.block = size > this.maxBlockSize
          ? { _tag: "Skip", request: { _tag: "TooLarge", command, size }, size }
          : { _tag: "Keep", command, size }
        return undefined
      }
    }
  }
}
