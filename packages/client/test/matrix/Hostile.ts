/**
 * Rows of the fault matrix: keys and numbers that would be commands, for everything that takes any.
 *
 * The tables below have an entry for every method there is, which the compiler checks, so that no new one is forgotten.
 */
import { Memcache } from "@effect-memcache/client"
import * as LargeValues from "@effect-memcache/client/LargeValues"
import type { MemcacheMethods } from "@effect-memcache/client/Memcache"
import * as MemcacheStore from "@effect-memcache/client/MemcacheStore"
import * as Checker from "@effect-memcache/testing/Checker"
import type { Settled } from "@effect-memcache/testing/Checker"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Promised, Row, Run } from "./Row.ts"

type Store = MemcacheStore.MemcacheStore<string, string>

/** What all operations are made with. */
interface Targets {
  readonly cache: Memcache["Service"]
  readonly store: Store
  readonly large: LargeValues.LargeValues
  /** Counts what a `getOrSet` computes. */
  readonly compute: Effect.Effect<string>
}

type Any = Effect.Effect<unknown, unknown>

/** Of what a method takes one thing is hostile; a method that takes no such thing has none. */
type Table<Methods> = Readonly<Record<keyof Methods, (targets: Targets, hostile: never) => ReadonlyArray<Any>>>

const none = (): ReadonlyArray<Any> => []

const GOOD = "good"

/** Every way to give a method a key. */
const keysOfCache: Table<MemcacheMethods> = {
  get: ({ cache }, key) => [cache.get(key), cache.get(["hash", key])],
  gets: ({ cache }, key) => [cache.gets(key)],
  getMany: ({ cache }, key) => [cache.getMany([GOOD, key]), cache.getMany([GOOD, ["hash", key]])],
  getManyPartial: ({ cache }, key) => [cache.getManyPartial([GOOD, key])],
  getAndTouch: ({ cache }, key) => [cache.getAndTouch(key, "1 minute")],
  set: ({ cache }, key) => [cache.set(key, "value"), cache.set([7, key], "value")],
  add: ({ cache }, key) => [cache.add(key, "value")],
  replace: ({ cache }, key) => [cache.replace(key, "value")],
  append: ({ cache }, key) => [cache.append(key, "value")],
  prepend: ({ cache }, key) => [cache.prepend(key, "value")],
  compareAndSwap: ({ cache }, key) => [cache.compareAndSwap(key, "value", 1n)],
  setMany: ({ cache }, key) => [cache.setMany([[GOOD, 1], [key, 2]])],
  setManyPartial: ({ cache }, key) => [cache.setManyPartial([[GOOD, 1], [key, 2]])],
  increment: ({ cache }, key) => [cache.increment(key), cache.increment(key, { initial: 1 })],
  decrement: ({ cache }, key) => [cache.decrement(key), cache.decrement(key, { initial: 1 })],
  delete: ({ cache }, key) => [cache.delete(key)],
  deleteMany: ({ cache }, key) => [cache.deleteMany([GOOD, key])],
  deleteManyPartial: ({ cache }, key) => [cache.deleteManyPartial([GOOD, key])],
  touch: ({ cache }, key) => [cache.touch(key, "1 minute")],
  getOrSet: ({ cache, compute }, key) => [
    cache.getOrSet(key, compute),
    cache.getOrSet(key, compute, { staleFor: "1 minute", claim: "key" })
  ],
  getOrVivify: ({ cache }, key) => [cache.getOrVivify(key), cache.getOrVivify(key, { claim: "key" })],
  invalidate: ({ cache }, key) => [cache.invalidate(key), cache.invalidate(key, { staleFor: "1 minute" })],
  // A claim has the key that `getOrVivify` has checked.
  fulfil: none,
  release: none,
  readThroughCounts: none,
  stats: none,
  version: none,
  flushAll: none,
  verbosity: none,
  setServers: none,
  servers: none,
  events: none,
  forgetDeadHosts: none,
  disconnectAll: none
}

const keysOfStore: Table<Store> = {
  prefix: none,
  get: ({ store }, key) => [store.get(key)],
  getMany: ({ store }, key) => [store.getMany([GOOD, key])],
  set: ({ store }, key) => [store.set(key, "value")],
  setMany: ({ store }, key) => [store.setMany([[GOOD, "1"], [key, "2"]])],
  delete: ({ store }, key) => [store.delete(key)],
  deleteMany: ({ store }, key) => [store.deleteMany([GOOD, key])],
  touch: ({ store }, key) => [store.touch(key)],
  modify: ({ store }, key) => [store.modify(key, (value) => value)],
  getOrSet: ({ compute, store }, key) => [store.getOrSet(key, compute)],
  invalidate: ({ store }, key) => [store.invalidate(key)]
}

