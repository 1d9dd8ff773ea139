/**
 * Everything that can be chosen when a client is built, with its default, and the check that finds what cannot be.
 *
 * A wrong option is found here, by name, and not as a strange behaviour later: Node fires a timer of 2^31 ms after one
 * millisecond, and a prefix with a blank would cut every command in two.
 *
 * @since 0.1.0
 */
import { make as makeWireKey } from "@effect-memcache/protocol/Key"
import { DEFAULT_MAX_ITEM_SIZE } from "@effect-memcache/protocol/Limits"
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Address from "@effect-memcache/transport/Address"
import type { NodeTransportOptions } from "@effect-memcache/transport/NodeTransport"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { show } from "./ArgumentError.ts"
import type { CompressionOptions } from "./Compression.ts"
import * as Distribution from "./Distribution.ts"
import type { ReadSchedule } from "./internal/commands/ReadRetry.ts"
import type { OnWriteFailure } from "./internal/commands/WriteFailureHook.ts"
import type { PoolOptions } from "./internal/servers/Pool.ts"
import { defaultSchedule } from "./internal/servers/ProbeDelays.ts"
import type { ProbeSchedule } from "./internal/servers/ProbeDelays.ts"
import { OptionsError } from "./OptionsError.ts"
import * as Profile from "./Profile.ts"
import type { ServersInput } from "./ServerList.ts"
import * as ServerList from "./ServerList.ts"
import type { ResolvedTelemetry, TelemetryOptions } from "./Telemetry.ts"
import * as Telemetry from "./Telemetry.ts"
import type { TimeToLive } from "./TimeToLive.ts"
import { toExptime } from "./TimeToLive.ts"
import * as Transcoder from "./Transcoder.ts"

/**
 * Options of a client. All of them may be left out.
 *
 * @category options
 * @since 0.1.0
 */
