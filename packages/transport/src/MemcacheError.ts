/**
 * The one error of everything that speaks to a server, so that a program handles "memcached failed" in one place and
 * looks at the reason only where it matters.
 *
 * ```ts
 * cache.get("user:1").pipe(
 *   Effect.catchReason("MemcacheError", "TimeoutError", () => Effect.succeed(Option.none()))
 * )
 * ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Reasons from "./MemcacheErrorReason.ts"
import type { Outcome } from "./Outcome.ts"

const TypeId = "~effect-memcache/MemcacheError" as const

/**
 * What every short constructor takes. The `outcome` may be left out where the reason says it by itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Context {
  /** As `Address.format` writes it. */
  readonly server?: string | undefined
  /** memcached's word for the command (`Command.verb`). */
  readonly command?: string | undefined
  readonly outcome?: Outcome | undefined
  /** A few words without a full stop; never a key or a value. Bytes that cannot be printed are replaced, 200 are kept. */
  readonly detail?: string | undefined
}

/**
 * The same, for reasons that keep the error beneath. Without a `detail`, its code (`ECONNREFUSED`) is said instead.
 *
 * @category models
 * @since 0.1.0
 */
export interface ContextWithCause extends Context {
  readonly cause?: unknown
}

const MAX_DETAIL = 200

