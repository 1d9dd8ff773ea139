import { Memcache, MemcacheStore } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"

const User = Schema.Struct({ id: Schema.Int, name: Schema.String })

/** What the Python program does: keys and flags are python-memcached's, and so is what happens when a server is away. */
const CacheLive = Memcache.layer({
  servers: process.env["MEMCACHE_SERVERS"] ?? "127.0.0.1:11211",
  profile: "python-memcached"
})

const program = Effect.gen(function*() {
  const cache = yield* Memcache

  // mc.set("user:1", json.dumps({...})): text that holds JSON. Both sides read and write it, so either may go first.
  const texts = yield* MemcacheStore.make({
    prefix: "user:",
    key: Schema.Int,
    value: Schema.fromJsonString(User),
    ttl: "1 hour"
  })
  yield* cache.set("user:1", "{\"id\": 1, \"name\": \"Ada\"}")
  yield* Console.log(yield* texts.get(1))
  yield* texts.set(2, { id: 2, name: "Grace" })
  yield* Console.log(yield* cache.get("user:2"))

  // mc.set("user:3", {...}): a pickle, which only Python can read, under flags 1. It is computed anew and written as JSON,
  // and the claim on a missing key is kept beside it, because Python would read an empty value.
  const python = yield* Effect.promise(() => pickledByPython("user:3"))
  yield* Console.log(`a pickle of ${python} bytes is there`)
  const user = yield* texts.getOrSet(3, Effect.succeed({ id: 3, name: "Mary" }), { claim: "key" })
  yield* Console.log(user.name)
  yield* Console.log(yield* cache.get("user:3"))
})

/** Stands for the Python program. */
const pickledByPython = async (key: string): Promise<number> => {
  const { connect } = await import("node:net")
  const [host, port] = (process.env["MEMCACHE_SERVERS"] ?? "127.0.0.1:11211").split(":")
  const pickle = Buffer.from("80037d71005803000000616765710172", "hex")
  const socket = connect({ host, port: Number(port) })
  socket.write(`set ${key} 1 0 ${pickle.length}\r\n`)
  socket.write(pickle)
  socket.write("\r\n")
  await new Promise((resolve) => socket.once("data", resolve))
  socket.destroy()
  return pickle.length
}

program.pipe(Effect.provide(CacheLive), NodeRuntime.runMain)
