/**
 * What an Effect program with a socket holds before it has a client: the modules of Effect that the client uses, and a
 * runtime. It is no client, and only the works that measure an idle one know it.
 */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Driver, MakeDriver } from "../Driver.ts"

export const make: MakeDriver = async (): Promise<Driver> => {
  const runtime = ManagedRuntime.make(Layer.empty)
  const modules = [NodeSocket, Config, Schedule, Schema, Stream]
  return {
    round: async () => 0,
    verify: async () => undefined,
    touch: async () => {
      await runtime.runPromise(Effect.succeed(modules))
    },
    close: () => runtime.dispose()
  }
}
