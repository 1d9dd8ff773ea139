/**
 * `memcache-client` of Walmart's Electrode.
 */
import { MemcacheClient } from "memcache-client"
import type { MakeAdapter } from "../Adapter.ts"

export const make: MakeAdapter = (address, timeout) => {
  const client = new MemcacheClient({
    server: {
      servers: [{ server: address, maxConnections: 1 }],
      config: { retryFailedServerInterval: 500, failedServerOutTime: 500, keepLastServer: true }
    },
    cmdTimeout: timeout,
    connectTimeout: timeout,
    noDelay: true
  })
  return {
    get: async (key) => (await client.get(key))?.value,
    set: async (key, value) => (await client.set(key, value)).join() === "STORED",
    close: () => client.shutdown(),
    canCancel: false
  }
}
