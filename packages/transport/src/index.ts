/**
 * Connections to memcached over Effect's sockets.
 *
 * @since 0.1.0
 */
export * as Address from "./Address.ts"
export * as Connection from "./Connection.ts"
export * as DeadlineTimer from "./DeadlineTimer.ts"
export { isMemcacheError, MemcacheError } from "./MemcacheError.ts"
export * as MemcacheErrorReason from "./MemcacheErrorReason.ts"
export * as NodeTransport from "./NodeTransport.ts"
export * as Outcome from "./Outcome.ts"
export * as Rejection from "./Rejection.ts"
export * as Transport from "./Transport.ts"
