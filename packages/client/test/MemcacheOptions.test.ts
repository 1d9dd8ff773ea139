import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { resolve } from "@effect-memcache/client/MemcacheOptions"
import { OptionsError } from "@effect-memcache/client/OptionsError"
import { standard } from "@effect-memcache/client/StandardTranscoder"
import * as Address from "@effect-memcache/transport/Address"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import { defaultSchedule } from "../src/internal/servers/ProbeDelays.ts"
import { DEFAULT_BOUNDARIES } from "../src/internal/telemetry/Histogram.ts"

const password = Redacted.make("hunter2 with blanks")

const resolved = (options?: MemcacheOptions) =>
  Result.getOrThrowWith(resolve(options), (error) => new Error(error.message))

describe("options", () => {
  it("have defaults", () => {
    const { transcoder, ...rest } = resolved()
    assert.isFunction(transcoder.encode)
    assert.deepStrictEqual(rest, {
      pool: {
        servers: [{ address: Address.tcp("127.0.0.1"), weight: 1 }],
        distribution: "ketama",
        prefix: "",
        connect: {
          protocol: "auto",
          connectTimeout: 1000,
          commandTimeout: 1000,
          stallTimeout: 2000,
          maxInFlight: { commands: 131_072, bytes: 33_554_432 },
          maxItemSize: 1_048_576,
          auth: undefined
        },
        connections: 1,
        schedule: defaultSchedule,
        policy: "fail",
        gutter: undefined,
        failureLimit: 5
      },
      transport: { tls: undefined, noDelay: undefined, keepAlive: undefined },
      onForeign: "fail",
      prefix: "",
      defaultTtl: undefined,
      maxItemSize: 1_048_576,
      readSchedule: undefined,
      onWriteFailure: undefined,
      telemetry: { name: undefined, boundaries: [...DEFAULT_BOUNDARIES], spans: true }
    })
  })

  it("are taken as they are given", () => {
    const schedule = Schedule.spaced("3 seconds")
    const readSchedule = Schedule.recurs(2)
    const onWriteFailure = () => Effect.void
    const telemetry = { name: "sessions", boundaries: [0.001, 1], spans: false }
    const tls = { ca: "pem" }
    const options = resolved({
      servers: ["a:1", ["b:2", 3]],
      protocol: "text",
      distribution: "dalli",
      prefix: "shop:",
      defaultTtl: "1 hour",
      connectTimeout: 50,
      commandTimeout: "250 millis",
      stallTimeout: Duration.seconds(5),
      connections: 64,
      maxInFlight: { commands: 10 },
      maxItemSize: 2_097_152,
      tls,
      auth: { username: "app", password },
      noDelay: false,
      keepAlive: "10 seconds",
      deadHost: { schedule, policy: "gutter", gutter: { servers: "c:3", ttl: "1500 millis" }, failureLimit: 2 },
      readRetry: { schedule: readSchedule },
      onWriteFailure,
      telemetry,
      transcoder: standard,
      onForeign: "miss"
    })
    assert.deepStrictEqual(options, {
      pool: {
        servers: [{ address: Address.tcp("a", 1), weight: 1 }, { address: Address.tcp("b", 2), weight: 3 }],
        distribution: "dalli",
        prefix: "shop:",
        connect: {
          protocol: "text",
          connectTimeout: 50,
          commandTimeout: 250,
          stallTimeout: 5000,
          maxInFlight: { commands: 10, bytes: 33_554_432 },
          maxItemSize: 2_097_152,
          auth: { username: "app", password }
        },
        connections: 64,
        schedule,
        policy: "gutter",
        gutter: { servers: [{ address: Address.tcp("c", 3), weight: 1 }], ttl: 2 },
        failureLimit: 2
      },
      transport: { tls, noDelay: false, keepAlive: Duration.seconds(10) },
      transcoder: standard,
      onForeign: "miss",
      prefix: "shop:",
      defaultTtl: "1 hour",
      maxItemSize: 2_097_152,
      readSchedule,
      onWriteFailure,
      telemetry
    })
  })

  it("wait for a stalled connection twice as long as for a command, and a second at least", () => {
    assert.strictEqual(resolved({ commandTimeout: "5 seconds" }).pool.connect.stallTimeout, 10_000)
    assert.strictEqual(resolved({ commandTimeout: 100 }).pool.connect.stallTimeout, 1000)
  })

  it("configure the standard transcoder", () => {
    const { transcoder } = resolved({ compression: { threshold: 10, level: 1 } })
    const coding = transcoder.encode("a".repeat(100))
    assert.isTrue(Result.isResult(coding) && Result.isSuccess(coding) && coding.success.flags === 24)
    const plain = resolved({ compression: false }).transcoder.encode("a".repeat(5000))
    assert.isTrue(Result.isResult(plain) && Result.isSuccess(plain) && plain.success.flags === 16)
  })

  it("choose a transcoder by name, with the client's compression", () => {
    const { transcoder } = resolved({ transcoder: "pylibmc", compression: { threshold: 10 } })
    const coding = transcoder.encode("a".repeat(100))
    assert.isTrue(Result.isResult(coding) && Result.isSuccess(coding) && coding.success.flags === 24)
    const named = resolved({ transcoder: { name: "php-memcached", userFlags: 1 } }).transcoder.encode(5)
    assert.deepInclude(Result.isResult(named) && Result.getOrThrow(named), { flags: 65_537 })
  })

  it("are filled in by a profile, of which they win over every part", () => {
    const plain = resolved({ profile: "python-memcached" })
    assert.deepInclude(plain.pool, { distribution: "python-memcached", policy: "rehash", failureLimit: 1 })
    const written = plain.transcoder.encode({})
    assert.isTrue(Result.isResult(written) && Result.isFailure(written))
    const own = resolved({
      profile: "python-memcached",
      distribution: "python-memcached/1.45-1.59",
      transcoder: standard,
      deadHost: { policy: "miss" }
    })
    assert.deepInclude(own.pool, { distribution: "python-memcached/1.45-1.59", policy: "miss", failureLimit: 1 })
    assert.strictEqual(own.transcoder, standard)
  })

  it("bound what is inflated by the item size", () => {
    const coding = resolved({ maxItemSize: 1000 }).transcoder.encode("a".repeat(8001))
    assert.isTrue(Result.isResult(coding) && Result.isSuccess(coding) && coding.success.flags === 16)
  })
})

