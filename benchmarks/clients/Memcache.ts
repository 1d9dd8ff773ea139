/**
 * The package `memcache`.
 */
import { Memcache } from "memcache"
import type { Driver, MakeDriver } from "../Driver.ts"
import { drive } from "../Driver.ts"

/** In milliseconds. Its 5 s are also the time after which an idle socket is destroyed. */
const TIMEOUT = 60_000

export const make: MakeDriver = async ({ servers, work }, items): Promise<Driver> => {
  const client = new Memcache({ nodes: [...servers], timeout: TIMEOUT })
  return drive(
    {
      get: (key) => client.get(key),
      text: (value) => value,
      set: (key, value) => client.set(key, value),
      isStored: (stored) => stored,
      increment: (key) => client.incr(key, 1),
      count: Number,
      getMany: (keys) => client.gets(keys),
      pick: (found, key) => found.get(key),
      close: () => void client.disconnect()
    },
    work,
    items
  )
}
