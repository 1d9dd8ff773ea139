/**
 * The service that turns an address into a connection which is ready for commands.
 *
 * What a socket is made of belongs to the platform (`NodeTransport`); everything above it is the same everywhere, so a
 * transport is made from nothing but a way to open a socket.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { Address } from "./Address.ts"
import * as AddressModule from "./Address.ts"
import type { Connection } from "./Connection.ts"
import type { HandshakeOptions, KnownDialect } from "./internal/Handshake.ts"
import { dial } from "./internal/Handshake.ts"
import type { MemcacheError } from "./MemcacheError.ts"

/**
 * What a connection is made with; the address is given apart.
 *
 * @category options
 * @since 0.1.0
 */
export interface ConnectOptions extends Omit<HandshakeOptions, "server"> {}

/**
 * Opens connections to memcached.
 *
 * @category services
 * @since 0.1.0
 */
export class Transport extends Context.Service<Transport, {
  /**
   * Opens a socket, authenticates if credentials are given, and waits for the server's first answer, which also picks
   * the dialect. All of it happens within `connectTimeout`. The connection lives until the scope is closed, or until it
   * fails by itself.
   */
  readonly connect: (
    address: Address,
    options: ConnectOptions
  ) => Effect.Effect<Connection, MemcacheError, Scope.Scope>
}>()("@effect-memcache/transport/Transport") {}

/**
 * A transport over any kind of socket. `open` is called once for each connection; the socket's reader must dial, and
 * must not deliver before a TLS handshake is done.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (open: (address: Address) => Effect.Effect<Socket.Socket>): Transport["Service"] => {
  // Servers that refused `mn` although their version promised the meta dialect: proxies do.
  const known = new Map<string, KnownDialect>()
  return Transport.of({
    connect: (address, options) => {
      const server = AddressModule.format(address)
      return dial(open(address), { ...options, server }, {
        known: () => known.get(server),
        remember: (dialect) => void known.set(server, dialect)
      })
    }
  })
}
