/**
 * The package `memcached`. It calls back, so a promise is put around each call, as its users do.
 */
import Memcached from "memcached"
import type { Driver, MakeDriver } from "../Driver.ts"
import { drive } from "../Driver.ts"

const HOUR = 3_600_000

const promised = <A>(run: (callback: (error: unknown, result: A) => void) => void): Promise<A> =>
  new Promise((resolve, reject) => {
    run((error, result) => {
      if (error) reject(error instanceof Error ? error : new Error(String(error)))
      else resolve(result)
    })
  })

export const make: MakeDriver = async ({ servers, work }, items): Promise<Driver> => {
  // By default it closes its sockets after 5 s without work: it waits longer than that for its turn here.
  const client = new Memcached(servers, { idle: HOUR })
  return drive(
    {
      get: (key) => promised<string | undefined>((callback) => client.get(key, callback)),
      text: (value) => value,
      set: (key, value) => promised<boolean>((callback) => client.set(key, value, 0, callback)),
      isStored: (stored) => stored,
      increment: (key) => promised<number | false>((callback) => client.incr(key, 1, callback)),
      count: Number,
      getMany: (keys) => promised<Record<string, string>>((callback) => client.getMulti(keys, callback)),
      pick: (found, key) => found[key],
      close: () => client.end()
    },
    work,
    items
  )
}
