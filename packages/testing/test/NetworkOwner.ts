/**
 * Makes a network with a process in it, says so, and waits to be killed.
 */
import * as Effect from "effect/Effect"
import * as NetworkNamespace from "../src/NetworkNamespace.ts"

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const network = yield* NetworkNamespace.make()
  const { pid } = yield* network.server.spawn("sleep", ["60"])
  process.send?.({ pid, launcher: network.server.launcher })
  return yield* Effect.never
})))
