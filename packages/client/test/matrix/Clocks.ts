/**
 * Rows of the fault matrix: an event loop that stands still, a wall clock that jumps, and times that no timer can keep.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client"
import { OptionsError } from "@effect-memcache/client/OptionsError"
import * as Checker from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import * as CountingTransport from "../faults/CountingTransport.ts"
import * as FakeTime from "./FakeTime.ts"
import type { Row, Run } from "./Row.ts"
import { DEADLINE, PROBE_INTERVAL, SLACK } from "./Row.ts"
import * as Steady from "./Steady.ts"

const STALL = 400

/** Bytes that wait in the kernel, received from a port and not read; Infinity where nobody can know. */
const received = (port: number): number => {
  try {
    const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
    // Columns: 2 is the remote address, 4 both queues in hexadecimal.
    return readFileSync("/proc/self/net/tcp", "latin1").split("\n").map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[2]?.endsWith(suffix))
      .reduce((sum, columns) => sum + Number.parseInt(columns[4].split(":")[1], 16), 0)
  } catch {
    return Infinity
  }
}

/** Does nothing at all, and longer if the server is not done by then: it is the loop that is late here, not the server. */
const standStill = (isDone: () => boolean): void => {
  const from = performance.now()
  while (performance.now() - from < STALL) void 0
  while (!isDone() && performance.now() - from < 10 * STALL) void 0
}

const stalledLoop: Row = {
  number: 18,
  title: "an event loop that stands still for 400 ms while the replies come, with 100 ms to answer",
  expected: "0 timeouts of 100",
  quick: true,
  needs: "memcached",
  deadline: 100,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    const { checked, events } = yield* row.client({ servers: server.address, connectTimeout: "2 seconds" })
    const keys = Array.from({ length: 20 }, (_, i) => `key:${i}`)
    yield* Effect.forEach(keys, (key) => checked.set(key))
    const settled: Array<Steady.Timed> = []
    let least = Infinity
    for (let i = 0; i < 5; i++) {
      const fibers = yield* Effect.forEach(
        keys,
        (key) => Effect.forkScoped(checked.get(key), { startImmediately: true })
      )
      // They are written at the end of the tick, which a microtask that is queued now comes after.
      yield* Effect.promise(() => Promise.resolve())
      standStill(() => received(server.port) > keys.length * 100)
      least = Math.min(least, received(server.port))
      settled.push(...yield* Effect.forEach(fibers, Fiber.join))
    }
    row.expect("bytes in the kernel", least > keys.length * 100, least)
    const endings = Checker.endings(settled)
    row.expect("endings", endings["hit"] === 100, endings)
    const quickest = Math.min(...settled.map(({ settle, start }) => settle - start))
    row.expect("quickest ms", quickest >= STALL, quickest)
    const losses = events.filter(({ _tag }) => _tag === "ServerDisconnected").length
    row.expect("connections lost", losses === 0, losses)
  })
}

const HOUR = 3_600_000

/** Milliseconds between two jumps: not in step with the probes. */
const BETWEEN_JUMPS = 470

/** One client whose operations are never answered, and one whose server is probed, while the wall clock jumps. */
const jump = Effect.fnUntraced(function*(
  row: Run,
  name: string,
  setClock: (hours: number) => void
): Effect.fn.Return<void, never, Scope.Scope> {
  const silent = yield* row.faultServer({ rules: [FaultScript.on({}, FaultScript.stall)] })
  const closed = yield* row.faultServer()
  yield* closed.stop
  const waiting = yield* row.client({
    servers: silent.address,
    connectTimeout: "2 seconds",
    stallTimeout: "10 seconds"
  })
  const dials = CountingTransport.make()
  const probing = yield* row.client({ servers: closed.address }, dials.layer)
  yield* probing.checked.get("key")
  // Not checked: the first one of a process takes as long as its code takes to be compiled, in the turn in which it begins.
  yield* Effect.exit(waiting.cache.get("key"))
  const clock = yield* Clock.Clock
  const offset = () => clock.currentTimeMillisUnsafe() - performance.now()
  const honest = offset()
  const jumps: Array<number> = []
  const load = yield* Steady.start(100, (i) => waiting.checked.get(`key:${i}`))
  for (const hours of [1, -1, 0]) {
    yield* Effect.sleep(BETWEEN_JUMPS)
    setClock(hours)
    jumps.push(Math.round((offset() - honest) / HOUR * 100) / 100)
  }
  yield* Effect.sleep(BETWEEN_JUMPS)
  const settled = yield* load.stop
  row.expect(`${name}: hours`, jumps.join(" ") === "1 -1 0", jumps.join(" "))
  const endings = Checker.endings(settled)
  row.expect(`${name}: endings`, settled.length > 100 && endings["TimeoutError unknown"] === settled.length, endings)
  const quickest = Math.min(...settled.map(({ settle, start }) => settle - start))
  row.expect(`${name}: quickest ms`, quickest >= DEADLINE - 1, quickest)
  const slowest = Math.max(...settled.map(({ settle, start }) => Steady.lasted(row, start, settle, DEADLINE)))
  row.expect(`${name}: slowest ms, less lag`, slowest <= DEADLINE + SLACK, slowest)
  // Without the first one, which was made for a command.
  const probes = dials.of(closed.address).slice(1)
  const pauses = probes.slice(1).map((at, i) => at - probes[i])
  // A pause begins when the probe before it has failed, so all that the loop was late belongs to it.
  const latest = Math.max(...pauses.map((pause, i) => pause - row.checker.lag.between(probes[i], probes[i + 1])))
  const isOnSchedule = pauses.length >= 2 && Math.min(...pauses) >= PROBE_INTERVAL - 1 &&
    latest <= PROBE_INTERVAL + SLACK
  row.expect(`${name}: probes after ms`, isOnSchedule, pauses.map(Math.round).join(" "))
})

