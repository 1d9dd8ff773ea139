/**
 * The options as Effect's `Config` reads them, by default from environment variables.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Compression from "./Compression.ts"
import * as Distribution from "./Distribution.ts"
import type { MemcacheOptions } from "./MemcacheOptions.ts"
import * as Profile from "./Profile.ts"
import * as Transcoder from "./Transcoder.ts"

const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> => Config.withDefault(config, undefined)

/** A duration, or `false`. */
const KeepAlive = Schema.Union([Schema.Literals(["false", "off", "no"]), Schema.DurationFromString])

/**
 * Every option that is a plain value. What is not set keeps its default.
 *
 * | name | option | example |
 * | --- | --- | --- |
 * | `MEMCACHE_SERVERS` | `servers`, with commas | `cache1:11211,cache2:11211:2,[::1]:11211,unix:/run/m.sock` |
 * | `MEMCACHE_PROTOCOL` | `protocol` | `auto`, `meta`, `text` |
 * | `MEMCACHE_DISTRIBUTION` | `distribution`, a name | `ketama`, `python-memcached`, `libmemcached/ketama-weighted` |
 * | `MEMCACHE_TRANSCODER` | `transcoder`, a name | `standard`, `pylibmc`, `dalli/json` |
 * | `MEMCACHE_ON_FOREIGN` | `onForeign` | `fail`, `miss` |
 * | `MEMCACHE_PROFILE` | `profile` | `python-memcached`, `php-memcached` |
 * | `MEMCACHE_PREFIX` | `prefix` | `shop:` |
 * | `MEMCACHE_DEFAULT_TTL` | `defaultTtl` | `1 hour` |
 * | `MEMCACHE_CONNECT_TIMEOUT` | `connectTimeout` | `1 second` |
 * | `MEMCACHE_COMMAND_TIMEOUT` | `commandTimeout` | `250 millis` |
 * | `MEMCACHE_STALL_TIMEOUT` | `stallTimeout` | `2 seconds` |
 * | `MEMCACHE_CONNECTIONS` | `connections` | `1` |
 * | `MEMCACHE_MAX_IN_FLIGHT_COMMANDS` | `maxInFlight.commands` | `131072` |
 * | `MEMCACHE_MAX_IN_FLIGHT_BYTES` | `maxInFlight.bytes` | `33554432` |
 * | `MEMCACHE_MAX_ITEM_SIZE` | `maxItemSize` | `1048576` |
 * | `MEMCACHE_TLS` | `tls` | `true`, `false` |
 * | `MEMCACHE_USERNAME` | `auth.username` | `app` |
 * | `MEMCACHE_PASSWORD` | `auth.password`, redacted | |
 * | `MEMCACHE_NO_DELAY` | `noDelay` | `true`, `false` |
 * | `MEMCACHE_KEEP_ALIVE` | `keepAlive` | `60 seconds`, `false` |
 * | `MEMCACHE_DEAD_HOST_POLICY` | `deadHost.policy` | `fail`, `miss`, `rehash`, `gutter` |
 * | `MEMCACHE_GUTTER_SERVERS` | `deadHost.gutter.servers` | `spare:11211` |
 * | `MEMCACHE_GUTTER_TTL` | `deadHost.gutter.ttl` | `1 minute` |
 * | `MEMCACHE_DEAD_HOST_FAILURE_LIMIT` | `deadHost.failureLimit` | `5` |
 * | `MEMCACHE_COMPRESSION` | `compression` | `true`, `false` |
 * | `MEMCACHE_COMPRESSION_CODEC` | `compression.codec` | `zlib`, `gzip`, `brotli`, `zstd` |
 * | `MEMCACHE_COMPRESSION_THRESHOLD` | `compression.threshold` | `2000` |
 * | `MEMCACHE_COMPRESSION_LEVEL` | `compression.level` | `6` |
 *
 * Servers and numbers are checked with all the other options when the layer is built.
 *
 * @category configuration
 * @since 0.1.0
 */
