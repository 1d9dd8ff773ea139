/**
 * Every way in which memcached, or the way to it, can fail a command: one class for each thing a program may want to
 * tell apart.
 *
 * Three rules hold for all of them. The message is a sentence that says what to do. It names the server and the
 * command's word, and never a key or a value, so that an error can be logged anywhere. And `outcome` says what is known
 * of the command's effect, because that decides whether it may be sent again.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Outcome, sentence } from "./Outcome.ts"

const common = {
  /** As `Address.format` writes it; none where no server was involved. */
  server: Schema.Option(Schema.String),
  /** memcached's own word for the command (`Command.verb`); none where a connection failed for all its commands. */
  command: Schema.Option(Schema.String),
  outcome: Outcome,
  /** What happened, in a few words without a full stop; empty where the class says it all. */
  detail: Schema.String
}

const withCause = { ...common, cause: Schema.optional(Schema.Defect()) }

interface Common {
  readonly server: Option.Option<string>
  readonly command: Option.Option<string>
  readonly outcome: Outcome
  readonly detail: string
}

const server = (self: Common): string => Option.getOrElse(self.server, () => "the server")

const command = (self: Common): string => Option.getOrElse(self.command, () => "the command")

const because = (self: Common): string => self.detail === "" ? "" : `: ${self.detail}`

const aside = (self: Common): string => self.detail === "" ? "" : ` (${self.detail})`

// Begins a sentence, and leaves the name as it is written.
const theServer = (self: Common): string => Option.isSome(self.server) ? `Server ${self.server.value}` : "The server"

const effect = (self: Common): string => sentence(self.outcome)

/**
 * No connection to the server could be made: refused, unreachable, unknown name, or no first answer in time.
 *
 * @category errors
 * @since 0.1.0
 */
export class ConnectError extends Schema.TaggedError<ConnectError>("effect-memcache/ConnectError")(
  "ConnectError",
  withCause
) {
  override get message(): string {
    return `Cannot connect to ${server(this)}${because(this)}. Check that memcached runs there and can be reached.`
  }
  get isRetryable(): boolean {
    return this.outcome === "not-sent"
  }
}

/**
 * A connection that worked has ended with the command unanswered.
 *
 * @category errors
 * @since 0.1.0
 */
export class ConnectionLostError extends Schema.TaggedError<ConnectionLostError>("effect-memcache/ConnectionLostError")(
  "ConnectionLostError",
  withCause
) {
  override get message(): string {
    return `The connection to ${server(this)} was lost before ${command(this)} was answered${aside(this)}. ${
      effect(this)
    }`
  }
  get isRetryable(): boolean {
    return this.outcome === "not-sent"
  }
}

/**
 * No answer came within the command's time.
 *
 * @category errors
 * @since 0.1.0
 */
export class TimeoutError extends Schema.TaggedError<TimeoutError>("effect-memcache/TimeoutError")("TimeoutError", {
  ...common,
  duration: Schema.Duration
}) {
  override get message(): string {
    return `No answer to ${command(this)} from ${server(this)} within ${Duration.format(this.duration)}. ${
      effect(this)
    } If the server is only slow, raise commandTimeout.`
  }
  get isRetryable(): boolean {
    return this.outcome === "not-sent"
  }
}

/**
 * As much is in flight to the server as `maxInFlight` allows; the command failed at once instead of waiting.
 *
 * @category errors
 * @since 0.1.0
 */
export class OverloadedError extends Schema.TaggedError<OverloadedError>("effect-memcache/OverloadedError")(
  "OverloadedError",
  common
) {
  override get message(): string {
    return `Too much is in flight to ${server(this)}${aside(this)}: ${
      command(this)
    } was not sent. Send less at once, or raise maxInFlight.`
  }
  get isRetryable(): boolean {
    return this.outcome === "not-sent"
  }
}

