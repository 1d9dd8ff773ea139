/**
 * Computations and those who wait for them, when the client ends before they do.
 */
import { Memcache } from "@effect-memcache/client"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"

describe("a client that is closed while values are computed", () => {
  for (const protocol of ["meta", "text"] as const) {
    it.live(`leaves its callers to compute alone, and interrupts none of them (${protocol})`, () =>
      Effect.gen(function*() {
        const server = yield* EmbeddedMemcached.make()
        const scope = yield* Scope.make()
        const layer = Layer.fresh(Memcache.layer({ servers: server.address, protocol }))
        const cache = Context.get(yield* Layer.buildWithScope(layer, scope), Memcache)
        const begun = yield* Deferred.make<void>()
        let runs = 0
        const compute = Effect.suspend(() => {
          const run = ++runs
          return run === 1 ? Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) : Effect.succeed(run)
        })
        const callers = yield* Effect.forEach(
          [1, 2, 3],
          () => Effect.forkChild(cache.getOrSet("key", compute, { ttl: "1 hour" }), { startImmediately: true })
        )
        yield* Deferred.await(begun)
        // The others look, and find that it is computed.
        yield* Effect.sleep(50)
        yield* Scope.close(scope, Exit.void)
        const exits = yield* Effect.forEach(callers, Fiber.await)
        assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, true])
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(cache.getOrSet("key", compute, { ttl: "1 hour" }))))
      }))
  }

  it.live("a caller that is interrupted then is still interrupted", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const scope = yield* Scope.make()
      const cache = Context.get(
        yield* Layer.buildWithScope(Layer.fresh(Memcache.layer({ servers: server.address })), scope),
        Memcache
      )
      const caller = yield* Effect.forkChild(cache.getOrSet("key", Effect.never, { ttl: "1 hour" }), {
        startImmediately: true
      })
      yield* Effect.sleep(50)
      yield* Scope.close(scope, Exit.void)
      yield* Effect.sleep(10)
      yield* Fiber.interrupt(caller)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(caller)))
    }))
})
