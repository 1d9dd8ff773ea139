/**
 * `memcached` of 3rd-Eden. It cannot limit the time of a command; what it can limit is limited.
 */
import Memcached from "memcached"
import type { MakeAdapter } from "../Adapter.ts"

export const make: MakeAdapter = (address, timeout) => {
  const client = new Memcached([address], {
    timeout,
    retries: 2,
    minTimeout: 50,
    maxTimeout: 100,
    retry: 500,
    reconnect: 500
  })
  const settle = <A>(start: (callback: (error: unknown, result: A) => void) => void): Promise<A> =>
    new Promise((resolve, reject) => start((error, result) => error ? reject(error) : resolve(result)))
  return {
    get: (key) => settle<string | undefined>((callback) => client.get(key, callback)),
    set: (key, value) => settle<boolean>((callback) => client.set(key, value, 0, callback)),
    close: () => client.end(),
    canCancel: false
  }
}
