/**
 * Rows of the fault matrix: a server or a network that is gone for a while without a word, under load.
 */
import * as Checker from "@effect-memcache/testing/Checker"
import * as Resources from "@effect-memcache/testing/Resources"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as CountingTransport from "../faults/CountingTransport.ts"
import type { Client, Row, Run } from "./Row.ts"
import { DEADLINE, POOL, SLACK } from "./Row.ts"
import * as Steady from "./Steady.ts"

/** Operations a second. */
const RATE = 2000

/** Milliseconds in which everything must be well again. */
const RECOVERY = 1000

/** The clients' default with a deadline of 250 ms. */
const STALL_TIMEOUT = 1000

interface Fault {
  readonly begin: Effect.Effect<void>
  readonly end: Effect.Effect<void>
  /** How long it lasts, in milliseconds. */
  readonly millis: number
}

interface Watched {
  readonly name: string
  readonly client: Client
  readonly perSecond: number
}

/** Lets the fault happen to some clients under load, and judges what they made of it. */
const suffer = Effect.fnUntraced(function*(
  row: Run,
  watched: ReadonlyArray<Watched>,
  fault: Fault
): Effect.fn.Return<{ readonly begun: number; readonly ended: number }, never, Scope.Scope> {
  // On a machine that is busy the first dial may take too long.
  yield* Effect.forEach(
    watched,
    ({ client }) =>
      Effect.repeat(client.checked.get("key:0"), { until: Steady.isServed, schedule: Schedule.spaced(50), times: 100 })
  )
  const loads = yield* Effect.forEach(
    watched,
    ({ client, perSecond }) => Steady.start(perSecond, (index) => Steady.mixed(client.checked, index))
  )
  yield* Effect.sleep(1000)
  const well = performance.now()
  yield* fault.begin
  const begun = performance.now()
  yield* Effect.sleep(fault.millis)
  const ended = performance.now()
  yield* fault.end
  yield* Effect.sleep(2 * RECOVERY)
  const all = yield* Effect.forEach(loads, ({ stop }) => stop)
  watched.forEach(({ client, name }, i) => {
    const before = all[i].filter(({ settle }) => settle < well)
    row.expect(`${name}: before`, before.length > 0 && before.every(Steady.isServed), Checker.endings(before))
    const during = all[i].filter(({ settle, start }) => start >= begun && settle < ended)
    const endings = Checker.endings(during)
    const isFailed = during.every(({ ended }) =>
      /^(TimeoutError|ConnectionLostError) (unknown|not-sent)$|^(ConnectError|ServerDeadError|OverloadedError) not-sent$/
        .test(ended)
    )
    row.expect(`${name}: during`, during.length > 0 && isFailed, endings)
    const slowest = Math.max(...all[i].map(({ settle, start }) => Steady.lasted(row, start, settle, DEADLINE)))
    row.expect(`${name}: slowest ms, less lag`, slowest <= DEADLINE + SLACK, slowest)
    const served = all[i].filter((one) => Steady.isServed(one) && one.settle > ended).map(({ settle }) => settle)
    const back = Steady.lasted(row, ended, Math.min(...served), RECOVERY)
    row.expect(`${name}: back after ms`, back <= RECOVERY, back)
    const after = all[i].filter(({ start }) => start > ended + RECOVERY)
    row.expect(`${name}: after`, after.length > 0 && after.every(Steady.isServed), Checker.endings(after))
    const losses = client.events.filter(({ _tag }) => _tag === "ServerDisconnected").length
    row.fact(`${name}: connections lost`, losses)
  })
  return { begun, ended }
})

/** As `/proc/net/tcp` has it. */
const SYN_SENT = "02"

const blackHole: Row = {
  number: 12,
  title: "a black hole behind a connection that is open",
  expected: "ops ≤ 250 + ≤ 50 ms; a new connection is tried within the stall limit of 1 s",
  quick: false,
  needs: "namespaces",
  run: Effect.fnUntraced(function*(row) {
    const network = row.network()
    const dials = CountingTransport.make()
    const client = yield* row.client({ servers: network.server.address }, dials.layer)
    let firstSyn = Infinity
    yield* Effect.forkScoped(Effect.forever(Effect.delay(
      Effect.sync(() => {
        if (Resources.systemSockets().some((socket) => socket.split(" ")[2] === SYN_SENT)) {
          firstSyn = Math.min(firstSyn, performance.now())
        }
      }),
      "20 millis"
    )))
    // Few enough that one connection has them all: a second one would be dialed for being busy (more than twenty in
    // flight), and not for the silence.
    const { begun } = yield* suffer(row, [{ name: "client", client, perSecond: 16 }], {
      begin: network.set([{ _tag: "Drop", direction: "both" }]),
      end: network.clear,
      millis: 3000
    })
    const lost = client.events.find(({ _tag, heard }) => _tag === "ServerDisconnected" && heard > begun)
    const lostAfter = Steady.lasted(row, begun, lost?.heard ?? Infinity, STALL_TIMEOUT)
    row.expect("connection given up after ms", lostAfter <= STALL_TIMEOUT + SLACK, lostAfter)
    const dial = dials.of(network.server.address).find((at) => at > begun) ?? Infinity
    const triedAfter = Steady.lasted(row, begun, dial, STALL_TIMEOUT)
    // The dial's first packet is seen by looking every few milliseconds, beside three other rows.
    row.expect("new one tried after ms", triedAfter <= STALL_TIMEOUT + 4 * SLACK, triedAfter)
    row.expect("SYN seen after ms", firstSyn < Infinity, firstSyn - begun)
    yield* Steady.judgeCounter(row, client)
  })
}

const frozen: Row = {
  number: 13,
  title: "a server that is frozen for 5 s, and thaws, at 2000 operations a second",
  expected: "during: ≤ 250 + ≤ 50 ms; after: ok ≤ 1 s; every late reply discarded",
  quick: false,
  needs: "memcached",
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    const client = yield* row.client({ servers: server.address })
    // It keeps its connections, so that everything that it has given up waiting for comes after all.
    const patient = yield* row.client({ servers: server.address, stallTimeout: "30 seconds" })
    let late = 0
    yield* suffer(row, [
      { name: "default", client, perSecond: RATE / 2 },
      { name: "patient", client: patient, perSecond: RATE / 2 }
    ], {
      begin: server.stop,
      end: Effect.tap(Effect.map(patient.cache.servers, ([state]) => late = state.inFlight), () => server.resume),
      millis: 5000
    })
    // The bound of one connection, and of all.
    row.expect("late replies", late >= 1000 && late <= POOL * 1000, late)
    const [{ inFlight }] = yield* patient.cache.servers
    row.expect("of them still awaited", inFlight === 0, inFlight)
    const losses = patient.events.filter(({ _tag }) => _tag === "ServerDisconnected").length
    row.expect("connections of the patient one lost", losses === 0, losses)
    yield* Steady.judgeCounter(row, client)
  })
}

const unplugged: Row = {
  number: 14,
  title: "a cable that is out for 3 s",
  expected: "during: ≤ 250 + ≤ 50 ms; after: ok ≤ 1 s; 0 wrong values",
  quick: false,
  needs: "namespaces",
  run: Effect.fnUntraced(function*(row) {
    const network = row.network()
    const client = yield* row.client({ servers: network.server.address })
    yield* suffer(row, [{ name: "client", client, perSecond: RATE }], {
      begin: network.set([{ _tag: "Unplugged" }]),
      end: network.clear,
      millis: 3000
    })
    yield* Steady.judgeCounter(row, client)
  })
}

export const rows: ReadonlyArray<Row> = [blackHole, frozen, unplugged]
