import { assert, describe, it } from "@effect/vitest"
import { EmbeddedMemcached } from "../src/EmbeddedMemcached.ts"
import * as PortOwner from "../src/PortOwner.ts"

const place = (port: number): PortOwner.Place => ({
  host: "127.0.0.1",
  port,
  path: undefined,
  isEncrypted: false,
  user: undefined
})

describe("PortOwner", () => {
  it("knows the process that listens from one that does not", async () => {
    const server = await EmbeddedMemcached.start()
    assert.isTrue(await PortOwner.owns(process.pid, place(server.port)))
    assert.isFalse(await PortOwner.owns(process.ppid, place(server.port)).catch(() => false))
    const other = await EmbeddedMemcached.start()
    await server.stop()
    assert.isFalse(await PortOwner.owns(process.pid, place(server.port)))
    assert.isTrue(await PortOwner.owns(process.pid, place(other.port)))
    await other.stop()
    assert.isFalse(await PortOwner.owns(process.pid, place(server.port)))
  })

  it("asks the server itself where the system does not tell", async () => {
    const users = [{ username: "ada", password: "secret" }]
    const open = await EmbeddedMemcached.start()
    const guarded = await EmbeddedMemcached.start({ users })
    assert.strictEqual(await PortOwner.askPid(place(open.port)), process.pid)
    assert.strictEqual(await PortOwner.askPid({ ...place(guarded.port), user: users[0] }), process.pid)
    assert.isUndefined(await PortOwner.askPid({ ...place(guarded.port), user: { username: "ada", password: "x" } }))
    await open.stop()
    await guarded.stop()
    assert.isUndefined(await PortOwner.askPid(place(open.port)))
  })
})
