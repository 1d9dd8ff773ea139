/**
 * Rows of the fault matrix: more than a server takes, and more than it survives.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import type { Settled } from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import { quantile } from "@effect-memcache/testing/Ledger"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { collector, rows as restarts, socketsTo } from "./Restarts.ts"
import type { Promised, Row } from "./Row.ts"
import { SLACK } from "./Row.ts"

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

const SETS = 100_000
const SIZE = 10_000

const isStored = (value: boolean): string => value ? "stored" : "not stored"

/** Commands in flight that a server may have. */
const BOUND = 1000

const frozen: Row = {
  number: 47,
  title: "10⁵ sets of 10 KB at a frozen server",
  expected: "beyond the bound OverloadedError at once (≤ 1 ms); RSS + ≤ 64 MiB",
  quick: false,
  needs: "memcached",
  deadline: 60_000,
  limit: 90,
  run: Effect.fnUntraced(function*(row) {
    const gc = collector()
    const server = yield* row.memcached()
    // It must stay frozen, and not be taken for dead, while all of them are refused.
    const { cache, checked } = yield* row.client({ servers: server.address, stallTimeout: "3 minutes" })
    yield* checked.set("first")
    yield* server.stop
    const values = numbers(BOUND).map((i) => new Uint8Array(SIZE).fill(i))
    const kept: Array<Fiber.Fiber<Settled<boolean, Promised>>> = []
    // No errors are kept: a hundred thousand of them are more than what is measured here.
    const endings: Record<string, number> = {}
    const times: Array<number> = []
    let inFlight = 0
    for (let i = 0; i < SETS; i++) {
      const set = checked.operation(cache.set(`key:${i % BOUND}`, values[i % BOUND]), isStored)
      const fiber = yield* Effect.forkChild(set, { startImmediately: true })
      const exit = fiber.pollUnsafe()
      // What is refused has ended before the call has returned.
      if (exit === undefined) kept.push(fiber)
      else if (Exit.isSuccess(exit)) {
        const { ended, settle, start } = exit.value
        endings[ended] = (endings[ended] ?? 0) + 1
        times.push(settle - start)
      }
      if (i % BOUND === BOUND - 1) {
        // Measured is what is kept, not what a collector without a processor has not got to.
        if (i % (5 * BOUND) === BOUND - 1) gc()
        // What is written leaves in another turn.
        yield* Effect.sleep(0)
        inFlight = Math.max(inFlight, ...(yield* cache.servers).map((state) => state.inFlight))
      }
    }
    const isRefused = endings["OverloadedError not-sent"] === SETS - BOUND && times.length === SETS - BOUND
    row.expect("refused before the call returns", isRefused, endings)
    row.expect("in flight", kept.length === BOUND && inFlight === BOUND, `${kept.length}, ${inFlight}`)
    const wall = Float64Array.from(times)
    row.expect("99 % within ms", quantile(wall, 0.99) <= 1, quantile(wall, 0.99).toFixed(3))
    // In the rest the collector or another process had its turn; lag is no measure, since the loop stands still here.
    row.fact("slowest ms, others' turns included", quantile(wall, 1))
    yield* server.resume
    const ended = Checker.endings(yield* Effect.forEach(kept, Fiber.join))
    row.expect("when it thaws", ended["stored"] === BOUND, ended)
    // The bound is as many keys as there are, and of each the first was taken.
    const wrong: Array<number> = []
    for (let i = 0; i < BOUND; i++) {
      const value = Option.getOrNull(yield* cache.get(`key:${i}`))
      const isRight = value instanceof Uint8Array && value.length === SIZE && value.every((byte) => byte === i % 256)
      if (!isRight) wrong.push(i)
    }
    row.expect("wrong values then", wrong.length === 0, wrong.length)
  })
}

const KEYS = 10_000
const TWICE = 2500
const ABSENT = 500
const DEADLINE = 3000
const PLANNING = 500

