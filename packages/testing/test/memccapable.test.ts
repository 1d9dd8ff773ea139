/**
 * libmemcached's own examination of a server: somebody else's idea of what memcached answers.
 */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { MemcachedServer } from "../src/MemcachedServer.ts"
import { isMissing } from "./Installed.ts"

const PROGRAM = "memccapable"

const examine = (port: number): Promise<string> =>
  new Promise((resolve, reject) =>
    execFile(PROGRAM, ["-h", "127.0.0.1", "-p", String(port), "-a"], (error, stdout, stderr) => {
      if (error !== null && stdout === "") reject(error)
      else resolve(stdout + stderr)
    })
  )

describe("memccapable", () => {
  it.skipIf(isMissing(PROGRAM))("passes 27 of 27 against the embedded server", { timeout: 30_000 }, async () => {
    const server = new MemcachedServer()
    await server.start()
    const report = await examine(server.port)
    await server.stop()
    const results = report.split("\n").filter((line) => /\[(?:pass|FAIL)\]/i.test(line))
    assert.deepStrictEqual(results.filter((line) => !line.includes("[pass]")), [])
    assert.strictEqual(results.length, 27)
    assert.include(report, "All tests passed")
  })
})
