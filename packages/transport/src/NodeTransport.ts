/**
 * The transport on Node's sockets: TCP, TLS and Unix sockets.
 *
 * @since 0.1.0
 */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as net from "node:net"
import * as tls from "node:tls"
import type { Address } from "./Address.ts"
import * as Transport from "./Transport.ts"

/**
 * How sockets are opened.
 *
 * @category options
 * @since 0.1.0
 */
export interface NodeTransportOptions {
  /**
   * Encrypts TCP connections: `true` for Node's defaults, or Node's own options, such as `ca` for a private authority.
   * Certificates are verified and the host is the server name, unless these options say otherwise.
   *
   * @default false
   */
  readonly tls?: boolean | tls.ConnectionOptions | undefined
  /**
   * Sends small packets at once.
   *
   * @default true
   */
  readonly noDelay?: boolean | undefined
  /**
   * Idle time after which the system asks whether the peer is still there; `false` never does.
   *
   * @default "60 seconds"
   */
  readonly keepAlive?: Duration.Input | false | undefined
}

const KEEP_ALIVE = Duration.seconds(60)

/**
 * Provides `Transport` on Node's sockets. Nothing is opened before the first connection is asked for.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: NodeTransportOptions = {}): Layer.Layer<Transport.Transport> =>
  Layer.sync(Transport.Transport, () => Transport.make((address) => open(address, options)))

const open = (address: Address, options: NodeTransportOptions) => {
  if (address._tag === "Unix") return NodeSocket.makeNet({ path: address.path })
  const keepAlive = options.keepAlive ?? KEEP_ALIVE
  const tcp: net.TcpNetConnectOpts = {
    host: address.host,
    port: address.port,
    noDelay: options.noDelay ?? true,
    keepAlive: keepAlive !== false,
    keepAliveInitialDelay: keepAlive === false ? 0 : Duration.toMillis(keepAlive)
  }
  if (options.tls === undefined || options.tls === false) return NodeSocket.makeNet(tcp)
  return NodeSocket.fromDuplex(secure(tcp, options.tls === true ? {} : options.tls))
}

/**
 * Connects and shakes hands. `tls.connect` ignores `noDelay` and `keepAlive` (Node 24.21), so the TCP socket is made
 * first and handed to it; the name that the certificate must carry is then ours to say.
 */
const secure = (
  tcp: net.TcpNetConnectOpts,
  options: tls.ConnectionOptions
): Effect.Effect<tls.TLSSocket, Socket.SocketError, Scope.Scope> =>
  Effect.suspend(() => {
    let raw: net.Socket | undefined
    let secured: tls.TLSSocket | undefined
    const destroy = () => {
      secured?.destroy()
      raw?.destroy()
    }
    return Effect.andThen(
      // Before there is a socket, so that no interruption can come between the two.
      Effect.addFinalizer(() => Effect.sync(destroy)),
      Effect.callback<tls.TLSSocket, Socket.SocketError>((resume) => {
        const fail = (cause: unknown) => {
          destroy()
          const reason = new Socket.SocketOpenError({ kind: "Unknown", cause })
          resume(Effect.fail(new Socket.SocketError({ reason })))
        }
        const shakeHands = (raw: net.Socket) => {
          const host = tcp.host!
          const servername = net.isIP(host) === 0 ? { servername: host } : {}
          try {
            secured = tls.connect({ host, ...servername, ...options, socket: raw })
          } catch (cause) {
            // Options that OpenSSL refuses, such as a key that does not fit its certificate, throw.
            return fail(cause)
          }
          separateLastByte(secured)
          secured.on("error", fail)
          secured.once("secureConnect", () => resume(Effect.succeed(secured!)))
        }
        raw = net.connect(tcp)
        raw.on("error", fail)
        // Not before: while Node still tries the addresses of a name, a TLS socket on top crashes the process (24.21).
        raw.once("connect", () => shakeHands(raw!))
      })
    )
  })

/** Most bytes in one TLS record. */
const MAX_RECORD = 16_384

/**
 * Gives the last byte of a write that takes several records a record of its own.
 *
 * memcached asks the kernel, and not OpenSSL, whether there is more to read. Where it has taken a record in part, the
 * commands in the rest of it wait until something else arrives: a thousand pipelined `set`s were never answered (1.6.18,
 * ten times of ten). The last byte is that something. Single records are taken whole, and writes must not be joined.
 */
const separateLastByte = (socket: tls.TLSSocket): void => {
  const write: (chunk: Uint8Array | string, ...rest: Array<never>) => boolean = socket.write.bind(socket)
  const separate: typeof write = (chunk, ...rest) => {
    if (typeof chunk === "string" || chunk.length <= MAX_RECORD) return write(chunk, ...rest)
    write(chunk.subarray(0, -1))
    return write(chunk.subarray(-1), ...rest)
  }
  // Writable, because Node itself replaces `write` when the peer ends.
  Object.defineProperties(socket, {
    write: { value: separate, writable: true, configurable: true },
    _writev: { value: undefined }
  })
}
