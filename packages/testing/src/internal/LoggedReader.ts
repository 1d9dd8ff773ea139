/**
 * Reads requests strictly and writes each of them into the log: what is no whole and legal command is read as memcached
 * reads it, and counted as malformed.
 *
 * @since 0.1.0
 */
import { byteString } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import * as MetaRequest from "@effect-memcache/protocol/meta/RequestDecoder"
import type { ParseRequestLine, Request } from "@effect-memcache/protocol/Request"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import type { FaultLog, Requested } from "../FaultLog.ts"
import { keysOf } from "./RuleBook.ts"

/** A request and its entry in the log. */
export interface LoggedRequest {
  readonly request: Request
  readonly entry: Requested
}

const MAX_LINE = 512
const CR = 0x0d

/** A reader for one connection. */
export class LoggedReader {
  private readonly connection: number
  private readonly log: FaultLog
  private readonly unknownVerbs: ReadonlySet<string>
  private readonly reader: RequestReader
  private received = 0
  private understood = 0
  private isClosed = false
  // What was logged last, and a command whose value has not come yet.
  private entry: Requested | undefined = undefined
  private pending: Requested | undefined = undefined

  constructor(
    connection: number,
    options: { readonly log: FaultLog; readonly maxItemSize: number; readonly unknownVerbs: ReadonlySet<string> }
  ) {
    this.connection = connection
    this.log = options.log
    this.unknownVerbs = options.unknownVerbs
    this.reader = new RequestReader({ parse: this.parse, maxBlockSize: options.maxItemSize })
  }

  /** Adds a chunk; then call `next` until it answers `undefined`. */
  push(chunk: Uint8Array): void {
    if (this.isClosed) return
    this.received += chunk.length
    this.reader.push(chunk)
  }

  /** The next whole request. After one that ends the connection there are no more. */
  next(): LoggedRequest | undefined {
    if (this.isClosed) return undefined
    this.entry = undefined
    const request = this.reader.next()
    if (request === undefined) return undefined
    this.settle(request._tag !== "Refuse")
    this.isClosed = request._tag === "Close"
    // A line without an end is never parsed.
    const entry = this.entry ?? this.write({ ...this.note("", this.received - this.understood), isLegal: false })
    return { request, entry }
  }

  /** Bytes of a request that has begun to come. */
  get unfinished(): number {
    return Math.max(0, this.received - this.understood)
  }

  private readonly parse: ParseRequestLine = (bytes, start, end) => {
    // The reader tells nobody of a bad value behind a command that wants no reply.
    this.settle(false)
    const text = byteString(bytes, start, Math.min(end, start + MAX_LINE))
    const noted = this.note(text, end - start + (bytes[end] === CR ? 2 : 1))
    if (this.unknownVerbs.has(noted.verb)) {
      this.write(noted)
      return { _tag: "Refuse", reply: "ERROR", swallow: -1 }
    }
    const line = MetaRequest.parse(bytes, start, end)
    if (line._tag === "Command") {
      const { blockSize, command } = line
      this.pending = {
        ...noted,
        bytes: noted.bytes + blockBytes(blockSize),
        key: keysOf(command)[0] ?? "",
        opaque: opaqueOf(command)
      }
    } else {
      const swallowed = line._tag === "Refuse" ? blockBytes(line.swallow) : 0
      this.write({ ...noted, bytes: noted.bytes + swallowed, isLegal: false })
    }
    return line
  }

  private note(line: string, bytes: number): Requested {
    return {
      _tag: "Requested",
      at: performance.now(),
      connection: this.connection,
      verb: line.trimStart().split(" ", 1)[0],
      key: "",
      opaque: "",
      line,
      bytes,
      isLegal: true
    }
  }

  private settle(isLegal: boolean): void {
    const { pending } = this
    if (pending === undefined) return
    this.pending = undefined
    this.write({ ...pending, isLegal, at: performance.now() })
  }

  private write(entry: Requested): Requested {
    this.entry = entry
    this.understood += entry.bytes
    this.log.add(entry)
    return entry
  }
}

// A value and the CRLF behind it; the size is -1 where no value follows.
const blockBytes = (size: number): number => size < 0 ? 0 : size + 2

const opaqueOf = (command: Command): string =>
  "flags" in command && typeof command.flags === "object"
    ? command.flags.find((flag) => flag[0] === "O")?.slice(1) ?? ""
    : ""
