import * as Distribution from "@effect-memcache/client/Distribution"
import * as Key from "@effect-memcache/client/Key"
import type { OptionsError } from "@effect-memcache/client/OptionsError"
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Address from "@effect-memcache/transport/Address"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { first, placementOf, tcp, wire } from "./internal/distribution/Vectors.ts"

const faultOf = (distribution: unknown, servers: ReadonlyArray<Weighted> = [tcp("a"), tcp("b")]): OptionsError => {
  const answer = Distribution.fromServers(distribution as Distribution.Distribution, servers)
  return Result.isFailure(answer) ? answer.failure : assert.fail("is no fault")
}

describe("a name", () => {
  it("is known for every client, alone and with each of its profiles", () => {
    assert.includeMembers([...Distribution.names], [
      "ketama",
      "python-memcached",
      "python-memcached/1.36-1.44-py2",
      "pymemcache",
      "pymemcache/bytes",
      "pylibmc/ketama_weighted",
      "libmemcached/ketama-weighted-sorted",
      "php-memcached/libketama-compatible",
      "dalli",
      "spymemcached/ketama-spy",
      "twemproxy/modula-crc16",
      "gomemcache",
      "npm-memcached",
      "memjs",
      "meta-memcache",
      "mcrouter"
    ])
    assert.strictEqual(new Set(Distribution.names).size, Distribution.names.length)
    for (const name of Distribution.names) {
      assert.isTrue(Result.isSuccess(Distribution.fromServers(name, [tcp("10.0.0.1"), tcp("10.0.0.2")])), name)
    }
  })

  it("of a client alone is what its newest release does by itself", () => {
    const servers = Array.from({ length: 9 }, (_, i) => tcp(`10.0.0.${i}`, 11211, 1 + i))
    const same: ReadonlyArray<readonly [Distribution.Name, Distribution.Distribution]> = [
      ["python-memcached", "python-memcached/1.60+"],
      ["pymemcache", "pymemcache/str"],
      ["pylibmc", "pylibmc/default"],
      ["libmemcached", "libmemcached/modula-default"],
      ["php-memcached", "php-memcached/default"],
      ["spymemcached", "spymemcached/array-native"],
      ["spymemcached", { name: "spymemcached" }],
      ["twemproxy", "twemproxy/ketama-fnv1a_64"],
      ["twemproxy", { name: "twemproxy" }],
      ["meta-memcache", "meta-memcache/meta-memcache-py"]
    ]
    for (const [bare, full] of same) {
      for (let i = 0; i < 200; i++) {
        const key = wire(`key${i}`)
        assert.strictEqual(placementOf(bare, servers).indexOf(key), placementOf(full, servers).indexOf(key))
      }
    }
  })

  it("that is unknown is a fault that lists the known ones", () => {
    for (const name of ["ketma", "", "/", "ketama2", "toString", "__proto__"]) {
      const fault = faultOf(name)
      assert.strictEqual(fault.option, "distribution")
      for (const client of Distribution.names.filter((known) => !known.includes("/"))) {
        assert.include(fault.detail, `"${client}"`)
      }
      assert.include(fault.message, "The option distribution must be one of")
    }
  })

  it("of an unknown profile is a fault that lists the client's", () => {
    for (const name of ["dalli/", "dalli/2", "ketama/"]) {
      assert.match(faultOf(name).detail, /^must be one of "(dalli|ketama)", not /)
    }
    const { detail } = faultOf("libmemcached/ketama")
    for (const name of Distribution.names.filter((known) => known.startsWith("libmemcached"))) {
      assert.include(detail, `"${name}"`)
    }
    assert.notInclude(detail, "dalli")
  })

  it("is a text, and nothing else is", () => {
    for (const wrong of [undefined, null, 5, true, Symbol("x")]) {
      assert.strictEqual(faultOf(wrong).option, "distribution")
    }
  })
})

