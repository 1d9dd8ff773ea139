/**
 * The commands that ask or tell every server, not the one that holds a key.
 *
 * @since 0.1.0
 */
import type { Command, StatsReport } from "@effect-memcache/protocol/Command"
import { STATS_REPORTS, verb } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { ArgumentError, isArgumentError, show } from "../../ArgumentError.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import { toExptime } from "../../TimeToLive.ts"
import type { Backend } from "../servers/Backend.ts"
import { refusal } from "./Answers.ts"
import type { Session } from "./Session.ts"
import { unixMillis } from "./Session.ts"
import { traced } from "./Tracing.ts"

/** What one server said, or why it did not. */
type Outcome<A> = Result.Result<A, MemcacheError>

const VERSION: Command = { _tag: "Version" }

/**
 * Asks every server at once for a report; a server that cannot answer is an entry with its error.
 *
 * @category commands
 * @since 0.1.0
 */
export const stats = (session: Session) =>
(
  section?: StatsReport
): Effect.Effect<Map<string, Outcome<Map<string, string>>>, ArgumentError> =>
  Effect.suspend(() =>
    section === undefined || isReport(section)
      ? tracedAll(session, "stats", askAll(session, { _tag: "Stats", report: section }, readStats))
      : Effect.fail(
        new ArgumentError({
          argument: "section",
          detail: `must be ${STATS_REPORTS.join(", ")} or "cachedump <class> <limit>", not ${show(section)}`
        })
      )
  )

/**
 * Asks every server at once for its version.
 *
 * @category commands
 * @since 0.1.0
 */
export const version = (session: Session): Effect.Effect<Map<string, Outcome<string>>> =>
  Effect.suspend(() => tracedAll(session, "version", askAll(session, VERSION, readVersion)))

/**
 * Tells every server to invalidate everything.
 *
 * @category commands
 * @since 0.1.0
 */
export const flushAll = (session: Session) =>
(
  options?: { readonly delay?: Exclude<TimeToLive, "Infinity"> | undefined }
): Effect.Effect<void, MemcacheError | ArgumentError> =>
  Effect.suspend((): Effect.Effect<void, MemcacheError | ArgumentError> => {
    const delay = toDelay(options?.delay, unixMillis())
    return isArgumentError(delay)
      ? Effect.fail(delay)
      : tellAll(session, { _tag: "FlushAll", delay, noreply: false })
  })

/**
 * Tells every server how much to log.
 *
 * @category commands
 * @since 0.1.0
 */
export const verbosity = (session: Session) => (level: number): Effect.Effect<void, MemcacheError | ArgumentError> =>
  Effect.suspend((): Effect.Effect<void, MemcacheError | ArgumentError> =>
    Number.isInteger(level) && level >= 0 && level <= MAX_LEVEL
      ? tellAll(session, { _tag: "Verbosity", level, noreply: false })
      : Effect.fail(
        new ArgumentError({
          argument: "level",
          detail: `must be a whole number from 0 to ${MAX_LEVEL}, not ${show(level)}`
        })
      )
  )

/** memcached itself knows levels up to 3. */
const MAX_LEVEL = 255

/** A delay follows the rules of a time to live, except that zero is a delay. */
const toDelay = (
  delay: Exclude<TimeToLive, "Infinity"> | undefined,
  nowMillis: number
): number | undefined | ArgumentError => {
  if (delay === undefined || isZero(delay)) return undefined
  const exptime = toExptime(delay, nowMillis)
  if (typeof exptime !== "number") return new ArgumentError({ argument: "delay", detail: exptime.detail })
  return exptime === 0 ? new ArgumentError({ argument: "delay", detail: "must end, not be infinite" }) : exptime
}

// Effect reads an object without a unit that it knows, or with NaN, as no time at all; nobody asked for that in words.
const isZero = (delay: Exclude<TimeToLive, "Infinity">): boolean => {
  if (typeof delay === "string" || Duration.isDuration(delay)) {
    return Option.exists(Duration.fromInput(delay), Duration.isZero)
  }
  if (typeof delay !== "object" || delay === null || DateTime.isDateTime(delay)) return false
  const parts: ReadonlyArray<unknown> = Object.values(delay)
  return parts.length > 0 && parts.every((part) => part === 0)
}

const askAll = <A>(
  session: Session,
  command: Command,
  read: (answer: Answer, server: string) => A | MemcacheError
): Effect.Effect<Map<string, Outcome<A>>> =>
  Effect.map(
    Effect.forEach(session.pool.backends(), (backend) => askOne(session, backend, command, read), {
      concurrency: "unbounded"
    }),
    (entries) => new Map(entries)
  )

const askOne = <A>(
  session: Session,
  backend: Backend,
  command: Command,
  read: (answer: Answer, server: string) => A | MemcacheError
): Effect.Effect<readonly [server: string, outcome: Outcome<A>]> => {
  const attempt = Effect.flatMap(backend.send(command), (answer) => {
    const outcome = read(answer, backend.name)
    return isMemcacheError(outcome) ? Effect.fail(outcome) : Effect.succeed(outcome)
  })
  return Effect.map(
    Effect.result(session.readRetry === undefined ? attempt : session.readRetry.around(command, attempt)),
    (result) => [backend.name, result]
  )
}

const tellAll = (session: Session, command: Command): Effect.Effect<void, MemcacheError> =>
  tracedAll(
    session,
    verb(command),
    Effect.flatMap(askAll(session, command, readOk), (outcomes) => {
      for (const outcome of outcomes.values()) if (Result.isFailure(outcome)) return Effect.fail(outcome.failure)
      return Effect.void
    })
  )

const tracedAll = <A, E>(session: Session, operation: string, run: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const backends = session.pool.backends()
  return traced(session, operation, backends.length === 1 ? backends[0] : undefined, run)
}

const readOk = (answer: Answer, server: string): true | MemcacheError =>
  answer.reply._tag === "Ok" ? true : refusal(answer, server)

const isReport = (section: string): boolean =>
  (STATS_REPORTS as ReadonlyArray<string>).includes(section) || /^cachedump \d{1,9} \d{1,9}$/.test(section)

const readStats = (answer: Answer, server: string): Map<string, string> | MemcacheError => {
  switch (answer.reply._tag) {
    case "End":
    case "Reset":
    case "Ok":
      return new Map(answer.stats.map((stat) => [stat.name, stat.value]))
    default:
      return refusal(answer, server)
  }
}

const readVersion = (answer: Answer, server: string): string | MemcacheError =>
  answer.reply._tag === "Version" ? answer.reply.version : refusal(answer, server)
