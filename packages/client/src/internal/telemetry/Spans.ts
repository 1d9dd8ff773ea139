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
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
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
export interface Call<A> {
  /** memcached's word, as in errors. */
  readonly operation: string
  /** The server's name, or `undefined` where several are asked, or none. */
  readonly server: string | undefined
  /** Keys of a batch. */
  readonly keys?: number | undefined
  /** How many keys were found, of a call that reads. */
  readonly hitsOf?: ((answer: A) => number) | undefined
}

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
  private readonly namespace: string | undefined
  private readonly kinds = new Map<string, Kind>()

  /** The namespace stands in names in the place of the server. */
  constructor(namespace: string | undefined) {
    this.namespace = namespace
  }

  /** Runs a call in a span, which ends as the call does, also by interruption. */
  around<A, E, R>(call: Call<A>, run: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const { hitsOf, keys = 1 } = call
    // A batch of one is none, as the conventions say.
    const operation = keys > 1 ? `BATCH ${call.operation}` : call.operation
    const { name, options } = this.kindOf(operation, call.server)
    return Effect.useSpan(name, options, (span) => {
      if (keys > 1) span.attribute(Attributes.BATCH_SIZE, keys)
      // Not `onExit`: there is nothing to run when it is over.
      return Effect.onExitPrimitive(run, (exit) => {
        if (Exit.isFailure(exit)) describeFailure(span, exit)
        else if (hitsOf !== undefined) span.attribute(Attributes.HITS, hitsOf(exit.value))
        return undefined
      })
    })
  }

  private kindOf(operation: string, server: string | undefined): Kind {
    const id = `${operation} ${server}`
    const known = this.kinds.get(id)
    if (known !== undefined) return known
    const target = this.namespace ?? server
    const kind: Kind = {
      name: target === undefined ? operation : `${operation} ${target}`,
      options: { kind: "client", attributes: Attributes.ofSpan(this.namespace, operation, server) }
    }
    if (this.kinds.size >= MAX_KINDS) this.kinds.clear()
    this.kinds.set(id, kind)
    return kind
  }
}

const describeFailure = <A, E>(span: Tracer.Span, exit: Exit.Failure<A, E>): void => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (!isMemcacheError(error)) return
  span.attribute(Attributes.ERROR_TYPE, error.reason._tag)
  const status = statusOf(error)
  if (status !== undefined) span.attribute(Attributes.STATUS_CODE, status)
}
