/**
 * Reads along with what a client writes on one connection, as strictly as the embedded server reads it.
 */
import { byteString } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import { verb } from "@effect-memcache/protocol/Command"
import * as MetaRequest from "@effect-memcache/protocol/meta/RequestDecoder"
import type { ParseRequestLine, Request } from "@effect-memcache/protocol/Request"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import type { TrafficLog } from "../Traffic.ts"

// A value up to this size is held until it is whole, to see that a CRLF follows; a larger one is read past.
const MAX_VALUE_SIZE = 16_777_216

const KEPT_LINES = 10
const KEPT_LENGTH = 200

export class RequestWatch {
  private readonly log: TrafficLog
  private readonly reader: RequestReader

  constructor(log: TrafficLog) {
    this.log = log
    this.reader = new RequestReader({ parse: this.parse, maxBlockSize: MAX_VALUE_SIZE })
  }

  push(chunk: Uint8Array): void {
    this.reader.push(chunk)
    this.readAll(undefined)
  }

  /** As `push`, and answers where in the chunk the first request ends for which `isLast` holds; -1 if none does. */
  find(chunk: Uint8Array, isLast: (verb: string) => boolean): number {
    // The reader does not tell where a request ended, so it gets the bytes one by one.
    for (let i = 0; i < chunk.length; i++) {
      this.reader.push(chunk.subarray(i, i + 1))
      if (!this.readAll(isLast)) continue
      if (i + 1 < chunk.length) this.push(chunk.subarray(i + 1))
      return i + 1
    }
    return -1
  }

  private readAll(isLast: ((verb: string) => boolean) | undefined): boolean {
    let isFound = false
    for (let request = this.reader.next(); request !== undefined; request = this.reader.next()) {
      if (request._tag === "Close") break
      const word = this.note(request)
      if (word !== undefined && isLast?.(word) === true) isFound = true
    }
    return isFound
  }

  private note(request: Exclude<Request, { _tag: "Close" }>): string | undefined {
    if (request._tag === "Refuse") {
      if (request.reply === "CLIENT_ERROR bad data chunk") this.complain("(a value without CRLF)")
      return undefined
    }
    const { commands, opaques } = this.log
    const word = verb(request.command)
    commands.set(word, (commands.get(word) ?? 0) + 1)
    opaques.add(opaqueOf(request.command))
    return word
  }

  private readonly parse: ParseRequestLine = (bytes, start, end) => {
    const line = MetaRequest.parse(bytes, start, end)
    if (line._tag !== "Command") this.complain(byteString(bytes, start, Math.min(end, start + KEPT_LENGTH)))
    return line
  }

  private complain(line: string): void {
    this.log.malformed++
    if (this.log.malformedLines.length < KEPT_LINES) this.log.malformedLines.push(line)
  }
}

const opaqueOf = (command: Command): string | undefined => {
  if (!("flags" in command) || typeof command.flags === "number") return undefined
  for (let i = command.flags.length - 1; i >= 0; i--) {
    if (command.flags[i][0] === "O") return command.flags[i].slice(1)
  }
  return undefined
}
