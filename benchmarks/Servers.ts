/**
 * The memcached processes that all clients share: three of their own, and one that listens on a hundred ports for the
 * works that ask how much an idle client holds for each server.
 */
import * as RealMemcached from "@effect-memcache/testing/RealMemcached"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import * as Net from "node:net"

export interface Servers {
  readonly version: string
  /** `127.0.0.1:11211` each; as many as a work asks for. */
  readonly addresses: (count: number) => ReadonlyArray<string>
}

/** In megabytes: no value may be evicted. */
const MEMORY = 1024

const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const probes = Array.from({ length: count }, () => Net.createServer().listen(0, "127.0.0.1"))
  await Promise.all(probes.map((probe) => probe.listening ? undefined : once(probe, "listening")))
  const ports = probes.map((probe) => {
    const address = probe.address()
    return address !== null && typeof address === "object" ? address.port : 0
  })
  await Promise.all(probes.map((probe) => once(probe.close(), "close")))
  return ports
}

/** Starts them; they end with the scope. */
export const start = (withHundred: boolean) =>
  Effect.gen(function*() {
    const options = { memoryLimit: MEMORY, args: ["-c", "4096"] }
    const three = yield* Effect.forEach([1, 2, 3], () => RealMemcached.make(options))
    const hundred: Array<string> = []
    if (withHundred) {
      const ports = yield* Effect.promise(() => freePorts(99))
      const others = ports.map((port) => `127.0.0.1:${port}`)
      const server = yield* RealMemcached.make({ ...options, args: [...options.args, "-l", others.join(",")] })
      hundred.push(server.address, ...others)
    }
    return {
      version: three[0]!.version,
      addresses: (count) => (count > three.length ? hundred : three.map(({ address }) => address)).slice(0, count)
    } satisfies Servers
  })
