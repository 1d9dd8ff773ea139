/**
 * A socket in memory that does what a test says: when bytes come, when writes end, and how it breaks.
 */
import { bytes as toBytes, byteString } from "@effect-memcache/protocol/Ascii"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Socket from "effect/socket/Socket"

type Chunks = NonEmptyReadonlyArray<Uint8Array | string>

export const readError = (message: string): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: new Error(message) }) })

const closed = (code: number): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })

export class ScriptedSocket {
  /** What was written, one entry for each write. */
  readonly writes: Array<string> = []
  /** How often the socket was destroyed. */
  destroyed = 0
  isReaderReleased = false
  /** Called with every write, before it ends. */
  onWrite: (text: string) => void = () => {}

  /** What every write fails with from now on. */
  writeError: Socket.SocketError | undefined = undefined

  private isBlocked = false
  private readonly blocked: Array<(exit: Effect.Effect<void, Socket.SocketError>) => void> = []
  private readonly queue: Array<Effect.Effect<Chunks, Socket.SocketError>> = []
  private waiter: ((exit: Effect.Effect<Chunks, Socket.SocketError>) => void) | undefined = undefined

  readonly socket: Socket.Socket = Socket.make({
    reader: Effect.acquireRelease(
      Effect.succeed<Socket.Reader>({
        pull: Effect.callback<Chunks, Socket.SocketError>((resume) => {
          const next = this.queue.shift()
          if (next !== undefined) return resume(next)
          this.waiter = resume
          return Effect.sync(() => {
            this.waiter = undefined
          })
        }),
        upgrade: Socket.SocketUpgradeError.unsupported
      }),
      () =>
        Effect.sync(() => {
          this.isReaderReleased = true
          this.push(Effect.fail(closed(1006)))
        })
    ),
    writer: Effect.succeed<Socket.Writer>({
      write: (chunk) =>
        Effect.suspend(() => {
          if (Socket.isCloseEvent(chunk)) {
            this.destroyed++
            this.fail(closed(1000))
            return Effect.void
          }
          const text = typeof chunk === "string" ? chunk : byteString(chunk, 0, chunk.length)
          this.writes.push(text)
          this.onWrite(text)
          if (this.writeError !== undefined) return Effect.fail(this.writeError)
          if (!this.isBlocked) return Effect.void
          return Effect.callback<void, Socket.SocketError>((resume) => {
            this.blocked.push(resume)
          })
        }),
      writeAll: () => Effect.die(new Error("not expected"))
    })
  })

  get written(): string {
    return this.writes.join("")
  }

  /** Delivers each text as a chunk of its own, at once if somebody reads. */
  deliver(...chunks: ReadonlyArray<string>): void {
    for (const chunk of chunks) this.push(Effect.succeed([toBytes(chunk)]))
  }

  /** Delivers chunks in one batch, as they are. */
  deliverBatch(...chunks: Chunks): void {
    this.push(Effect.succeed(chunks))
  }

  /** Ends reading, and writes that wait. */
  fail(error: Socket.SocketError): void {
    this.push(Effect.fail(error))
    for (const resume of this.blocked.splice(0)) resume(Effect.fail(error))
  }

  /** The peer closes. */
  end(): void {
    this.push(Effect.fail(closed(1000)))
  }

  /** From now on writes take their bytes and do not end. */
  block(): void {
    this.isBlocked = true
  }

  /** Ends writes that wait, and later ones at once. */
  unblock(): void {
    this.isBlocked = false
    for (const resume of this.blocked.splice(0)) resume(Effect.void)
  }

  private push(exit: Effect.Effect<Chunks, Socket.SocketError>): void {
    const waiter = this.waiter
    this.waiter = undefined
    if (waiter === undefined) this.queue.push(exit)
    else waiter(exit)
  }
}
