import * as Address from "@effect-memcache/transport/Address"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const server = (address: Address.Address, weight = 1): Result.Result<Address.Weighted, Address.AddressFault> =>
  Result.succeed({ address, weight })

describe("parse", () => {
  const good: ReadonlyArray<readonly [text: string, expected: ReturnType<typeof server>]> = [
    ["cache1", server(Address.tcp("cache1"))],
    ["cache1:11212", server(Address.tcp("cache1", 11212))],
    ["cache1:11212:3", server(Address.tcp("cache1", 11212), 3)],
    ["10.0.0.1:1", server(Address.tcp("10.0.0.1", 1))],
    ["  cache1:11212 ", server(Address.tcp("cache1", 11212))],
    ["Cache-1.Example_x", server(Address.tcp("Cache-1.Example_x"))],
    ["[::1]", server(Address.tcp("::1"))],
    ["[::1]:11212", server(Address.tcp("::1", 11212))],
    ["[2001:db8::7]:65535:2", server(Address.tcp("2001:db8::7", 65535), 2)],
    ["[fe80::1%eth0]:11211", server(Address.tcp("fe80::1%eth0"))],
    ["unix:/var/run/memcached.sock", server(Address.unix("/var/run/memcached.sock"))],
    ["unix:/var/run/memcached.sock:4", server(Address.unix("/var/run/memcached.sock"), 4)],
    ["unix:/tmp/a:b", server(Address.unix("/tmp/a:b"))],
    ["unix:relative", server(Address.unix("relative"))],
    ["inet:cache1:11212", server(Address.tcp("cache1", 11212))],
    ["inet6:[::1]:11212", server(Address.tcp("::1", 11212))],
    ["inet6:[::1]", server(Address.tcp("::1"))]
  ]
  it.each(good)("reads %s", (text, expected) => {
    assert.deepStrictEqual(Address.parse(text), expected)
  })

  const bad: ReadonlyArray<readonly [text: string, reason: RegExp]> = [
    ["", /is empty/],
    [" ", /is empty/],
    [":11211", /no host/],
    ["cache1:", /port/],
    ["cache1:0", /port/],
    ["cache1:70000", /port/],
    ["cache1:-1", /port/],
    ["cache1:1e3", /port/],
    ["cache1:http", /port/],
    ["cache1:11211:0", /weight/],
    ["cache1:11211:-1", /weight/],
    ["cache1:11211:1.5", /weight/],
    ["cache1:11211:65536", /weight/],
    ["cache1:11211:1:1", /colons/],
    ["::1", /no host/],
    ["fe80::1:11211", /port|colons/],
    ["[::1", /character/],
    ["[::1]11211", /after the address/],
    ["[cache1]:11211", /IPv6/],
    ["[12345::]:1", /IPv6/],
    ["[]:1", /IPv6/],
    ["a b:1", /character/],
    ["a,b", /character/],
    ["user@host", /character/],
    ["http://cache1", /port/],
    ["unix:", /no path/],
    ["unix:/a:0", /weight/],
    ["unix:/a\0b", /NUL/],
    [`unix:/${"é".repeat(54)}`, /107/],
    ["h".repeat(256), /255/]
  ]
  it.each(bad)("refuses %j and says why", (text, reason) => {
    const result = Address.parse(text)
    if (Result.isSuccess(result)) return assert.fail(`read ${JSON.stringify(result.success)}`)
    assert.strictEqual(result.failure.text, text)
    assert.match(result.failure.reason, reason)
  })

  it.prop("never throws", [Schema.String], ([text]) => {
    Result.isSuccess(Address.parse(text))
  })

  it.prop(
    "reads what format writes",
    [
      Schema.Literals(["cache1", "10.0.0.1", "::1", "fe80::2"]),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65535 }))
    ],
    ([host, port]) => {
      const address = Address.tcp(host, port)
      assert.deepStrictEqual(Address.parse(Address.format(address)), server(address))
    }
  )
})

describe("format", () => {
  it("names the port always and puts IPv6 into brackets", () => {
    assert.strictEqual(Address.format(Address.tcp("cache1")), "cache1:11211")
    assert.strictEqual(Address.format(Address.tcp("::1", 1)), "[::1]:1")
    assert.strictEqual(Address.format(Address.unix("/a")), "unix:/a")
  })

  it("decides what is equal", () => {
    assert.isTrue(Address.equals(Address.tcp("a"), Address.tcp("a", 11211)))
    assert.isFalse(Address.equals(Address.tcp("a"), Address.unix("a")))
  })
})
