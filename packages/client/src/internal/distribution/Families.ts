/**
 * The names of all profiles, and what each of them comes to: `client/profile`, and the client alone for what its newest
 * release does by itself.
 *
 * @since 0.1.0
 */
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Dalli from "./Dalli.ts"
import * as Gomemcache from "./Gomemcache.ts"
import * as Ketama from "./Ketama.ts"
import * as Libmemcached from "./Libmemcached.ts"
import * as Mcrouter from "./Mcrouter.ts"
import * as Memjs from "./Memjs.ts"
import * as MetaMemcache from "./MetaMemcache.ts"
import * as NpmMemcached from "./NpmMemcached.ts"
import type { Placement } from "./Placement.ts"
import * as Pymemcache from "./Pymemcache.ts"
import * as PythonMemcached from "./PythonMemcached.ts"
import * as Spymemcached from "./Spymemcached.ts"
import * as Twemproxy from "./Twemproxy.ts"

/**
 * Every name of a profile.
 *
 * @category models
 * @since 0.1.0
 */
export type Name =
  | "ketama"
  | "dalli"
  | "gomemcache"
  | "mcrouter"
  | "memjs"
  | "npm-memcached"
  | Client<"libmemcached", keyof typeof Libmemcached.profiles>
  | Client<"meta-memcache", typeof MetaMemcache.profiles[number]>
  | Client<"php-memcached", keyof typeof Libmemcached.php>
  | Client<"pylibmc", keyof typeof Libmemcached.pylibmc>
  | Client<"pymemcache", Pymemcache.KeyType>
  | Client<"python-memcached", keyof typeof PythonMemcached.releases>
  | Client<"spymemcached", keyof typeof Spymemcached.profiles>
  | Client<"twemproxy", `${typeof Twemproxy.distributions[number]}-${keyof typeof Twemproxy.hashes}`>

type Client<C extends string, Profile extends string> = C | `${C}/${Profile}`

/**
 * What a server is called on the ring of one profile, where that can differ from its address. `given` is the name that
 * the user gave, if any; `undefined` means that there has to be one.
 *
 * @category models
 * @since 0.1.0
 */
export type NameServer = (server: Weighted, given: string | undefined) => string | undefined

/**
 * One profile. `names` has what `nameOf` answered for each server, and is empty where there is no `nameOf`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Profile {
  readonly make: (servers: ReadonlyArray<Weighted>, names: ReadonlyArray<string>) => Placement
  readonly nameOf?: NameServer | undefined
  /** A prefix that the client puts before every key is sent and not hashed. */
  readonly hashesNoPrefix?: boolean | undefined
  /** How many points its ring would have, where that is more than in proportion to the servers. */
  readonly pointCount?: ((servers: ReadonlyArray<Weighted>) => number) | undefined
}

/**
 * A client with its profiles; the first is what the bare name means. One without profiles has a single one without a name.
 *
 * @category models
 * @since 0.1.0
 */
export type Family = ReadonlyMap<string, Profile>

const family = <A>(settings: Iterable<readonly [string, A]>, profile: (settings: A) => Profile): Family =>
  new Map(Array.from(settings, ([name, value]) => [name, profile(value)]))

const single = (make: Profile["make"]): Family => new Map([["", { make }]])

const libmemcached = (settings: Libmemcached.Settings): Profile => ({
  make: (servers) => Libmemcached.make(servers, settings),
  hashesNoPrefix: true
})

/**
 * twemproxy with any settings: more of them can be given than its profiles have.
 *
 * @category constructors
 * @since 0.1.0
 */
export const twemproxy = (settings: Twemproxy.Settings): Profile => ({
  make: (servers, names) => Twemproxy.make(servers, settings, names),
  nameOf: ({ address }, given) => given ?? Twemproxy.nameOf(address)
})

const spymemcached = (settings: Spymemcached.Settings): Profile => ({
  make: (servers, names) => Spymemcached.make(servers, settings, names),
  nameOf: ({ address }, given) => given ?? Spymemcached.nameOf(address, settings)
})

// The first is what nutcracker does if its configuration says nothing.
const twemproxySettings = Twemproxy.distributions.flatMap((distribution) =>
  ["fnv1a_64" as const, ...Object.keys(Twemproxy.hashes) as Array<keyof typeof Twemproxy.hashes>].map((hash) =>
    [`${distribution}-${hash}`, { distribution, hash }] as const
  )
)

/**
 * All clients, by name.
 *
 * @category constants
 * @since 0.1.0
 */
export const families: ReadonlyMap<string, Family> = new Map([
  ["ketama", single(Ketama.make)],
  [
    "python-memcached",
    family(Object.entries(PythonMemcached.releases), (hashOf) => ({
      make: (servers) => PythonMemcached.make(servers, hashOf)
    }))
  ],
  [
    "pymemcache",
    family([["str", "str"], ["bytes", "bytes"]] as const, (keyType) => ({
      make: (servers) => Pymemcache.make(servers, keyType),
      hashesNoPrefix: true
    }))
  ],
  ["pylibmc", family(Object.entries(Libmemcached.pylibmc), libmemcached)],
  ["libmemcached", family(Object.entries(Libmemcached.profiles), libmemcached)],
  ["php-memcached", family(Object.entries(Libmemcached.php), libmemcached)],
  ["dalli", single(Dalli.make)],
  ["spymemcached", family(Object.entries(Spymemcached.profiles), spymemcached)],
  ["twemproxy", family(twemproxySettings, twemproxy)],
  ["gomemcache", single(Gomemcache.make)],
  ["npm-memcached", single(NpmMemcached.make)],
  ["memjs", single((servers) => Memjs.make(servers.length))],
  [
    "meta-memcache",
    family(MetaMemcache.profiles.map((name) => [name, name] as const), (profile) => ({
      make: (servers) => MetaMemcache.make(servers, profile),
      pointCount: (servers) => MetaMemcache.pointCount(servers, profile)
    }))
  ],
  ["mcrouter", single((servers) => Mcrouter.make(servers.length))]
])
