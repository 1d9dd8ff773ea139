/**
 * Which server holds a key, decided bit for bit as a named client decides it, so that this one can stand beside it; and
 * which servers are tried while that one is away. No connection is needed to ask.
 *
 * ```ts
 * const placement = Distribution.make({ distribution: "dalli", servers: "cache1,cache2,cache3" })
 * ```
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Address from "@effect-memcache/transport/Address"
import * as Result from "effect/Result"
import { show } from "./ArgumentError.ts"
import type { Name, Profile } from "./internal/distribution/Families.ts"
import * as Families from "./internal/distribution/Families.ts"
import type { Placement } from "./internal/distribution/Placement.ts"
import { inOrder, unprefixed } from "./internal/distribution/Placement.ts"
import { toBytes } from "./internal/distribution/Routing.ts"
import type * as Spymemcached from "./internal/distribution/Spymemcached.ts"
import * as Twemproxy from "./internal/distribution/Twemproxy.ts"
import type { HashInput, KeyInput } from "./Key.ts"
import { hashOf, wireOf } from "./Key.ts"
import type { KeyError } from "./KeyError.ts"
import { OptionsError } from "./OptionsError.ts"
import type { ServersInput } from "./ServerList.ts"
import * as ServerList from "./ServerList.ts"

export type {
  /**
   * Every name of a profile: `client/profile`, or the client alone for what its newest release does by itself.
   *
   * @category models
   * @since 0.1.0
   */
  Name,
  /**
   * A list of servers with a rule that places keys on them.
   *
   * @category models
   * @since 0.1.0
   */
  Placement
}

/**
 * twemproxy with its configuration, for programs that go past it to its servers.
 *
 * @category models
 * @since 0.1.0
 */
export interface TwemproxyDistribution {
  readonly name: "twemproxy"
  /** Default `"ketama"`. */
  readonly distribution?: typeof Twemproxy.distributions[number] | undefined
  /** Default `"fnv1a_64"`. */
  readonly hash?: keyof typeof Twemproxy.hashes | undefined
  /** `hash_tag`: two characters, and what stands between them in a key decides its place. Default none. */
  readonly hashTag?: string | undefined
  /** The names that its configuration gives to servers, by `"host:port"`. Default none. */
  readonly serverNames?: Readonly<Record<string, string>> | undefined
}

/**
 * spymemcached with the names of its servers, which its own ketama needs for hosts that are not written in digits: what
 * `InetSocketAddress.toString()` says, without a leading slash, as in `"cache1/10.0.0.1:11211"`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SpymemcachedDistribution {
  readonly name: "spymemcached" | `spymemcached/${keyof typeof Spymemcached.profiles}`
  /** By `"host:port"`. */
  readonly serverNames?: Readonly<Record<string, string>> | undefined
}

/**
 * A rule of your own: given the list of servers, answers a function that answers a key's server, or the servers to try in
 * turn, as indices. The key comes as its bytes on the wire; `hash` is what stands beside it in `[hash, key]`.
 *
 * ```ts
 * const byLength: Distribution.Custom = (servers) => (key) => key.length % servers.length
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type Custom = (
  servers: ReadonlyArray<Weighted>
) => (key: Key, hash: HashInput | undefined) => number | Iterable<number>

/**
 * How keys are placed.
 *
 * @category models
 * @since 0.1.0
 */
export type Distribution = Name | TwemproxyDistribution | SpymemcachedDistribution | Custom

/**
 * The names of all profiles.
 *
 * @category constants
 * @since 0.1.0
 */
export const names: ReadonlyArray<Name> = Array.from(
  Families.families,
  (
    [client, family]
  ) => [client, ...Array.from(family.keys(), (name) => `${client}/${name}`).filter((n) => !n.endsWith("/"))]
).flat() as Array<Name>

/**
 * Places keys on servers, which may be written as in the options of a client. Default `"ketama"`.
 *
 * Fails with the option that cannot be; of an unknown name it says which names there are.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly distribution?: Distribution | undefined
  readonly servers: ServersInput
  /** Stands before every key already. libmemcached's clients and pymemcache send their prefix but do not hash it. */
  readonly prefix?: string | undefined
}): Result.Result<Placement, OptionsError> =>
  Result.flatMap(
    ServerList.parse(options.servers),
    (servers) => fromServers(options.distribution ?? "ketama", servers, options.prefix)
  )

/**
 * The same for servers that have been read already. With a prefix that all keys carry, families that do not hash theirs
 * place the rest of the key.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromServers = (
  distribution: Distribution,
  servers: ReadonlyArray<Weighted>,
  prefix = ""
): Result.Result<Placement, OptionsError> => {
  if (typeof distribution === "function") return Result.succeed(custom(distribution, servers))
  if (typeof distribution === "string") {
    return Result.flatMap(byName(distribution, "distribution"), (profile) => place(profile, servers, {}, prefix))
  }
  if (typeof distribution !== "object" || distribution === null) {
    return refuse("distribution", `must be a name, an object or a function, not ${show(distribution)}`)
  }
  return Result.flatMap(
    distribution.name === "twemproxy" ? twemproxy(distribution) : named(distribution),
    (profile) => place(profile, servers, distribution.serverNames ?? {}, prefix)
  )
}

/**
 * The server of a key as a client's methods take it, without a prefix; -1 if there is none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const indexOf = (placement: Placement, key: KeyInput): Result.Result<number, KeyError> => {
  const wire = wireOf(key, "")
  return typeof wire === "string" ? Result.succeed(placement.indexOf(wire, hashOf(key))) : Result.fail(wire)
}

/**
 * The servers of a key, in the order in which they are tried.
 *
 * @category accessors
 * @since 0.1.0
 */
