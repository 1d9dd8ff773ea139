/**
 * The words in which metrics and spans are said: OpenTelemetry's names for what it has names for, and `memcached.` before
 * what is our own. Never a key, a value or a credential.
 *
 * Source: OpenTelemetry's semantic conventions for database clients, as of August 2026. They have no page on memcached,
 * only its name.
 *
 * @since 0.1.0
 */

/**
 * @category constants
 * @since 0.1.0
 */
export const OPERATION_NAME = "db.operation.name"

/**
 * Keys of a batch; never 1, as the conventions say.
 *
 * @category constants
 * @since 0.1.0
 */
export const BATCH_SIZE = "db.operation.batch.size"

/**
 * The word that an error line begins with.
 *
 * @category constants
 * @since 0.1.0
 */
export const STATUS_CODE = "db.response.status_code"

/**
 * Only on what failed.
 *
 * @category constants
 * @since 0.1.0
 */
export const ERROR_TYPE = "error.type"

/**
 * Our own: how many of the keys that a call read were found.
 *
 * @category constants
 * @since 0.1.0
 */
export const HITS = "memcached.hits"

/**
 * The `error.type` of what was interrupted, which is no error.
 *
 * @category constants
 * @since 0.1.0
 */
export const INTERRUPTED = "interrupted"

/**
 * The `error.type` of what a function of the program has thrown.
 *
 * @category constants
 * @since 0.1.0
 */
export const DEFECT = "defect"

const SYSTEM_NAME = "db.system.name"
const NAMESPACE = "db.namespace"
const ADDRESS = "server.address"
const PORT = "server.port"

/**
 * Where a server is, in two attributes: a Unix socket has a path and no port.
 *
 * @category models
 * @since 0.1.0
 */
export interface Endpoint {
  readonly address: string
  readonly port: number | undefined
}

/**
 * Reads a server's name as `Address.format` writes it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const endpointOf = (server: string): Endpoint => {
  if (server.startsWith("unix:")) return { address: server.slice("unix:".length), port: undefined }
  const colon = server.lastIndexOf(":")
  return { address: server.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(server.slice(colon + 1)) }
}

/**
 * What all metrics of one server say of it. Metrics know only text.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofMetric = (clientName: string | undefined, server: string): Record<string, string> => {
  const { address, port } = endpointOf(server)
  return {
    ...ofClient(clientName),
    [ADDRESS]: address,
    ...port === undefined ? undefined : { [PORT]: String(port) }
  }
}

/**
 * What a span says of its call before it begins. `server` is absent where several are asked.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofSpan = (
  clientName: string | undefined,
  operation: string,
  server: string | undefined
): Record<string, string | number> => {
  const endpoint = server === undefined ? undefined : endpointOf(server)
  return {
    ...ofClient(clientName),
    [OPERATION_NAME]: operation,
    ...endpoint === undefined ? undefined : { [ADDRESS]: endpoint.address },
    ...endpoint?.port === undefined ? undefined : { [PORT]: endpoint.port }
  }
}

const ofClient = (clientName: string | undefined): Record<string, string> => ({
  [SYSTEM_NAME]: "memcached",
  ...clientName === undefined ? undefined : { [NAMESPACE]: clientName }
})
