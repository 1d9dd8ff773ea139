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
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Connection, Settle } from "@effect-memcache/transport/Connection"
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { ArgumentError } from "../../ArgumentError.ts"
import type { KeyErrorOf, KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import type { KeyError } from "../../KeyError.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import { toExptime } from "../../TimeToLive.ts"
import type { Transcoder } from "../../Transcoder.ts"
import type { Backend } from "../servers/Backend.ts"
import type { Pool } from "../servers/Pool.ts"
import { hitsOf, keysReadBy } from "../telemetry/Observer.ts"
import type { Spans } from "../telemetry/Spans.ts"
import type { ReadRetry } from "./ReadRetry.ts"
import { serverOf, spansOf } from "./Tracing.ts"
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

/** Makes of an answer what the caller gets. It may throw what a transcoder throws. */
type Read<A> = (answer: Answer, server: string) => Effect.Effect<A, MemcacheError>

/** Hears of an answer that came when its caller was gone. It runs in no fiber. */
type Late = (answer: Answer, server: string) => void

/**
 * Sends the command for one key to the server of that key and reads the answer. A command that cannot be made at once is
 * an effect. With `late`, an interrupted command is not dropped: what it has done, somebody may have to undo. With
 * `goOn`, no error is the caller's, and what succeeds at once pays nothing for that.
 *
 * @category combinators
 * @since 0.1.0
 */
export const ask = <K extends KeyInput, A, E = never>(
  session: Session,
  key: K,
  commandOf: (key: WireKey) => Command | Effect.Effect<Command, E>,
  read: Read<A>,
  late?: Late | undefined,
  goOn?: ((problem: unknown) => Effect.Effect<A, E>) | undefined
): Effect.Effect<A, MemcacheError | KeyErrorOf<K> | E> =>
  Effect.callback<A, MemcacheError | KeyErrorOf<K> | E>((settle) => {
    const resume: typeof settle = goOn === undefined
      ? settle
      : (effect) => settle(isSuccess(effect) ? effect : Effect.catch(effect, goOn))
    const wire = Key.wireOf(key, session.prefix)
    if (typeof wire !== "string") return resume(keyFailure<K>(wire))
    const command = commandOf(wire)
    if (Effect.isEffect(command)) {
      return resume(Effect.flatMap(command, (command) => send(session, key, command, wire, read, late)))
    }
    return session.readRetry === undefined && spansOf(session) === undefined
      ? submit(session, key, command, wire, read, late, resume)
      : resume(send(session, key, command, wire, read, late))
  })

/**
 * `ask` for a command that is made already.
 *
 * @category combinators
 * @since 0.1.0
 */
export const send = <A>(
  session: Session,
  key: KeyInput,
  command: Command,
  wire: WireKey,
  read: Read<A>,
  late?: Late | undefined
): Effect.Effect<A, MemcacheError> => {
  const spans = spansOf(session)
  if (spans === undefined) return trying(session, key, command, wire, read, late)
  const server = serverOf(session.pool.pick(wire, Key.hashOf(key)))
  return spans.around({ operation: verb(command), server }, (noteHits) =>
    trying(
      session,
      key,
      command,
      wire,
      keysReadBy(command) === 0 ? read : (answer, server) => {
        noteHits(hitsOf(answer))
        return read(answer, server)
      },
      late
    ))
}

const trying = <A>(
  session: Session,
  key: KeyInput,
  command: Command,
  wire: WireKey,
  read: Read<A>,
  late: Late | undefined
): Effect.Effect<A, MemcacheError> => {
  const attempt = Effect.callback<A, MemcacheError>((resume) => submit(session, key, command, wire, read, late, resume))
  // At another try, the key may belong to another server.
  return session.readRetry === undefined ? attempt : session.readRetry.around(command, attempt)
}

const isSuccess = (effect: Effect.Effect<unknown, unknown>): boolean => Exit.isExit(effect) && Exit.isSuccess(effect)

/** Sends the command the short way if there is one, and answers what abandons it. */
const submit = <A>(
  session: Session,
  key: KeyInput,
  command: Command,
  wire: WireKey,
  read: Read<A>,
  late: Late | undefined,
  resume: (effect: Effect.Effect<A, MemcacheError>) => void
): Effect.Effect<void> | void => {
  const backend = session.pool.pick(wire, Key.hashOf(key))
  if (isMemcacheError(backend)) return resume(Effect.fail(backend))
  const connection = backend.open()
  if (connection === undefined) return resume(theLongWay(backend, backend.send(command), read, late))
  const settle: Settle = (outcome, deadline) =>
    resume(
      isMemcacheError(outcome)
        ? theLongWay(backend, backend.recover(outcome, command, connection, deadline), read, late)
        : attempt(read, outcome, backend.name)
    )
  return late === undefined
    ? connection.submit(command, settle)
    : submitToTheEnd(connection, command, settle, (answer) => late(answer, backend.name))
}

/** The same for a command that waits for a connection first. */
const outliving = (
  sent: Effect.Effect<Answer, MemcacheError>,
  late: (answer: Answer) => void
): Effect.Effect<Answer, MemcacheError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDetach(sent, { startImmediately: true }),
      (fiber) =>
        Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
          Effect.sync(() => {
            fiber.addObserver((exit) => {
              if (Exit.isSuccess(exit)) late(exit.value)
            })
          }))
    )
  )

/** Sends a command that nobody abandons: `late` hears the answer if nobody waits for it any more. */
const submitToTheEnd = (
  connection: Connection,
  command: Command,
  settle: Settle,
  late: (answer: Answer) => void
): Effect.Effect<void> => {
  let isGone = false
  void connection.submit(command, (outcome, deadline) => {
    if (!isGone) settle(outcome, deadline)
    else if (!isMemcacheError(outcome)) late(outcome)
  })
  return Effect.sync(() => {
    isGone = true
  })
}

// A function of its own, so that the short way makes no closure that only the long ones use.
const theLongWay = <A>(
  backend: Backend,
  sent: Effect.Effect<Answer, MemcacheError>,
  read: Read<A>,
  late: Late | undefined
): Effect.Effect<A, MemcacheError> => {
  const { name } = backend
  const answered = late === undefined ? sent : outliving(sent, (answer) => late(answer, name))
  return Effect.flatMap(answered, (answer) => read(answer, name))
}

// Here is no fiber that would make a defect of what a transcoder throws.
const attempt = <A>(read: Read<A>, answer: Answer, server: string): Effect.Effect<A, MemcacheError> => {
  try {
    return read(answer, server)
  } catch (defect) {
    return Effect.die(defect)
  }
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
