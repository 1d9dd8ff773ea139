/**
 * `memcache-plus`.
 */
import MemcachePlus from "memcache-plus"
import type { MakeAdapter } from "../Adapter.ts"

export const make: MakeAdapter = (address, timeout) => {
  const client = new MemcachePlus({
    hosts: [address],
    netTimeout: timeout,
    backoffLimit: 500,
    onNetError: () => undefined
  })
  return {
    get: async (key) => await client.get(key) ?? undefined,
    set: async (key, value) => {
      await client.set(key, value)
      return true
    },
    close: async () => {
      await client.disconnect()
    },
    canCancel: false
  }
}
