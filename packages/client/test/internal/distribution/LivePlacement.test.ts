import type { Name } from "@effect-memcache/client/Distribution"
import { assert, describe, it } from "@effect/vitest"
import type { Case } from "./Vectors.ts"
import { placementOf, places, read } from "./Vectors.ts"

interface Live {
  readonly keys: ReadonlyArray<string>
  readonly cases: ReadonlyArray<
    Pick<Case, "servers" | "expected"> & { readonly client: string; readonly config: unknown }
  >
}

describe("where real clients stored keys through the network", () => {
  const live = read<Live>("dist-live-placement")
  const names: Readonly<Record<string, Name>> = {
    "python-memcached 1.59": "python-memcached/1.45-1.59",
    "python-memcached 1.62": "python-memcached/1.60+",
    dalli: "dalli",
    "npm-memcached": "npm-memcached",
    "pylibmc default": "pylibmc/default",
    "pylibmc ketama": "pylibmc/ketama",
    "pylibmc ketama-after": "pylibmc/ketama-after",
    "pylibmc ketama_weighted": "pylibmc/ketama_weighted",
    "pylibmc hash-crc": "pylibmc/hash-crc",
    "pylibmc hash-md5+ketama": "pylibmc/hash-md5+ketama",
    "php default": "php-memcached/default",
    "php OPT_LIBKETAMA_COMPATIBLE": "php-memcached/libketama-compatible",
    "php DISTRIBUTION_CONSISTENT": "php-memcached/distribution-consistent",
    pymemcache: "pymemcache",
    memjs: "memjs"
  }

  it("is checked for every client", () => {
    assert.lengthOf(live.cases, 28)
    assert.sameMembers([...new Set(live.cases.map(({ client }) => client))], Object.keys(names))
  })

  it.each(live.cases)("a profile puts them: $client", ({ client, expected, servers }) => {
    assert.lengthOf(expected, 200)
    assert.deepStrictEqual(places(placementOf(names[client], servers), live.keys), expected)
  })
})
