import * as Address from "@effect-memcache/transport/Address"
import { assert, it } from "@effect/vitest"
import * as ServerName from "../../../src/internal/distribution/ServerName.ts"

it("libmemcached's name leaves out memcached's own port only", () => {
  assert.strictEqual(ServerName.withoutDefaultPort(Address.tcp("Cache1")), "Cache1")
  assert.strictEqual(ServerName.withoutDefaultPort(Address.tcp("cache1", 11212)), "cache1:11212")
  assert.strictEqual(ServerName.withoutDefaultPort(Address.tcp("::1", 1)), "::1:1")
  assert.strictEqual(ServerName.withoutDefaultPort(Address.unix("/tmp/m.sock")), "/tmp/m.sock:0")
})

it("the others' name has the port always, and of a socket the path alone", () => {
  assert.strictEqual(ServerName.withPort(Address.tcp("Cache1")), "Cache1:11211")
  assert.strictEqual(ServerName.withPort(Address.tcp("::1", 1)), "::1:1")
  assert.strictEqual(ServerName.withPort(Address.unix("/tmp/m.sock")), "/tmp/m.sock")
})

it("a host is hashed as UTF-8", () => {
  assert.strictEqual(ServerName.withPort(Address.tcp("\u00e4")), "\u00c3\u00a4:11211")
})