/** More than one item holds: its parts have keys of their own, and must not be stored before the key is looked at. */
const IN_PARTS = new Uint8Array(2_000_000)

const keysOfLarge: Table<LargeValues.LargeValues> = {
  get: ({ large }, key) => [large.get(key)],
  set: ({ large }, key) => [large.set(key, "value"), large.set(key, IN_PARTS, { compression: false })],
  delete: ({ large }, key) => [large.delete(key)]
}

/** What is no good key as it is, with what it must end in. */
const texts: ReadonlyArray<readonly [name: string, key: string, ending: string]> = [
  ["CRLF and a command", "a\r\nflush_all\r\n", "KeyCharacterError"],
  ["CR", "a\rb", "KeyCharacterError"],
  ["LF", "a\nb", "KeyCharacterError"],
  ["LF at the end", "a\n", "KeyCharacterError"],
  ["space", "a b", "KeyCharacterError"],
  ["space alone", " ", "KeyCharacterError"],
  ["NUL", "a\0b", "KeyCharacterError"],
  ["tab", "a\tb", "KeyCharacterError"],
  ["0x01", "a\u0001b", "KeyCharacterError"],
  ["0x7f", "a\u007fb", "KeyCharacterError"],
  ["LF behind é", "é\n", "KeyCharacterError"],
  ["251 B", "k".repeat(251), "KeyLengthError"],
  ["200 × é", "é".repeat(200), "KeyLengthError"],
  ["a megabyte", "k".repeat(1_000_000), "KeyLengthError"],
  ["half a pair, high", "a\ud83d", "KeyEncodingError"],
  ["half a pair, low", "\udc00a", "KeyEncodingError"],
  ["a pair the wrong way round", "\udc00\ud83d", "KeyEncodingError"]
]

/** What a store, whose prefix stands before it, or its schema, takes in another way. */
const others: ReadonlyArray<readonly [name: string, key: unknown, ending: string]> = [
  ["empty", "", "KeyLengthError"],
  ["NaN", Number.NaN, "KeyEncodingError"],
  ["1.5", 1.5, "KeyEncodingError"],
  ["2^53", 2 ** 53, "KeyEncodingError"],
  ["Infinity", Infinity, "KeyEncodingError"],
  ["undefined", undefined, "KeyEncodingError"],
  ["null", null, "KeyEncodingError"],
  ["true", true, "KeyEncodingError"],
  ["a symbol", Symbol("a\r\n"), "KeyEncodingError"],
  ["an object that writes itself", { toString: () => "a\r\nflush_all" }, "KeyEncodingError"],
  ["a list", ["a\r\nflush_all"], "KeyEncodingError"],
  ["a function", () => "a", "KeyEncodingError"]
]

const prefixed = (cache: Memcache["Service"], prefix: never): ReadonlyArray<Any> => [
  cache.getMany([GOOD], { prefix }),
  cache.getManyPartial([GOOD], { prefix }),
  cache.setMany([[GOOD, 1]], { prefix }),
  cache.setManyPartial([[GOOD, 1]], { prefix }),
  cache.deleteMany([GOOD], { prefix }),
  cache.deleteManyPartial([GOOD], { prefix })
]

const keys: Row = {
  number: 66,
  title: "hostile keys, for every method",
  expected: "KeyError, 0 bytes written",
  quick: true,
  run: Effect.fnUntraced(function*(row) {
    yield* refuse(row, [
      ...[keysOfCache, keysOfStore, keysOfLarge].flatMap((table) =>
        texts.flatMap(([name, key, ending]) => attempts(table, name, key, ending))
      ),
      ...[keysOfCache, keysOfLarge].flatMap((table) =>
        others.flatMap(([name, key, ending]) => attempts(table, name, key, ending))
      ),
      ...texts.map(([name, prefix, ending]): Attempt => ({
        name: `prefix, ${name}`,
        ending,
        of: ({ cache }) => prefixed(cache, prefix as never)
      }))
    ])
  })
}

