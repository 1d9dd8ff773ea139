/**
 * Node's transport that counts the attempts to connect, also those that nobody sees because they are refused.
 */
import * as Address from "@effect-memcache/transport/Address"
import * as NodeTransport from "@effect-memcache/transport/NodeTransport"
import { Transport } from "@effect-memcache/transport/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export interface Dials {
  /** When each attempt began, by `performance.now()`. */
  readonly of: (server: string) => ReadonlyArray<number>
  readonly layer: Layer.Layer<Transport>
}

export const make = (): Dials => {
  const dials = new Map<string, Array<number>>()
  const counting = Effect.map(Transport, (transport) =>
    Transport.of({
      connect: (address, options) =>
        Effect.suspend(() => {
          const server = Address.format(address)
          const known = dials.get(server)
          if (known === undefined) dials.set(server, [performance.now()])
          else known.push(performance.now())
          return transport.connect(address, options)
        })
    }))
  return {
    of: (server) => dials.get(server) ?? [],
    layer: Layer.provide(Layer.effect(Transport, counting), NodeTransport.layer())
  }
}