describe("an option is refused by name:", () => {
  const bad: ReadonlyArray<readonly [options: unknown, option: string, detail: RegExp]> = [
    [null, "options", /must be an object, not null/],
    [{ servers: [] }, "servers", /empty/],
    [{ servers: "a:70000" }, "servers[0]", /1 to 65535/],
    [{ servers: [["a", -1]] }, "servers[0]", /weight/],
    [{ servers: "a,a" }, "servers[1]", /already/],
    [{ protocol: "binary" }, "protocol", /"auto" or "meta" or "text" or "twemproxy", not "binary"/],
    [{ protocol: 1 }, "protocol", /not 1/],
    [{ distribution: "modula" }, "distribution", /one of "ketama", .*not "modula"/],
    [{ distribution: "libmemcached/nothing" }, "distribution", /"libmemcached\/ketama-weighted"/],
    [{ distribution: { name: "twemproxy", hash: "sha512" } }, "distribution.hash", /not "sha512"/],
    [{ prefix: 5 }, "prefix", /string, not 5/],
    [{ prefix: "a b" }, "prefix", /index 1, not "a b"/],
    [{ prefix: "a\r\n" }, "prefix", /index 1, not "a\\r\\n"/],
    [{ prefix: "\ud800" }, "prefix", /surrogate/],
    [{ prefix: "p".repeat(250) }, "prefix", /has 250/],
    [{ defaultTtl: 300 }, "defaultTtl", /unit/],
    [{ defaultTtl: "0 seconds" }, "defaultTtl", /longer than zero/],
    [{ defaultTtl: DateTime.makeUnsafe(Date.UTC(2030, 0)) }, "defaultTtl", /moment/],
    [{ connections: 0 }, "connections", /from 1 to 64, not 0/],
    [{ connections: 65 }, "connections", /from 1 to 64, not 65/],
    [{ connections: 1.5 }, "connections", /whole number/],
    [{ maxInFlight: 5 }, "maxInFlight", /object/],
    [{ maxInFlight: { commands: 0 } }, "maxInFlight.commands", /1 or more, not 0/],
    [{ maxInFlight: { bytes: Infinity } }, "maxInFlight.bytes", /not Infinity/],
    [{ maxItemSize: 0 }, "maxItemSize", /not 0/],
    [{ maxItemSize: 2 ** 31 }, "maxItemSize", /1073741824/],
    [{ maxItemSize: "1m" }, "maxItemSize", /not "1m"/],
    [{ auth: "app:secret" }, "auth", /object/],
    [{ auth: { username: "", password } }, "auth.username", /name/],
    [{ auth: { username: "a b", password } }, "auth.username", /blanks/],
    [{ auth: { username: "a:b", password } }, "auth.username", /colons/],
    [{ auth: { username: "a\n", password } }, "auth.username", /control/],
    [{ auth: { password } }, "auth.username", /not undefined/],
    [{ auth: { username: "app", password: "hunter2" } }, "auth.password", /Redacted/],
    [{ auth: { username: "app", password: Redacted.make("") } }, "auth.password", /empty/],
    [{ auth: { username: "app", password: Redacted.make("hunter2\r\nflush_all") } }, "auth.password", /control/],
    [{ tls: "yes" }, "tls", /not "yes"/],
    [{ noDelay: 1 }, "noDelay", /not 1/],
    [{ keepAlive: true }, "keepAlive", /duration.*not true/],
    [{ keepAlive: 0 }, "keepAlive", /not 0/],
    [{ deadHost: "fail" }, "deadHost", /object/],
    [{ deadHost: { policy: "ignore" } }, "deadHost.policy", /"fail" or "miss" or "rehash" or "gutter", not "ignore"/],
    [{ deadHost: { policy: "gutter" } }, "deadHost.gutter", /must be an object/],
    [{ deadHost: { policy: "rehash", gutter: { servers: "c" } } }, "deadHost.gutter", /is for the policy "gutter"/],
    [{ deadHost: { policy: "gutter", gutter: { servers: [] } } }, "deadHost.gutter.servers", /empty/],
    [{ deadHost: { policy: "gutter", gutter: { servers: "127.0.0.1" } } }, "deadHost.gutter.servers", /must be spare/],
    [{ deadHost: { policy: "gutter", gutter: { servers: "c", ttl: 0 } } }, "deadHost.gutter.ttl", /1 millisecond/],
    [{ deadHost: { failureLimit: 0 } }, "deadHost.failureLimit", /not 0/],
    [{ deadHost: { schedule: "1 second" } }, "deadHost.schedule", /Schedule/],
    [{ readRetry: Schedule.recurs(2) }, "readRetry.schedule", /Schedule/],
    [{ readRetry: true }, "readRetry", /object with a schedule/],
    [{ onWriteFailure: Effect.void }, "onWriteFailure", /function/],
    [{ compression: true }, "compression", /false or an object/],
    [{ compression: { level: 10 } }, "compression.level", /1 to 9 for zlib, not 10/],
    [{ compression: { codec: "zstd", level: 23 } }, "compression.level", /1 to 22 for zstd, not 23/],
    [{ compression: { codec: "lz4" as never } }, "compression.codec", /"zstd" for standard, not "lz4"/],
    [{ compression: { threshold: -1 } }, "compression.threshold", /not -1/],
    [{ transcoder: {} }, "transcoder", /encode and decode/],
    [{ transcoder: standard, compression: false }, "compression", /chosen by name/],
    [{ transcoder: "pickle" as never }, "transcoder", /one of "standard", .*, not "pickle"/],
    [{ transcoder: { name: "pickle" as never } }, "transcoder.name", /not "pickle"/],
    [{ transcoder: { name: "pylibmc", strings: "text" } }, "transcoder.strings", /is not for pylibmc/],
    [{ transcoder: "memjs", compression: {} }, "compression", /left out for memjs/],
    [{ transcoder: "dalli", compression: { codec: "zstd" } }, "compression.codec", /"gzip" for dalli, not "zstd"/],
    [
      { transcoder: { name: "dalli", compression: { level: 10 } } },
      "transcoder.compression.level",
      /1 to 9 for zlib, not 10/
    ],
    [{ transcoder: { name: "dalli", compression: {} }, compression: {} }, "compression", /left out where/],
    [{ onForeign: "guess" as never }, "onForeign", /"fail" or "miss", not "guess"/],
    [{ profile: "redis" as never }, "profile", /one of "python-memcached", .*, not "redis"/],
    [{ profile: "memjs", compression: {} }, "compression", /left out for memjs/],
    [{ profile: "dalli", deadHost: { gutter: { servers: "b" } } }, "deadHost.gutter", /policy "gutter"/],
    [{ profile: "dalli", deadHost: 1 as never }, "deadHost", /must be an object/],
    ...["connectTimeout", "commandTimeout", "stallTimeout"].flatMap((option) =>
      ([
        [Number.NaN, /not NaN/],
        [0, /not 0/],
        [-1, /not -1/],
        [0.5, /not 0\.5/],
        [Infinity, /not Infinity/],
        [2 ** 31, /not 2147483648/],
        ["Infinity", /not "Infinity"/],
        ["soon", /not "soon"/],
        [Duration.zero, /not "0"/],
        [Duration.days(25), /not "25d"/],
        [{}, /not an object/],
        [null, /not null/]
      ] as const).map(([value, detail]) => [{ [option]: value }, option, detail] as const)
    )
  ]
  it.each(bad)("%o", (options, option, detail) => {
    const result = resolve(options as MemcacheOptions)
    if (Result.isSuccess(result)) return assert.fail("was taken")
    const error = result.failure
    assert.instanceOf(error, OptionsError)
    assert.strictEqual(error.option, option)
    assert.match(error.detail, detail)
    assert.match(error.message, /^The option .*\.$/)
    assert.notMatch(error.message + inspect(error), /hunter2/)
  })

  it.prop("whatever is given, and never by an exception", [
    Schema.Literals([
      "servers",
      "prefix",
      "defaultTtl",
      "connectTimeout",
      "maxInFlight",
      "auth",
      "tls",
      "keepAlive",
      "deadHost",
      "compression",
      "transcoder",
      "onForeign",
      "profile"
    ]),
    Schema.Unknown
  ], ([option, value]) => {
    assert.isTrue(Result.isResult(resolve({ [option]: value } as MemcacheOptions)))
  })

  it("the longest timeout is taken", () => {
    assert.strictEqual(resolved({ connectTimeout: 2_147_483_647 }).pool.connect.connectTimeout, 2_147_483_647)
    assert.strictEqual(resolved({ connectTimeout: 1 }).pool.connect.connectTimeout, 1)
  })

  it("the longest prefix is taken", () => {
    assert.lengthOf(resolved({ prefix: "p".repeat(249) }).prefix, 249)
  })
})
