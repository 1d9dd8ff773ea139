/**
 * Who goes through the faults, with the settings that the table names.
 */

export interface Client {
  readonly name: string
  /** Beside this file, loaded by the child process alone. */
  readonly module: string
  /** What is not at its default, as it is written in the client's own documentation. */
  readonly settings: string
  /** The installed package of a peer. */
  readonly package?: string | undefined
}

const peer = (name: string, module: string, settings: string): Client => ({
  name,
  module: `./clients/${module}.ts`,
  settings,
  package: name
})

export const clients: ReadonlyArray<Client> = [
  {
    name: "effect-memcache",
    module: "./clients/EffectMemcache.ts",
    settings: "`commandTimeout` and `connectTimeout` 250 ms; `compression: false`, because no peer compresses"
  },
  peer(
    "memcached",
    "Memcached",
    "`timeout` 250, `retries` 2, `minTimeout` 50, `maxTimeout` 100, `retry` 500, `reconnect` 500; the program `ping`, which it starts when a server fails and without which row 1 ends in an uncaught exception, was installed"
  ),
  peer("memjs", "Memjs", "`timeout` 0.25, `conntimeout` 0.25, `retries` 1"),
  peer(
    "memcache-client",
    "MemcacheClient",
    "`cmdTimeout` 250, `connectTimeout` 250, `noDelay`, `retryFailedServerInterval` and `failedServerOutTime` 500"
  ),
  peer("memcache", "Memcache", "`timeout` 250; listens to `error` and `timeout` events"),
  peer("memcache-plus", "MemcachePlus", "`netTimeout` 250, `backoffLimit` 500, `onNetError` listens")
]

export const byName = (name: string): Client => {
  const client = clients.find((client) => client.name === name)
  if (client === undefined) {
    throw new Error(`There is no client ${name}; there are ${clients.map((c) => c.name).join(", ")}.`)
  }
  return client
}
