/**
 * Rows of the fault matrix: what others have stored that JavaScript, or this client, must not take for something else.
 */
import { Memcache } from "@effect-memcache/client"
import * as MemcacheStore from "@effect-memcache/client/MemcacheStore"
import * as Checker from "@effect-memcache/testing/Checker"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Net from "node:net"
import type { Promised, Row, Run } from "./Row.ts"

const POISON = `{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"name":"Ada"}`

/** Names that an object has before anybody has given it any. */
const INHERITED = ["__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty", "__defineGetter__"]

const isPolluted = (): boolean => "polluted" in {} || "polluted" in [] || "polluted" in (() => {})

/** Items as another program would store them: bytes under flags of its own. */
const storeRaw = Effect.fnUntraced(function*(row: Run, servers: string, flags: number, entries: ReadonlyArray<string>) {
  const { checked, cache, close } = yield* row.client({
    servers,
    connectTimeout: "2 seconds",
    transcoder: { name: "bytes", flags },
    compression: undefined
  })
  yield* Effect.forEach(entries, (key) => checked.operation(cache.set(key, new TextEncoder().encode(POISON))))
  yield* close
})

class Person extends Schema.Class<Person>("Person")({ name: Schema.String }) {}

const prototypes: Row = {
  number: 70,
  title: "values and keys called __proto__",
  expected: "({}).polluted undefined; Map entry intact",
  quick: true,
  needs: "memcached",
  deadline: 2000,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    const base = { servers: server.address, connectTimeout: "2 seconds" } as const
    const formats = [
      ["standard", 32],
      ["json", 0],
      ["php-memcached", 6],
      ["dalli/json", 1],
      ["npm-memcached", 2]
    ] as const
    for (const [transcoder, flags] of formats) {
      const { cache, checked } = yield* row.client({ ...base, transcoder, compression: undefined })
      yield* storeRaw(row, server.address, flags, ["poison"])
      const read = yield* checked.operation(cache.get("poison"))
      const value: unknown = read.value?._tag === "Some" ? read.value.value : undefined
      const isPlain = typeof value === "object" && value !== null &&
        Object.getPrototypeOf(value) === Object.prototype && !("polluted" in value)
      row.expect(`${transcoder}: read`, read.ended === "ok" && isPlain, read.ended)
      row.expect(`${transcoder}: as it was`, JSON.stringify(value) === POISON, typeof value)
      const again = yield* checked.operation(cache.set("copy", value))
      const copy = yield* checked.operation(cache.get("copy"))
      row.expect(`${transcoder}: copied`, again.ended === "ok" && copy.ended === "ok", copy.ended)
      row.expect(`${transcoder}: polluted`, !isPolluted(), isPolluted())
    }

    const { cache, checked } = yield* row.client(base)
    yield* storeRaw(row, server.address, 32, ["person:poison"])
    const service = Effect.provideService(Memcache, cache)
    const options = { prefix: "person:", key: Schema.String, ttl: "1 minute" } as const
    const stores = {
      "a struct": yield* Effect.orDie(
        service(MemcacheStore.make({ ...options, value: Schema.Struct({ name: Schema.String }) }))
      ),
      "a class": yield* Effect.orDie(service(MemcacheStore.make({ ...options, value: Person })))
    }
    for (const [name, store] of Object.entries(stores)) {
      const { value } = yield* checked.operation<Option.Option<{ readonly name: string }>, unknown>(store.get("poison"))
      const person = value?._tag === "Some" ? value.value : undefined
      const own = person === undefined ? "" : Reflect.ownKeys(person).join()
      row.expect(`${name}: fields`, own === "name" && person?.name === "Ada" && !("polluted" in person), own)
    }

    // As keys: of items, of batches, and of everything that the client remembers by key.
    yield* Effect.forEach(INHERITED, (key) => checked.set(key))
    const all = yield* checked.getMany([...INHERITED, "absent"])
    const isWhole = all.value instanceof Map && [...all.value.keys()].join() === INHERITED.join()
    row.expect("getMany", all.ended === "hit" && isWhole, all.value?.size)
    const each = Checker.endings(yield* Effect.forEach(INHERITED, checked.get, { concurrency: "unbounded" }))
    row.expect("get", each["hit"] === INHERITED.length, each)
    const part = yield* checked.operation(cache.getManyPartial(INHERITED))
    const sizes = `${part.value?.values.size} values, ${part.value?.failed.size} failed`
    row.expect("getManyPartial", sizes === `${INHERITED.length} values, 0 failed`, sizes)
    const computed = yield* Effect.forEach(
      INHERITED,
      (key) => checked.operation(cache.getOrSet(`${key}`, Effect.succeed("computed")))
    )
    row.expect(
      "getOrSet",
      computed.every(({ ended, value }) => ended === "ok" && value !== "computed"),
      computed.length
    )
    const gone = yield* checked.operation(cache.deleteMany([...INHERITED, "absent"]))
    row.expect("deleteMany", gone.value?.join() === "absent", gone.value)
    const anew = yield* Effect.forEach(
      INHERITED,
      (key) => checked.operation(cache.getOrSet(key, Effect.succeed(key)), String)
    )
    row.expect("computed", anew.every(({ value }, i) => value === INHERITED[i]), anew.map(({ ended }) => ended))
    row.expect("polluted", !isPolluted(), isPolluted())
  })
}