/** Every place for a number or a time in what a method takes. */
const numbersOfCache: Table<MemcacheMethods> = {
  get: none,
  gets: none,
  getMany: none,
  getManyPartial: none,
  getAndTouch: ({ cache }, ttl) => [cache.getAndTouch(GOOD, ttl)],
  set: ({ cache }, it) => [
    cache.set(GOOD, "value", { ttl: it }),
    cache.set(GOOD, "value", { compression: { level: it } }),
    cache.set(GOOD, "value", { compression: { threshold: it } })
  ],
  add: ({ cache }, ttl) => [cache.add(GOOD, "value", { ttl })],
  replace: ({ cache }, ttl) => [cache.replace(GOOD, "value", { ttl })],
  append: none,
  prepend: none,
  compareAndSwap: ({ cache }, it) => [
    cache.compareAndSwap(GOOD, "value", it),
    cache.compareAndSwap(GOOD, "value", 1n, { ttl: it })
  ],
  setMany: ({ cache }, ttl) => [cache.setMany([[GOOD, 1]], { ttl })],
  setManyPartial: ({ cache }, ttl) => [cache.setManyPartial([[GOOD, 1]], { ttl })],
  increment: ({ cache }, it) => [
    cache.increment(GOOD, { delta: it }),
    cache.increment(GOOD, { initial: it }),
    cache.increment(GOOD, { initial: 1, ttl: it })
  ],
  decrement: ({ cache }, it) => [
    cache.decrement(GOOD, { delta: it }),
    cache.decrement(GOOD, { initial: it }),
    cache.decrement(GOOD, { initial: 1, ttl: it })
  ],
  delete: none,
  deleteMany: none,
  deleteManyPartial: none,
  touch: ({ cache }, ttl) => [cache.touch(GOOD, ttl)],
  getOrSet: ({ cache, compute }, it) => [
    cache.getOrSet(GOOD, compute, { ttl: it }),
    cache.getOrSet(GOOD, compute, { staleFor: it }),
    cache.getOrSet(GOOD, compute, { earlyRefresh: it }),
    cache.getOrSet(GOOD, compute, { claimFor: it }),
    cache.getOrSet(GOOD, compute, { compression: { level: it } })
  ],
  getOrVivify: ({ cache }, it) => [
    cache.getOrVivify(GOOD, { staleFor: it }),
    cache.getOrVivify(GOOD, { earlyRefresh: it }),
    cache.getOrVivify(GOOD, { claimFor: it })
  ],
  // Asked for with a claim, below.
  fulfil: none,
  release: none,
  invalidate: ({ cache }, staleFor) => [cache.invalidate(GOOD, { staleFor })],
  readThroughCounts: none,
  stats: ({ cache }, section) => [cache.stats(section)],
  version: none,
  flushAll: ({ cache }, delay) => [cache.flushAll({ delay })],
  verbosity: ({ cache }, level) => [cache.verbosity(level)],
  setServers: none,
  servers: none,
  events: none,
  forgetDeadHosts: none,
  disconnectAll: none
}

const numbersOfStore: Table<Store> = {
  prefix: none,
  get: none,
  getMany: none,
  set: ({ store }, ttl) => [store.set(GOOD, "value", { ttl })],
  setMany: ({ store }, ttl) => [store.setMany([[GOOD, "1"]], { ttl })],
  delete: none,
  deleteMany: none,
  touch: ({ store }, ttl) => [store.touch(GOOD, ttl)],
  modify: none,
  getOrSet: ({ compute, store }, it) => [
    store.getOrSet(GOOD, compute, { ttl: it }),
    store.getOrSet(GOOD, compute, { staleFor: it })
  ],
  invalidate: ({ store }, staleFor) => [store.invalidate(GOOD, { staleFor })]
}

const numbersOfLarge: Table<LargeValues.LargeValues> = {
  get: none,
  set: ({ large }, ttl) => [large.set(GOOD, "value", { ttl })],
  delete: none
}

