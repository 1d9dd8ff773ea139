/**
 * A socket beside the client: what is on a server is asked by code that knows nothing of the client.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import * as Net from "node:net"

/** Sends a byte string and answers everything that comes until `end`, without it. */
export type Ask = (request: string, end: string) => Effect.Effect<string>

/** A connection to `127.0.0.1:11211`, closed with the scope. */
export const open = Effect.fnUntraced(function*(address: string): Effect.fn.Return<Ask, never, Scope.Scope> {
  const [host, port] = address.split(":")
  const socket = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const socket = Net.connect({ host, port: Number(port) })
      await once(socket, "connect")
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )
  let received = ""
  socket.on("data", (chunk: Buffer) => received += chunk.toString("latin1"))
  return (request, end) =>
    Effect.promise(async () => {
      received = ""
      socket.write(request, "latin1")
      while (!received.endsWith(end)) await once(socket, "data")
      return received.slice(0, -end.length)
    })
})