export const config: Config.Config<MemcacheOptions> = Config.all({
  servers: optional(Config.String("MEMCACHE_SERVERS")),
  protocol: optional(Config.Literals(["auto", "meta", "text", "twemproxy"], "MEMCACHE_PROTOCOL")),
  distribution: optional(Config.Literals(Distribution.names, "MEMCACHE_DISTRIBUTION")),
  transcoder: optional(Config.Literals(Transcoder.names, "MEMCACHE_TRANSCODER")),
  onForeign: optional(Config.Literals(["fail", "miss"], "MEMCACHE_ON_FOREIGN")),
  profile: optional(Config.Literals(Profile.names, "MEMCACHE_PROFILE")),
  prefix: optional(Config.String("MEMCACHE_PREFIX")),
  defaultTtl: optional(Config.Duration("MEMCACHE_DEFAULT_TTL")),
  connectTimeout: optional(Config.Duration("MEMCACHE_CONNECT_TIMEOUT")),
  commandTimeout: optional(Config.Duration("MEMCACHE_COMMAND_TIMEOUT")),
  stallTimeout: optional(Config.Duration("MEMCACHE_STALL_TIMEOUT")),
  connections: optional(Config.Int("MEMCACHE_CONNECTIONS")),
  maxInFlightCommands: optional(Config.Int("MEMCACHE_MAX_IN_FLIGHT_COMMANDS")),
  maxInFlightBytes: optional(Config.Int("MEMCACHE_MAX_IN_FLIGHT_BYTES")),
  maxItemSize: optional(Config.Int("MEMCACHE_MAX_ITEM_SIZE")),
  tls: optional(Config.Boolean("MEMCACHE_TLS")),
  username: optional(Config.String("MEMCACHE_USERNAME")),
  password: optional(Config.Redacted("MEMCACHE_PASSWORD")),
  noDelay: optional(Config.Boolean("MEMCACHE_NO_DELAY")),
  keepAlive: optional(Config.schema(KeepAlive, "MEMCACHE_KEEP_ALIVE")),
  policy: optional(Config.Literals(["fail", "miss", "rehash", "gutter"], "MEMCACHE_DEAD_HOST_POLICY")),
  gutterServers: optional(Config.String("MEMCACHE_GUTTER_SERVERS")),
  gutterTtl: optional(Config.Duration("MEMCACHE_GUTTER_TTL")),
  failureLimit: optional(Config.Int("MEMCACHE_DEAD_HOST_FAILURE_LIMIT")),
  isCompressed: optional(Config.Boolean("MEMCACHE_COMPRESSION")),
  codec: optional(Config.Literals(Compression.CODECS, "MEMCACHE_COMPRESSION_CODEC")),
  threshold: optional(Config.Int("MEMCACHE_COMPRESSION_THRESHOLD")),
  level: optional(Config.Int("MEMCACHE_COMPRESSION_LEVEL"))
}).pipe(
  Config.map((read): MemcacheOptions => ({
    servers: read.servers,
    protocol: read.protocol,
    distribution: read.distribution,
    transcoder: read.transcoder,
    onForeign: read.onForeign,
    profile: read.profile,
    prefix: read.prefix,
    defaultTtl: read.defaultTtl,
    connectTimeout: read.connectTimeout,
    commandTimeout: read.commandTimeout,
    stallTimeout: read.stallTimeout,
    connections: read.connections,
    maxInFlight: { commands: read.maxInFlightCommands, bytes: read.maxInFlightBytes },
    maxItemSize: read.maxItemSize,
    tls: read.tls,
    // One without the other is kept, so that the check can name what is missing.
    auth: read.username === undefined && read.password === undefined
      ? undefined
      : { username: read.username ?? "", password: read.password ?? Redacted.make("") },
    noDelay: read.noDelay,
    keepAlive: typeof read.keepAlive === "string" ? false : read.keepAlive,
    deadHost: {
      policy: read.policy,
      gutter: read.gutterServers === undefined ? undefined : { servers: read.gutterServers, ttl: read.gutterTtl },
      failureLimit: read.failureLimit
    },
    compression: read.isCompressed === false ? false : compressionOf(read)
  }))
)

/** Nothing where nothing is set: a transcoder may compress by itself, or not at all. */
const compressionOf = (read: {
  readonly isCompressed: boolean | undefined
  readonly codec: Compression.Codec | undefined
  readonly threshold: number | undefined
  readonly level: number | undefined
}): MemcacheOptions["compression"] => {
  const { codec, isCompressed, level, threshold } = read
  const isSet = isCompressed === true || codec !== undefined || threshold !== undefined || level !== undefined
  return isSet ? { codec, threshold, level } : undefined
}
