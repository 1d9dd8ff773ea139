/**
 * What a user can do to stay fast, each measured against the other way of doing it: the figures of docs/PERFORMANCE.md.
 *
 * `npm run bench:advice`. One client, one server, in turns within one process; figures are medians of the turns, and
 * only those of one table can be compared.
 */
import * as EffectMemcache from "@effect-memcache/client"
import { Memcache } from "@effect-memcache/client"
import * as Format from "@effect-memcache/testing/Table"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Servers from "./Servers.ts"
import { median } from "./Summary.ts"

type Cache = Memcache["Service"]

/** One way of doing `items` things; answers when all are done. */
interface Way {
  readonly name: string
  readonly items: number
  readonly run: (cache: Cache) => Effect.Effect<unknown, unknown>
}

interface Question {
  readonly title: string
  /** The first is what the others are compared with. */
  readonly ways: ReadonlyArray<Way>
}

const TURNS = 9
const TURN_MILLISECONDS = 150
const WARM_UP_TURNS = 3
const COUNT = 1000

const keys = Array.from({ length: COUNT }, (_, i) => `advice:${String(i).padStart(6, "0")}`)
const text = "x".repeat(100)

class User extends Schema.Class<User>("User")({
  id: Schema.Int,
  name: Schema.String,
  email: Schema.String,
  tags: Schema.Array(Schema.String),
  isActive: Schema.Boolean
}) {}

const user = new User({ id: 7, name: "Ada Lovelace", email: "ada@example.com", tags: ["a", "b"], isActive: true })
const plainUser = { ...user, tags: [...user.tags] }

const each =
  (use: (cache: Cache, key: string) => Effect.Effect<unknown, unknown>, concurrency: number | "unbounded") =>
  (cache: Cache): Effect.Effect<unknown, unknown> =>
    Effect.forEach(keys, (key) => use(cache, key), { concurrency, discard: true })

/** A worker is a fiber that does one thing after the other. */
const workers =
  (count: number, use: (cache: Cache, key: string) => Effect.Effect<unknown, unknown>) => (cache: Cache) =>
    Effect.forEach(
      Array.from({ length: count }, (_, i) => i),
      (worker) =>
        Effect.forEach(keys.filter((_, i) => i % count === worker), (key) => use(cache, key), { discard: true }),
      { concurrency: "unbounded", discard: true }
    )

const get = (cache: Cache, key: string): Effect.Effect<unknown, unknown> => cache.get(key)

const questions = (store: EffectMemcache.MemcacheStore.MemcacheStore<string, User>): ReadonlyArray<Question> => [
  {
    title: "Reading 1,000 values of 100 bytes",
    ways: [
      { name: "one get after the other", items: COUNT, run: each(get, 1) },
      { name: "10 workers", items: COUNT, run: workers(10, get) },
      { name: "100 workers", items: COUNT, run: workers(100, get) },
      { name: "1,000 gets started at once", items: COUNT, run: each(get, "unbounded") },
      { name: "getMany", items: COUNT, run: (cache) => cache.getMany(keys) }
    ]
  },
  {
    title: "Storing 1,000 values of 100 bytes",
    ways: [
      { name: "one set after the other", items: COUNT, run: each((cache, key) => cache.set(key, text), 1) },
      { name: "100 workers", items: COUNT, run: workers(100, (cache, key) => cache.set(key, text)) },
      { name: "setMany", items: COUNT, run: (cache) => cache.setMany(keys.map((key) => [key, text] as const)) }
    ]
  },
  {
    title: "Reading what kind of value, 100 workers",
    ways: [
      { name: "text of 100 bytes", items: COUNT, run: workers(100, get) },
      { name: "bytes", items: COUNT, run: workers(100, (cache, key) => cache.get(`bytes:${key}`)) },
      {
        name: "an object of five fields, as JSON",
        items: COUNT,
        run: workers(100, (cache, key) => cache.get(`json:${key}`))
      },
      { name: "the same through a typed store", items: COUNT, run: workers(100, (_, key) => store.get(key)) },
      {
        name: "a hit of getOrSet",
        items: COUNT,
        run: workers(100, (cache, key) => cache.getOrSet(key, Effect.succeed(text)))
      }
    ]
  },
  {
    title: "A deadline of one's own, 100 workers",
    ways: [
      { name: "the client's commandTimeout", items: COUNT, run: workers(100, get) },
      {
        name: "Effect.timeout around every get",
        items: COUNT,
        run: workers(100, (cache, key) => Effect.timeout(cache.get(key), 1000))
      }
    ]
  },
  {
    title: "Text of 10 KB, 100 workers",
    ways: [
      {
        name: "reading it, stored as it is",
        items: COUNT,
        run: workers(100, (cache, key) => cache.get(`plain:${key}`))
      },
      {
        name: "reading it, stored compressed",
        items: COUNT,
        run: workers(100, (cache, key) => cache.get(`zlib:${key}`))
      },
      {
        name: "storing it as it is",
        items: COUNT,
        run: workers(100, (cache, key) => cache.set(`plain:${key}`, long, PLAIN))
      },
      { name: "storing it compressed", items: COUNT, run: workers(100, (cache, key) => cache.set(`zlib:${key}`, long)) }
    ]
  }
]

