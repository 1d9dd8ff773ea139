import * as Address from "@effect-memcache/transport/Address"
import { assert, describe, it } from "@effect/vitest"
import * as Attributes from "../../../src/internal/telemetry/Attributes.ts"

describe("Attributes", () => {
  it.each([
    [Address.tcp("cache-1.example", 11311), { address: "cache-1.example", port: 11311 }],
    [Address.tcp("::1"), { address: "::1", port: 11211 }],
    [Address.unix("/run/m:1.sock"), { address: "/run/m:1.sock", port: undefined }]
  ])("say where %o is", (address, endpoint) => {
    assert.deepStrictEqual(Attributes.endpointOf(Address.format(address)), endpoint)
  })

  it("are text in metrics, and leave out what there is not", () => {
    assert.deepStrictEqual(Attributes.ofMetric("sessions", "10.0.0.1:11311"), {
      "db.system.name": "memcached",
      "db.namespace": "sessions",
      "server.address": "10.0.0.1",
      "server.port": "11311"
    })
    assert.deepStrictEqual(Attributes.ofMetric(undefined, "unix:/run/m.sock"), {
      "db.system.name": "memcached",
      "server.address": "/run/m.sock"
    })
  })

  it("have the port as a number in spans, and no server where several are asked", () => {
    assert.deepStrictEqual(Attributes.ofSpan(undefined, "get", "10.0.0.1:11311"), {
      "db.system.name": "memcached",
      "db.operation.name": "get",
      "server.address": "10.0.0.1",
      "server.port": 11311
    })
    assert.deepStrictEqual(Attributes.ofSpan("sessions", "get", undefined), {
      "db.system.name": "memcached",
      "db.namespace": "sessions",
      "db.operation.name": "get"
    })
  })
})
