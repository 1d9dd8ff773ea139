/**
 * How a server is set up, as far as its commands can ask or depend on it.
 *
 * @since 0.1.0
 */

/**
 * What is not about items: those settings are the store's.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  readonly version: string
  port: number
  readonly host: string | undefined
  /** The unix socket. */
  readonly path: string | undefined
  readonly maxConnections: number
  readonly threads: number
  verbosity: number
  readonly isShutdownAllowed: boolean
  readonly isFlushAllowed: boolean
  readonly isAuthenticating: boolean
  readonly isEncrypted: boolean
}

/**
 * The version that the embedded server says it is.
 *
 * @category constants
 * @since 0.1.0
 */
export const VERSION = "1.6.45"

/**
 * A server with nothing chosen.
 *
 * @category constants
 * @since 0.1.0
 */
export const DEFAULTS: Settings = {
  version: VERSION,
  port: 0,
  host: undefined,
  path: undefined,
  maxConnections: 1024,
  threads: 1,
  verbosity: 0,
  isShutdownAllowed: false,
  isFlushAllowed: true,
  isAuthenticating: false,
  isEncrypted: false
}