describe("settings", () => {
  it("that cannot be are faults by name", () => {
    const faults: ReadonlyArray<readonly [unknown, option: string, detail: RegExp]> = [
      [{}, "distribution.name", /"twemproxy"/],
      [{ name: "dalli" }, "distribution.name", /others have no settings, and "dalli" is given/],
      [{ name: "spymemcached/ketama" }, "distribution.name", /"spymemcached\/ketama-spy"/],
      [{ name: "spymemcachedX" }, "distribution.name", /is given/],
      [{ name: "twemproxy", distribution: "random" }, "distribution.distribution", /"ketama", "modula", not "random"/],
      [{ name: "twemproxy", hash: "fnv" }, "distribution.hash", /"fnv1a_64".*not "fnv"/],
      [{ name: "twemproxy", hash: "toString" }, "distribution.hash", /must be one of/],
      [{ name: "twemproxy", hashTag: "{" }, "distribution.hashTag", /two characters/],
      [{ name: "twemproxy", hashTag: "{ä" }, "distribution.hashTag", /two characters/],
      [{ name: "twemproxy", hashTag: 12 }, "distribution.hashTag", /two characters/]
    ]
    for (const [distribution, option, detail] of faults) {
      const fault = faultOf(distribution)
      assert.strictEqual(fault.option, option)
      assert.match(fault.detail, detail)
    }
  })

  it("of spymemcached's ketama must name the servers that are not written in digits", () => {
    const servers = [tcp("10.0.0.1"), tcp("cache1", 11212)]
    assert.strictEqual(
      faultOf("spymemcached/ketama-spy", servers).option,
      "distribution.serverNames[\"cache1:11212\"]"
    )
    assert.isTrue(Result.isSuccess(Distribution.fromServers({
      name: "spymemcached/ketama-spy",
      serverNames: { "cache1:11212": "cache1/10.0.0.2:11212" }
    }, servers)))
    assert.isTrue(Result.isSuccess(Distribution.fromServers("spymemcached/ketama-libmemcached", servers)))
  })

  it("may name a server of twemproxy, and the name decides instead of the address", () => {
    const before = placementOf("twemproxy", [tcp("10.0.0.1", 1), tcp("10.0.0.2", 1), tcp("10.0.0.3", 1)])
    const after = placementOf({
      name: "twemproxy",
      serverNames: { "new1:5": "10.0.0.1:1", "new2:5": "10.0.0.2:1", "new3:5": "10.0.0.3:1" }
    }, [tcp("new1", 5), tcp("new2", 5), tcp("new3", 5)])
    for (let i = 0; i < 200; i++) assert.strictEqual(after.indexOf(wire(`k${i}`)), before.indexOf(wire(`k${i}`)))
  })

  it("are not asked to make a ring of millions of points", () => {
    const heavy = [tcp("a", 1, 65_535), tcp("b", 1, 65_535)]
    assert.match(faultOf("meta-memcache/uhashring-weighted", heavy).detail, /20971200 points/)
    assert.isTrue(Result.isSuccess(Distribution.fromServers("meta-memcache", heavy)))
  })
})

describe("a function of the user's own", () => {
  const servers = [tcp("a"), tcp("b"), tcp("c")]

  it("is given the servers once, and the key's bytes and the hash each time", () => {
    const seen: Array<unknown> = []
    const placement = placementOf((list) => {
      seen.push(list)
      return (key, hash) => {
        seen.push([key, hash])
        return key.length % list.length
      }
    }, servers)
    assert.strictEqual(placement.indexOf(wire("ä")), 2)
    assert.strictEqual(placement.indexOf(wire("abcd"), 7n), 1)
    assert.deepStrictEqual(seen, [servers, ["\u00c3\u00a4", undefined], ["abcd", 7n]])
    assert.deepStrictEqual([...placement.sequence(wire("abcd"))], [1])
    assert.strictEqual(placement.without(new Set([1])).indexOf(wire("abcd")), -1)
  })

  it("may answer the servers to try", () => {
    const placement = placementOf(() => () => new Set([2, 0]), servers)
    assert.strictEqual(placement.indexOf(wire("x")), 2)
    assert.deepStrictEqual([...placement.sequence(wire("x"))], [2, 0])
    assert.strictEqual(placement.without(new Set([2])).indexOf(wire("x")), 0)
    assert.strictEqual(placement.without(new Set([2])).without(new Set([0])).indexOf(wire("x")), -1)
  })

  it("never leads to a server that is not there", () => {
    for (const answer of [3, -1, 0.5, Number.NaN, Infinity, [], [9], new Set<number>()]) {
      const placement = placementOf(() => () => answer, servers)
      assert.strictEqual(placement.indexOf(wire("x")), -1)
      assert.deepStrictEqual([...placement.sequence(wire("x"))], [])
    }
    assert.strictEqual(placementOf(() => () => [9, 1], servers).indexOf(wire("x")), 1)
  })
})

