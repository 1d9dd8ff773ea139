/**
 * That a reset leaves nothing behind, whatever the socket was about.
 */
import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import * as Net from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { reset } from "../../src/internal/Reset.ts"

const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length

describe("reset", () => {
  for (const isEnding of [false, true]) {
    it(isEnding ? "destroys a socket whose end is on the way" : "resets a socket", async () => {
      const before = sockets()
      const errors: Array<Error> = []
      const server = Net.createServer((socket) => socket.on("error", () => {}).resume())
      await once(server.listen(0, "127.0.0.1"), "listening")
      const { port } = server.address() as Net.AddressInfo
      const socket = Net.connect(port, "127.0.0.1").on("error", (error) => errors.push(error))
      await once(socket, "connect")
      if (isEnding) {
        socket.end()
        await new Promise<void>((resolve) => process.nextTick(resolve))
      }
      reset(socket)
      await once(socket, "close")
      await new Promise((resolve) => server.close(resolve))
      for (let i = 0; i < 100 && sockets() > before; i++) await delay(20)
      assert.strictEqual(sockets(), before)
      assert.isEmpty(errors)
    })
  }
})
