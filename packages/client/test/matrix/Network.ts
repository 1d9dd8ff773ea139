/**
 * A row in a network of its own: the process that was started for it makes the network and a memcached at the far end,
 * and starts the row's process at the near end. What the row wants changed it asks for over the channel between them.
 */
import * as NetworkNamespace from "@effect-memcache/testing/NetworkNamespace"
import * as RealMemcached from "@effect-memcache/testing/RealMemcached"
import * as Effect from "effect/Effect"
import { once } from "node:events"

export interface Network {
  /** Of the memcached at the other end. */
  readonly server: { readonly address: string; readonly host: string; readonly port: number }
  /** Lets exactly this be wrong, for the connections that exist, too. */
  readonly set: (faults: ReadonlyArray<NetworkNamespace.NetworkFault>) => Effect.Effect<void>
  readonly clear: Effect.Effect<void>
  /** Takes this process's connections to the server away from it; answers how many there were. */
  readonly abort: Effect.Effect<number>
  /** Stops the server (SIGSTOP), and lets it go on. */
  readonly stop: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

/** What is asked for, and the answer. */
type Wish =
  | { readonly _tag: "Set"; readonly faults: ReadonlyArray<NetworkNamespace.NetworkFault> }
  | { readonly _tag: "Abort" | "Stop" | "Resume" }

const ADDRESS = "MATRIX_SERVER"

/** Whether this process stands at the near end already. */
export const isInside = (): boolean => process.env[ADDRESS] !== undefined

/** Runs a row's process in a new network; its exit code becomes ours. */
export const enclose = (args: ReadonlyArray<string>): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const network = yield* NetworkNamespace.make()
    const server = yield* RealMemcached.make({ args: ["-t", "1"], side: network.server })
    const fulfil = (wish: Wish): Effect.Effect<unknown, unknown> => {
      switch (wish._tag) {
        case "Set":
          return network.set(wish.faults)
        case "Abort":
          return network.abort(server.port)
        case "Stop":
          return server.stop
        case "Resume":
          return server.resume
      }
    }
    const child = yield* network.client.spawn(process.execPath, [...process.execArgv, ...args], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, [ADDRESS]: server.address }
    })
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    child.on("message", (wish: Wish) => {
      const answer = Effect.map(fulfil(wish), (value) => child.send({ value: value ?? null }))
      fork(Effect.catchCause(answer, () => Effect.sync(() => child.kill("SIGKILL"))))
    })
    const [code]: ReadonlyArray<unknown> = yield* Effect.promise(() => once(child, "exit"))
    process.exitCode = typeof code === "number" ? code : 1
  })))

/** The network that this process stands in. */
export const inside = (): Network => {
  const address = process.env[ADDRESS]
  if (address === undefined) throw new Error("Only rows that need namespaces have a network.")
  const [host, port] = address.split(":")
  return {
    server: { address, host, port: Number(port) },
    set: (faults) => Effect.asVoid(ask({ _tag: "Set", faults })),
    clear: Effect.asVoid(ask({ _tag: "Set", faults: [] })),
    abort: Effect.map(ask({ _tag: "Abort" }), Number),
    stop: Effect.asVoid(ask({ _tag: "Stop" })),
    resume: Effect.asVoid(ask({ _tag: "Resume" }))
  }
}

/** One wish at a time; the channel keeps the process alive only while an answer is awaited. */
const ask = (wish: Wish): Effect.Effect<unknown> =>
  Effect.promise(async () => {
    process.channel?.ref()
    const answer = once(process, "message")
    process.send?.(wish)
    const [message]: ReadonlyArray<unknown> = await answer
    process.channel?.unref()
    return (message as { readonly value: unknown }).value
  })
