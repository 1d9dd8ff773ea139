/**
 * A server on a real port that says what a test tells it to.
 */
import type { Address } from "@effect-memcache/transport/Address"
import { tcp } from "@effect-memcache/transport/Address"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as net from "node:net"

/** One accepted connection. */
export interface Peer {
  readonly socket: net.Socket
  /** 0 for the first connection. */
  readonly index: number
  /** Everything that came, as Latin-1. */
  received: string
}

export interface ScriptedServer {
  readonly address: Address
  readonly port: number
  /** Every connection so far. */
  readonly peers: ReadonlyArray<Peer>
  /** Connections that are open now. */
  readonly open: () => number
}

/** Called with each line of a client; a text is sent back, "close" ends the connection. */
export type Answers = (line: string, peer: Peer) => string | "close" | undefined

/** Listens on a free port of 127.0.0.1 and leaves the sockets to the test. */
export const listen = (
  onConnection: (peer: Peer) => void,
  create: (listener: (socket: net.Socket) => void) => net.Server = (listener) => net.createServer(listener)
): Effect.Effect<ScriptedServer, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ScriptedServer & { readonly close: Effect.Effect<void> }>((resume) => {
        const peers: Array<Peer> = []
        const raw = new Set<net.Socket>()
        const server = create((socket) => {
          const peer: Peer = { socket, index: peers.length, received: "" }
          peers.push(peer)
          socket.on("data", (data) => {
            peer.received += data.toString("latin1")
          })
          onConnection(peer)
        })
        server.on("connection", (socket: net.Socket) => {
          raw.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => raw.delete(socket))
        })
        const close = Effect.callback<void>((resume) => {
          for (const socket of raw) socket.destroy()
          server.close(() => resume(Effect.void))
        })
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as net.AddressInfo
          resume(Effect.succeed({ address: tcp("127.0.0.1", port), port, peers, open: () => raw.size, close }))
        })
      }),
      ({ close }) => close
    ),
    (server): ScriptedServer => server
  )

/** A server that answers line by line. */
export const answering = (answers: Answers): Effect.Effect<ScriptedServer, never, Scope.Scope> =>
  listen((peer) => {
    let rest = ""
    peer.socket.on("data", (data) => {
      const lines = (rest + data.toString("latin1")).split("\r\n")
      rest = lines.pop()!
      for (const line of lines) {
        const answer = answers(line, peer)
        if (answer === "close") return peer.socket.destroy()
        if (answer !== undefined) peer.socket.write(answer)
      }
    })
  })

/** What a memcached of this version says to the handshake and to a miss. */
export const memcached = (version: string): Answers => (line) => {
  const [word] = line.split(" ")
  const opaque = /O\d+/.exec(line)?.[0]
  switch (word) {
    case "version":
      return `VERSION ${version}\r\n`
    case "mn":
      return "MN\r\n"
    case "mg":
      return `EN ${opaque}\r\n`
    case "get":
      return "END\r\n"
    default:
      return "ERROR\r\n"
  }
}

/** Waits until something holds, at most two seconds. */
export const until = (condition: () => boolean): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const end = performance.now() + 2000
    const look: Effect.Effect<boolean> = Effect.suspend(() =>
      condition() ? Effect.succeed(true) : performance.now() > end
        ? Effect.succeed(false)
        : Effect.andThen(Effect.sleep(2), look)
    )
    return look
  })
