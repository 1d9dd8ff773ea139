/**
 * `memcache` of jaredwray.
 */
import { Memcache } from "memcache"
import type { MakeAdapter } from "../Adapter.ts"

export const make: MakeAdapter = (address, timeout) => {
  const client = new Memcache({ nodes: [address], timeout })
  // As its documentation does: an event without a listener is a fault of the program, not of the client.
  for (const event of ["error", "timeout"]) client.on(event, () => undefined)
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: () => client.disconnect(),
    canCancel: false
  }
}