export const sequence = (placement: Placement, key: KeyInput): Result.Result<Iterable<number>, KeyError> => {
  const wire = wireOf(key, "")
  return typeof wire === "string" ? Result.succeed(placement.sequence(wire, hashOf(key))) : Result.fail(wire)
}

/** A ring takes about a microsecond a point to build; what is asked for here has been a slip in a weight. */
const MAX_POINTS = 1_000_000

const refuse = (option: string, detail: string): Result.Result<never, OptionsError> =>
  Result.fail(new OptionsError({ option, detail }))

const quoted = (words: Iterable<string>): string => Array.from(words, (word) => `"${word}"`).join(", ")

const byName = (name: string, option: string): Result.Result<Profile, OptionsError> => {
  const slash = name.indexOf("/")
  const client = slash < 0 ? name : name.slice(0, slash)
  const family = Families.families.get(client)
  if (family === undefined) {
    return refuse(
      option,
      `must be one of ${quoted(Families.families.keys())}, or a profile of one as in "libmemcached/ketama-weighted", ` +
        `not ${show(name)}`
    )
  }
  // The first profile is what the bare name means.
  const [first] = family.values()
  if (slash < 0) return Result.succeed(first)
  const profile = family.get(name.slice(slash + 1))
  if (profile !== undefined && name.length > slash + 1) return Result.succeed(profile)
  const known = names.filter((other) => other === client || other.startsWith(`${client}/`))
  return refuse(option, `must be one of ${quoted(known)}, not ${show(name)}`)
}

const named = (distribution: SpymemcachedDistribution): Result.Result<Profile, OptionsError> => {
  const { name } = distribution
  if (name === "spymemcached" || (typeof name === "string" && name.startsWith("spymemcached/"))) {
    return byName(name, "distribution.name")
  }
  return refuse(
    "distribution.name",
    `must be "twemproxy" or a profile of "spymemcached" in an object; others have no settings, and ${
      show(name)
    } is given`
  )
}

const twemproxy = (given: TwemproxyDistribution): Result.Result<Profile, OptionsError> => {
  const { distribution = "ketama", hash = "fnv1a_64", hashTag } = given
  if (!Twemproxy.distributions.includes(distribution)) {
    return refuse(
      "distribution.distribution",
      `must be one of ${quoted(Twemproxy.distributions)}, not ${show(distribution)}`
    )
  }
  if (!Object.hasOwn(Twemproxy.hashes, hash)) {
    return refuse("distribution.hash", `must be one of ${quoted(Object.keys(Twemproxy.hashes))}, not ${show(hash)}`)
  }
  if (hashTag !== undefined && !(typeof hashTag === "string" && /^[!-~]{2}$/.test(hashTag))) {
    return refuse("distribution.hashTag", `must be two characters, as in "{}", not ${show(hashTag)}`)
  }
  return Result.succeed(Families.twemproxy({ distribution, hash, hashTag }))
}

const place = (
  profile: Profile,
  servers: ReadonlyArray<Weighted>,
  given: Readonly<Record<string, string>>,
  prefix: string
): Result.Result<Placement, OptionsError> => {
  const points = profile.pointCount?.(servers) ?? 0
  if (points > MAX_POINTS) {
    return refuse(
      "distribution",
      `would make a ring of ${points} points of these weights; divide them by what they share`
    )
  }
  const serverNames: Array<string> = []
  for (const server of profile.nameOf === undefined ? [] : servers) {
    const address = Address.format(server.address)
    const name = profile.nameOf!(
      server,
      Object.hasOwn(given, address) ? given[address] : undefined
    )
    if (typeof name !== "string" || name === "") {
      return refuse(
        `distribution.serverNames[${show(address)}]`,
        "must be the server's name on the ring; for spymemcached what its address prints, as \"cache1/10.0.0.1:11211\""
      )
    }
    serverNames.push(name)
  }
  const placement = profile.make(servers, serverNames)
  return Result.succeed(
    profile.hashesNoPrefix === true && prefix !== "" ? unprefixed(placement, toBytes(prefix)) : placement
  )
}

/** An index that is none of the list's counts as no server, so that a slip is an error of the command and not a crash. */
const custom = (distribution: Custom, servers: ReadonlyArray<Weighted>): Placement => {
  const placeOf = distribution(servers)
  const isIndex = (index: number): boolean => Number.isInteger(index) && index >= 0 && index < servers.length
  const locate = (key: Key, hash: HashInput | undefined): number => {
    const answer = placeOf(key, hash)
    if (typeof answer === "number") return isIndex(answer) ? answer : -1
    for (const index of answer) if (isIndex(index)) return index
    return -1
  }
  function* candidates(key: Key, hash: HashInput | undefined): Generator<number> {
    const answer = placeOf(key, hash)
    for (const index of typeof answer === "number" ? [answer] : answer) if (isIndex(index)) yield index
  }
  return inOrder(locate, candidates)
}
