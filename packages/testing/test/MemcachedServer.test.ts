import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Options } from "../src/MemcachedServer.ts"
import { MemcachedServer } from "../src/MemcachedServer.ts"
import { RawClient } from "./RawClient.ts"

const withServer = async (
  options: Options,
  use: (server: MemcachedServer, connect: () => Promise<RawClient>) => Promise<void>
): Promise<void> => {
  const server = new MemcachedServer(options)
  const clients: Array<RawClient> = []
  await server.start()
  try {
    await use(server, async () => {
      const where = options.path === undefined ? { host: server.host, port: server.port } : { path: options.path }
      const client = await RawClient.connect(where)
      clients.push(client)
      return client
    })
  } finally {
    for (const client of clients) client.end()
    await server.stop()
  }
}

describe("MemcachedServer", { timeout: 20_000 }, () => {
  it("answers in order, whatever pieces the requests come in", () =>
    withServer({}, async (_, connect) => {
      const client = await connect()
      const requests = "set a 0 0 5\r\nhello\r\nget a b\r\nmg a v O1\r\nbogus\r\nms b 2\r\nhi\r\nget a b\r\nmn\r\n"
      client.send(requests)
      const whole = await client.until((text) => text.endsWith("MN\r\n"))
      client.send("flush_all\r\n")
      await client.until((text) => text === "OK\r\n")
      for (const unit of requests) client.send(unit)
      assert.strictEqual(await client.until((text) => text.endsWith("MN\r\n")), whole)
      assert.strictEqual(
        whole,
        "STORED\r\nVALUE a 0 5\r\nhello\r\nEND\r\nVA 5 O1\r\nhello\r\nERROR\r\nHD\r\n" +
          "VALUE a 0 5\r\nhello\r\nVALUE b 0 2\r\nhi\r\nEND\r\nMN\r\n"
      )
    }))

  it("does not read from who does not read, and loses nothing", () =>
    withServer({}, async (server, connect) => {
      const client = await connect()
      await client.ask(`set big 0 0 1000000\r\n${"x".repeat(1_000_000)}\r\n`)
      client.socket.pause()
      client.send(`${"get big\r\n".repeat(200)}mn\r\n`)
      const other = await connect()
      // The other one is served while the first one does not read, and memory holds a few of the 200 MB at most.
      assert.strictEqual(await other.ask("get none\r\n"), "END\r\n")
      assert.isBelow(server.counters.commands.get("get") ?? 0, 100)
      client.socket.resume()
      let received = 0
      client.socket.removeAllListeners("data")
      await new Promise<void>((resolve) =>
        client.socket.on("data", (chunk: Buffer) => {
          received += chunk.length
          if (chunk.subarray(-4).toString() === "MN\r\n") resolve()
        })
      )
      assert.strictEqual(received, 200 * (1_000_000 + "VALUE big 0 1000000\r\n\r\nEND\r\n".length) + 4)
    }))

  it("answers what was asked before the other side closed its half, then closes", () =>
    withServer({}, async (_, connect) => {
      const client = await connect()
      client.send("set a 0 0 1\r\nx\r\nget a\r\nget")
      client.socket.end()
      assert.strictEqual(await client.closed(), "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n")
    }))

  it("answers all of it, also when that takes longer than the other side's half", () =>
    withServer({}, async (_, connect) => {
      const client = await connect()
      await client.ask(`set big 0 0 1000000\r\n${"x".repeat(1_000_000)}\r\n`)
      client.socket.pause()
      client.send("get big\r\n".repeat(30))
      client.socket.end()
      await new Promise((resolve) => client.socket.once("finish", resolve))
      client.socket.resume()
      const reply = await client.closed()
      assert.strictEqual(reply.length, 30 * (1_000_000 + "VALUE big 0 1000000\r\n\r\nEND\r\n".length))
    }))

  it("quit sends what is owed and closes, and what comes behind it is not done", () =>
    withServer({}, async (server, connect) => {
      const client = await connect()
      client.send("set a 0 0 1\r\nx\r\nquit\r\nflush_all\r\n")
      assert.strictEqual(await client.closed(), "STORED\r\n")
      assert.isDefined(server.engine.store.find("a"))
    }))

  it("closes without a word on a request of a browser and on an endless line", () =>
    withServer({}, async (server, connect) => {
      for (const bytes of ["GET / HTTP/1.1\r\n", "x".repeat(3000)]) {
        const client = await connect()
        client.send(bytes)
        assert.strictEqual(await client.closed(), "")
      }
      assert.isAtLeast(server.counters.malformed, 1)
    }))

  it("takes a get line of any length", () =>
    withServer({}, async (_, connect) => {
      const client = await connect()
      const keys = Array.from({ length: 2000 }, (_, i) => `key${i}`)
      assert.strictEqual(
        await client.ask(`set key7 0 0 1\r\nx\r\nget ${keys.join(" ")}\r\n`),
        "STORED\r\nVALUE key7 0 1\r\nx\r\nEND\r\n"
      )
    }))

  it("turns away who comes above the limit, and counts it", () =>
    withServer({ maxConnections: 1 }, async (server, connect) => {
      const first = await connect()
      await first.ask("")
      const second = await connect()
      assert.strictEqual(await second.closed(), "ERROR Too many open connections\r\n")
      assert.include(await first.ask("stats\r\n"), "STAT rejected_connections 1\r\n")
      assert.strictEqual(server.counters.accepted, 1)
      first.end()
      while (server.counters.current > 0) await new Promise((resolve) => setImmediate(resolve))
      const third = await connect()
      assert.strictEqual(await third.ask("get a\r\n"), "END\r\n")
    }))

  it("counts connections, commands by their word, and what was no command", () =>
    withServer({}, async (server, connect) => {
      const client = await connect()
      const other = await connect()
      await client.ask("get a\r\ngets a\r\nms a 1\r\nx\r\nget\r\nset a 0 0 1\r\nxyz\r\nget a\r\n")
      await other.ask("version\r\n")
      const { accepted, commands, current, malformed } = server.counters
      assert.deepStrictEqual([accepted, current], [2, 2])
      // The rest of the value that was too long is a line too.
      assert.strictEqual(malformed, 3)
      assert.deepStrictEqual(Object.fromEntries(commands), { get: 2, gets: 1, ms: 1, mn: 2, version: 1 })
    }))

  it("listens on a unix socket, also where a dead one lies", async () => {
    const directory = mkdtempSync(join(tmpdir(), "server-"))
    const path = join(directory, "memcached.sock")
    try {
      await withServer({ path }, async (server, connect) => {
        assert.strictEqual(server.address, `unix:${path}`)
        assert.strictEqual(await (await connect()).ask("set a 0 0 1\r\nx\r\n"), "STORED\r\n")
        await server.stop()
        await server.start()
        assert.strictEqual(await (await connect()).ask("get a\r\n"), "END\r\n")
      })
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it("lets nobody in before the right password, and forgives a wrong one", () =>
    withServer({ users: [{ username: "ada", password: "secret" }] }, async (server, connect) => {
      const client = await connect()
      client.send("version\r\n")
      assert.strictEqual(await client.until((text) => text.endsWith("\r\n")), "CLIENT_ERROR unauthenticated\r\n")
      client.send("set x 0 0 9\r\nada wrong\r\n")
      assert.strictEqual(await client.until((text) => text.endsWith("\r\n")), "CLIENT_ERROR authentication failure\r\n")
      client.send("set x 0 0 9\r\nada secrets\r\n")
      const replies = await client.until((text) => text.split("\r\n").length > 2 || text.includes("termination"))
      assert.match(replies, /^CLIENT_ERROR bad command line termination\r\n/)
      client.end()
      const known = await connect()
      known.send("set x 0 0 10 noreply\r\nada secret\r\n")
      assert.strictEqual(await known.until((text) => text.endsWith("\r\n")), "STORED\r\n")
      assert.strictEqual(await known.ask("get x\r\n"), "END\r\n")
      assert.include(await known.ask("stats\r\n"), "STAT auth_cmds 2\r\nSTAT auth_errors 1\r\n")
      assert.strictEqual(server.counters.commands.get("set"), undefined)
    }))

  it("refuses shutdown, or ends by it", async () => {
    await withServer({}, async (_, connect) => {
      assert.strictEqual(await (await connect()).ask("shutdown\r\n"), "SERVER_ERROR: shutdown not enabled\r\n")
    })
    let ends = 0
    await withServer({ onShutdown: () => ends++ }, async (_, connect) => {
      assert.strictEqual(await (await connect()).ask("shutdown now\r\n"), "CLIENT_ERROR invalid shutdown mode\r\n")
      const client = await connect()
      client.send("shutdown\r\n")
      assert.strictEqual(await client.closed(), "")
    })
    assert.strictEqual(ends, 1)
  })
})
