import { assert, describe, it } from "@effect/vitest"
import { EventEmitter, once } from "node:events"
import * as Net from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import * as Resources from "../src/Resources.ts"

describe("Resources", () => {
  it("a timer, a listener and a socket that are left show, and not when they are gone", async () => {
    const emitter = new EventEmitter()
    const emitters = { client: emitter }
    const before = Resources.count(emitters)
    assert.isEmpty(Resources.leaks(before, Resources.count(emitters)))

    const timer = setInterval(() => {}, 10_000)
    assert.lengthOf(Resources.leaks(before, Resources.count(emitters)), 1)
    clearInterval(timer)

    const listener = () => {}
    emitter.on("close", listener)
    assert.deepStrictEqual(Resources.leaks(before, Resources.count(emitters)), [
      "1 listeners of client: close, 0 before"
    ])
    emitter.off("close", listener)

    const server = Net.createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const left = Resources.leaks(before, Resources.count(emitters))
    assert.isTrue(left.some((leak) => leak.includes("TCPServerWrap")), left.join("; "))
    if (process.platform === "linux") assert.isTrue(left.some((leak) => leak.includes("system sockets")))
    server.close()
    await once(server, "close")
    // The handle outlives the event by a turn or two of the loop.
    for (let i = 0; i < 100 && Resources.leaks(before, Resources.count(emitters)).length > 0; i++) await delay(5)
    assert.isEmpty(Resources.leaks(before, Resources.count(emitters)))
  })

  it("what there is less of is no leak", () => {
    assert.isEmpty(Resources.leaks(new Map([["Timeout", 2]]), new Map([["Timeout", 1]])))
    assert.isEmpty(Resources.leaks(new Map(), new Map([["Immediate", 1]])))
  })
})
