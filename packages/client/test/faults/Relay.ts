/**
 * Stands between a client and a real server, passes everything on, and on demand stops reading or cuts.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import * as Net from "node:net"

export interface Relay {
  readonly address: string
  /** How many connections there were. */
  readonly accepted: () => number
  /** Reads no more from the clients that are connected now. */
  readonly stopReading: () => void
  /** Resets the connections that there are now. */
  readonly reset: () => void
}

export const make = Effect.fnUntraced(function*(port: number): Effect.fn.Return<Relay, never, Scope.Scope> {
  let accepted = 0
  const clients = new Map<Net.Socket, Net.Socket>()
  const server = Net.createServer({ noDelay: true }, (client) => {
    accepted++
    const upstream = Net.connect({ port, host: "127.0.0.1", noDelay: true })
    clients.set(client, upstream)
    client.pipe(upstream)
    upstream.pipe(client)
    for (const socket of [client, upstream]) {
      socket.on("error", () => {})
      socket.on("close", () => {
        clients.delete(client)
        client.destroy()
        upstream.destroy()
      })
    }
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening")),
    () =>
      Effect.promise(async () => {
        for (const client of clients.keys()) client.destroy()
        await new Promise((resolve) => server.close(resolve))
      })
  )
  const { port: own } = server.address() as Net.AddressInfo
  return {
    address: `127.0.0.1:${own}`,
    accepted: () => accepted,
    stopReading: () => {
      for (const [client, upstream] of clients) client.unpipe(upstream).pause()
    },
    reset: () => {
      for (const client of clients.keys()) client.resetAndDestroy()
    }
  }
})
