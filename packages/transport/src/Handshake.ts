/**
 * From a socket to a connection that is ready: credentials, the server's first answer, the dialect.
 *
 * A server that accepts and never speaks must never be used, so nothing but the handshake is written before an answer
 * has come. Credentials are answered before anything else is written: memcached loses the replies to commands that were
 * sent ahead of them (live on 1.6.18 and 1.6.45).
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import * as Key from "@effect-memcache/protocol/Key"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { Connection, ConnectionOptions } from "./Connection.ts"
import * as ConnectionModule from "./Connection.ts"
import { MemcacheError } from "./MemcacheError.ts"
import { rejection } from "./Rejection.ts"
import { fromSocketError } from "./SocketFailure.ts"

/**
 * What the handshake needs to know, and the connection after it.
 *
 * @category options
 * @since 0.1.0
 */
export interface HandshakeOptions extends ConnectionOptions {
  /** Milliseconds for everything from the first packet to the last answer of the handshake. */
  readonly connectTimeout: number
  /** "auto" takes the meta dialect from memcached 1.6.10 on, and text before that and through proxies. */
  readonly protocol: "auto" | "meta" | "text"
  /** Text authentication, memcached's `-Y`. */
  readonly auth?: { readonly username: string; readonly password: Redacted.Redacted<string> } | undefined
}

/**
 * What is remembered of a server between dials.
 *
 * @category models
 * @since 0.1.0
 */
export interface DialectMemory {
  readonly isTextOnly: () => boolean
  readonly setTextOnly: () => void
}

/**
 * Dials and greets. A failure leaves no socket behind.
 *
 * @category constructors
 * @since 0.1.0
 */
export const dial = (
  open: Effect.Effect<Socket.Socket>,
  options: HandshakeOptions,
  memory: DialectMemory
): Effect.Effect<Connection, MemcacheError, Scope.Scope> =>
  attempt(open, options, memory).pipe(
    // The attempt has remembered why: the second one speaks text.
    Effect.catchIf((failure) => failure === "closed on mn", () => attempt(open, options, memory)),
    Effect.catchIf(
      (failure) => failure === "closed on mn",
      () => Effect.fail(MemcacheError.connect({ server: options.server, detail: "it closes the connection on mn" }))
    ),
    Effect.timeoutOrElse({
      duration: options.connectTimeout,
      orElse: () =>
        Effect.fail(
          MemcacheError.connect({ server: options.server, detail: `no answer within ${options.connectTimeout} ms` })
        )
    })
  )

/**
 * One attempt in a scope of its own, so that what failed is closed before the next one begins.
 */
const attempt = Effect.fnUntraced(function*(
  open: Effect.Effect<Socket.Socket>,
  options: HandshakeOptions,
  memory: DialectMemory
): Effect.fn.Return<Connection, MemcacheError | "closed on mn", Scope.Scope> {
  const scope = yield* Scope.fork(yield* Effect.scope)
  return yield* open.pipe(
    Effect.flatMap((socket) => ConnectionModule.make(socket, options)),
    Effect.mapError((error) => fromSocketError(error, options.server)),
    Effect.tap((connection) => greet(connection, options, memory)),
    Scope.provide(scope),
    Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))
  )
})

const greet = Effect.fnUntraced(function*(
  connection: Connection,
  options: HandshakeOptions,
  memory: DialectMemory
): Effect.fn.Return<void, MemcacheError | "closed on mn"> {
  if (options.auth !== undefined) yield* authenticate(connection, options.auth)
  const version = yield* askVersion(connection, options)
  const [isMetaVersion, hasBareMisses] = judgeVersion(version)
  const wantsMeta = options.protocol === "meta" ||
    (options.protocol === "auto" && isMetaVersion && !memory.isTextOnly())
  if (!wantsMeta) return connection.speak(textDialect, { version, hasBareMisses: false })
  connection.speak(metaDialect, { version, hasBareMisses })
  const noop = yield* Effect.result(connection.send({ _tag: "MetaNoop" }))
  if (noop._tag === "Success" && noop.success.reply._tag === "Noop") return
  if (options.protocol === "meta") {
    return yield* MemcacheError.unsupported({
      server: options.server,
      command: "mn",
      detail: `memcached ${version === "" ? "of an unknown version" : version} or a proxy without the meta dialect`
    })
  }
  memory.setTextOnly()
  if (noop._tag === "Failure") return yield* Effect.fail("closed on mn" as const)
  connection.speak(textDialect, { version, hasBareMisses: false })
})

/**
 * The version that the server names, "" if it answers with an error line as a proxy does whose backend is down.
 */
const askVersion = Effect.fnUntraced(function*(
  connection: Connection,
  options: HandshakeOptions
): Effect.fn.Return<string, MemcacheError> {
  const command: Command = { _tag: "Version" }
  const { reply } = yield* Effect.mapError(connection.send(command), asConnectError)
  if (reply._tag === "Version") return reply.version
  if (reply._tag !== "Error" && reply._tag !== "ClientError" && reply._tag !== "ServerError") return ""
  const error = rejection(reply, command, options.server)
  if (error.reason._tag === "AuthenticationError" || error.reason._tag === "ConnectError") return yield* error
  return ""
})

// Before a connection is ready, losing it is a failure to connect, and no command of a caller is concerned.
const asConnectError = (error: MemcacheError): MemcacheError => {
  const { reason } = error
  if (reason._tag !== "ConnectionLostError" && reason._tag !== "TimeoutError") return error
  const detail = reason.detail === "" ? "no answer to the first command" : reason.detail
  return MemcacheError.connect({ server: reason.server.valueOrUndefined, detail, cause: error })
}

const authenticate = Effect.fnUntraced(function*(
  connection: Connection,
  auth: NonNullable<HandshakeOptions["auth"]>
): Effect.fn.Return<void, MemcacheError> {
  const { reply } = yield* Effect.mapError(
    connection.send({
      _tag: "Store",
      mode: "set",
      // Any key will do: memcached reads only the value (protocol.txt, "Authentication").
      key: Key.make("auth") as Key.Key,
      flags: 0,
      exptime: 0,
      value: new TextEncoder().encode(`${auth.username} ${Redacted.value(auth.password)}`),
      noreply: false
    }),
    asConnectError
  )
  if (reply._tag === "Stored") return
  const detail = reply._tag === "ClientError" ? reply.message : "the server refused the credentials"
  return yield* MemcacheError.authentication({ server: connection.server, detail })
})

/**
 * Whether this release speaks the meta dialect as it is used here, and whether its misses come without an opaque:
 * 1.6.10 brought today's syntax, 1.6.18 the opaque on a miss.
 *
 * @category guards
 * @since 0.1.0
 */
export const judgeVersion = (version: string): readonly [isMeta: boolean, hasBareMisses: boolean] => {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version)
  if (parts === null) return [false, false]
  const [major, minor, patch] = parts.slice(1).map(Number)
  const isAtLeast = (a: number, b: number, c: number) =>
    major !== a ? major > a : minor !== b ? minor > b : patch >= c
  return [isAtLeast(1, 6, 10), isAtLeast(1, 6, 10) && !isAtLeast(1, 6, 18)]
}
