/**
 * How commands use a transcoder: faults become the client's errors, and what a transcoder must wait for is waited for.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { verb } from "@effect-memcache/protocol/Command"
import type { Value } from "@effect-memcache/protocol/Reply"
import { release } from "@effect-memcache/protocol/Reply"
import { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Encoded, EncodeOptions, TranscodeFault, Transcoder } from "../../Transcoder.ts"
import type { Session } from "./Session.ts"
import { isLater } from "./Waiting.ts"

/**
 * An answer that a transcoder gives at once, or later.
 *
 * @category models
 * @since 0.1.0
 */
export type Coding<A> = Result.Result<A, TranscodeFault> | Effect.Effect<A, TranscodeFault>

/** Large values are coded on other threads, of which Node has four. */
const CONCURRENCY = 4

/**
 * Encodes a value for a command: at once, or as an effect where it must be waited for or cannot be.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (
  session: Session,
  value: unknown,
  options: EncodeOptions | undefined,
  command: string
): Encoded | Effect.Effect<Encoded, MemcacheError> => {
  const coding = session.transcoder.encode(value, options)
  if (!isReady(coding)) return encodeLater(session, coding, command)
  const encoded = admit(session, coding, command)
  return isMemcacheError(encoded) ? Effect.fail(encoded) : encoded
}

const encodeLater = (
  session: Session,
  coding: Effect.Effect<Encoded, TranscodeFault>,
  command: string
): Effect.Effect<Encoded, MemcacheError> =>
  Effect.flatMap(Effect.result(coding), (result) => {
    const encoded = admit(session, result, command)
    return isMemcacheError(encoded) ? Effect.fail(encoded) : Effect.succeed(encoded)
  })

/**
 * The encoded value, unless there is none, its flags are none, or it is larger than what the client would read again.
 *
 * @category encoding
 * @since 0.1.0
 */
export const admit = (
  session: Session,
  result: Result.Result<Encoded, TranscodeFault>,
  command: string
): Encoded | MemcacheError => {
  if (Result.isFailure(result)) {
    const { detail, issue } = result.failure
    return MemcacheError.encode({ command, detail, issue })
  }
  const { bytes: { length }, flags } = result.success
  // A transcoder can be anybody's. The server would refuse such flags and the whole connection with them, or store others.
  if (flags >>> 0 !== flags) {
    return MemcacheError.encode({ command, detail: `flags must be an integer from 0 to 2^32 - 1, not ${flags}` })
  }
  if (length <= session.maxItemSize) return result.success
  const detail = `${length} bytes, and the option maxItemSize is ${session.maxItemSize}`
  return MemcacheError.valueTooLarge({ command, outcome: "not-sent", detail })
}

/**
 * Decodes the value of a reply and answers what `use` makes of it; `missed` in the place of what only another language
 * can read, if it is given.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = <A, E = never>(
  transcoder: Transcoder,
  item: Value,
  command: Command,
  server: string,
  use: (value: unknown) => A,
  missed?: Effect.Effect<A, E> | undefined
): Effect.Effect<A, E | MemcacheError> => {
  const coding = transcoder.decode(item.value, item.flags)
  // Asked for, and not what is left: a transcoder is anybody's, and may answer neither.
  if (!isReady(coding) || !Result.isSuccess(coding)) return decodeLater(coding, item, command, server, use, missed)
  releaseBehind(item, coding.success)
  return Effect.succeed(use(coding.success))
}

/**
 * Releases the bytes of an item behind its decoding, if what came of it was text: that cannot be a view of them, whatever
 * the transcoder does.
 *
 * @category decoding
 * @since 0.1.0
 */
export const releaseBehind = (item: Value, value: unknown): void => {
  if (typeof value === "string") release(item)
}

// Its closures would cost the way of what is decoded at once their context.
const decodeLater = <A, E>(
  coding: Coding<unknown>,
  item: Value,
  command: Command,
  server: string,
  use: (value: unknown) => A,
  missed: Effect.Effect<A, E> | undefined
): Effect.Effect<A, E | MemcacheError> => {
  const failed = (fault: TranscodeFault): Effect.Effect<A, E | MemcacheError> =>
    fault.isForeign === true && missed !== undefined
      ? missed
      : Effect.fail(decodeError(fault, item, verb(command), server))
  if (!Result.isResult(coding)) {
    return Effect.matchEffect(coding, { onSuccess: (value) => Effect.succeed(use(value)), onFailure: failed })
  }
  return Result.isSuccess(coding) ? Effect.succeed(use(coding.success)) : failed(coding.failure)
}

/**
 * What `decode` answers for what only another language can read, by the client's option `onForeign`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const missOf = (session: Session): Effect.Effect<Option.Option<never>> | undefined =>
  session.onForeign === "miss" ? Effect.succeedNone : undefined

/**
 * Waits for those codings that must be waited for; answers are in the order of the codings.
 *
 * @category combinators
 * @since 0.1.0
 */
export const settle = <A>(
  codings: ReadonlyArray<Coding<A>>
): Effect.Effect<ReadonlyArray<Result.Result<A, TranscodeFault>>> =>
  codings.every(isReady)
    ? Effect.succeed(codings)
    : Effect.forEach(
      codings,
      (coding) => Result.isResult(coding) ? Effect.succeed(coding) : Effect.result(coding),
      { concurrency: CONCURRENCY }
    )

/**
 * Whether a transcoder has answered at once.
 *
 * @category guards
 * @since 0.1.0
 */
export const isReady = <A>(coding: Coding<A>): coding is Result.Result<A, TranscodeFault> =>
  !isLater<Result.Result<A, TranscodeFault>, A, TranscodeFault>(coding)

/**
 * The error for a stored value that cannot be read; it keeps the bytes, for whoever can.
 *
 * @category constructors
 * @since 0.1.0
 */
export const decodeError = (
  { detail, format, issue }: TranscodeFault,
  item: Value,
  command: string,
  server: string
): MemcacheError =>
  MemcacheError.decode({
    server,
    command,
    format,
    detail,
    issue,
    flags: item.flags,
    bytes: new Uint8Array(item.value)
  })
