import { Memcache, MemcacheLayer, MemcacheStore } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Context, DateTime, Effect, Layer, Option, Schema } from "effect"

class Session extends Schema.Class<Session>("Session")({
  user: Schema.String,
  begun: Schema.DateTimeUtc,
  basket: Schema.Array(Schema.String)
}) {}

const SessionId = Schema.String.pipe(Schema.brand("SessionId"))
type SessionId = typeof SessionId.Type

class Sessions extends Context.Service<Sessions, MemcacheStore.MemcacheStore<SessionId, Session>>()("app/Sessions") {
  static readonly layer = Layer.effect(
    Sessions,
    MemcacheStore.make({ prefix: "session:", key: SessionId, value: Session, ttl: "30 minutes" })
  )
}

/** Every visit keeps the session for another 30 minutes. */
const visit = Effect.fnUntraced(function*(id: SessionId) {
  const sessions = yield* Sessions
  const session = yield* sessions.get(id)
  if (Option.isSome(session)) yield* sessions.touch(id)
  return session
})

/** Two tabs may do this at once: neither loses what the other has put in. */
const putInBasket = Effect.fnUntraced(function*(id: SessionId, thing: string) {
  const sessions = yield* Sessions
  return yield* sessions.modify(
    id,
    Option.map((session) => new Session({ ...session, basket: [...session.basket, thing] }))
  )
})

const program = Effect.gen(function*() {
  const sessions = yield* Sessions
  const id = SessionId.make("3f1c")
  yield* sessions.set(id, new Session({ user: "ada", begun: yield* DateTime.now, basket: [] }))

  yield* Effect.all([putInBasket(id, "tea"), putInBasket(id, "ink")], { concurrency: "unbounded" })
  const session = Option.getOrThrow(yield* visit(id))
  yield* Console.log(`${session.user} has ${session.basket.toSorted().join(" and ")}`)

  yield* sessions.delete(id)
  yield* Console.log(`signed out: ${Option.isNone(yield* visit(id))}`)

  // What another program writes is checked: this is no Session.
  const cache = yield* Memcache
  yield* cache.set("session:3f1d", { user: 7 })
  const error = yield* Effect.flip(visit(SessionId.make("3f1d")))
  yield* Console.log(error._tag)
})

program.pipe(Effect.provide(Layer.provideMerge(Sessions.layer, MemcacheLayer)), NodeRuntime.runMain)
