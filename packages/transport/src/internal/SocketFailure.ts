/**
 * What a socket's error means to somebody who wants a cache: no connection, a lost one, or no trust in it.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Socket from "effect/socket/Socket"
import { MemcacheError } from "../MemcacheError.ts"

/**
 * The error for a socket that could not be opened. Node names TLS failures with codes of OpenSSL and of its own
 * (https://nodejs.org/api/tls.html#x509-certificate-error-codes); everything else is the network's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSocketError = (error: Socket.SocketError, server: string): MemcacheError => {
  const { cause, detail } = lossOf(error)
  return isTlsCode(codeOf(cause))
    ? MemcacheError.tls({ server, detail, cause })
    : MemcacheError.connect({ server, detail, cause })
}

/**
 * What ended a connection, without Effect's wrapping: a `SocketError` says "An error occurred during Read" and keeps the
 * system's error where only it knows. `detail` is given where there is no error beneath that could speak for itself.
 *
 * @category accessors
 * @since 0.1.0
 */
export const lossOf = (failure: unknown): { readonly cause: unknown; readonly detail?: string | undefined } => {
  if (!Socket.isSocketError(failure)) return { cause: failure }
  const { reason } = failure
  if (reason._tag === "SocketCloseError") return { cause: failure, detail: "the server closed the connection" }
  return { cause: reason.cause ?? failure }
}

/**
 * Node's code of a system or OpenSSL error, "" if there is none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : ""

/**
 * Whether an error code of Node is about TLS.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTlsCode = (code: string): boolean =>
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|ERROR_IN_C|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_)|EPROTO$/
    .test(code)
