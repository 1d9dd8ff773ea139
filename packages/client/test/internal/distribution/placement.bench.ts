/**
 * Measures how long each family takes to place a key on a hundred servers, and to build what it needs for that.
 *
 *     node --conditions=@effect-memcache/source packages/client/test/distribution/placement.bench.ts
 *
 * A key should take less than a microsecond, and building less than 50 milliseconds.
 */
import type { Distribution, Placement } from "@effect-memcache/client/Distribution"
import { fromServers } from "@effect-memcache/client/Distribution"
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Address from "@effect-memcache/transport/Address"
import * as Result from "effect/Result"
import { performance } from "node:perf_hooks"

const servers: ReadonlyArray<Weighted> = Array.from({ length: 100 }, (_, i) => ({
  address: Address.tcp(`10.${i % 7}.${i * 37 % 251}.${i}`, i % 3 === 0 ? 11211 : 11000 + i),
  weight: 1 + i % 5
}))

const keys = Array.from({ length: 2000 }, (_, i) => `user:${i * 7919}:profile` as Key)

const distributions: ReadonlyArray<Distribution> = [
  "ketama",
  "python-memcached",
  "python-memcached/1.36-1.44-py2",
  "pymemcache",
  "pymemcache/bytes",
  "pylibmc",
  "libmemcached/ketama-default",
  "libmemcached/ketama-weighted",
  "libmemcached/ketama-md5",
  "libmemcached/modula-jenkins",
  "libmemcached/modula-murmur3",
  "php-memcached/libketama-compatible",
  "dalli",
  "spymemcached",
  "spymemcached/ketama-spy",
  "twemproxy",
  "twemproxy/ketama-hsieh",
  "twemproxy/modula-crc16",
  { name: "twemproxy", hashTag: "::" },
  "gomemcache",
  "npm-memcached",
  "memjs",
  "meta-memcache",
  "meta-memcache/uhashring-weighted",
  "meta-memcache/uhashring-ketama-weighted",
  "mcrouter"
]

const build = (distribution: Distribution): Placement => Result.getOrThrow(fromServers(distribution, servers))

/** Nanoseconds a key: the best of several rounds, since a busy machine only ever makes a round longer. */
const perKey = (placement: Placement): number => {
  let best = Infinity
  let sum = 0
  for (let round = 0; round < 40; round++) {
    const start = performance.now()
    for (let i = 0; i < 5; i++) for (const key of keys) sum += placement.indexOf(key)
    best = Math.min(best, (performance.now() - start) * 1e6 / (5 * keys.length))
  }
  if (sum < 0) throw new Error("a key has no server")
  return best
}

/** Milliseconds a build: the first, and the best of the later ones. */
const perBuild = (distribution: Distribution): readonly [first: number, best: number] => {
  const times = Array.from({ length: 8 }, () => {
    const start = performance.now()
    build(distribution)
    return performance.now() - start
  })
  return [times[0], Math.min(...times.slice(1))]
}

const placements = distributions.map((distribution) =>
  [distribution, perBuild(distribution), build(distribution)] as const
)

// All of them several times over, so that what else the machine does meets none of them every time.
const best = placements.map(() => Infinity)
for (let pass = 0; pass < 4; pass++) {
  placements.forEach(([, , placement], i) => {
    best[i] = Math.min(best[i], perKey(placement))
  })
}

console.table(placements.map(([distribution, [first, later]], i) => ({
  distribution: typeof distribution === "string" ? distribution : JSON.stringify(distribution),
  "ns per key": Math.round(best[i]),
  "build, ms": Number(later.toFixed(2)),
  "first build, ms": Number(first.toFixed(2))
})))
