/**
 * A server that does what a test says, byte by byte, after a handshake like memcached's own.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import * as Net from "node:net"

export interface Options {
  /** What it says it is; from 1.6.10 on it also knows `mn`. */
  readonly version?: string | undefined
  /** Answers what came since the last call. `connection` counts from 1. */
  readonly onData: (socket: Net.Socket, text: string, connection: number) => void
}

export interface ScriptedServer {
  readonly address: string
  /** Everything that came after the handshakes, as a byte string. */
  readonly received: () => string
  /** How many have connected. */
  readonly accepted: () => number
}

export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<ScriptedServer, never, Scope.Scope> {
  let received = ""
  let accepted = 0
  const sockets = new Set<Net.Socket>()
  const server = Net.createServer({ noDelay: true }, (socket) => {
    const connection = ++accepted
    let greeting = ""
    let isGreeted = false
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("data", (chunk: Buffer) => {
      let text = chunk.toString("latin1")
      if (!isGreeted) {
        greeting += text
        text = ""
        const known = /^(version\r\n)?(mn\r\n)?/.exec(greeting)![0]
        if (known.startsWith("version") && !known.endsWith("mn\r\n")) {
          if (greeting === known) return void socket.write(`VERSION ${options.version ?? "1.5.22"}\r\n`)
        } else socket.write("MN\r\n")
        isGreeted = true
        text = greeting.slice(known.length)
        if (text === "") return
      }
      received += text
      options.onData(socket, text, connection)
    })
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening")),
    () =>
      Effect.promise(async () => {
        for (const socket of sockets) socket.destroy()
        await new Promise((resolve) => server.close(resolve))
      })
  )
  const { port } = server.address() as Net.AddressInfo
  return { address: `127.0.0.1:${port}`, received: () => received, accepted: () => accepted }
})
