/**
 * The package `memjs`. It answers bytes, which become text here as they do in its users' programs, and has no batches:
 * its users start single gets.
 */
import { Client } from "memjs"
import type { Driver, MakeDriver } from "../Driver.ts"
import { drive } from "../Driver.ts"

/** In seconds. By default half a second, after which it destroys the socket with everything in flight. */
const TIMEOUT = 60

export const make: MakeDriver = async ({ servers, work }, items): Promise<Driver> => {
  const client = Client.create(servers.join(","), { timeout: TIMEOUT })
  return drive(
    {
      get: (key) => client.get(key),
      text: ({ value }) => value?.toString(),
      set: (key, value) => client.set(key, value, {}),
      isStored: (stored) => stored,
      increment: (key) => client.increment(key, 1, {}),
      count: ({ value }) => value,
      getMany: async (keys) => {
        const found = await Promise.all(keys.map((key) => client.get(key)))
        return new Map(found.map(({ value }, i) => [keys[i]!, value?.toString()]))
      },
      pick: (found, key) => found.get(key),
      close: () => client.close()
    },
    work,
    items
  )
}
