/**
 * Rows of the fault matrix: very many interruptions, of commands whose replies come all the same.
 */
import type { Settled } from "@effect-memcache/testing/Checker"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type { Checked, Promised, Row } from "./Row.ts"
import { POOL } from "./Row.ts"
import * as Steady from "./Steady.ts"

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

const SIDE_BY_SIDE = 100
const ROUNDS = 100

const betweenWriteAndReply: Row = {
  number: 25,
  title: "interrupted between the write and the reply, 10,000 times, 100 side by side",
  expected: "the next operation gets its own value 10,000 times, on the same connections",
  quick: false,
  needs: "memcached",
  deadline: 5000,
  limit: 60,
  connects: POOL,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    const proxy = yield* row.faultProxy({ target: server })
    const { cache, checked, events } = yield* row.client({ servers: proxy.address, connectTimeout: "2 seconds" })
    const keys = numbers(SIDE_BY_SIDE * 2).map((i) => `key:${i}`)
    yield* Effect.repeat(Effect.forEach(keys, (key) => checked.set(key), { concurrency: "unbounded" }), {
      until: () => Effect.map(cache.servers, ([{ connections }]) => connections === POOL),
      times: 100
    })
    yield* proxy.set([{ _tag: "Latency", direction: "down", delay: 100 }])
    const sent = () => [...proxy.traffic.commands.values()].reduce((sum, count) => sum + count, 0)
    const before = sent()
    let own = 0
    let inTime = 0
    const others: Array<string> = []
    yield* Effect.forEach(
      numbers(SIDE_BY_SIDE),
      (i) =>
        Effect.forEach(numbers(ROUNDS), (round) =>
          Effect.gen(function*() {
            const victim = round % 4 === 3 ? checked.set(`victim:${i}`) : checked.get(keys[i])
            const fiber = yield* Effect.forkScoped(victim, { startImmediately: true })
            // After it was written at the end of the tick, and before its reply, which takes 100 ms.
            yield* Effect.sleep((i * 7 + round * 13) % 60)
            if (fiber.pollUnsafe() === undefined) inTime++
            const interrupting = yield* Effect.forkScoped(Fiber.interrupt(fiber), { startImmediately: true })
            const next = yield* checked.get(keys[SIDE_BY_SIDE + i])
            if (next.ended === "hit") own++
            else others.push(next.ended)
            yield* Fiber.join(interrupting)
          }), { discard: true }),
      { concurrency: "unbounded", discard: true }
    )
    const all = SIDE_BY_SIDE * ROUNDS
    row.expect("got its own value", own === all, own)
    row.expect("something else", others.length === 0, others.slice(0, 3).join(", ") || "nothing")
    // Where the loop stood still for long, a reply may have come first.
    row.expect("interrupted in time", inTime >= all * 0.99, inTime)
    row.expect("written all the same", sent() - before === 2 * all, sent() - before)
    yield* Effect.sleep(200)
    const [{ connections, inFlight }] = yield* cache.servers
    row.expect("still awaited", inFlight === 0, inFlight)
    const accepts = proxy.traffic.accepts.length
    const losses = events.filter(({ _tag }) => _tag === "ServerDisconnected").length
    row.expect("same connections", accepts === POOL && connections === POOL && losses === 0, accepts)
  })
}

const OPERATIONS = 100_000
const FIBERS = 200

/** On one connection: less than there are fibers. */
const BOUND = 60

const ENDINGS: ReadonlySet<string> = new Set([
  "absent",
  "hit",
  "stored",
  "deleted",
  "counted",
  "interrupted",
  "OverloadedError not-sent"
])

/** Like the steady load, with a set of counters, and deletions. */
const any = (checked: Checked, random: number): Effect.Effect<Settled<unknown, Promised>> => {
  const key = `key:${Math.floor(random * 1000)}`
  const which = (random * 1e6) % 10
  if (which < 4) return checked.get(key)
  if (which < 7) return checked.set(key)
  if (which < 8) return checked.delete(key)
  if (which < 9) return checked.increment(Steady.COUNTER)
  return checked.getMany([key, `${key}:b`, `key:${Math.floor(random * 999)}`])
}

const atRandom: Row = {
  number: 27,
  title: "100,000 operations, half of them interrupted at random",
  expected: "tombstones within the bound on what is in flight; no wrong value; memory bounded",
  quick: false,
  needs: "memcached",
  deadline: 5000,
  limit: 60,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    const client = yield* row.client({
      servers: server.address,
      connectTimeout: "2 seconds",
      stallTimeout: "10 seconds",
      maxInFlight: { commands: BOUND }
    })
    const { cache, checked } = client
    let most = 0
    yield* Effect.forkScoped(
      Effect.repeat(
        Effect.map(cache.servers, ([{ inFlight }]) => most = Math.max(most, inFlight)),
        Schedule.spaced(5)
      )
    )
    let begun = 0
    let interrupted = 0
    const one = Effect.gen(function*() {
      begun++
      const fiber = yield* Effect.forkChild(any(checked, Math.random()), { startImmediately: true })
      if (2 * interrupted < begun) {
        const random = Math.random()
        // What was answered first was not interrupted; the next ones make up for it.
        const isBehind = 2 * interrupted + 500 < begun
        // In the turn in which it is sent, after it was written, or when the replies come.
        if (random > 0.4 && !isBehind) yield* random < 0.9 ? Effect.yieldNow : Effect.sleep(random * 10 - 9)
        yield* Fiber.interrupt(fiber)
      }
      const exit = yield* Fiber.await(fiber)
      if (Exit.isFailure(exit)) interrupted++
      else if (exit.value.ended === "OverloadedError not-sent") yield* Effect.sleep(10)
    })
    const freeze = Effect.gen(function*() {
      // Nothing is answered for a moment, and what is interrupted meanwhile stays owed.
      yield* Effect.repeat(Effect.sync(() => begun), {
        until: (count) => count > OPERATIONS / 2,
        schedule: Schedule.spaced(5)
      })
      yield* server.stop
      yield* Effect.sleep(300)
      yield* server.resume
    })
    const freezing = yield* Effect.forkScoped(freeze)
    yield* Effect.forEach(numbers(FIBERS), () => Effect.repeat(one, { while: () => begun < OPERATIONS }), {
      concurrency: "unbounded",
      discard: true
    })
    yield* Fiber.join(freezing)
    const endings = Object.fromEntries(row.checker.ledger.tally())
    const others = Object.keys(endings).filter((ended) => !ENDINGS.has(ended))
    row.expect("endings", others.length === 0, endings)
    row.expect("interrupted", endings["interrupted"] >= OPERATIONS * 0.49, endings["interrupted"])
    const overloaded = endings["OverloadedError not-sent"] ?? 0
    row.expect("in flight at most", most > BOUND && most <= POOL * BOUND && overloaded > 0, most)
    const idle = yield* Effect.repeat(cache.servers, {
      until: ([{ inFlight }]) => inFlight === 0,
      schedule: Schedule.spaced(5),
      times: 200
    })
    row.expect("still awaited", idle[0].inFlight === 0, idle[0].inFlight)
    const again = yield* Effect.forEach(numbers(1000), (i) => checked.get(`key:${i}`))
    row.expect("read again", again.every(Steady.isServed), new Set(again.map(({ ended }) => ended)))
    yield* Steady.judgeCounter(row, client)
  })
}

export const rows: readonly [Row, Row] = [betweenWriteAndReply, atRandom]