const jumpingClock: Row = {
  number: 19,
  title: "a wall clock that jumps by an hour, there and back",
  expected: "every op ends at 250 + ≤ 50 ms; probes every 500 ms",
  quick: true,
  run: Effect.fnUntraced(function*(row) {
    const file = FakeTime.file()
    // The process that was started for this runs the same row, on a system clock that the file moves.
    if (file !== undefined) return yield* jump(row, "faketime", file.setHours)
    const faked = yield* Effect.forkScoped(FakeTime.run(["19"]))
    const real = yield* Clock.Clock
    let shift = 0
    const wall = () => real.currentTimeMillisUnsafe() + shift
    const nanos = () => real.currentTimeNanosUnsafe() + BigInt(shift) * 1_000_000n
    const injected: Clock.Clock = {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: real.monotonicTimeNanos,
      sleep: (duration) => real.sleep(duration)
    }
    yield* Effect.provideService(
      jump(row, "injected", (hours) => shift = hours * HOUR),
      Clock.Clock,
      injected
    )
    const outcome = yield* Fiber.join(faked)
    row.expect("faketime", outcome.problems.length === 0, outcome.problems.join("; ") || outcome.note)
    for (const { measured, name } of outcome.facts) if (name.startsWith("faketime: ")) row.fact(name, measured)
  })
}

/** Node's timers take 2^31 ms for 1 ms. */
const IMPOSSIBLE: Readonly<Record<string, Duration.Input>> = {
  "2^31": 2 ** 31,
  "2^31 + 0.5": Duration.millis(2 ** 31 + 0.5),
  infinity: Infinity,
  "for ever": Duration.infinity,
  "0": 0,
  zero: "0 seconds",
  "-1": -1,
  "minus a second": Duration.millis(-1000),
  NaN: Number.NaN
}

const LONGEST = 2 ** 31 - 1

const withTime: Readonly<Record<string, (time: Duration.Input) => MemcacheOptions>> = {
  commandTimeout: (commandTimeout) => ({ commandTimeout }),
  connectTimeout: (connectTimeout) => ({ connectTimeout }),
  stallTimeout: (stallTimeout) => ({ stallTimeout }),
  keepAlive: (keepAlive) => ({ keepAlive }),
  "deadHost.gutter.ttl": (ttl) => ({ deadHost: { policy: "gutter", gutter: { servers: "127.0.0.1:1", ttl } } })
}

const impossibleTimes: Row = {
  number: 20,
  title: "a time of 2^31 ms, of infinity, 0, -1 and NaN",
  expected: "rejected when the client is built, by name; the longest time that is allowed does not end at once",
  quick: true,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer({ rules: [FaultScript.on({}, FaultScript.delay(100), FaultScript.reply)] })
    const accepted: Array<string> = []
    let refused = 0
    for (const [option, options] of Object.entries(withTime)) {
      for (const [name, time] of Object.entries(IMPOSSIBLE)) {
        const layer = Memcache.layer({ servers: server.address, ...options(time) })
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(Layer.fresh(layer))))
        const error = Exit.isFailure(exit) && exit.cause.reasons.length === 1 ? Cause.squash(exit.cause) : undefined
        const isTyped = error instanceof OptionsError && error.option === option && Exit.isFailure(exit) &&
          exit.cause.reasons.every(Cause.isFailReason)
        if (isTyped) refused++
        else accepted.push(`${option} ${name}`)
      }
    }
    row.expect("not refused", accepted.length === 0, accepted.join(", ") || "none")
    row.fact("refused", refused)
    row.expect("connections of those", server.log.counters.accepted === 0, server.log.counters.accepted)
    const { checked, events } = yield* row.client({
      servers: server.address,
      commandTimeout: LONGEST,
      connectTimeout: LONGEST,
      stallTimeout: LONGEST,
      keepAlive: LONGEST
    })
    const settled = yield* Effect.forEach(["a", "b", "c"], (key) => checked.get(key))
    const endings = Checker.endings(settled)
    row.expect("with the longest", endings["absent"] === 3, endings)
    const quickest = Math.min(...settled.map(({ settle, start }) => settle - start))
    row.expect("quickest ms", quickest >= 99, quickest)
    const losses = events.filter(({ _tag }) => _tag === "ServerDisconnected").length
    row.expect("connections lost", losses === 0, losses)
  })
}

export const rows: ReadonlyArray<Row> = [stalledLoop, jumpingClock, impossibleTimes]