export interface MemcacheOptions extends NodeTransportOptions {
  /** `"host:port"`, several with commas between them, or a list. Default `"127.0.0.1:11211"`. */
  readonly servers?: ServersInput | undefined
  /**
   * `"auto"` (default) asks each server what it can; `"meta"` and `"text"` insist. `"twemproxy"` is text without the
   * commands on which that proxy closes the connection, which `"auto"` finds out by itself if memcached 1.6.10 or later
   * is behind it.
   */
  readonly protocol?: "auto" | "meta" | "text" | "twemproxy" | undefined
  /**
   * How keys are placed: as a named client does (see `Distribution`), or by a function of your own. `"ketama"` (default)
   * is libmemcached's weighted ketama.
   */
  readonly distribution?: Distribution.Distribution | undefined
  /** Stands before every plain key, on the wire and in its 250 bytes. Default none. */
  readonly prefix?: string | undefined
  /** For items that are stored without a `ttl`. Default for ever. */
  readonly defaultTtl?: Exclude<TimeToLive, DateTime.DateTime> | undefined
  /** From the first packet to the server's first answer. A number is milliseconds. Default 1 second. */
  readonly connectTimeout?: Duration.Input | undefined
  /** From the call to its answer. A number is milliseconds. Default 1 second. */
  readonly commandTimeout?: Duration.Input | undefined
  /**
   * A connection that owes replies and has sent no byte for so long is destroyed. Default twice the `commandTimeout`,
   * at least 1 second.
   */
  readonly stallTimeout?: Duration.Input | undefined
  /**
   * Connections to each server, 1 to 64. The second and further ones are opened only while those that are open are
   * busy. Default 1, which is enough for most: commands share a connection without waiting for each other's answers.
   */
  readonly connections?: number | undefined
  /** What may be in flight on one connection; beyond it commands fail at once. */
  readonly maxInFlight?: {
    /** Default 131,072. */
    readonly commands?: number | undefined
    /** Default 32 MiB. */
    readonly bytes?: number | undefined
  } | undefined
  /** Largest value in bytes that is read or written; set it to the server's `-I`. Default 1 MiB. */
  readonly maxItemSize?: number | undefined
  /** Credentials for a memcached with `-Y`. Default none. */
  readonly auth?: { readonly username: string; readonly password: Redacted.Redacted<string> } | undefined
  /** What happens while a server does not answer. */
  readonly deadHost?: {
    /** When a dead server is probed again. Default 1 to 30 seconds, exponential and jittered. */
    readonly schedule?: ProbeSchedule | undefined
    /**
     * What commands for its keys do meanwhile:
     *
     * - `"fail"` (default): they fail at once.
     * - `"miss"`: reads miss, writes are not stored, counters and items are not found.
     * - `"rehash"`: they go to the next server by the distribution's own rule. Old values may come back with the server,
     *   and a `cas` that was read on one server means nothing on the other.
     * - `"gutter"`: they go to a spare server, where nothing stays longer than `gutter.ttl`; counters count there anew.
     *
     * Only what was not sent is treated so. A command that was sent and not answered fails under every policy.
     */
    readonly policy?: PoolOptions["policy"] | undefined
    /** For the policy `"gutter"`, which needs it. */
    readonly gutter?: {
      /** The spare servers; none of `servers`. Keys are placed on them by the same distribution. */
      readonly servers: ServersInput
      /** The longest time that anything is kept on them. A number is milliseconds. Default 1 minute. */
      readonly ttl?: Duration.Input | undefined
    } | undefined
    /** Failures in a row, timeouts included, after which a server that accepts connections is dead. Default 5. */
    readonly failureLimit?: number | undefined
  } | undefined
  /**
   * Tries reads again that another try can help: `get`, `gets`, `getMany`, `stats` and `version` after a lost connection,
   * a timeout or a `SERVER_ERROR`, never anything that writes. Every try has a `commandTimeout` of its own, and all of
   * them together are at most a tenth of the client's reads and ten more. Default never.
   */
  readonly readRetry?: {
    /** When, and how often: for example `Schedule.exponential("20 millis").pipe(Schedule.upTo({ times: 2 }))`. */
    readonly schedule: ReadSchedule
  } | undefined
  /**
   * Run for each key of a store, a count, a delete or a touch that may not have happened: its outcome is unknown, also
   * because the caller was interrupted, or it reached no server. For invalidating the item later.
   *
   * It runs beside the caller, who gets the error at once. At most 64 run at a time and 131,072 wait; beyond that
   * failures are dropped, which is logged, as are its own failures. Closing the layer waits up to a second for it. Its own
   * writes do not call it again.
   */
  readonly onWriteFailure?: OnWriteFailure | undefined
  /** What the client's metrics and spans are like. Metrics are in Effect's registry; spans need a tracer. */
  readonly telemetry?: TelemetryOptions | undefined
  /**
   * For transcoders that are chosen by name. Default as that client does; the standard one has `{ codec: "zlib",
   * threshold: 2000, level: 6 }`. `false` compresses nothing. What any of the client's codecs wrote is read whatever is
   * chosen here.
   */
  readonly compression?: CompressionOptions | false | undefined
  /**
   * How values become bytes: the name of a client whose values are read and written here, the name with options, or a
   * transcoder of your own. Default `"standard"`.
   */
  readonly transcoder?: Transcoder.Name | Transcoder.Named | Transcoder.Transcoder | undefined
  /**
   * What reading another language's serialised code does, which is never decoded: `"fail"` (default) with a
   * `DecodeError` that names the format, or `"miss"`, so that whoever reads computes the value anew and stores it.
   */
  readonly onForeign?: "fail" | "miss" | undefined
  /**
   * A client to stand beside: its distribution, its transcoder and what it does while a server is away (see `Profile`).
   * The options of these names win over it. Default none.
   */
  readonly profile?: Profile.Name | undefined
}

/**
 * Options that are checked and complete.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResolvedOptions {
  readonly pool: PoolOptions
  readonly transport: NodeTransportOptions
  readonly transcoder: Transcoder.Transcoder
  readonly onForeign: "fail" | "miss"
  readonly prefix: string
  readonly defaultTtl: TimeToLive | undefined
  /** Largest value that may be written. */
  readonly maxItemSize: number
  readonly readSchedule: ReadSchedule | undefined
  readonly onWriteFailure: OnWriteFailure | undefined
  readonly telemetry: ResolvedTelemetry
}