/**
 * There is no server to ask: every candidate for the key is dead, or the list is empty.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoServerError extends Schema.TaggedError<NoServerError>("effect-memcache/NoServerError")(
  "NoServerError",
  common
) {
  override get message(): string {
    return `No server can take ${command(this)}: ${
      this.detail === "" ? "every candidate is marked dead" : this.detail
    }. Dead servers are probed until they are back; forgetDeadHosts tries them at once.`
  }
  get isRetryable(): boolean {
    return this.outcome === "not-sent"
  }
}

/**
 * The server is marked dead, and the command failed at once. `retryAfter` is the time until the server is probed again.
 *
 * @category errors
 * @since 0.1.0
 */
export class ServerDeadError extends Schema.TaggedError<ServerDeadError>("effect-memcache/ServerDeadError")(
  "ServerDeadError",
  { ...withCause, retryAfter: Schema.Duration }
) {
  override get message(): string {
    return `${theServer(this)} is marked dead${aside(this)}: ${command(this)} was not sent. It is probed again in ${
      Duration.format(this.retryAfter)
    }; forgetDeadHosts tries it at once.`
  }
  get isRetryable(): boolean {
    return this.outcome === "not-sent"
  }
}

/**
 * `SERVER_ERROR …` without a class of its own. It is about this item; it does not make the server unhealthy.
 *
 * @category errors
 * @since 0.1.0
 */
export class ServerError extends Schema.TaggedError<ServerError>("effect-memcache/ServerError")("ServerError", common) {
  override get message(): string {
    return `${theServer(this)} could not carry out ${command(this)}: SERVER_ERROR ${this.detail}. ${
      effect(this)
    } Look at the server, or at the backend if this is a proxy.`
  }
  get isRetryable(): boolean {
    return this.outcome === "not-sent"
  }
}

/**
 * The value is larger than the client's `maxItemSize` (not sent) or the server's item limit (rejected).
 *
 * @category errors
 * @since 0.1.0
 */
export class ValueTooLargeError extends Schema.TaggedError<ValueTooLargeError>("effect-memcache/ValueTooLargeError")(
  "ValueTooLargeError",
  common
) {
  override get message(): string {
    const what = `The value of ${command(this)} is too large`
    // Live on 1.6.18 and 1.6.45: a `set` refused for its size deletes the item's old value.
    return this.outcome === "not-sent"
      ? `${what}${because(this)}. It was not sent. Store less, or raise maxItemSize if the server's -I allows more.`
      : `${what} for ${server(this)}${because(this)}. The item's old value may be gone. Store less, or raise -I there.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/**
 * The server has no memory for the item and may not evict another one (`-M`, or too few slabs).
 *
 * @category errors
 * @since 0.1.0
 */
export class OutOfMemoryError extends Schema.TaggedError<OutOfMemoryError>("effect-memcache/OutOfMemoryError")(
  "OutOfMemoryError",
  common
) {
  override get message(): string {
    return `${theServer(this)} has no memory for ${command(this)}${
      because(this)
    }. The item's old value may be gone. Give the server more memory (-m), or let it evict (no -M).`
  }
  get isRetryable(): boolean {
    return this.outcome === "not-sent"
  }
}

/**
 * Increment or decrement of an item that does not hold a decimal number below 2^64.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotNumberError extends Schema.TaggedError<NotNumberError>("effect-memcache/NotNumberError")(
  "NotNumberError",
  common
) {
  override get message(): string {
    return `${theServer(this)} cannot carry out ${
      command(this)
    }: the stored value is not a whole number from 0 to 2^64 - 1. Store the counter as an integer, or delete it first.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/**
 * This server, proxy or dialect cannot carry out the command.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnsupportedError extends Schema.TaggedError<UnsupportedError>("effect-memcache/UnsupportedError")(
  "UnsupportedError",
  common
) {
  override get message(): string {
    return `${theServer(this)} does not support ${command(this)}${
      because(this)
    }. It needs a newer memcached, another protocol option, or a way around the proxy.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/**
 * `CLIENT_ERROR …` without a class of its own: the server refused the command as it was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class ClientError extends Schema.TaggedError<ClientError>("effect-memcache/ClientError")("ClientError", common) {
  override get message(): string {
    return `${theServer(this)} refused ${
      command(this)
    }: CLIENT_ERROR ${this.detail}. Check the arguments; if they are right, please report this as a bug.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/**
 * The server sent bytes that answer nothing we asked. The stream cannot be trusted, and the connection was destroyed.
 *
 * @category errors
 * @since 0.1.0
 */
