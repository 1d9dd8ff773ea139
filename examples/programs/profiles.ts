import { MemcacheLayer, MemcacheStore } from "@effect-memcache/client"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Context, Effect, Layer, Schema } from "effect"

class UserProfile extends Schema.Class<UserProfile>("UserProfile")({ id: Schema.Int, name: Schema.String }) {}

class NoSuchUserError extends Schema.TaggedError<NoSuchUserError>("app/NoSuchUserError")("NoSuchUserError", {
  id: Schema.Int
}) {}

/** The database: slow, and asked as seldom as possible. */
class Database extends Context.Service<Database, {
  readonly names: Map<number, string>
  readonly queries: () => number
  readonly profile: (id: number) => Effect.Effect<UserProfile, NoSuchUserError>
}>()("app/Database") {
  static readonly layer = Layer.sync(Database, () => {
    const names = new Map([[1, "Ada"]])
    let queries = 0
    return {
      names,
      queries: () => queries,
      profile: Effect.fnUntraced(function*(id: number) {
        queries++
        yield* Effect.sleep("50 millis")
        const name = names.get(id)
        return name === undefined ? yield* new NoSuchUserError({ id }) : new UserProfile({ id, name })
      })
    }
  })
}

class Profiles extends Context.Service<Profiles, MemcacheStore.MemcacheStore<number, UserProfile>>()("app/Profiles") {
  static readonly layer = Layer.effect(
    Profiles,
    MemcacheStore.make({
      prefix: "profile:",
      // Another version for another schema: what the old program has stored is not read by the new one.
      version: 1,
      key: Schema.Int,
      value: UserProfile,
      ttl: "5 minutes",
      // In its last minute a profile is fetched anew while it is still given out; a popular one never expires.
      earlyRefresh: "1 minute",
      // And for an hour behind it, or after it was invalidated, rather an old profile than a slow one.
      staleFor: "1 hour"
    })
  )
}

const profile = Effect.fnUntraced(function*(id: number) {
  const profiles = yield* Profiles
  const database = yield* Database
  return yield* profiles.getOrSet(id, database.profile(id))
})

const rename = Effect.fnUntraced(function*(id: number, name: string) {
  const profiles = yield* Profiles
  const database = yield* Database
  database.names.set(id, name)
  yield* profiles.invalidate(id)
})

const program = Effect.gen(function*() {
  const database = yield* Database

  // A thousand at once, in however many processes: one query.
  const all = yield* Effect.all(Array.from({ length: 1000 }, () => profile(1)), { concurrency: "unbounded" })
  yield* Console.log(`${all.length} callers got ${all[0].name} by ${database.queries()} query`)

  // The next reader gets the old profile at once, and one query fetches the new one.
  yield* rename(1, "Ada Lovelace")
  yield* Console.log((yield* profile(1)).name)
  yield* Effect.sleep("200 millis")
  yield* Console.log((yield* profile(1)).name)
  yield* Console.log(`${database.queries()} queries`)

  // The database's own error, with its own type.
  yield* Console.log((yield* Effect.flip(profile(2)))._tag)
})

const MainLive = Layer.merge(Layer.provide(Profiles.layer, MemcacheLayer), Database.layer)

program.pipe(Effect.provide(MainLive), NodeRuntime.runMain)
