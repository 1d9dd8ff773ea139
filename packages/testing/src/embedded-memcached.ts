#!/usr/bin/env node
/**
 * The embedded memcached as a program, for scripts that expect the real one.
 *
 * @since 0.1.0
 */
import * as CommandLine from "./CommandLine.ts"
import { MemcachedServer } from "./MemcachedServer.ts"

// sysexits.h, as memcached itself exits when it cannot listen (71) or is told nonsense (64).
const EX_USAGE = 64
const EX_OSERR = 71

const main = async (): Promise<void> => {
  const asked = CommandLine.parse(process.argv.slice(2))
  switch (asked._tag) {
    case "Print":
      process.stdout.write(asked.text)
      return
    case "Refuse":
      process.stderr.write(`${asked.reason}\n`)
      process.exitCode = EX_USAGE
      return
    case "Run": {
      const end = (): void => void server.stop().then(() => process.exit(0))
      const server = new MemcachedServer({
        ...asked.options,
        onShutdown: asked.isShutdownAllowed ? end : undefined
      })
      process.on("SIGTERM", end)
      process.on("SIGINT", end)
      try {
        await server.start()
      } catch (error) {
        process.stderr.write(`Cannot listen on ${server.address}: ${error instanceof Error ? error.message : error}\n`)
        process.exitCode = EX_OSERR
        return
      }
      process.stdout.write(`listening on ${server.address}\n`)
    }
  }
}

await main()
