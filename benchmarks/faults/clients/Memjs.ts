/**
 * `memjs`, which speaks the binary protocol.
 */
import { Client } from "memjs"
import type { MakeAdapter } from "../Adapter.ts"

const silent = { log: () => undefined }

export const make: MakeAdapter = (address, timeout) => {
  const client = Client.create(address, {
    timeout: timeout / 1000,
    conntimeout: timeout / 1000,
    // One try: with its default of two, a command may take twice the timeout.
    retries: 1,
    logger: silent
  })
  return {
    get: async (key) => {
      const { value } = await client.get(key)
      return value === null ? undefined : value.toString()
    },
    set: (key, value) => client.set(key, value, {}),
    close: () => client.close(),
    canCancel: false
  }
}