export class ProtocolError extends Schema.TaggedError<ProtocolError>("effect-memcache/ProtocolError")(
  "ProtocolError",
  common
) {
  override get message(): string {
    return `${theServer(this)} sent bytes that are no answer to ${command(this)}${because(this)}. ${
      effect(this)
    } The connection was closed; check that it is memcached that listens there.`
  }
  get isRetryable(): boolean {
    return this.outcome === "not-sent"
  }
}

/**
 * The server wants a user name and password, or refuses those of the `auth` option.
 *
 * @category errors
 * @since 0.1.0
 */
export class AuthenticationError extends Schema.TaggedError<AuthenticationError>("effect-memcache/AuthenticationError")(
  "AuthenticationError",
  common
) {
  override get message(): string {
    return `${theServer(this)} refuses this client${because(this)}. ${
      effect(this)
    } Check user name and password in the auth option.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/**
 * No trusted TLS connection could be made: a wrong certificate, a wrong host name, or a peer that does not speak TLS.
 *
 * @category errors
 * @since 0.1.0
 */
export class TlsError extends Schema.TaggedError<TlsError>("effect-memcache/TlsError")("TlsError", withCause) {
  override get message(): string {
    return `No trusted TLS connection to ${server(this)}${
      because(this)
    }. Check the ca and servername of the tls option, and that this port speaks TLS.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/**
 * A value that the transcoder cannot write. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class EncodeError extends Schema.TaggedError<EncodeError>("effect-memcache/EncodeError")("EncodeError", common) {
  /** The failure beneath. It may quote the value, so it is not enumerable and never printed. */
  get issue(): unknown {
    return hidden.get(this)?.issue
  }
  override get message(): string {
    return `The value of ${command(this)} cannot be stored${because(this)}. Nothing was sent.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/**
 * A stored value that the transcoder cannot read: another client's format, or damaged bytes. It is never guessed.
 *
 * @category errors
 * @since 0.1.0
 */
export class DecodeError extends Schema.TaggedError<DecodeError>("effect-memcache/DecodeError")("DecodeError", {
  ...common,
  /** What the flags say it is: "pickle", "json", "unknown" and so on. */
  format: Schema.String,
  /** The item's client flags. */
  flags: Schema.Finite
}) {
  /** The item's bytes as the server sent them, empty after a trip through the schema. Never printed. */
  get bytes(): Uint8Array {
    return hidden.get(this)?.bytes ?? new Uint8Array(0)
  }
  /** The failure beneath. It may quote the value, so it is not enumerable and never printed. */
  get issue(): unknown {
    return hidden.get(this)?.issue
  }
  override get message(): string {
    return `The value that ${command(this)} read from ${server(this)} cannot be decoded (format ${this.format}, flags ${
      String(this.flags)
    })${because(this)}. Read it with a transcoder that knows the format, or delete the item.`
  }
  get isRetryable(): boolean {
    return false
  }
}

// A side table, since whatever prints an error prints its own properties, some of them hidden ones too.
const hidden = new WeakMap<object, { readonly bytes?: Uint8Array | undefined; readonly issue: unknown }>()

/**
 * Attaches what an error must carry and never print. Answers the error.
 *
 * @category constructors
 * @since 0.1.0
 */
export const conceal = <E extends EncodeError | DecodeError>(
  error: E,
  secret: { readonly bytes?: Uint8Array | undefined; readonly issue: unknown }
): E => {
  hidden.set(error, secret)
  return error
}

/**
 * Every reason as one schema.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Reason = Schema.Union([
  ConnectError,
  ConnectionLostError,
  TimeoutError,
  OverloadedError,
  NoServerError,
  ServerDeadError,
  ServerError,
  ValueTooLargeError,
  OutOfMemoryError,
  NotNumberError,
  UnsupportedError,
  ClientError,
  ProtocolError,
  AuthenticationError,
  TlsError,
  EncodeError,
  DecodeError
])

/**
 * Every reason as one type, told apart by `_tag`.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type
