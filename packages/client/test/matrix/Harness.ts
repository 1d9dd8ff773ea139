/**
 * Runs one row in a process of its own, and judges every invariant of the matrix in it.
 *
 * A1 to A3 are the checker's. A4 is counted here and by the exit code, A5, A6 and A9 are measured here, A7 and A8 are
 * read from the logs of the servers. A10, and whether the process ends by itself, is seen from outside (`Children.ts`).
 */
import * as CheckerModule from "@effect-memcache/testing/Checker"
import type { Checker } from "@effect-memcache/testing/Checker"
import * as Counters from "@effect-memcache/testing/Counters"
import * as FaultProxy from "@effect-memcache/testing/FaultProxy"
import * as FaultServer from "@effect-memcache/testing/FaultServer"
import * as Memory from "@effect-memcache/testing/Memory"
import { OpaqueSet } from "@effect-memcache/testing/OpaqueSet"
import { RealMemcached } from "@effect-memcache/testing/RealMemcached"
import * as Resources from "@effect-memcache/testing/Resources"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { setTimeout as delay } from "node:timers/promises"
import { inspect } from "node:util"
import * as Checking from "./Checking.ts"
import * as Network from "./Network.ts"
import type { Promised, Row, Run } from "./Row.ts"
import { DEADLINE, MARK, POOL, PROBE_INTERVAL, SLACK } from "./Row.ts"
import type { Fact, Verdict } from "./Verdict.ts"

const MEBIBYTE = 1_048_576

/** MiB. */
const MEMORY = 64

/** Milliseconds in which what is closed must be gone. */
const CLOSING = 250

/** Errors of each kind that are printed, for others to search. */
const PRINTED = 2

/** A measured value as it stands in the table; a record of counts as `300 hit, 2 absent`. */
const show = (measured: unknown): string => {
  if (typeof measured === "number") return String(Math.round(measured * 10) / 10)
  if (measured instanceof Set) return [...measured].map(show).join(" | ")
  if (typeof measured !== "object" || measured === null || Array.isArray(measured)) return String(measured)
  return Object.entries(measured).map(([name, value]) => `${show(value)} ${name}`).join(", ")
}

/** Everything that went wrong without anybody being told. */
interface Unhandled {
  readonly problems: Array<string>
  readonly stop: () => void
}

const watch = (): Unhandled => {
  // Node opens them when they are first used, which must not look like a leak.
  void [process.stdout, process.stderr]
  const problems: Array<string> = []
  const note = (what: string) => (reason: unknown) => {
    problems.push(`A4: ${what}: ${inspect(reason)}`)
  }
  const listeners = {
    // With --unhandled-rejections=strict a rejection comes here, too.
    uncaughtException: note("uncaught exception"),
    warning: note("warning")
  }
  for (const [event, listener] of Object.entries(listeners)) process.on(event, listener)
  return {
    problems,
    stop: () => {
      for (const [event, listener] of Object.entries(listeners)) process.off(event, listener)
    }
  }
}

/** What the row is given, and what is known of it afterwards. */
class Execution {
  readonly problems: Array<string> = []
  readonly facts: Array<Fact> = []
  readonly errors = new Map<string, Array<Promised>>()
  checker: Checker<Promised> | undefined = undefined

  private readonly servers: Array<FaultServer.Service> = []
  private readonly proxies: Array<FaultProxy.Service> = []
  // One for all of them, because a command that was sent to one server may not be sent to another either.
  private readonly opaques = new OpaqueSet()
  private readonly row: Row
  private readonly begun = performance.now()
  private clients = 0

  constructor(row: Row) {
    this.row = row
  }

  get deadline(): number {
    return this.row.deadline ?? DEADLINE
  }

  readonly effect: Effect.Effect<void, unknown, Scope.Scope> = Effect.suspend(() =>
    Effect.flatMap(
      CheckerModule.make({
        deadline: this.deadline,
        slack: SLACK,
        isExpected: Checking.isPromised,
        outcomeOf: Checking.outcomeOf,
        nameOf: Checking.nameOf,
        onFailure: (error, name) => this.keep(error, name),
        mark: MARK
      }),
      (checker) => {
        this.checker = checker
        return this.row.run(this.given(checker))
      }
    )
  )

  /** The points that are judged when everything is closed. */
  judge(): void {
    if (this.checker !== undefined) {
      this.problems.push(...this.checker.problems())
      if (this.checker.ledger.operations > 0) {
        this.fact("operations", this.checker.ledger.operations)
        this.fact("slowest ms", Math.round(this.checker.ledger.longest()))
        this.fact("loop late ms", Math.round(this.checker.lag.worst()))
      }
    }
    for (const { log } of this.servers) {
      const { count, opaque } = log.largestMultiplicity
      if (count > 1) this.problems.push(`A7: the opaque ${opaque} was sent ${count} times`)
      if (log.counters.malformed > 0) this.problems.push(`A8: ${log.counters.malformed} malformed requests`)
    }
    for (const [opaque, times] of this.opaques.repeated()) {
      this.problems.push(`A7: the opaque ${opaque} was sent ${times} times`)
    }
    for (const { traffic } of this.proxies) {
      if (traffic.malformed === 0) continue
      this.problems.push(`A8: ${traffic.malformed} malformed requests: ${traffic.malformedLines.join(", ")}`)
    }
    const accepted = [
      ...this.servers.map(({ log }) => log.counters.accepted),
      ...this.proxies.map(({ traffic }) => traffic.accepts.length)
    ].reduce((sum, count) => sum + count, 0)
    const most = this.row.connects ?? this.allowedConnects()
    if (accepted > most) this.problems.push(`A9: ${accepted} connections, ${most} are allowed`)
    if (this.servers.length + this.proxies.length > 0) this.fact("connections", accepted)
  }