/** What is a number, or a time, in no place at all. */
const noNumbers: ReadonlyArray<readonly [name: string, value: unknown]> = [
  ["\"0\\r\\nflush_all\"", "0\r\nflush_all"],
  ["\"1 second\\r\\nflush_all\"", "1 second\r\nflush_all"],
  ["\"NaN seconds\"", "NaN seconds"],
  ["\"-1 seconds\"", "-1 seconds"],
  ["\"1e21 seconds\"", "1e21 seconds"],
  ["\"\"", ""],
  ["NaN", Number.NaN],
  ["1e21", 1e21],
  ["-1.5", -1.5],
  ["2^64", 2 ** 64],
  ["2^64 as a bigint", 2n ** 64n],
  ["-1 as a bigint", -1n],
  ["-Infinity", -Infinity],
  ["an object that writes itself", { toString: () => "0\r\nflush_all", valueOf: () => 1 }],
  ["a list", ["0\r\nflush_all"]],
  ["a duration below zero", Duration.negate(Duration.seconds(1))],
  ["a moment that is past", DateTime.makeUnsafe(0)]
]

const wrongNumbers: Row = {
  number: 67,
  title: "hostile numbers, for every method",
  expected: "ArgumentError, 0 bytes written",
  quick: true,
  run: Effect.fnUntraced(function*(row) {
    yield* refuse(
      row,
      [numbersOfCache, numbersOfStore, numbersOfLarge].flatMap((table) =>
        noNumbers.flatMap(([name, value]) => attempts(table, name, value, "ArgumentError"))
      ),
      noNumbers
    )
  })
}

interface Attempt {
  readonly name: string
  readonly ending: string
  readonly of: (targets: Targets) => ReadonlyArray<Any>
}

const attempts = <M>(table: Table<M>, name: string, hostile: unknown, ending: string): ReadonlyArray<Attempt> =>
  Object.entries<(targets: Targets, hostile: never) => ReadonlyArray<Any>>(table).map(([method, of]) => ({
    name: `${method}, ${name}`,
    ending,
    of: (targets) => of(targets, hostile as never)
  }))

/** Makes every attempt, and judges how it ended and that the server was sent nothing, on a connection that is open. */
const refuse = Effect.fnUntraced(function*(
  row: Run,
  all: ReadonlyArray<Attempt>,
  ofClaims: ReadonlyArray<readonly [name: string, value: unknown]> = []
) {
  const server = yield* row.faultServer()
  // Long, because so much is done in one turn; and with spans, which must not show what was given either.
  const { cache, checked } = yield* row.client({ servers: server.address, connectTimeout: "2 seconds" })
  const service = Effect.provideService(Memcache, cache)
  const options = { prefix: "store:", key: Schema.String, value: Schema.String, ttl: "1 minute" } as const
  let computed = 0
  const targets: Targets = {
    cache,
    store: yield* Effect.orDie(service(MemcacheStore.make(options))),
    large: yield* Effect.orDie(service(LargeValues.make())),
    compute: Effect.sync(() => `computed ${computed++}`)
  }
  const { value: lookup } = yield* checked.operation(cache.getOrVivify("claimed"))
  const claim = lookup?._tag === "Win" ? lookup.claim : undefined
  row.expect("connected", claim !== undefined && server.log.counters.bytesOfUsers > 0, lookup?._tag)
  const written = server.log.counters.bytesOfUsers
  const claims = claim === undefined ? [] : ofClaims.map(([name, value]): Attempt => ({
    name: `fulfil, ${name}`,
    ending: "ArgumentError",
    of: ({ cache }) => [
      cache.fulfil(claim, "value", { ttl: value as never }),
      cache.fulfil(claim, "value", { staleFor: value as never }),
      cache.fulfil(claim, "value", { compression: { level: value as never } })
    ]
  }))
  const settled: Array<Settled<unknown, Promised>> = []
  const wrong: Array<string> = []
  for (const { ending, name, of } of [...all, ...claims]) {
    for (const operation of of(targets)) {
      const one = yield* checked.operation(operation)
      settled.push(one)
      if (one.ended !== ending) wrong.push(`${name}: ${one.ended}`)
    }
  }
  // Whatever was begun has left by then.
  yield* Effect.sleep(100)
  row.fact("attempts", settled.length)
  row.expect("endings", wrong.length === 0, wrong.length === 0 ? Checker.endings(settled) : wrong.join("; "))
  row.expect("computed", computed === 0, computed)
  const bytes = server.log.counters.bytesOfUsers - written
  row.expect("bytes written", bytes === 0, bytes)
  const good = yield* checked.operation(cache.set(GOOD, "value"))
  row.expect("then", good.ended === "ok" && server.log.counters.bytesOfUsers > written, good.ended)
  row.expect("connections", server.log.counters.accepted === 1, server.log.counters.accepted)
})

export const rows: ReadonlyArray<Row> = [keys, wrongNumbers]
