/**
 * Faults that last: a server that comes and goes for half a minute, and one that closes what is idle. They run side by
 * side, because they wait more than they work.
 */
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import * as LoopLag from "@effect-memcache/testing/LoopLag"
import { RealMemcached } from "@effect-memcache/testing/RealMemcached"
import * as Table from "@effect-memcache/testing/Table"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { reasonForNoRealMemcached } from "../Target.ts"
import * as CountingTransport from "./CountingTransport.ts"
import * as Rig from "./Rig.ts"

/** Both clients of row 57. */
const schedules = {
  "every 500 ms": Schedule.spaced(Rig.PROBE_INTERVAL),
  // The default's shape without its jitter, so that a step back shows.
  "1 s, doubling": Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")])
}

describe.concurrent("servers that try one's patience", () => {
  it.live(
    "row 57: a server that is 200 ms up and 200 ms down is not dialed more often for it",
    () =>
      Effect.gen(function*() {
        const server = yield* EmbeddedMemcached.make()
        const lag = yield* LoopLag.make
        const flapping = yield* Effect.forkScoped(
          Effect.forever(
            Effect.sleep(200).pipe(
              Effect.andThen(server.stop),
              Effect.andThen(Effect.sleep(200)),
              Effect.andThen(server.start)
            )
          )
        )
        const until = performance.now() + 30_000
        const observed = yield* Effect.forEach(Object.entries(schedules), ([name, schedule]) =>
          Effect.gen(function*() {
            const dials = CountingTransport.make()
            const cache = yield* Rig.client({ servers: server.address, deadHost: { schedule } }, dials.layer)
            const events = yield* Rig.events(cache)
            const operations: Array<Rig.Timed> = []
            yield* Effect.repeat(
              Effect.map(Rig.timed(cache.set("key", "value")), (operation) => void operations.push(operation)),
              { until: () => performance.now() > until, schedule: Schedule.spaced("10 millis") }
            )
            return { name, dials: dials.of(server.address).length, events, operations }
          }), { concurrency: "unbounded" })
        yield* Fiber.interrupt(flapping)
        const count = (tag: string, events: ReadonlyArray<{ readonly _tag: string }>): number =>
          events.filter(({ _tag }) => _tag === tag).length
        console.log(`row 57\n${
          Table.format([
            ["probes", "operations", "ok", "connected", "attempts", "deaths", "returns"],
            ...observed.map(({ dials, events, name, operations }) => [
              name,
              operations.length,
              Rig.endings(operations)["ok"] ?? 0,
              count("ServerConnected", events),
              dials,
              count("ServerDead", events),
              count("ServerReturned", events)
            ])
          ])
        }`)
        for (const { events, operations } of observed) {
          assert.isAtMost(count("ServerConnected", events), 60)
          for (const { ended, settle, start } of operations) {
            assert.match(
              ended,
              /^(ok|ServerDeadError not-sent|ConnectError not-sent|ConnectionLostError (not-sent|unknown))$/
            )
            assert.isAtMost(settle - start - lag.between(start, settle), Rig.COMMAND_TIMEOUT + Rig.SLACK)
          }
        }
        // Two hundred milliseconds are no recovery from a second and more.
        const doubling = observed[1]
        assert.isAtMost(doubling.dials, 20)
        const delays = doubling.events.flatMap((event) =>
          event._tag === "ServerDead"
            ? [DateTime.toEpochMillis(event.nextProbe) - DateTime.toEpochMillis(event.at)]
            : []
        )
        assert.isAtLeast(delays.length, 1)
        for (let i = 1; i < delays.length; i++) assert.isAtLeast(delays[i], 1.9 * delays[i - 1], delays.join(", "))
      }),
    45_000
  )

  it.live.skipIf(reasonForNoRealMemcached() !== undefined)(
    "row 60: a hundred connections that the server closed for being idle are not noticed by the next operation",
    () =>
      Effect.gen(function*() {
        const server = yield* RealMemcached.make({ args: ["-o", "idle_timeout=2"] })
        const clients = yield* Effect.forEach(Array.from({ length: 100 }), () =>
          Effect.gen(function*() {
            const cache = yield* Rig.client({
              servers: server.address,
              commandTimeout: "5 seconds",
              connectTimeout: "5 seconds"
            })
            const events = yield* Rig.events(cache)
            yield* cache.set("key", "value")
            return { cache, events }
          }), { concurrency: 10 })
        const closed = () =>
          clients.filter(({ events }) => events.some(({ _tag }) => _tag === "ServerDisconnected")).length
        yield* Effect.repeat(Effect.sync(closed), {
          until: (count) => count === 100,
          schedule: Schedule.spaced("50 millis"),
          times: 300
        })
        assert.strictEqual(closed(), 100)
        const operations = yield* Effect.forEach(clients, ({ cache }) => Rig.timed(cache.get("key")))
        console.log(
          `row 60: ${closed()} closed; the next operation took at most ${Rig.longest(operations).toFixed(1)} ms`
        )
        assert.deepStrictEqual(Rig.endings(operations), { ok: 100 })
        for (const { events } of clients) assert.isFalse(events.some(({ _tag }) => _tag === "ServerDead"))
      }),
    30_000
  )
})
