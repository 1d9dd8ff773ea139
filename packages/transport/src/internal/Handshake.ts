/**
 * From a socket to a connection that is ready: credentials, the server's first answer, the dialect.
 *
 * A server that accepts and never speaks must never be used, so nothing but the handshake is written before an answer
 * has come. Credentials are sent only where the first answer asks for them, and answered before anything else is
 * written: memcached loses the replies to commands that were sent together with them (live on 1.6.18 and 1.6.45).
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import * as Key from "@effect-memcache/protocol/Key"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { Reply } from "@effect-memcache/protocol/Reply"
import { isErrorReply } from "@effect-memcache/protocol/Reply"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { Connection, ConnectionOptions } from "../Connection.ts"
import * as ConnectionModule from "../Connection.ts"
import { MemcacheError } from "../MemcacheError.ts"
import { rejection } from "../Rejection.ts"
import { within } from "./Patience.ts"
import { proxyDialect } from "./ProxyDialect.ts"
import { codeOf, fromSocketError, isTlsCode } from "./SocketFailure.ts"

/**
 * What the handshake needs to know, and the connection after it.
 *
 * @category options
 * @since 0.1.0
 */
export interface HandshakeOptions extends ConnectionOptions {
  /** Milliseconds for everything from the first packet to the last answer of the handshake. */
  readonly connectTimeout: number
  /**
   * "auto" takes the meta dialect from memcached 1.6.10 on, and text before that and through proxies. "twemproxy" is text
   * without what twemproxy closes the connection on: "auto" finds out by itself, unless older releases are behind it.
   */
  readonly protocol: "auto" | "meta" | "text" | "twemproxy"
  /** Text authentication, memcached's `-Y`. */
  readonly auth?: { readonly username: string; readonly password: Redacted.Redacted<string> } | undefined
}

/**
 * What a server speaks whose version promises more: `"text"`, or `"proxy"`, which is text without the commands on which
 * it closes the connection.
 *
 * @category models
 * @since 0.1.0
 */
export type KnownDialect = "text" | "proxy"

/**
 * What is remembered of a server between dials.
 *
 * @category models
 * @since 0.1.0
 */
export interface DialectMemory {
  readonly known: () => KnownDialect | undefined
  readonly remember: (dialect: KnownDialect) => void
}

/**
 * Dials and greets. A failure leaves no socket behind, and no command of a caller was sent.
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
    // A server that was just restarted closes once on anything; only a proxy does it again.
    Effect.catchIf(isClosedOnNoop, () => attempt(open, options, memory)),
    Effect.catchIf(isClosedOnNoop, () =>
      // Only what has answered in text is remembered.
      Effect.tap(
        attempt(open, options, { ...memory, known: () => "proxy" }),
        () => Effect.sync(() => memory.remember("proxy"))
      )),
    Effect.catchIf(
      isClosedOnNoop,
      () => Effect.fail(MemcacheError.connect({ server: options.server, detail: "it closes the connection on mn" }))
    ),
    (dialing) =>
      within(dialing, options.connectTimeout, () => {
        const detail = `no answer within ${options.connectTimeout} ms`
        return Effect.fail(MemcacheError.connect({ server: options.server, detail }))
      })
  )

const isClosedOnNoop = (failure: MemcacheError | "closed on mn"): failure is "closed on mn" =>
  failure === "closed on mn"

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
  // The time to connect is the only limit here, however short the one for commands is, and it can become twice as long.
  const ask: Ask = (command) => connection.send(command, connection.now() + 2 * options.connectTimeout)
  const version = yield* introduce(ask, options)
  const [isMetaVersion, hasBareMisses] = judgeVersion(version)
  const wantsMeta = options.protocol === "meta" ||
    (options.protocol === "auto" && isMetaVersion && memory.known() === undefined)
  const isProxy = options.protocol === "twemproxy" || (options.protocol === "auto" && memory.known() === "proxy")
  const text = isProxy ? proxyDialect : textDialect
  connection.speak(text, { version, hasBareMisses: false })
  if (!wantsMeta) return
  connection.speak(metaDialect, { version, hasBareMisses })
  const refusal = yield* askNoop(ask)
  if (refusal === undefined) return
  if (options.protocol === "meta") {
    return yield* MemcacheError.unsupported({
      server: options.server,
      command: "mn",
      detail: `memcached ${version === "" ? "of an unknown version" : version} or a proxy without the meta dialect`
    })
  }
  if (refusal === "closed on mn") return yield* Effect.fail(refusal)
  // SERVER_ERROR may be about a moment, the other two are about the word.
  if (refusal !== "ServerError") memory.remember("text")
  connection.speak(textDialect, { version, hasBareMisses: false })
})

/**
 * The server's version, after the credentials if it asks for them.
 *
 * Credentials travel as the value of a `set`. A server without `-Y` would store them as an item, for everybody to read
 * and in the place of the user's own, so they are not shown to one that answers without them.
 */
