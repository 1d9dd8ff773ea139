/**
 * Memcached for tests: embedded, or the installed one on a free port.
 *
 * @since 0.1.0
 */
export * as Certificates from "./Certificates.ts"
export { EmbeddedMemcached, ListenError, start } from "./EmbeddedMemcached.ts"
export * as FaultProxy from "./FaultProxy.ts"
export { MemcachedMissingError, MemcachedStartError, RealMemcached } from "./RealMemcached.ts"