/** Under every combination of the low flags, and some that only other clients have. */
const FOREIGN: ReadonlyArray<number> = [
  ...Array.from({ length: 2048 }, (_, flags) => flags),
  ...Array.from({ length: 21 }, (_, bit) => 2 ** (bit + 11)),
  0xffff,
  0xffff_0000,
  0xffff_ffff,
  0xdead_beef
]

const PAYLOAD = "42"

/** What the standard transcoder reads of these bytes; of all other flags it must say that it does not know them. */
const KNOWN: ReadonlyMap<number, unknown> = new Map<number, unknown>([[2, 42], [16, "42"], [32, 42], [64, 42]])

/** Serialised by python-memcached and pymemcache. */
const PICKLE = 1

const foreignFlags: Row = {
  number: 72,
  title: "flags of other clients",
  expected: "DecodeError with the item's bytes; never guessed",
  quick: true,
  needs: "memcached",
  deadline: 5000,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    const { cache, checked } = yield* row.client({ servers: server.address, connectTimeout: "2 seconds" })
    const missing = yield* row.client({ servers: server.address, connectTimeout: "2 seconds", onForeign: "miss" })
    yield* storeAll(server)
    const guessed: Array<string> = []
    const count = { read: 0, refused: 0, missed: 0 }
    const keys = FOREIGN.map((flags) => `flags:${flags}`)
    const settled = yield* Effect.forEach(keys, (key) => checked.operation(cache.get(key)), { concurrency: 100 })
    for (const [i, { error, value }] of settled.entries()) {
      const flags = FOREIGN[i]
      const found: unknown = value?._tag === "Some" ? value.value : undefined
      if (flags === 0 && found instanceof Uint8Array && new TextDecoder().decode(found) === PAYLOAD) count.read++
      else if (KNOWN.has(flags) && found === KNOWN.get(flags)) count.read++
      else if (flags !== 0 && !KNOWN.has(flags) && isRefusal(error, flags)) count.refused++
      else guessed.push(String(flags))
    }
    row.expect("read", count.read === KNOWN.size + 1, count.read)
    row.expect("refused", count.refused === FOREIGN.length - KNOWN.size - 1, count.refused)
    row.expect("guessed", guessed.length === 0, guessed.length === 0 ? 0 : guessed.slice(0, 20).join())

    const batch = ["flags:16", "flags:1", "flags:4294967295", "absent"]
    const whole = yield* checked.operation(cache.getMany(batch))
    row.expect("getMany", whole.ended === "DecodeError done", whole.ended)
    const { value: part } = yield* checked.operation(cache.getManyPartial(batch))
    const failed = [...part?.failed ?? []]
    const isPart = part?.values.get("flags:16") === "42" && part.values.size === 1 &&
      failed.map(([key]) => key).join() === "flags:1,flags:4294967295" &&
      failed.every(([key, error]) => isRefusal(error, Number(key.slice(6))))
    row.expect("getManyPartial", isPart, `${part?.values.size} values, ${failed.length} failed`)
    const swapped = yield* checked.operation(cache.gets("flags:4294967295"))
    row.expect("gets", swapped.ended === "DecodeError done", swapped.ended)

    // A miss is for what is known as another language's own, and not for what nobody knows.
    for (const [i, key] of keys.slice(0, 512).entries()) {
      const { ended, value } = yield* missing.checked.operation(missing.cache.get(key))
      if (value?._tag === "None") count.missed++
      if (value?._tag === "None" && FOREIGN[i] % 8 !== PICKLE) guessed.push(`${key} ${ended}`)
    }
    row.expect("missed", count.missed > 0 && count.missed <= 5 && guessed.length === 0, count.missed)
    const again = yield* checked.operation(cache.get("flags:16"))
    row.expect("then", again.ended === "ok", again.ended)
  })
}

/** A `DecodeError` that has the item, and prints nothing of it. */
const isRefusal = (error: Promised | MemcacheError | undefined, flags: number): boolean =>
  isMemcacheError(error) && error.reason._tag === "DecodeError" && error.reason.flags === flags &&
  new TextDecoder().decode(error.reason.bytes) === PAYLOAD && !error.message.includes(`"${PAYLOAD}"`)

const storeAll = ({ host, port }: { readonly host: string; readonly port: number }): Effect.Effect<void> =>
  Effect.promise(async () => {
    const socket = Net.connect({ host, port })
    socket.end(`${FOREIGN.map((flags) => `set flags:${flags} ${flags} 0 2\r\n${PAYLOAD}\r\n`).join("")}quit\r\n`)
    let text = ""
    for await (const chunk of socket) text += String(chunk)
    if (text !== "STORED\r\n".repeat(FOREIGN.length)) throw new Error("memcached did not store all of them.")
  })

export const rows: ReadonlyArray<Row> = [prototypes, foreignFlags]
