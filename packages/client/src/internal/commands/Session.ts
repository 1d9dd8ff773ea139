/**
 * What all commands of one client share, and the way of a command for one key: check the key, pick the server, ask it,
 * read the answer.
 *
 * This is the hot path: one effect per command. Everything in it is plain code that runs where that effect begins or is
 * resumed, and the key costs nothing when it is plain ASCII. Whatever is out of the ordinary (no connection yet, a dead
 * server, a failure, a read to be tried again) is an effect that the caller goes on with.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { verb } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ArgumentError } from "../../ArgumentError.ts"
import type { KeyErrorOf, KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import type { KeyError } from "../../KeyError.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import { toExptime } from "../../TimeToLive.ts"
import type { Transcoder } from "../../Transcoder.ts"
import type { Pool } from "../servers/Pool.ts"
import { hitsOf, keysReadBy } from "../telemetry/Observer.ts"
import type { Spans } from "../telemetry/Spans.ts"
import type { ReadRetry } from "./ReadRetry.ts"
import { serverOf, spansOf } from "./Tracing.ts"
import type { Ending, Form, Reading, Resume } from "./Waiting.ts"
import { goingOn, isLater, theLongWay, Waiting } from "./Waiting.ts"
import type { WriteFailureHook } from "./WriteFailureHook.ts"

/**
 * One client: its servers and its options.
 *
 * @category models
 * @since 0.1.0
 */
export interface Session {
  readonly pool: Pool
  readonly transcoder: Transcoder
  /** What reading another language's serialised code does; absent for `"fail"`. */
  readonly onForeign?: "fail" | "miss" | undefined
  /** Stands before every plain key; "" for none. */
  readonly prefix: string
  /** For what is stored without a ttl. */
  readonly defaultTtl: TimeToLive | undefined
  /** Largest value that is written, in bytes: what is larger could not be read. */
  readonly maxItemSize: number
  /** Tries reads again; absent for never. */
  readonly readRetry?: ReadRetry | undefined
  /** Hears of writes that may not have happened; absent for nobody. */
  readonly writeFailures?: WriteFailureHook | undefined
  /** Makes spans where a tracer is installed; absent for never. */
  readonly spans?: Spans | undefined
}

/**
 * Sends the command for one key to the server of that key and reads the answer.
 *
 * @category combinators
 * @since 0.1.0
 */
export const ask = <I, K extends KeyInput, A, E = never>(
  session: Session,
  form: Form<I, A, E>,
  key: K,
  input: I
): Effect.Effect<A, MemcacheError | KeyErrorOf<K> | E> =>
  Effect.callback<A, MemcacheError | KeyErrorOf<K> | E>((resume) => begin(session, form, key, input, resume))

// Closures cost their context even where they are not made, so that each way on is a function of its own.
const begin = <I, K extends KeyInput, A, E>(
  session: Session,
  form: Form<I, A, E>,
  key: K,
  input: I,
  resume: Resume<A, MemcacheError | KeyErrorOf<K> | E>
): Effect.Effect<void> | void => {
  const wire = Key.wireOf(key, session.prefix)
  if (typeof wire !== "string") return resume(goingOn(form, input, keyFailure<K>(wire)))
  const command = form.commandOf(wire, input)
  if (isLater(command)) return resume(goingOn(form, input, sendLater(session, form, key, command, wire, input)))
  return session.readRetry === undefined && spansOf(session) === undefined
    ? submit(session, form, key, command, wire, input, resume)
    : resume(goingOn(form, input, send(session, form, key, command, wire, input)))
}

const sendLater = <I, A, E>(
  session: Session,
  form: Reading<I, A>,
  key: KeyInput,
  command: Effect.Effect<Command, E>,
  wire: WireKey,
  input: I
): Effect.Effect<A, MemcacheError | E> =>
  Effect.flatMap(command, (command) => send(session, form, key, command, wire, input))

/**
 * `ask` for a command that is made already, and whose failures are the caller's.
 *
 * @category combinators
 * @since 0.1.0
 */
export const send = <I, A>(
  session: Session,
  { late, read }: Reading<I, A>,
  key: KeyInput,
  command: Command,
  wire: WireKey,
  input: I
): Effect.Effect<A, MemcacheError> => {
  const spans = spansOf(session)
  if (spans === undefined) return trying(session, { read, late }, key, command, wire, input)
  const server = serverOf(session.pool.pick(wire, Key.hashOf(key)))
  return spans.around({ operation: verb(command), server }, (noteHits) => {
    const noting: typeof read = (answer, server, input) => {
      noteHits(hitsOf(answer))
      return read(answer, server, input)
    }
    return trying(session, { read: keysReadBy(command) === 0 ? read : noting, late }, key, command, wire, input)
  })
}

const trying = <I, A>(
  session: Session,
  form: Reading<I, A>,
  key: KeyInput,
  command: Command,
  wire: WireKey,
  input: I
): Effect.Effect<A, MemcacheError> => {
  const attempt = Effect.callback<A, MemcacheError>((resume) =>
    submit(session, form, key, command, wire, input, resume)
  )
  // At another try, the key may belong to another server.
  return session.readRetry === undefined ? attempt : session.readRetry.around(command, attempt)
}

/** Sends the command the short way if there is one, and answers what abandons it. */
const submit = <I, A, E>(
  session: Session,
  form: Ending<I, A, E>,
  key: KeyInput,
  command: Command,
  wire: WireKey,
  input: I,
  resume: Resume<A, MemcacheError | E>
): Effect.Effect<void> | void => {
  const backend = session.pool.pick(wire, Key.hashOf(key))
  if (isMemcacheError(backend)) return resume(goingOn(form, input, Effect.fail(backend)))
  const connection = backend.open()
  if (connection === undefined) {
    return resume(goingOn(form, input, theLongWay(backend, backend.send(command), form, input)))
  }
  const waiting = new Waiting(backend, connection, command, form, input, resume)
  waiting.ticket = connection.submit(command, waiting)
  return waiting
}

/**
 * A key error as the type of the key promises it: a `Key` has none, because it was checked when it was made.
 *
 * @category constructors
 * @since 0.1.0
 */
export const keyFailure = <K>(error: KeyError): Effect.Effect<never, KeyErrorOf<K>> =>
  Effect.fail(error) as Effect.Effect<never, unknown> as Effect.Effect<never, KeyErrorOf<K>>

/**
 * What memcached calls the exptime of a ttl, or of the client's own where there is none, from the clock of the fiber that
 * runs.
 *
 * @category accessors
 * @since 0.1.0
 */
export const exptimeOf = (session: Session, ttl: TimeToLive | undefined): number | ArgumentError => {
  const own = ttl ?? session.defaultTtl
  return own === undefined ? 0 : toExptime(own, unixMillis())
}

/**
 * Unix time in milliseconds by the clock of the fiber that runs.
 *
 * @category accessors
 * @since 0.1.0
 */
export const unixMillis = (): number => Fiber.getCurrent()!.getRef(Clock.Clock).currentTimeMillisUnsafe()