// A server's text can hold anything; control characters would let it write into a terminal or forge log lines.
const printable = (text: string): string => {
  const short = text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL)}...` : text
  return short.replace(/\p{Cc}/gu, "?")
}

// Effect's socket errors wrap the system's; only the innermost one knows the code.
const describe = (cause: unknown): string => {
  let found = ""
  let current = cause
  for (let depth = 0; depth < 5 && Predicate.isObject(current); depth++) {
    if (Predicate.hasProperty(current, "code") && typeof current.code === "string") return current.code
    if (current instanceof Error && current.message !== "") found = current.message
    current = Predicate.hasProperty(current, "cause") ? current.cause : undefined
  }
  return found
}

const common = (context: Context, outcome: Outcome) => ({
  server: Option.fromUndefinedOr(context.server),
  command: Option.fromUndefinedOr(context.command),
  outcome: context.outcome ?? outcome,
  detail: printable(context.detail ?? "")
})

const withCause = (context: ContextWithCause, outcome: Outcome) =>
  context.cause === undefined ? common(context, outcome) : {
    ...common({ ...context, detail: context.detail ?? describe(context.cause) }, outcome),
    cause: context.cause
  }

/**
 * A failure of memcached or of the way to it; `reason` says which, and `message`, `outcome`, `server` and `isRetryable`
 * are the reason's.
 *
 * The static functions are the short constructors, one for each reason.
 *
 * @category errors
 * @since 0.1.0
 */
export class MemcacheError extends Schema.TaggedError<MemcacheError>("effect-memcache/MemcacheError")("MemcacheError", {
  reason: Reasons.Reason
}) {
  readonly [TypeId] = TypeId

  /** The reason, as JavaScript's error cause. */
  override readonly cause = this.reason

  /** The reason's own sentence. */
  override get message(): string {
    return this.reason.message
  }

  /** The server that failed, as `Address.format` writes it. */
  get server(): Option.Option<string> {
    return this.reason.server
  }

  /** What is known of the command's effect. */
  get outcome(): Outcome {
    return this.reason.outcome
  }

  /**
   * Whether the same command may be sent again and can succeed: nothing of it was sent, and the reason can pass by
   * itself. A value that is too large or cannot be encoded, wrong credentials, a bad certificate and an unsupported
   * command stay what they are, and what the server refused it will refuse again. `"unknown"` is never retryable here:
   * whoever knows that the command is a pure read may still repeat it (`Command.isRepeatable`).
   */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }

  /** What `console.log` and `JSON.stringify` show: the sentence and the reason, once. */
  override toJSON(): unknown {
    return { _tag: this._tag, message: this.message, reason: this.reason }
  }

  /** No connection could be made. Not sent, unless said otherwise. */
  static connect(context: ContextWithCause): MemcacheError {
    return wrap(() => new Reasons.ConnectError(withCause(context, "not-sent")))
  }

  /** A connection ended; whether anything of the command was written only the caller knows. */
  static connectionLost(context: ContextWithCause & { readonly outcome: Outcome }): MemcacheError {
    return wrap(() => new Reasons.ConnectionLostError(withCause(context, context.outcome)))
  }

  /** No answer within `duration` (a number is milliseconds). */
  static timeout(
    context: Context & { readonly outcome: Outcome; readonly duration: Duration.Duration | number }
  ): MemcacheError {
    return wrap(() =>
      new Reasons.TimeoutError({
        ...common(context, context.outcome),
        duration: Duration.fromInputUnsafe(context.duration)
      })
    )
  }

  /** The bound on commands in flight is reached. Not sent. */
  static overloaded(context: Context): MemcacheError {
    return wrap(() => new Reasons.OverloadedError(common(context, "not-sent")))
  }

  /** There is nobody to ask. Not sent. */
  static noServer(context: Context): MemcacheError {
    return wrap(() => new Reasons.NoServerError(common(context, "not-sent")))
  }

  /**
   * The server is marked dead and is probed again after `retryAfter` (a number is milliseconds). Not sent. It has no stack
   * trace: every command for the server fails so, as fast as callers ask, and must not take the time of the others.
   */
  static serverDead(
    context: ContextWithCause & { readonly retryAfter: Duration.Duration | number }
  ): MemcacheError {
    return wrap(() =>
      new Reasons.ServerDeadError({
        ...withCause(context, "not-sent"),
        retryAfter: Duration.fromInputUnsafe(context.retryAfter)
      }), 0)
  }

  /** `SERVER_ERROR` with its text as `detail`. Rejected, unless said otherwise. */
  static serverError(context: Context): MemcacheError {
    return wrap(() => new Reasons.ServerError(common(context, "rejected")))
  }

  /** The value does not fit. Rejected; pass `"not-sent"` where the client's own limit refused it. */
  static valueTooLarge(context: Context): MemcacheError {
    return wrap(() => new Reasons.ValueTooLargeError(common(context, "rejected")))
  }

  /** The server has no memory for the item. Rejected. */
  static outOfMemory(context: Context): MemcacheError {
    return wrap(() => new Reasons.OutOfMemoryError(common(context, "rejected")))
  }

  /** The item is not a number. Rejected. */
  static notNumber(context: Context): MemcacheError {
    return wrap(() => new Reasons.NotNumberError(common(context, "rejected")))
  }

  /** The command cannot be carried out here. Not sent; pass `"rejected"` where the server said so. */
  static unsupported(context: Context): MemcacheError {
    return wrap(() => new Reasons.UnsupportedError(common(context, "not-sent")))
  }

  /** `CLIENT_ERROR` with its text as `detail`. Rejected. */
  static clientError(context: Context): MemcacheError {
    return wrap(() => new Reasons.ClientError(common(context, "rejected")))
  }

  /** Bytes that are no answer. Unknown, unless said otherwise. */
  static protocol(context: Context): MemcacheError {
    return wrap(() => new Reasons.ProtocolError(common(context, "unknown")))
  }

  /** Credentials are missing or wrong. Not sent; pass `"rejected"` where a command was answered so. */
  static authentication(context: Context): MemcacheError {
    return wrap(() => new Reasons.AuthenticationError(common(context, "not-sent")))
  }

  /** TLS could not be set up. Not sent. */
  static tls(context: ContextWithCause): MemcacheError {
    return wrap(() => new Reasons.TlsError(withCause(context, "not-sent")))
  }

  /** The transcoder cannot write the value. Not sent. `issue` is kept and never printed. */
  static encode(context: Context & { readonly issue?: unknown }): MemcacheError {
    return wrap(() => Reasons.conceal(new Reasons.EncodeError(common(context, "not-sent")), { issue: context.issue }))
  }

  /** The transcoder cannot read the value. Done. `bytes` and `issue` are kept and never printed. */
  static decode(
    context: Context & {
      readonly format: string
      readonly flags: number
      readonly bytes: Uint8Array
      readonly issue?: unknown
    }
  ): MemcacheError {
    return wrap(() =>
      Reasons.conceal(
        new Reasons.DecodeError({ ...common(context, "done"), format: context.format, flags: context.flags }),
        { bytes: context.bytes, issue: context.issue }
      )
    )
  }
}

// The reason is made without a stack: the error around it has the same one, and the trace is what an error costs.
const wrap = (make: () => Reasons.Reason, traced = Error.stackTraceLimit): MemcacheError => {
  const limit = Error.stackTraceLimit
  try {
    Error.stackTraceLimit = 0
    const reason = make()
    Error.stackTraceLimit = traced
    return new MemcacheError({ reason })
  } finally {
    Error.stackTraceLimit = limit
  }
}

/**
 * Whether `u` is a `MemcacheError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isMemcacheError = (u: unknown): u is MemcacheError =>
  // A field that is read, and not `in`, because every outcome passes here: where many shapes do, `in` is many times slower.
  typeof u === "object" && u !== null && (u as { readonly [TypeId]?: unknown })[TypeId] !== undefined