describe("without a client", () => {
  const placement = Result.getOrThrow(
    Distribution.make({ distribution: "dalli", servers: "cache1,cache2:11212,cache3:11211:3" })
  )

  it("servers are written as in its options", () => {
    const read = placementOf("dalli", [tcp("cache1"), tcp("cache2", 11212), tcp("cache3", 11211, 3)])
    for (let i = 0; i < 200; i++) assert.strictEqual(placement.indexOf(wire(`k${i}`)), read.indexOf(wire(`k${i}`)))
    const wrong = Distribution.make({ servers: ["cache1", "cache2:0"] })
    assert.strictEqual(Result.isFailure(wrong) ? wrong.failure.option : undefined, "servers[1]")
  })

  it("the default is ketama", () => {
    const servers = ["cache1", "cache2", "cache3"]
    const byDefault = Result.getOrThrow(Distribution.make({ servers }))
    const ketama = Result.getOrThrow(Distribution.make({ distribution: "ketama", servers }))
    for (let i = 0; i < 200; i++) assert.strictEqual(byDefault.indexOf(wire(`k${i}`)), ketama.indexOf(wire(`k${i}`)))
  })

  it("a prefix is not hashed where the client does not hash its own", () => {
    const servers = ["cache1", "cache2", "cache3", "cache4"]
    const unhashed = ["libmemcached", "php-memcached/libketama-compatible", "pylibmc/ketama", "pymemcache"] as const
    const hashed = ["ketama", "dalli", "python-memcached", "twemproxy"] as const
    for (const distribution of [...unhashed, ...hashed]) {
      const plain = Result.getOrThrow(Distribution.make({ distribution, servers }))
      const prefixed = Result.getOrThrow(Distribution.make({ distribution, servers, prefix: "ä:" }))
      const text = unhashed.includes(distribution as typeof unhashed[number]) ? "" : "ä:"
      for (let i = 0; i < 100; i++) {
        assert.strictEqual(prefixed.indexOf(wire(`ä:k${i}`)), plain.indexOf(wire(`${text}k${i}`)))
        assert.strictEqual(prefixed.indexOf(wire(`k${i}`)), plain.indexOf(wire(`k${i}`)))
      }
    }
  })

  it("keys are written as for its methods", () => {
    const key = Result.getOrThrow(Key.make("user:1"))
    const home = placement.indexOf(key.wire)
    assert.deepStrictEqual(Distribution.indexOf(placement, "user:1"), Result.succeed(home))
    assert.deepStrictEqual(Distribution.indexOf(placement, key), Result.succeed(home))
    assert.deepStrictEqual(Distribution.indexOf(placement, ["user:1", "other"]), Result.succeed(home))
    assert.deepStrictEqual(Distribution.indexOf(placement, 17), Distribution.indexOf(placement, "17"))
    assert.strictEqual([...Result.getOrThrow(Distribution.sequence(placement, "user:1"))][0], home)
  })

  it("a key that cannot be is the same error", () => {
    const index = Distribution.indexOf(placement, "a b")
    const sequence = Distribution.sequence(placement, "a b")
    assert.strictEqual(Result.isFailure(index) ? index.failure._tag : undefined, "KeyCharacterError")
    assert.strictEqual(Result.isFailure(sequence) ? sequence.failure._tag : undefined, "KeyCharacterError")
  })
})

