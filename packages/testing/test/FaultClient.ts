/**
 * A fault server and somebody who speaks to it byte by byte.
 */
import * as Effect from "effect/Effect"
import type { Rule } from "../src/FaultScript.ts"
import type { Options, Service } from "../src/FaultServer.ts"
import { FaultServer } from "../src/FaultServer.ts"
import { RawClient } from "./RawClient.ts"

/** Somebody who is connected until the scope closes. */
export const connect = (server: Service) =>
  Effect.acquireRelease(
    Effect.promise(() => RawClient.connect({ host: server.host, port: server.port })),
    (client) => Effect.sync(() => client.end())
  )

/** A server with these rules, and somebody who is connected to it. */
export const open = Effect.fnUntraced(function*(rules: ReadonlyArray<Rule>, options: Options = {}) {
  const server = yield* FaultServer.make({ ...options, rules })
  return { server, client: yield* connect(server) }
})

/** Sends, and answers everything up to the reply of an `mn` behind it. */
export const ask = (client: RawClient, bytes: string) => Effect.promise(() => client.ask(bytes))

/** Sends, and answers what came until it is so long, or until the server closed. */
export const receive = (client: RawClient, bytes: string, size: number) =>
  Effect.promise(() => {
    client.send(bytes)
    return client.until((text) => text.length >= size)
  })

/** Sends, and answers what came until the server closed. */
export const closed = (client: RawClient, bytes = "") =>
  Effect.promise(() => {
    client.send(bytes)
    return client.closed()
  })