const manyKeys: Row = {
  number: 49,
  title: "getMany of 10,000 keys with duplicates, on three servers",
  expected: "a Map with the right values; with a bad server what the others have, and typed errors",
  quick: false,
  needs: "memcached",
  deadline: DEADLINE,
  limit: 60,
  run: Effect.fnUntraced(function*(row) {
    const servers = yield* Effect.replicateEffect(row.memcached(), 3)
    const addresses = servers.map(({ address }) => address)
    const deadHost = { failureLimit: 1_000_000 }
    const { cache, checked } = yield* row.client({
      servers: addresses,
      connectTimeout: "2 seconds",
      deadHost,
      // It counts from when the batch is planned, which without a processor takes a while for so many keys.
      commandTimeout: DEADLINE - PLANNING
    })
    const present = numbers(KEYS - ABSENT).map((i) => `key:${i}`)
    const absent = numbers(ABSENT).map((i) => `absent:${i}`)
    yield* Effect.forEach(present, (key) => checked.set(key, 1), { concurrency: 500, discard: true })
    // Every fourth key a second time, far from the first.
    const keys = [...present, ...absent]
    const asked = [...keys, ...keys.filter((_, i) => i % 4 === 0)]
    row.expect("asked for", asked.length === KEYS + TWICE && new Set(asked).size === KEYS, asked.length)

    const all = yield* checked.getMany(asked)
    row.expect("all", all.ended === "hit" && isMapOf(all.value, present), `${all.ended}, ${all.value?.size} values`)

    // Where each key lies is asked of the servers, one by one.
    const homes: Array<ReadonlySet<string>> = []
    for (const { address } of servers) {
      const alone = yield* row.client({ servers: address, connectTimeout: "2 seconds" })
      const { value } = yield* alone.checked.getMany(present)
      homes.push(new Set(value?.keys()))
      yield* alone.close
    }
    const sizes = homes.map(({ size }) => size)
    const isPartition = sizes.reduce((sum, size) => sum + size, 0) === present.length && Math.min(...sizes) > 0
    row.expect("keys of each server", isPartition, sizes.join(" "))

    const [bad] = servers
    const right = present.filter((key) => !homes[0].has(key))
    for (
      const [name, how, ending] of [
        ["frozen", bad.stop, /^TimeoutError unknown$/],
        [
          "killed",
          Effect.andThen(bad.resume, bad.kill),
          /^(ConnectError|ConnectionLostError|ServerDeadError) not-sent$/
        ]
      ] as const
    ) {
      yield* how
      yield* name === "killed" ? Effect.sleep(SLACK) : Effect.void
      const whole = yield* checked.getMany(asked)
      row.expect(`one ${name}: getMany`, ending.test(whole.ended), whole.ended)
      const part = yield* checked.operation(cache.getManyPartial(asked))
      const { failed = new Map(), values = new Map() } = part.value ?? {}
      const wrong = [...values].filter(([key, value]) => row.checker.stamps.judge(key, value) !== "right")
      const isRight = isMapOf(values, right) && wrong.length === 0
      row.expect(`one ${name}: the others`, isRight, `${values.size} values`)
      const isFailed = [...failed.keys()].every((key) => homes[0].has(key) || key.startsWith("absent"))
      const reasons = Checker.endings(Array.from(failed.values(), (error) => ({ ended: nameOf(error) })))
      const areTyped = Object.keys(reasons).every((reason) => ending.test(reason))
      const areAll = [...homes[0]].every((key) => failed.has(key))
      row.expect(`one ${name}: its own`, isFailed && areAll && areTyped, reasons)
    }
    const beyond = yield* checked.getMany(right)
    row.expect("the others alone", beyond.ended === "hit" && isMapOf(beyond.value, right), beyond.value?.size)
  })
}

const nameOf = (error: unknown): string =>
  isMemcacheError(error) ? `${error.reason._tag} ${error.outcome}` : String(error)

/** A `Map` of exactly these keys, in their order. */
const isMapOf = (map: unknown, keys: ReadonlyArray<string>): boolean => {
  if (!(map instanceof Map) || map.size !== keys.length) return false
  let i = 0
  for (const key of map.keys()) if (key !== keys[i++]) return false
  return true
}

const UNSENT = 32
const MEBIBYTE = 1_048_576

const closedUnsent: Row = {
  number: 50,
  title: "the scope is closed with 32 MB unsent, and the peer does not read",
  expected: "all settle ≤ 100 ms; 0 sockets after 250 ms",
  quick: true,
  deadline: 10_000,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer({ rules: [FaultScript.on({ verb: "mg" }, FaultScript.stopReading)] })
    const maxInFlight = { bytes: 2 * UNSENT * MEBIBYTE }
    const { cache, checked, close } = yield* row.client({
      servers: server.address,
      connectTimeout: "2 seconds",
      maxInFlight,
      maxItemSize: 2 * MEBIBYTE
    })
    // From here on the server does not read; it is not asked to answer.
    const stopped = yield* Effect.forkScoped(checked.get("a"), { startImmediately: true })
    yield* server.until((log) => log.count("mg") === 1)
    const value = new Uint8Array(MEBIBYTE).fill(0x78)
    const fibers = yield* Effect.forEach(
      numbers(UNSENT),
      (i) => Effect.forkScoped(checked.operation(cache.set(`key:${i}`, value)), { startImmediately: true })
    )
    yield* Effect.sleep(100)
    const waiting = (yield* cache.servers).reduce((sum, { inFlight }) => sum + inFlight, 0)
    const read = server.log.counters.bytesRead / MEBIBYTE
    row.expect("in flight", waiting >= UNSENT, waiting)
    row.expect("MB that the peer has read", read < 2, read)
    const before = socketsTo(server.port)
    row.expect("sockets before", before >= 1, before)
    const from = performance.now()
    yield* close
    const settled = yield* Effect.forEach([stopped, ...fibers], Fiber.join)
    const slowest = Math.max(
      ...settled.map(({ settle }) => settle - from - row.checker.lag.between(from + 100, settle))
    )
    row.expect("settled", settled.slice(1).every(({ ended }) => CLOSED.test(ended)), Checker.endings(settled))
    row.expect("after ms", slowest <= 100, slowest)
    while (socketsTo(server.port) > 0 && performance.now() - from < 250) yield* Effect.sleep(5)
    const left = socketsTo(server.port)
    row.expect("sockets after", left === 0, left)
    row.fact("gone after ms", performance.now() - from)
  })
}

/** What was written in part may have been carried out; what was not written was not. */
const CLOSED = /^ConnectionLostError (unknown|not-sent)$/

export const rows: ReadonlyArray<Row> = [frozen, manyKeys, closedUnsent, ...restarts]
