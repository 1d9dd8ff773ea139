/**
 * Talks to an engine without a socket: requests in as text, replies out as text, and a clock that the test moves.
 */
import { bytes, byteString } from "@effect-memcache/protocol/Ascii"
import * as MetaRequest from "@effect-memcache/protocol/meta/RequestDecoder"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import type { Options } from "../src/Engine.ts"
import { Engine } from "../src/Engine.ts"

export class Conversation {
  readonly engine: Engine
  /** Unix seconds. */
  seconds = 1_800_000_000

  private readonly out = new WriteBuffer()
  private readonly reader: RequestReader

  constructor(options: Options = {}) {
    this.engine = new Engine({ ...options, now: () => this.seconds * 1000 })
    this.reader = new RequestReader({ parse: MetaRequest.parse, maxBlockSize: this.engine.store.options.maxItemSize })
  }

  /** Sends lines, each with its CRLF added, and answers the lines that come back. */
  say(...lines: ReadonlyArray<string>): ReadonlyArray<string> {
    this.reader.push(bytes(lines.map((line) => `${line}\r\n`).join("")))
    for (let request = this.reader.next(); request !== undefined; request = this.reader.next()) {
      if (request._tag === "Close") break
      if (request._tag === "Refuse") this.out.text(request.reply).crlf()
      else if (request._tag === "TooLarge") this.engine.refuseTooLarge(request.command, this.out)
      else this.engine.execute(request.command, this.out)
    }
    const taken = this.out.take()
    const text = byteString(taken, 0, taken.length)
    return text === "" ? [] : text.slice(0, -2).split("\r\n")
  }

  /** Lets time pass. */
  wait(seconds: number): void {
    this.seconds += seconds
  }
}