/**
 * Checks every option and fills in the defaults. Fails with the first option that cannot be; never throws.
 *
 * @category constructors
 * @since 0.1.0
 */
export const resolve = (given: MemcacheOptions = {}): Result.Result<ResolvedOptions, OptionsError> =>
  Result.gen(function*() {
    if (!isObject(given)) return yield* refuse("options", "must be an object", given)
    const options = yield* applyProfile(given)
    const servers = options.servers === undefined
      ? ServerList.DEFAULT_SERVERS
      : yield* ServerList.parse(options.servers)
    const protocol = yield* oneOf("protocol", options.protocol, ["auto", "meta", "text", "twemproxy"])
    const distribution = options.distribution ?? "ketama"
    const prefix = yield* checkPrefix(options.prefix)
    yield* Distribution.fromServers(distribution, servers, prefix)
    const defaultTtl = yield* checkDefaultTtl(options.defaultTtl)
    const connectTimeout = yield* time("connectTimeout", options.connectTimeout, 1000)
    const commandTimeout = yield* time("commandTimeout", options.commandTimeout, 1000)
    const stallTimeout = yield* time("stallTimeout", options.stallTimeout, Math.max(2 * commandTimeout, 1000))
    const connections = yield* whole("connections", options.connections, 1, 1, MAX_CONNECTIONS)
    const maxInFlight = yield* checkMaxInFlight(options.maxInFlight)
    const maxItemSize = yield* whole("maxItemSize", options.maxItemSize, DEFAULT_MAX_ITEM_SIZE, 1, MAX_ITEM_SIZE)
    const auth = yield* checkAuth(options.auth)
    const deadHost = yield* checkDeadHost(options.deadHost, servers)
    const transport = yield* checkTransport(options)
    const transcoder = yield* Transcoder.fromOptions(options.transcoder, options.compression, 8 * maxItemSize)
    const onForeign = yield* oneOf("onForeign", options.onForeign, ["fail", "miss"])
    const readSchedule = yield* checkReadRetry(options.readRetry)
    const telemetry = yield* Telemetry.resolve(options.telemetry)
    const { onWriteFailure } = options
    if (onWriteFailure !== undefined && typeof onWriteFailure !== "function") {
      return yield* refuse("onWriteFailure", "must be a function that answers an effect", onWriteFailure)
    }
    return {
      pool: {
        servers,
        distribution,
        prefix,
        connect: { protocol, connectTimeout, commandTimeout, stallTimeout, maxInFlight, maxItemSize, auth },
        connections,
        ...deadHost
      },
      transport,
      transcoder,
      onForeign,
      prefix,
      defaultTtl,
      maxItemSize,
      readSchedule,
      onWriteFailure,
      telemetry
    }
  })

type Checked<A> = Result.Result<A, OptionsError>

/** Node's timers hold a signed 32-bit number of milliseconds, and fire at once beyond it. */
const MAX_MILLIS = 2_147_483_647

/** memcached's `-I` goes up to 1024m. */
const MAX_ITEM_SIZE = 1_073_741_824

/** memcached takes 1,024 connections by default, which all its clients share. */
const MAX_CONNECTIONS = 64

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const refuse = (option: string, rule: string, given: unknown): Checked<never> =>
  fail(option, `${rule}, not ${show(given)}`)

const fail = (option: string, detail: string): Checked<never> => Result.fail(new OptionsError({ option, detail }))

const oneOf = <const A extends string>(
  option: string,
  value: A | undefined,
  allowed: readonly [A, ...Array<A>]
): Checked<A> => {
  if (value === undefined) return Result.succeed(allowed[0])
  if (allowed.includes(value)) return Result.succeed(value)
  return refuse(option, `must be ${allowed.map((word) => `"${word}"`).join(" or ")}`, value)
}

