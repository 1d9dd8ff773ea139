/**
 * Five memcached servers, and clients of them that place keys as somebody else does.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { RealMemcached } from "@effect-memcache/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

export class Fleet extends Context.Service<Fleet, {
  /** `127.0.0.1:11211` each. */
  readonly addresses: ReadonlyArray<string>
}>()("interop/Fleet") {
  static readonly layer = (size: number): Layer.Layer<Fleet> =>
    Layer.orDie(Layer.effect(
      Fleet,
      Effect.map(
        Effect.all(Array.from({ length: size }, () => RealMemcached.make())),
        (servers) => Fleet.of({ addresses: servers.map(({ address }) => address) })
      )
    ))
}

/** A client that lives as long as the scope. */
export const connect = (options: MemcacheOptions): Effect.Effect<Memcache["Service"], never, Scope.Scope> =>
  Effect.map(
    Effect.orDie(Layer.build(Layer.fresh(Memcache.layer({
      // A busy machine must not fail a test.
      commandTimeout: "10 seconds",
      connectTimeout: "10 seconds",
      ...options
    })))),
    (context) => Context.get(context, Memcache)
  )