describe.each(Distribution.names)("%s", (name) => {
  const servers = Array.from({ length: 7 }, (_, i) => tcp(`10.0.${i}.1`, i % 2 === 0 ? 11211 : 11000 + i, 1 + i % 3))
  const placement = placementOf(name, servers)
  const hashes = Schema.Union([Schema.Undefined, Schema.Int, Schema.BigInt, Schema.String])

  it.prop(
    "answers an index of the list, first in the sequence, and never one that is away",
    [Schema.String, hashes],
    ([text, hash]) => {
      const key = wire(`k${Buffer.from(text).toString("hex").slice(0, 200)}`)
      const home = placement.indexOf(key, hash)
      assert.isTrue(Number.isInteger(home) && home >= 0 && home < servers.length)
      const sequence = [...placement.sequence(key, hash)]
      assert.strictEqual(sequence[0], home)
      assert.isTrue(sequence.every((index) => Number.isInteger(index) && index >= 0 && index < servers.length))
      assert.strictEqual(placement.failsOver, sequence.length > 1)
      const away = new Set([home, (home + 3) % servers.length])
      const left = placement.without(away)
      const next = left.indexOf(key, hash)
      assert.isTrue(next === -1 || (next >= 0 && next < servers.length && !away.has(next)))
      assert.strictEqual(first(left.sequence(key, hash)), next)
      assert.isTrue([...left.sequence(key, hash)].every((index) => !away.has(index)))
      assert.strictEqual(placement.indexOf(key, hash), home)
    },
    { arbitrary: { runs: 8 } }
  )

  it("gives each server about its share of the keys", () => {
    const counts = servers.map(() => 0)
    for (let i = 0; i < KEYS; i++) counts[placement.indexOf(wire(`user:${i}:${i * 7919}`))]++
    if (fifteenBits.includes(name)) return assert.include(counts, KEYS)
    const weights = servers.map(({ weight }) => ignoresWeights(name) ? 1 : weight)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const isFair = (count: number, i: number) => {
      const share = KEYS * weights[i] / total
      return count > share * 0.6 && count < share * 1.6
    }
    assert.isTrue(counts.every(isFair), counts.join())
  })

  it("has no server where there is none, and a lone one for everything", () => {
    const none = placementOf(name, [])
    const one = placementOf(name, [tcp("10.0.0.1")])
    for (const hash of [undefined, 5, -5n, "text"]) {
      assert.strictEqual(none.indexOf(wire("x"), hash), -1)
      assert.deepStrictEqual([...none.sequence(wire("x"), hash)], [])
      assert.strictEqual(one.indexOf(wire("x"), hash), 0)
      assert.strictEqual(first(one.sequence(wire("x"), hash)), 0)
      assert.strictEqual(one.without(new Set([0])).indexOf(wire("x"), hash), -1)
    }
  })

  it("takes a server on a Unix socket, where its names need no resolver", () => {
    const servers = [{ address: Address.unix("/run/memcached.sock"), weight: 1 }, tcp("10.0.0.1")]
    const answer = Distribution.fromServers(name, servers)
    if (name.startsWith("spymemcached/ketama-spy")) assert.isTrue(Result.isFailure(answer))
    else assert.include([0, 1], Result.getOrThrow(answer).indexOf(wire("x")))
  })
})

const KEYS = 2000

/** A checksum of fifteen bits under a ring of 32: every key is at its beginning, and one server gets them all. */
const fifteenBits = ["libmemcached/ketama-crc", "twemproxy/ketama-crc32"]

/** Families and profiles to which all servers are equal. */
const ignoresWeights = (name: string): boolean =>
  /^(pymemcache|memjs|mcrouter|meta-memcache$|meta-memcache\/meta|spymemcached)/.test(name) &&
    !name.endsWith("-weighted") ||
  /(modula|default$|hash-crc)/.test(name) &&
    /^(libmemcached|pylibmc|php-memcached)\/(modula|default|hash)/.test(name) ||
  /^(libmemcached|pylibmc|php-memcached)$/.test(name) ||
  name === "libmemcached/ketama-default-set-after-servers" || name === "pylibmc/ketama-after"