const whole = (
  option: string,
  value: number | undefined,
  otherwise: number,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER
): Checked<number> => {
  if (value === undefined) return Result.succeed(otherwise)
  if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return Result.succeed(value)
  const range = maximum === Number.MAX_SAFE_INTEGER ? `${minimum} or more` : `from ${minimum} to ${maximum}`
  return refuse(option, `must be a whole number, ${range}`, value)
}

const time = (option: string, value: Duration.Input | undefined, otherwise: number): Checked<number> => {
  if (value === undefined) return Result.succeed(otherwise)
  const millis = toMillis(value)
  if (millis >= 1 && millis <= MAX_MILLIS) return Result.succeed(Math.ceil(millis))
  return refuse(
    option,
    "must be a duration from 1 millisecond to 24 days, such as \"1 second\"",
    Duration.isDuration(value) ? Duration.format(value) : value
  )
}

const toMillis = (value: Duration.Input): number => {
  try {
    return Duration.toMillis(Duration.fromInputUnsafe(value))
  } catch {
    return Number.NaN
  }
}

const checkPrefix = (prefix: string | undefined): Checked<string> => {
  if (prefix === undefined) return Result.succeed("")
  if (typeof prefix !== "string") return refuse("prefix", "must be a string", prefix)
  // One byte must be left for the key.
  const wire = makeWireKey("k", prefix)
  if (typeof wire === "string") return Result.succeed(prefix)
  switch (wire._tag) {
    case "KeyLength":
      return refuse("prefix", `must leave room for a key in 250 bytes and has ${wire.length - 1}`, prefix)
    case "KeyCharacter":
      return refuse("prefix", `must have no blank or control character, as at index ${wire.index}`, prefix)
    case "KeyEncoding":
      return refuse("prefix", `must have no half of a surrogate pair, as at index ${wire.index}`, prefix)
  }
}

const checkDefaultTtl = (ttl: TimeToLive | undefined): Checked<TimeToLive | undefined> => {
  if (DateTime.isDateTime(ttl)) return fail("defaultTtl", "must be a duration, not a moment, which would soon be past")
  const exptime = toExptime(ttl, 0)
  return typeof exptime === "number" ? Result.succeed(ttl) : fail("defaultTtl", exptime.detail)
}

const checkMaxInFlight = (value: MemcacheOptions["maxInFlight"]): Checked<{ commands: number; bytes: number }> =>
  Result.gen(function*() {
    if (value !== undefined && !isObject(value)) {
      return yield* refuse("maxInFlight", "must be an object with commands and bytes", value)
    }
    return {
      commands: yield* whole("maxInFlight.commands", value?.commands, 131_072, 1),
      bytes: yield* whole("maxInFlight.bytes", value?.bytes, 33_554_432, 1)
    }
  })

const checkAuth = (auth: MemcacheOptions["auth"]): Checked<MemcacheOptions["auth"]> => {
  if (auth === undefined) return Result.succeed(undefined)
  if (!isObject(auth)) return refuse("auth", "must be an object with username and password", auth)
  const { password, username } = auth
  // A blank ends the name in memcached's token, and a colon ends it in its file.
  if (typeof username !== "string" || !/^[^\s\p{C}:]+$/u.test(username)) {
    return refuse("auth.username", "must be a name without blanks, colons and control characters", username)
  }
  if (!Redacted.isRedacted(password)) {
    return fail("auth.password", "must be a Redacted, as Redacted.make and Config.Redacted make it")
  }
  const secret: unknown = Redacted.value(password)
  return typeof secret === "string" && /^[^\p{Cc}\p{Cs}]+$/u.test(secret)
    ? Result.succeed({ username, password })
    : fail("auth.password", "must be a text that is not empty and has no control character")
}

