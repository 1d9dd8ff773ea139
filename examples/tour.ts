/**
 * A tour of the client: on embedded servers in this process, over real TCP, or on the servers that `MEMCACHE_SERVERS`
 * names. It ends by itself.
 *
 * Run it with `npm start`.
 */
import { Memcache, MemcacheLayer } from "@effect-memcache/client"
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Clock, Duration, Effect, Fiber, Inspectable, Option, Stream } from "effect"
import { bar, bold, call, dim, green, heading, line, makeRows, red, remark, title, yellow } from "./tour/Stage.ts"

type Embedded = Effect.Success<ReturnType<typeof EmbeddedMemcached.make>>

/** Runs an effect and tells how long it took, in milliseconds. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.timed(effect), ([duration, value]) => [value, Duration.toMillis(duration)] as const)

const show = (value: Option.Option<unknown>) =>
  Option.match(value, { onNone: () => yellow("none"), onSome: (some) => green(Inspectable.toStringUnknown(some, 0)) })

// Keys of the tour stand behind a prefix of their own, so that on a user's servers nothing else is touched.
const ttl = "2 minutes"

const values = Effect.gen(function*() {
  const cache = yield* Memcache
  heading("Values keep their types")
  const [, setTime] = yield* timed(cache.set("user:1", { name: "Ada", born: 1815 }, { ttl }))
  call(`set("user:1", { name: "Ada", born: 1815 }, { ttl })`, "stored", setTime)
  const [user, getTime] = yield* timed(cache.get("user:1"))
  call(`get("user:1")`, show(user), getTime)
  yield* cache.set("pi", Math.PI, { ttl })
  call(`get("pi")`, show(yield* cache.get("pi")))
  yield* cache.set("big", 2n ** 63n, { ttl })
  call(`get("big")`, show(Option.map(yield* cache.get("big"), (big) => `${big}, a ${typeof big}`)))
  call(`get("nobody")`, show(yield* cache.get("nobody")))
  const story = "Once upon a time there was a cache. ".repeat(500)
  yield* cache.set("story", story, { ttl })
  const stored = yield* cache.gets("story")
  const isSame = Option.exists(stored, ({ value }) => value === story)
  call(`set("story", 18,000 characters), then get`, isSame ? "the same, compressed on the way" : red("different"))
})

const keyErrors = Effect.gen(function*() {
  const cache = yield* Memcache
  heading("A wrong key is a typed error, and no byte is sent")
  const message = yield* cache.get("two words").pipe(
    Effect.as("no error"),
    Effect.catchTag("KeyCharacterError", (error) => Effect.succeed(error.message))
  )
  call(`get("two words")`, yellow("KeyCharacterError"))
  remark(message)
})

const batch = Effect.gen(function*() {
  const cache = yield* Memcache
  const servers = yield* cache.servers
  heading(`A batch goes to ${servers.length === 1 ? "the server" : `all ${servers.length} servers`} at once`)
  const entries = Array.from({ length: 300 }, (_, i) => [`item:${i}`, { id: i }] as const)
  const [notStored, setTime] = yield* timed(cache.setMany(entries, { ttl }))
  call("setMany(300 entries)", `${300 - notStored.length} stored`, setTime)
  const [found, getTime] = yield* timed(cache.getMany(entries.map(([key]) => key)))
  call("getMany(300 keys)", `${found.size} found`, getTime)
  const shares = yield* Effect.forEach(
    yield* cache.stats("items"),
    ([server, report]) =>
      Effect.map(Effect.result(Effect.fromResult(report)), (items) => [server, itemsIn(items)] as const)
  )
  for (const [server, count] of shares) bar(server, count, Math.max(...shares.map(([, count]) => count)))
  remark("items on each server, as its statistics say")
})

const itemsIn = (
  report: Effect.Success<ReturnType<typeof Effect.result<Map<string, string>, unknown, never>>>
): number => {
  if (report._tag === "Failure") return 0
  let sum = 0
  for (const [name, value] of report.success) if (name.endsWith(":number")) sum += Number(value)
  return sum
}

const counter = Effect.gen(function*() {
  const cache = yield* Memcache
  heading("A hundred fibers count to a thousand")
  yield* cache.delete("visits")
  const ten = Effect.replicateEffect(cache.increment("visits", { initial: 1n, ttl }), 10, { discard: true })
  const [, time] = yield* timed(Effect.replicateEffect(ten, 100, { concurrency: "unbounded", discard: true }))
  call(`increment("visits", { initial: 1n }), 1,000 times`, `${show(yield* cache.get("visits"))}, none lost`, time)
})

const race = Effect.gen(function*() {
  const cache = yield* Memcache
  heading("Twenty fibers race to change one value, and nobody's change is lost")
  yield* cache.set("list", [], { ttl })
  let conflicts = 0
  const append = (name: number): Effect.Effect<void, unknown> =>
    Effect.gen(function*() {
      const item = Option.getOrThrow(yield* cache.gets("list"))
      const outcome = yield* cache.compareAndSwap("list", [...item.value as Array<number>, name], item.cas, { ttl })
      if (outcome === "stored") return
      conflicts++
      yield* append(name)
    })
  yield* Effect.forEach(Array.from({ length: 20 }, (_, i) => i), append, { concurrency: "unbounded", discard: true })
  const list = Option.getOrThrow(yield* cache.get("list")) as Array<number>
  call("gets, compareAndSwap, and again on \"exists\"", `${list.length} changes, ${conflicts} conflicts`)
})

const death = Effect.fnUntraced(function*(embedded: ReadonlyArray<Embedded>) {
  const cache = yield* Memcache
  heading("A server dies, its keys move to the next one, and it comes back")
  const servers = yield* cache.servers
  // Ten keys for each server, so that every row has something to say.
  const keys = servers.map(({ server }) => ({ server, keys: [] as Array<string> }))
  const start = yield* Clock.currentTimeMillis
  const seconds = (at: number) => `${((at - start) / 1000).toFixed(1)} s`.padStart(6)
  const log: Array<string> = []
  const listener = yield* cache.events.pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => {
        const when = seconds(Number(event.at.epochMilliseconds))
        if (event._tag === "ServerDead") {
          const probe = seconds(Number(event.nextProbe.epochMilliseconds)).trim()
          log.push(`${when}  ${event.server} ${red("is dead")}, next probe at ${probe}`)
        }
        if (event._tag === "ServerReturned") log.push(`${when}  ${event.server} ${green("is back")}`)
      })
    ),
    Effect.forkChild({ startImmediately: true })
  )
  for (let i = 0; keys.some((row) => row.keys.length < 5) && i < 1_000; i++) {
    yield* cache.set(`key:${i}`, i, { ttl })
    const holder = embedded.findIndex(({ store }) => store.find(`tour:key:${i}`) !== undefined)
    if (holder >= 0 && keys[holder].keys.length < 5) keys[holder].keys.push(`key:${i}`)
  }
  const rows = makeRows(keys.map(({ server }) => server))
  for (let step = 0; step < 40; step++) {
    if (step === 8) yield* embedded[1].stop
    if (step === 18) yield* embedded[1].start
    for (const [row, { keys: own }] of keys.entries()) {
      const result = yield* Effect.result(cache.getMany(own))
      if (result._tag === "Failure") rows.add(row, red("×"))
      else if (result.success.size === own.length) rows.add(row, green("█"))
      else {
        rows.add(row, yellow("▒"))
        yield* Effect.ignore(cache.setMany(own.map((key) => [key, key] as const), { ttl }))
      }
    }
    rows.refresh()
    yield* Effect.sleep("75 millis")
  }
  rows.finish()
  yield* Fiber.interrupt(listener)
  remark(
    `${green("█")} all found   ${yellow("▒")} missed, and stored again   ${red("×")} failed     one column is 75 ms`
  )
  for (const entry of log) remark(entry)
})

const stateOfServers = Effect.gen(function*() {
  const cache = yield* Memcache
  const servers = yield* cache.servers
  heading("What the client knows of its servers")
  for (const { dialect, server, status, version } of servers) {
    const about = Option.match(version, { onNone: () => "", onSome: (version) => `memcached ${version}` })
    const spoken = Option.match(dialect, { onNone: () => "", onSome: (dialect) => `${dialect} dialect` })
    line(`   ${server.padEnd(24)} ${status === "dead" ? red(status) : green(status)}  ${dim(`${about}  ${spoken}`)}`)
  }
})

const tour = Effect.all([values, keyErrors, batch, counter, race], { discard: true })

const onEmbeddedServers = Effect.gen(function*() {
  const servers = yield* Effect.replicateEffect(EmbeddedMemcached.make(), 3)
  title("effect-memcache", `a tour on three embedded servers: ${servers.map(({ port }) => port).join(", ")}`)
  const cache = Memcache.layer({
    servers: servers.map(({ address }) => address),
    prefix: "tour:",
    deadHost: { policy: "rehash" }
  })
  yield* Effect.andThen(tour, Effect.andThen(death(servers), stateOfServers)).pipe(Effect.provide(cache))
})

const onYourServers = Effect.gen(function*() {
  title("effect-memcache", `a tour on ${process.env["MEMCACHE_SERVERS"]}`)
  yield* Effect.andThen(tour, stateOfServers).pipe(Effect.provide(MemcacheLayer))
  line()
  remark("Run it without MEMCACHE_SERVERS to see a server die and come back: yours are left alone.")
})

const program = process.env["MEMCACHE_SERVERS"] === undefined ? onEmbeddedServers : onYourServers

program.pipe(
  Effect.scoped,
  Effect.andThen(Effect.sync(() => line(`\n${bold("That was the tour.")} The README has a first program to copy.\n`))),
  NodeRuntime.runMain
)
