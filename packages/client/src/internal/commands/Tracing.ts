/**
 * Which span a call has, if somebody sees spans: the one place where commands meet `Spans`.
 *
 * @since 0.1.0
 */
import { isMemcacheError, type MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Backend } from "../servers/Backend.ts"
import { isTraced, type NoteHits, type Spans } from "../telemetry/Spans.ts"

interface Traced {
  readonly spans?: Spans | undefined
}

/**
 * Who makes the span of a call that begins now; `undefined` where nobody would see it. To be asked while the call's fiber
 * runs, which costs a look at two fields.
 *
 * @category accessors
 * @since 0.1.0
 */
export const spansOf = ({ spans }: Traced): Spans | undefined => {
  if (spans === undefined) return undefined
  const fiber = Fiber.getCurrent()
  return fiber !== undefined && isTraced(fiber) ? spans : undefined
}

/**
 * Runs a call in its span. `backend` is who is asked, if it is one.
 *
 * @category combinators
 * @since 0.1.0
 */
export const traced = <A, E, R>(
  session: Traced,
  operation: string,
  backend: Backend | MemcacheError | undefined,
  run: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const spans = spansOf(session)
  return spans === undefined ? run : spans.around({ operation, server: serverOf(backend) }, () => run)
}

/**
 * The same for a batch. It is one span, however many servers have a share of it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const tracedBatch = <A, E, R>(
  session: Traced,
  operation: string,
  { shares, size }: { readonly size: number; readonly shares: ReadonlyArray<{ readonly backend: Backend }> },
  run: (noteHits: NoteHits) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const spans = spansOf(session)
  const server = shares.length === 1 ? shares[0].backend.name : undefined
  return spans === undefined ? run(ignore) : spans.around({ operation, server, keys: size }, run)
}

/**
 * The name of who is asked, if anybody is.
 *
 * @category accessors
 * @since 0.1.0
 */
export const serverOf = (backend: Backend | MemcacheError | undefined): string | undefined =>
  backend === undefined || isMemcacheError(backend) ? undefined : backend.name

const ignore = () => {}
