/**
 * Memcached for tests: embedded, or the installed one on a free port.
 *
 * @since 0.1.0
 */
export * as Certificates from "./Certificates.ts"
export * as Checker from "./Checker.ts"
export { EmbeddedMemcached, ListenError, start } from "./EmbeddedMemcached.ts"
export * as FaultLog from "./FaultLog.ts"
export * as FaultProxy from "./FaultProxy.ts"
export * as FaultScript from "./FaultScript.ts"
export { FaultServer } from "./FaultServer.ts"
export * as NetworkNamespace from "./NetworkNamespace.ts"
export { MemcachedMissingError, MemcachedStartError, RealMemcached } from "./RealMemcached.ts"
