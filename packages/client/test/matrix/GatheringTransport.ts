/**
 * Node's transport that hands on what it receives in one chunk, however many the system made of it, and measures how
 * long the event loop is busy with that chunk.
 */
import * as TransportModule from "@effect-memcache/transport/Transport"
import { Transport } from "@effect-memcache/transport/Transport"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Socket from "effect/socket/Socket"

export interface Seen {
  readonly lines: number
  readonly bytes: number
  /** Milliseconds from the chunk to the next turn of the loop. */
  readonly millis: () => number
  /** Of them, those in which this thread had a processor. */
  readonly processor: () => number
}

export interface Gathering {
  /** The next chunk is handed on when it has so many lines. */
  readonly gather: (lines: number) => Seen
  readonly layer: Layer.Layer<Transport>
}

type Chunks = NonEmptyReadonlyArray<Uint8Array | string>

const LF = 0x0a

class Chunk implements Seen {
  lines = 0
  bytes = 0
  private readonly chunks: Array<Uint8Array> = []
  private readonly wanted: number
  private took = 0
  private used = 0

  constructor(wanted: number) {
    this.wanted = wanted
  }

  readonly millis = (): number => this.took
  readonly processor = (): number => this.used

  /** Whether there is enough now. */
  add(chunks: Chunks): boolean {
    for (const chunk of chunks) {
      if (typeof chunk === "string") throw new Error("the socket yields text")
      for (const byte of chunk) if (byte === LF) this.lines++
      this.bytes += chunk.length
      this.chunks.push(chunk)
    }
    return this.lines >= this.wanted
  }

  handOn(): Chunks {
    const from = performance.now()
    const before = process.threadCpuUsage()
    setImmediate(() => {
      const { system, user } = process.threadCpuUsage(before)
      this.took = performance.now() - from
      this.used = (system + user) / 1000
    })
    return [this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks)]
  }
}

export const make = (): Gathering => {
  let chunk: Chunk | undefined
  const gathered = (pull: Effect.Effect<Chunks, Socket.SocketError>): Effect.Effect<Chunks, Socket.SocketError> =>
    Effect.flatMap(pull, (chunks) => {
      if (chunk === undefined) return Effect.succeed(chunks)
      if (!chunk.add(chunks)) return gathered(pull)
      const whole = chunk.handOn()
      chunk = undefined
      return Effect.succeed(whole)
    })
  const transport = TransportModule.make((address) =>
    Effect.map(
      NodeSocket.makeNet(address._tag === "Tcp" ? { host: address.host, port: address.port } : { path: address.path }),
      ({ reader, writer }) =>
        Socket.make({ reader: Effect.map(reader, (reader) => ({ ...reader, pull: gathered(reader.pull) })), writer })
    )
  )
  return {
    gather: (lines) => chunk = new Chunk(lines),
    layer: Layer.succeed(Transport, transport)
  }
}
