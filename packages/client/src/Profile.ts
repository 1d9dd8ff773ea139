/**
 * How to stand beside a client of another language: where it puts keys, how it writes values, and what it does while a
 * server is away, under one name.
 *
 * A profile is what the client does by itself in its newest release. A pool that is configured otherwise needs its own
 * `distribution` and `transcoder`, which win over the profile's.
 *
 * @since 0.1.0
 */
import * as Schedule from "effect/Schedule"
import type * as Distribution from "./Distribution.ts"
import type { PoolOptions } from "./internal/servers/Pool.ts"
import type { ProbeSchedule } from "./internal/servers/ProbeDelays.ts"
import { defaultSchedule } from "./internal/servers/ProbeDelays.ts"
import type * as Transcoder from "./Transcoder.ts"

/**
 * What a profile sets: the options of these names.
 *
 * @category models
 * @since 0.1.0
 */
export interface Profile {
  readonly distribution: Distribution.Name
  readonly transcoder: Transcoder.Name
  readonly deadHost: {
    readonly policy: PoolOptions["policy"]
    readonly failureLimit: number
    readonly schedule: ProbeSchedule
  }
}

const every = (delay: "2 seconds" | "30 seconds" | "60 seconds"): ProbeSchedule => Schedule.spaced(delay)

/**
 * The profiles by name.
 *
 * | profile | distribution | transcoder | policy | failures | probed |
 * | --- | --- | --- | --- | --- | --- |
 * | `python-memcached` | `python-memcached` | `python-memcached` | `rehash` | 1 | every 30 s (`dead_retry`) |
 * | `pymemcache` | `pymemcache` | `pymemcache` | `rehash` | 3 (`retry_attempts` and the first) | every 60 s (`dead_timeout`) |
 * | `pylibmc` | `pylibmc` | `pylibmc` | `fail` | 5 | every 2 s (`retry_timeout`) |
 * | `php-memcached` | `php-memcached` | `php-memcached` | `fail` | 5 | every 2 s (`OPT_RETRY_TIMEOUT`) |
 * | `dalli` | `dalli` | `dalli` | `rehash` | 2 (`socket_max_failures`) | every 30 s (`down_retry_delay`) |
 * | `spymemcached` | `spymemcached` | `spymemcached` | `rehash` | 998 (`timeoutExceptionThreshold`) | 1 s, doubling up to 30 s |
 * | `npm-memcached` | `npm-memcached` | `npm-memcached` | `fail` | 1 | every 30 s (`retry`) |
 * | `memjs` | `memjs` | `memjs` | `fail` | 5 | 1 s, doubling up to 30 s |
 *
 * @category constants
 * @since 0.1.0
 */
export const profiles = {
  "python-memcached": {
    distribution: "python-memcached",
    transcoder: "python-memcached",
    deadHost: { policy: "rehash", failureLimit: 1, schedule: every("30 seconds") }
  },
  pymemcache: {
    distribution: "pymemcache",
    transcoder: "pymemcache",
    deadHost: { policy: "rehash", failureLimit: 3, schedule: every("60 seconds") }
  },
  pylibmc: {
    distribution: "pylibmc",
    transcoder: "pylibmc",
    deadHost: { policy: "fail", failureLimit: 5, schedule: every("2 seconds") }
  },
  "php-memcached": {
    distribution: "php-memcached",
    transcoder: "php-memcached",
    deadHost: { policy: "fail", failureLimit: 5, schedule: every("2 seconds") }
  },
  dalli: {
    distribution: "dalli",
    transcoder: "dalli",
    deadHost: { policy: "rehash", failureLimit: 2, schedule: every("30 seconds") }
  },
  spymemcached: {
    distribution: "spymemcached",
    transcoder: "spymemcached",
    deadHost: { policy: "rehash", failureLimit: 998, schedule: defaultSchedule }
  },
  "npm-memcached": {
    distribution: "npm-memcached",
    transcoder: "npm-memcached",
    deadHost: { policy: "fail", failureLimit: 1, schedule: every("30 seconds") }
  },
  // Without its failover, memjs tries a server again at the next command.
  memjs: {
    distribution: "memjs",
    transcoder: "memjs",
    deadHost: { policy: "fail", failureLimit: 5, schedule: defaultSchedule }
  }
} as const satisfies Record<string, Profile>

/**
 * The name of a profile.
 *
 * @category models
 * @since 0.1.0
 */
export type Name = keyof typeof profiles

/**
 * All names.
 *
 * @category constants
 * @since 0.1.0
 */
export const names = Object.keys(profiles) as unknown as readonly [Name, ...Array<Name>]
