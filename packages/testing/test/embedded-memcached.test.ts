import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { RawClient } from "./RawClient.ts"

const program = join(import.meta.dirname, "../src/embedded-memcached.ts")

const start = (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, ["--conditions=@effect-memcache/source", program, ...args])
  const said = { out: "", err: "" }
  child.stdout.on("data", (chunk: Buffer) => said.out += chunk.toString())
  child.stderr.on("data", (chunk: Buffer) => said.err += chunk.toString())
  const ended = once(child, "close").then(([code]) => code as number)
  const listening = async (): Promise<string> => {
    while (!said.out.includes("\n")) {
      await Promise.race([once(child.stdout, "data"), ended])
      if (child.exitCode !== null) throw new Error(said.err)
    }
    return /^listening on (.+)\n/.exec(said.out)?.[1] ?? assert.fail(said.out)
  }
  return { child, said, ended, listening }
}

const connect = (address: string): Promise<RawClient> => {
  const [host, port] = address.split(":")
  return RawClient.connect({ host, port: Number(port) })
}

describe("embedded-memcached", { timeout: 20_000 }, () => {
  it.each(["SIGTERM", "SIGINT"] as const)("serves with memcached's options and ends on %s with 0", async (signal) => {
    const server = start("-p", "0", "-U", "0", "-t", "4", "-u", "nobody", "-m", "8", "-I", "1k", "-F", "-C", "-vv")
    const client = await connect(await server.listening())
    assert.strictEqual(
      await client.ask(`set a 0 0 1\r\nx\r\ngets a\r\nflush_all\r\nset b 0 0 2000\r\n${"x".repeat(2000)}\r\n`),
      "STORED\r\nVALUE a 0 1 0\r\nx\r\nEND\r\nCLIENT_ERROR flush_all not allowed\r\n" +
        "SERVER_ERROR object too large for cache\r\n"
    )
    server.child.kill(signal)
    assert.strictEqual(await server.ended, 0)
    await client.closed()
  })

  it("ends by shutdown where -A allows it", async () => {
    const server = start("-p0", "-A")
    const client = await connect(await server.listening())
    client.send("shutdown\r\n")
    await client.closed()
    assert.strictEqual(await server.ended, 0)
  })

  it("listens on a unix socket", async () => {
    const directory = mkdtempSync(join(tmpdir(), "program-"))
    const server = start("-s", join(directory, "memcached.sock"))
    try {
      assert.strictEqual(await server.listening(), `unix:${join(directory, "memcached.sock")}`)
      const client = await RawClient.connect({ path: join(directory, "memcached.sock") })
      assert.strictEqual(await client.ask("version\r\n"), "VERSION 1.6.45\r\n")
      client.end()
    } finally {
      server.child.kill("SIGTERM")
      await server.ended
      rmSync(directory, { recursive: true })
    }
  })

  it("says in one sentence what it does not have, and ends with 64", async () => {
    const server = start("-p", "0", "-S")
    assert.strictEqual(await server.ended, 64)
    assert.deepStrictEqual(server.said, { out: "", err: "The embedded memcached has no option -S.\n" })
  })

  it("says that a port is taken, and ends with 71", async () => {
    const taken = Net.createServer().listen(0, "127.0.0.1")
    await once(taken, "listening")
    const address = taken.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const server = start("-p", String(port))
    assert.strictEqual(await server.ended, 71)
    assert.match(server.said.err, new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*\n$`))
    taken.close()
  })

  it("prints its help", async () => {
    const server = start("-h")
    assert.strictEqual(await server.ended, 0)
    assert.match(server.said.out, /^embedded-memcached: /)
  })
})