const PLAIN = { compression: false } as const
const long = Array.from({ length: 400 }, (_, i) => `line ${i} of a text that repeats `).join("").slice(0, 10_240)

const seed = Effect.fnUntraced(
  function*(cache: Cache, store: EffectMemcache.MemcacheStore.MemcacheStore<string, User>) {
    for (const key of keys) {
      yield* cache.set(key, text)
      yield* cache.set(`bytes:${key}`, new Uint8Array(100).fill(120))
      yield* cache.set(`json:${key}`, plainUser)
      yield* store.set(key, user)
      yield* cache.set(`plain:${key}`, long, PLAIN)
      yield* cache.set(`zlib:${key}`, long)
    }
  }
)

interface Figures {
  readonly microseconds: number
  readonly perSecond: number
}

/** Does it for a while; the processor time of this process and the things done, for each thing. */
const turn = Effect.fnUntraced(function*(way: Way, cache: Cache) {
  const start = performance.now()
  const before = process.cpuUsage()
  let done = 0
  do {
    yield* way.run(cache)
    done += way.items
  } while (performance.now() - start < TURN_MILLISECONDS)
  const used = process.cpuUsage(before)
  return { microseconds: (used.user + used.system) / done, perSecond: done / (performance.now() - start) * 1000 }
})

const answer = Effect.fnUntraced(function*({ title, ways }: Question, cache: Cache) {
  const figures = ways.map((): Array<Figures> => [])
  for (let round = -WARM_UP_TURNS; round < TURNS; round++) {
    for (const [i, way] of ways.entries()) {
      const figure = yield* turn(way, cache)
      if (round >= 0) figures[i]!.push(figure)
    }
  }
  const of = (i: number, key: keyof Figures): number => median(figures[i]!.map((figure) => figure[key]))
  const rows = ways.map(({ name }, i) => [
    name,
    Math.round(of(i, "perSecond")).toLocaleString("en-US"),
    of(i, "microseconds").toFixed(2),
    (of(i, "perSecond") / of(0, "perSecond")).toFixed(2)
  ])
  console.log(`${title}\n${Format.format([["", "a second", "µs of CPU each", "times the first"], ...rows])}\n`)
})

const program = Effect.gen(function*() {
  const servers = yield* Servers.start(false)
  const layer = Memcache.layer({ servers: [...servers.addresses(1)] })
  yield* Effect.gen(function*() {
    const cache = yield* Memcache
    const store = yield* EffectMemcache.MemcacheStore.make({
      prefix: "user:",
      key: Schema.String,
      value: User,
      ttl: "1 hour"
    })
    yield* seed(cache, store)
    console.log(`Node ${process.versions.node}, memcached ${servers.version}\n`)
    for (const question of questions(store)) yield* answer(question, cache)
  }).pipe(Effect.provide(layer))
})

await Effect.runPromise(Effect.scoped(program))
