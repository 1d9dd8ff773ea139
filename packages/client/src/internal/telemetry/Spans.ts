/**
 * One span for each call, where a tracer is installed: what was asked of whom, how many keys, how many hits, how it
 * failed. Never a key, a value or a credential.
 *
 * Effect's own tracer makes spans that nobody sees, so only one that was provided counts. Without it a call costs the
 * look at a field of its fiber.
 *
 * @since 0.1.0
 */
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import { statusOf } from "@effect-memcache/transport/Rejection"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as References from "effect/References"
import type * as Tracer from "effect/Tracer"
import * as Attributes from "./Attributes.ts"

/**
 * Whether somebody sees the spans that this fiber makes.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTraced = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.cache.tracer !== undefined && fiber.cache.tracerEnabled

/**
 * What is known of a call before it is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  /** memcached's word, as in errors. */
  readonly operation: string
  /** The server's name, or `undefined` where several are asked, or none. */
  readonly server: string | undefined
  /** Keys of a batch. */
  readonly keys?: number | undefined
}

/**
 * Says how many keys a call that reads has found.
 *
 * @category models
 * @since 0.1.0
 */
export type NoteHits = (hits: number) => void

/** What spans of one operation on one server have in common. */
interface Kind {
  readonly name: string
  readonly options: Tracer.SpanOptionsNoTrace
}

/** Kinds that are remembered; a program has a few for each server. */
const MAX_KINDS = 10_000

/**
 * The spans of one client.
 *
 * @category models
 * @since 0.1.0
 */
export class Spans {
  private readonly clientName: string | undefined
  private readonly kinds = new Map<string, Kind>()

  /** The name of the client stands in names in the place of the server. */
  constructor(clientName: string | undefined) {
    this.clientName = clientName
  }

  /**
   * Runs a call in a span, which ends as the call does, also by interruption. The tracer is given neither what the call
   * answers nor what else than our own errors it fails with: both may be values, or what a program makes of them.
   */
  around<A, E, R>(call: Call, run: (noteHits: NoteHits) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const { keys = 1 } = call
    // A batch of one is none, as the conventions say.
    const operation = keys > 1 ? `BATCH ${call.operation}` : call.operation
    const { name, options } = this.kindOf(operation, call.server)
    return Effect.useSpan(name, options, (span) => {
      if (keys > 1) span.attribute(Attributes.BATCH_SIZE, keys)
      const timeOf = timing()
      // Not `onExit`: there is nothing to run when it is over. `useSpan` ends only what has not been ended.
      return Effect.onExitPrimitive(run((hits) => span.attribute(Attributes.HITS, hits)), (exit) => {
        span.end(timeOf(), shownOf(span, exit))
        return undefined
      })
    })
  }

  private kindOf(operation: string, server: string | undefined): Kind {
    const id = `${operation} ${server}`
    const known = this.kinds.get(id)
    if (known !== undefined) return known
    const target = this.clientName ?? server
    const kind: Kind = {
      name: target === undefined ? operation : `${operation} ${target}`,
      options: { kind: "client", attributes: Attributes.ofSpan(this.clientName, operation, server) }
    }
    if (this.kinds.size >= MAX_KINDS) this.kinds.clear()
    this.kinds.set(id, kind)
    return kind
  }
}

/** The time at which spans of the running fiber end. */
const timing = (): () => bigint => {
  const fiber = Fiber.getCurrent()
  if (fiber === undefined || !fiber.getRef(References.TracerTimingEnabled)) return () => 0n
  const clock = fiber.getRef(Clock.Clock)
  return () => clock.currentTimeNanosUnsafe()
}

/** Describes how a call has failed, if it has, and answers what the tracer may see of its end. */
const shownOf = <A, E>(span: Tracer.Span, exit: Exit.Exit<A, E>): Exit.Exit<void, unknown> => {
  if (Exit.isSuccess(exit)) return Exit.void
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (isMemcacheError(error)) {
    span.attribute(Attributes.ERROR_TYPE, error.reason._tag)
    const status = statusOf(error)
    if (status !== undefined) span.attribute(Attributes.STATUS_CODE, status)
    return Exit.fail(error)
  }
  if (Cause.hasInterruptsOnly(exit.cause)) return Exit.failCause(exit.cause)
  if (!Cause.hasDies(exit.cause)) return Exit.void
  span.attribute(Attributes.ERROR_TYPE, Attributes.DEFECT)
  return DEFECT
}

const DEFECT = Exit.die("a transcoder or another function of the program has thrown; the caller is told what")
