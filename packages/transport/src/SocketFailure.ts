/**
 * What a socket's error means to somebody who wants a cache: no connection, or no trust in it.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import type * as Socket from "effect/socket/Socket"
import { MemcacheError } from "./MemcacheError.ts"

/**
 * The error for a socket that could not be opened. Node names TLS failures with codes of OpenSSL and of its own
 * (https://nodejs.org/api/tls.html#x509-certificate-error-codes); everything else is the network's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSocketError = (error: Socket.SocketError, server: string): MemcacheError =>
  isTlsCode(codeOf(error.reason)) ? MemcacheError.tls({ server, cause: error }) : MemcacheError.connect({ server, cause: error })

const codeOf = (reason: unknown): string => {
  const cause = Predicate.hasProperty(reason, "cause") ? reason.cause : undefined
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : ""
}

/**
 * Whether an error code of Node is about TLS.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTlsCode = (code: string): boolean =>
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|ERROR_IN_C|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_)|EPROTO$/
    .test(code)