const checkDeadHost = (
  value: MemcacheOptions["deadHost"],
  servers: ReadonlyArray<Weighted>
): Checked<Pick<PoolOptions, "schedule" | "policy" | "gutter" | "failureLimit">> =>
  Result.gen(function*() {
    if (value !== undefined && !isObject(value)) {
      return yield* refuse("deadHost", "must be an object with schedule, policy and failureLimit", value)
    }
    const schedule = value?.schedule ?? defaultSchedule
    if (!Schedule.isSchedule(schedule)) return yield* refuse("deadHost.schedule", "must be a Schedule", schedule)
    const policy = yield* oneOf("deadHost.policy", value?.policy, ["fail", "miss", "rehash", "gutter"])
    return {
      schedule,
      policy,
      gutter: yield* checkGutter(policy, value?.gutter, servers),
      failureLimit: yield* whole("deadHost.failureLimit", value?.failureLimit, 5, 1)
    }
  })

const checkGutter = (
  policy: PoolOptions["policy"],
  value: NonNullable<MemcacheOptions["deadHost"]>["gutter"],
  servers: ReadonlyArray<Weighted>
): Checked<PoolOptions["gutter"]> =>
  Result.gen(function*() {
    if (policy !== "gutter") {
      return value === undefined ? undefined : yield* fail("deadHost.gutter", "is for the policy \"gutter\"")
    }
    if (!isObject(value)) {
      return yield* refuse("deadHost.gutter", "must be an object with the spare servers and a ttl", value)
    }
    const spare = yield* Result.mapError(
      ServerList.parse(value.servers),
      ({ detail, option }) => new OptionsError({ option: `deadHost.gutter.${option}`, detail })
    )
    const main = new Set(servers.map(({ address }) => Address.format(address)))
    const shared = spare.find(({ address }) => main.has(Address.format(address)))
    if (shared !== undefined) {
      const name = Address.format(shared.address)
      return yield* fail("deadHost.gutter.servers", `must be spare, and ${name} is one of the servers`)
    }
    return { servers: spare, ttl: Math.ceil((yield* time("deadHost.gutter.ttl", value.ttl, 60_000)) / 1000) }
  })

const checkTransport = (options: MemcacheOptions): Checked<NodeTransportOptions> =>
  Result.gen(function*() {
    const { keepAlive, noDelay, tls } = options
    if (tls !== undefined && typeof tls !== "boolean" && !isObject(tls)) {
      return yield* refuse("tls", "must be true, false or Node's TLS options", tls)
    }
    if (noDelay !== undefined && typeof noDelay !== "boolean") {
      return yield* refuse("noDelay", "must be true or false", noDelay)
    }
    if (keepAlive === false || keepAlive === undefined) return { tls, noDelay, keepAlive }
    return { tls, noDelay, keepAlive: Duration.millis(yield* time("keepAlive", keepAlive, 0)) }
  })

const checkReadRetry = (value: MemcacheOptions["readRetry"]): Checked<ReadSchedule | undefined> => {
  if (value === undefined) return Result.succeed(undefined)
  if (!isObject(value)) return refuse("readRetry", "must be an object with a schedule", value)
  const { schedule } = value
  return Schedule.isSchedule(schedule)
    ? Result.succeed(schedule)
    : refuse("readRetry.schedule", "must be a Schedule", schedule)
}

/** What is given wins over the profile, also within `deadHost`. */
const applyProfile = (options: MemcacheOptions): Checked<MemcacheOptions> => {
  const { deadHost, profile: name } = options
  if (name === undefined) return Result.succeed(options)
  if (typeof name !== "string" || !Object.hasOwn(Profile.profiles, name)) {
    return refuse("profile", `must be one of ${Profile.names.map((word) => `"${word}"`).join(", ")}`, name)
  }
  if (deadHost !== undefined && !isObject(deadHost)) return Result.succeed(options)
  const { deadHost: own, distribution, transcoder }: Profile.Profile = Profile.profiles[name]
  return Result.succeed({
    ...options,
    distribution: options.distribution ?? distribution,
    transcoder: options.transcoder ?? transcoder,
    deadHost: {
      schedule: deadHost?.schedule ?? own.schedule,
      policy: deadHost?.policy ?? own.policy,
      gutter: deadHost?.gutter,
      failureLimit: deadHost?.failureLimit ?? own.failureLimit
    }
  })
}