const introduce = (ask: Ask, { auth, server }: HandshakeOptions): Effect.Effect<string, MemcacheError> =>
  Effect.matchEffect(askVersion(ask, server), {
    onSuccess: (version) =>
      auth === undefined
        ? Effect.succeed(version)
        : Effect.as(
          Effect.logWarning(`memcached ${server} does not ask for the credentials of the option auth: none were sent`),
          version
        ),
    onFailure: (error) =>
      auth === undefined || error.reason._tag !== "AuthenticationError"
        ? Effect.fail(error)
        : Effect.andThen(authenticate(ask, auth, server), askVersion(ask, server))
  })

type Refusal = Reply["_tag"] | "closed on mn"

type Ask = (command: Command) => Effect.Effect<Answer, MemcacheError>

/**
 * The version that the server names, "" if it answers with an error line as a proxy does whose backend is down.
 */
const askVersion = Effect.fnUntraced(function*(
  ask: Ask,
  server: string
): Effect.fn.Return<string, MemcacheError> {
  const command: Command = { _tag: "Version" }
  const { reply } = yield* Effect.mapError(ask(command), asConnectError)
  if (reply._tag === "Version") return reply.version
  if (!isErrorReply(reply)) return ""
  const { detail, _tag } = rejection(reply, command, server).reason
  if (_tag === "AuthenticationError") return yield* MemcacheError.authentication({ server, detail })
  if (_tag === "ConnectError") return yield* MemcacheError.connect({ server, detail })
  return ""
})

/**
 * How the server refuses `mn`, `undefined` if it does not.
 */
const askNoop = (ask: Ask): Effect.Effect<Refusal | undefined, MemcacheError> =>
  Effect.matchEffect(ask({ _tag: "MetaNoop" }), {
    onSuccess: ({ reply }) => Effect.succeed<Refusal | undefined>(reply._tag === "Noop" ? undefined : reply._tag),
    onFailure: (error) => {
      const { reason } = error
      // A loss has a cause unless it was us who would not wait any longer.
      const isRefusal = reason._tag === "ProtocolError" ||
        (reason._tag === "ConnectionLostError" && reason.cause !== undefined)
      return isRefusal ? Effect.succeed<Refusal>("closed on mn") : Effect.fail(asConnectError(error))
    }
  })

// Before a connection is ready, losing it is a failure to connect, and no command of a caller is concerned.
const asConnectError = ({ reason }: MemcacheError): MemcacheError => {
  const server = reason.server.valueOrUndefined
  const detail = reason.detail === "" ? "no answer to the first command" : reason.detail
  if (reason._tag === "ProtocolError") return MemcacheError.protocol({ server, outcome: "not-sent", detail })
  const cause = reason._tag === "ConnectionLostError" ? reason.cause : undefined
  // A server may refuse our certificate after the handshake is done on our side.
  return isTlsCode(codeOf(cause))
    ? MemcacheError.tls({ server, detail, cause })
    : MemcacheError.connect({ server, detail, cause })
}

const authenticate = Effect.fnUntraced(function*(
  ask: Ask,
  auth: NonNullable<HandshakeOptions["auth"]>,
  server: string
): Effect.fn.Return<void, MemcacheError> {
  const password = Redacted.value(auth.password)
  const command: Command = {
    _tag: "Store",
    mode: "set",
    // Any key will do: memcached reads only the value (protocol.txt, "Authentication").
    key: Key.make("auth") as Key.Key,
    flags: 0,
    exptime: 0,
    value: new TextEncoder().encode(`${auth.username} ${password}`),
    noreply: false
  }
  const { reply } = yield* Effect.mapError(ask(command), (error) =>
    // Such an error shows a piece of what came, which may be what we have just sent.
    error.reason._tag === "ProtocolError"
      ? MemcacheError.protocol({ server, outcome: "not-sent", detail: "what came for the credentials is not a reply" })
      : asConnectError(error))
  if (reply._tag === "Stored") return
  const text = isErrorReply(reply) ? rejection(reply, command, server).reason : undefined
  // Whatever a server says back, the password is not repeated.
  const detail = text === undefined || text.detail === "" || text.detail.includes(password)
    ? "the server refused the credentials"
    : text.detail
  return text?._tag === "ConnectError" || reply._tag === "ServerError"
    ? yield* MemcacheError.connect({ server, detail })
    : yield* MemcacheError.authentication({ server, detail })
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
  const isAtLeast = (a: number, b: number, c: number) => major !== a ? major > a : minor !== b ? minor > b : patch >= c
  return [isAtLeast(1, 6, 10), isAtLeast(1, 6, 10) && !isAtLeast(1, 6, 18)]
}
