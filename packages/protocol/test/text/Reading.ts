/**
 * Bytes in, replies or requests out: what the tests of the readers and codecs share.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Reply } from "@effect-memcache/protocol/Reply"
import type { Request } from "@effect-memcache/protocol/Request"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import { ResponseReader } from "@effect-memcache/protocol/ResponseReader"
import * as RequestDecoder from "@effect-memcache/protocol/text/RequestDecoder"
import * as ResponseDecoder from "@effect-memcache/protocol/text/ResponseDecoder"

/** Every reply in the chunks, up to and with the first malformed one. */
export const replies = (chunks: ReadonlyArray<Uint8Array>, keep = true): ReadonlyArray<Reply> => {
  const reader = new ResponseReader({ parse: ResponseDecoder.parse, maxItemSize: 1_048_576 })
  const out: Array<Reply> = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let reply = reader.next(keep); reply !== undefined; reply = reader.next(keep)) {
      out.push(reply)
      if (reply._tag === "Malformed") return out
    }
  }
  return out
}

/** Every request in the chunks, up to and with the first `Close`. */
export const requests = (chunks: ReadonlyArray<Uint8Array>, maxBlockSize = 1_048_576): ReadonlyArray<Request> => {
  const reader = new RequestReader({ parse: RequestDecoder.parse, maxBlockSize })
  const out: Array<Request> = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let request = reader.next(); request !== undefined; request = reader.next()) {
      out.push(request)
      if (request._tag === "Close") return out
    }
  }
  return out
}

export const parseReply = (line: string): Reply => ResponseDecoder.parse(bytes(line), 0, line.length)

/** The stream cut behind each of these positions. */
export const cut = (stream: Uint8Array, positions: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const ends = [...new Set(positions.map((position) => position % (stream.length + 1))), stream.length].sort((a, b) =>
    a - b
  )
  return ends.map((end, i) => stream.slice(i === 0 ? 0 : ends[i - 1], end))
}

/** Every way to cut the stream, 2^(n-1) of them, one at a time. */
export const cuts = function*(stream: Uint8Array): Generator<ReadonlyArray<Uint8Array>> {
  for (let mask = 0; mask < 2 ** (stream.length - 1); mask++) {
    const positions: Array<number> = []
    for (let i = 1; i < stream.length; i++) if (mask & (1 << (i - 1))) positions.push(i)
    yield cut(stream, positions)
  }
}
