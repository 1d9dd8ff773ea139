import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { OpaqueSet } from "../src/OpaqueSet.ts"
import { ask, make, open } from "./Proxied.ts"

describe("Traffic", () => {
  it.live("tells of commands, opaques that came twice, and what is no command", () =>
    Effect.gen(function*() {
      const opaques = new OpaqueSet()
      const first = yield* make({ opaques })
      const second = yield* make({ opaques })
      const start = performance.now()
      const one = yield* open(first.proxy)
      const other = yield* open(second.proxy)
      yield* ask(one, "mg a v O1\r\nmg b O2 v\r\nms c 2 O3\r\nhi\r\nget c\r\n")
      yield* ask(other, "mg a v O4\r\nmd b O2\r\nbogus line\r\nset c 0 0 2\r\nabc\r\n")
      assert.deepStrictEqual(opaques.repeated(), [["2", 2]])
      assert.strictEqual(opaques.size, 4)
      const { traffic } = first.proxy
      assert.deepStrictEqual([...traffic.commands], [["mg", 2], ["ms", 1], ["get", 1], ["mn", 1]])
      assert.deepStrictEqual([traffic.malformed, traffic.open, traffic.accepts.length], [0, 1, 1])
      assert.isAtLeast(traffic.accepts[0], start)
      assert.isAtMost(traffic.accepts[0], performance.now())
      assert.strictEqual(traffic.bytesUp, "mg a v O1\r\nmg b O2 v\r\nms c 2 O3\r\nhi\r\nget c\r\nmn\r\n".length)
      assert.strictEqual(traffic.bytesDown, "EN O1\r\nEN O2\r\nHD O3\r\nVALUE c 0 2\r\nhi\r\nEND\r\nMN\r\n".length)
      assert.strictEqual(second.proxy.traffic.malformed, second.server.counters.malformed)
      assert.include(second.proxy.traffic.malformedLines, "bogus line")
    }))

  it.live("reads nothing along when it is told so", () =>
    Effect.gen(function*() {
      const { proxy } = yield* make({ watch: false })
      yield* ask(yield* open(proxy), "mg a v O1\r\nbogus\r\n")
      assert.deepStrictEqual([proxy.traffic.commands.size, proxy.traffic.malformed], [0, 0])
      assert.isAbove(proxy.traffic.bytesUp, 0)
    }))
})
