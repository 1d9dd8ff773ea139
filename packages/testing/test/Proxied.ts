/**
 * A server behind a fault proxy, and raw sockets that say what becomes of them.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { setTimeout as delay } from "node:timers/promises"
import { EmbeddedMemcached } from "../src/EmbeddedMemcached.ts"
import * as FaultProxy from "../src/FaultProxy.ts"
import { RawClient } from "./RawClient.ts"

/** An embedded memcached with a proxy in front. */
export const make = Effect.fnUntraced(function*(options: Partial<FaultProxy.Options> = {}) {
  const server = yield* EmbeddedMemcached.make()
  const proxy = yield* FaultProxy.make({ target: server, ...options })
  return { server, proxy }
})

/** A raw connection through the proxy. */
export const open = (proxy: FaultProxy.Service) =>
  Effect.acquireRelease(
    Effect.promise(() => RawClient.connect({ host: proxy.host, port: proxy.port })),
    (client) => Effect.sync(() => client.end())
  )

/** What is answered to these bytes. */
export const ask = (client: RawClient, bytes: string) => Effect.promise(() => client.ask(bytes))

/** What comes until the text is there, and how long that took. */
export const until = (client: RawClient, end: string) =>
  Effect.promise(async () => {
    const start = performance.now()
    const text = await client.until((text) => text.endsWith(end))
    return { text, time: performance.now() - start }
  })

/** How the connection ends, and what comes before. */
export const ending = (client: RawClient) => {
  let how = "fin"
  client.socket.on("error", (error: NodeJS.ErrnoException) => how = error.code ?? "error")
  return Effect.promise(async () => ({ text: await client.closed(), how }))
}

/** Connects, if that is possible, and says what becomes of the connection. */
export const attempt = (proxy: FaultProxy.Service) =>
  Effect.promise(async () => {
    try {
      const client = await RawClient.connect({ host: proxy.host, port: proxy.port })
      return (await Effect.runPromise(ending(client))).how
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    }
  })

/** Fails if it takes ten seconds. */
export const waitUntil = (isSo: () => boolean) =>
  Effect.promise(async () => {
    const deadline = performance.now() + 10_000
    while (!isSo() && performance.now() < deadline) await delay(2)
    assert.isTrue(isSo())
  })
