/**
 * The package `memcache-client`. With several servers it asks any of them, so the works with three servers store
 * everything on all of them.
 */
import { MemcacheClient } from "memcache-client"
import type { Driver, MakeDriver } from "../Driver.ts"
import { drive } from "../Driver.ts"

/** In milliseconds. With its 5 s it fails where very much is in flight, and takes all of it along. */
const TIMEOUT = 60_000

export const make: MakeDriver = async ({ servers, work }, items): Promise<Driver> => {
  const client = new MemcacheClient({
    server: { servers: servers.map((server) => ({ server, maxConnections: 1 })) },
    lifetime: 0,
    cmdTimeout: TIMEOUT
  })
  return drive(
    {
      get: (key) => client.get(key),
      text: (got) => got?.value,
      set: (key, value) => client.set(key, value),
      isStored: ([answer]) => answer === "STORED",
      increment: (key) => client.incr(key, 1),
      count: Number,
      getMany: (keys) => client.get(keys),
      pick: (found, key) => found[key]?.value,
      close: () => client.shutdown()
    },
    work,
    items
  )
}
