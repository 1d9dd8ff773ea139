import { Memcache, type WriteFailure } from "@effect-memcache/client"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Queue, Schedule } from "effect"

const program = Effect.gen(function*() {
  const server = yield* EmbeddedMemcached.make()
  const failures = yield* Queue.sliding<WriteFailure>(100_000)

  const CacheLive = Memcache.layer({
    servers: server.address,
    deadHost: { schedule: Schedule.spaced("50 millis") },
    // Two more tries for reads that a lost connection, a timeout or a proxy's trouble has failed.
    readRetry: { schedule: Schedule.exponential("20 millis").pipe(Schedule.upTo({ times: 2 })) },
    // Keep what must be invalidated; a durable queue would also survive this process.
    onWriteFailure: (failure) => Queue.offer(failures, failure)
  })

  yield* Effect.gen(function*() {
    const cache = yield* Memcache
    yield* cache.set("user:1", { name: "Ada" }, { ttl: "1 hour" })

    // The database has changed, and the cache cannot be told.
    yield* server.stop
    yield* Effect.ignore(cache.delete("user:1"))
    const failure = yield* Queue.take(failures)
    yield* Console.log(`to be invalidated: ${String(failure.key)}`)

    // Later: again and again, until the server has confirmed it.
    yield* server.start
    yield* Effect.retry(cache.delete(failure.itemKey), Schedule.spaced("100 millis"))
    yield* Console.log(yield* cache.get("user:1"))
  }).pipe(Effect.provide(CacheLive))
}).pipe(Effect.scoped)

NodeRuntime.runMain(program)
