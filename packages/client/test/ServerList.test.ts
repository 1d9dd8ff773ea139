import type { ServersInput } from "@effect-memcache/client/ServerList"
import { DEFAULT_SERVERS, parse } from "@effect-memcache/client/ServerList"
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Address from "@effect-memcache/transport/Address"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"

const tcp = (host: string, port?: number, weight = 1): Weighted => ({ address: Address.tcp(host, port), weight })
const unix = (path: string, weight = 1): Weighted => ({ address: Address.unix(path), weight })

describe("a list of servers", () => {
  const good: ReadonlyArray<readonly [input: ServersInput, servers: ReadonlyArray<Weighted>]> = [
    ["cache1", [tcp("cache1")]],
    ["cache1:1,cache2:2:3, [::1]:3 ,unix:/m.sock:2", [
      tcp("cache1", 1),
      tcp("cache2", 2, 3),
      tcp("::1", 3),
      unix("/m.sock", 2)
    ]],
    [["cache1", "cache2:2:3"], [tcp("cache1"), tcp("cache2", 2, 3)]],
    [["unix:/a,b"], [unix("/a,b")]],
    [[["cache1:1", 5], ["cache2:2:3", 7]], [tcp("cache1", 1, 5), tcp("cache2", 2, 7)]],
    [[{ host: "cache1" }, { host: "cache2", port: 2, weight: 3 }], [tcp("cache1"), tcp("cache2", 2, 3)]],
    [[{ host: "::1" }, { host: "[::2]", port: 1 }], [tcp("::1"), tcp("::2", 1)]],
    [[{ path: "/m.sock" }, { path: "/n.sock", weight: 2 }], [unix("/m.sock"), unix("/n.sock", 2)]],
    [[{ host: "cache1", port: undefined, weight: undefined }], [tcp("cache1")]]
  ]
  it.each(good)("is read from %j", (input, servers) => {
    assert.deepStrictEqual(parse(input), Result.succeed(servers))
  })

  const bad: ReadonlyArray<readonly [input: unknown, option: string, detail: RegExp]> = [
    ["", "servers", /empty/],
    [" ", "servers", /empty/],
    [[], "servers", /empty/],
    [undefined, "servers", /not undefined/],
    [{ host: "cache1" }, "servers", /not an object/],
    ["cache1,", "servers[1]", /"" is empty/],
    ["cache1,cache2:70000", "servers[1]", /"cache2:70000" has a port.*1 to 65535/],
    [["cache1", 5], "servers[1]", /not 5/],
    [[null], "servers[0]", /not null/],
    [[["cache1"]], "servers[0]", /an array/],
    [[["cache1", 0]], "servers[0]", /weight.*: 0$/],
    [[["cache1", -1]], "servers[0]", /weight.*: -1$/],
    [[["cache1", 1.5]], "servers[0]", /weight.*: 1\.5$/],
    [[["cache1", Number.NaN]], "servers[0]", /weight.*: NaN$/],
    [[["cache1", "2"]], "servers[0]", /weight.*: "2"$/],
    [[{}], "servers[0]", /host or a path/],
    [[{ host: "a", path: "/b" }], "servers[0]", /host or a path/],
    [[{ host: "" }], "servers[0]", /host/],
    [[{ host: "a b" }], "servers[0]", /"a b" has a character/],
    [[{ host: "a", port: 70000 }], "servers[0]", /1 to 65535: 70000$/],
    [[{ host: "a", port: "11211" }], "servers[0]", /port.*"11211"/],
    [[{ host: "a", weight: 0 }], "servers[0]", /weight/],
    [[{ path: "" }], "servers[0]", /no path/],
    ["a,b,a:11211", "servers[2]", /a:11211, which is servers\[0\] already.*weight/],
    [["unix:/a", { path: "/a" }], "servers[1]", /already/]
  ]
  it.each(bad)("is refused as %j", (input, option, detail) => {
    const result = parse(input as ServersInput)
    if (Result.isSuccess(result)) return assert.fail("was read")
    assert.strictEqual(result.failure.option, option)
    assert.match(result.failure.detail, detail)
  })

  it("is the local server by default", () => {
    assert.deepStrictEqual(parse("127.0.0.1:11211"), Result.succeed(DEFAULT_SERVERS))
  })
})
