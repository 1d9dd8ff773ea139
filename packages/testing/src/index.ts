/**
 * Memcached for tests: embedded, or the installed one on a free port.
 *
 * @since 0.1.0
 */
export { EmbeddedMemcached, ListenError, start } from "./EmbeddedMemcached.ts"
