/**
 * What the families call a server when they hash it. Hosts are taken as they were configured; nothing is resolved.
 *
 * @since 0.1.0
 */
import type { Address } from "@effect-memcache/transport/Address"
import { DEFAULT_PORT } from "@effect-memcache/transport/Address"
import { toBytes } from "./Routing.ts"

/**
 * libmemcached's: the host alone on memcached's own port. It keeps a socket's path as the host and 0 as the port.
 *
 * @category accessors
 * @since 0.1.0
 */
export const withoutDefaultPort = (address: Address): string => {
  if (address._tag === "Unix") return toBytes(`${address.path}:0`)
  return toBytes(address.port === DEFAULT_PORT ? address.host : `${address.host}:${address.port}`)
}

/**
 * The host and the port, always; a socket's path alone.
 *
 * @category accessors
 * @since 0.1.0
 */
export const withPort = (address: Address): string =>
  toBytes(address._tag === "Unix" ? address.path : `${address.host}:${address.port}`)