  fact(name: string, measured: unknown): void {
    if (this.facts.some((fact) => fact.name === name)) return
    this.facts.push({ name, measured: show(measured) })
  }

  // A pool for each client and server, and one more whenever a probe may have been made.
  private allowedConnects(): number {
    const each = POOL + Math.ceil((performance.now() - this.begun) / PROBE_INTERVAL)
    return each * Math.max(this.clients, 1) * (this.servers.length + this.proxies.length)
  }

  private keep(error: Promised, name: string): void {
    const kept = this.errors.get(name)
    if (kept === undefined) this.errors.set(name, [error])
    else if (kept.length < PRINTED) kept.push(error)
  }

  private given(checker: Checker<Promised>): Run {
    return {
      checker,
      expect: (name, isSo, measured) => {
        this.fact(name, measured)
        if (!isSo) this.problems.push(`row: ${name}: ${show(measured)}`)
      },
      fact: (name, measured) => this.fact(name, measured),
      took: ({ settle, start }, limit) =>
        settle - start <= limit ? settle - start : settle - start - checker.lag.between(start + limit, settle),
      client: (options, transport) => {
        this.clients++
        return Checking.make(checker, this.deadline, options, transport)
      },
      faultServer: (options) =>
        Effect.tap(Effect.orDie(FaultServer.make(options)), (server) => Effect.sync(() => this.servers.push(server))),
      faultProxy: (options) =>
        Effect.tap(
          Effect.orDie(FaultProxy.make({ opaques: this.opaques, ...options })),
          (proxy) => Effect.sync(() => this.proxies.push(proxy))
        ),
      memcached: (options) =>
        Effect.orDie(RealMemcached.make({ ...options, args: ["-t", "1", ...options?.args ?? []] })),
      network: Network.inside,
      counted: (key, stored, options) => {
        const fault = Counters.fault(checker.counters.of(key), stored, options)
        if (fault !== undefined) this.problems.push(`A7: ${fault}`)
      }
    }
  }
}

/** Runs a row to its end. The process may end when this has answered, and should. */
export const run = async (row: Row): Promise<Verdict> => {
  const unhandled = watch()
  const before = Resources.count()
  const memory = Memory.measure()
  const execution = new Execution(row)
  const spans: Array<Tracer.NativeSpan> = []
  const exit = await Effect.runPromiseExit(
    Effect.scoped(execution.effect).pipe(
      Effect.provideService(References.MinimumLogLevel, "All"),
      row.traced === true ? Effect.withTracer(recorder(spans)) : (effect) => effect
    )
  )
  const grown = memory.growth() / MEBIBYTE
  execution.judge()
  const { problems } = execution
  if (Exit.isFailure(exit)) problems.push(`row: it died: ${Cause.pretty(exit.cause)}`)
  execution.fact("MiB", Math.round(grown))
  const allowed = row.memory ?? MEMORY
  if (grown > allowed) problems.push(`A5: the process grew by ${grown.toFixed(1)} MiB, ${allowed} are allowed`)
  for (const leak of await leaks(before)) problems.push(`A6: ${leak}`)
  print(execution.errors, spans)
  // Once more round the loop, for what is rejected late.
  await delay(0)
  unhandled.stop()
  return { row: row.number, problems: [...problems, ...unhandled.problems], facts: execution.facts, doneAt: Date.now() }
}

const leaks = async (before: Resources.Resources): Promise<ReadonlyArray<string>> => {
  const until = performance.now() + CLOSING
  // A loop that stands still for so long has closed nothing yet.
  for (let turns = 0;; turns++) {
    const left = Resources.leaks(before, Resources.count())
    if (left.length === 0 || performance.now() > until && turns >= 10) return left
    await delay(10)
  }
}

/** How many spans are kept. */
const SPANS = 50

const recorder = (spans: Array<Tracer.NativeSpan>): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      if (spans.length < SPANS) spans.push(span)
      return span
    }
  })

/** In every way in which programs print errors, so that it can be seen from outside that none of them tells a secret. */
const print = (errors: ReadonlyMap<string, ReadonlyArray<Promised>>, spans: ReadonlyArray<Tracer.NativeSpan>): void => {
  for (const error of [...errors.values()].flat()) {
    console.error(inspect(error, { depth: 10, showHidden: true }))
    console.error(String(error), error.stack, JSON.stringify(error))
    console.error(Cause.pretty(Cause.fail(error)))
  }
  for (const { attributes, events, name, status } of spans) {
    // What a span ended with is its caller's, not a text of ours; an exporter writes the failure only.
    const failure = status._tag === "Ended" && Exit.isFailure(status.exit) ? status.exit : undefined
    console.error(inspect({ name, attributes, events, failure }, { depth: 10, showHidden: true }))
  }
}
