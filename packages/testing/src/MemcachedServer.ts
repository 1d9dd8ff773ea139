/**
 * The engine behind a socket: listens, reads requests, answers in their order.
 *
 * A connection that does not read its replies is not read from either, so that a caller who only asks cannot fill the
 * memory. Both dialects may be mixed on one connection, as memcached allows.
 *
 * @since 0.1.0
 */
import { byteString } from "@effect-memcache/protocol/Ascii"
import * as Command from "@effect-memcache/protocol/Command"
import * as MetaRequest from "@effect-memcache/protocol/meta/RequestDecoder"
import type { ParseRequestLine, Request, RequestLine } from "@effect-memcache/protocol/Request"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { rmSync, statSync } from "node:fs"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { Engine } from "./Engine.ts"
import type * as EngineOptions from "./Engine.ts"
import * as TextAuthentication from "./TextAuthentication.ts"

/**
 * How a server is set up; memcached's own options are named behind.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends Omit<EngineOptions.Options, "settings"> {
  /** Where to listen (`-l`; default 127.0.0.1). */
  readonly host?: string | undefined
  /** A port, 0 for a free one (`-p`; default 0). */
  readonly port?: number | undefined
  /** A unix socket instead of a port (`-s`). */
  readonly path?: string | undefined
  /** How many may be connected; more are turned away with an error line (`-c`; default 1024). */
  readonly maxConnections?: number | undefined
  /** Who may come in by text authentication (`-Y`); everybody if left out. */
  readonly users?: ReadonlyArray<TextAuthentication.User> | undefined
  /** Certificate and key, to speak TLS only (`-Z`). */
  readonly tls?: Tls.TlsOptions | undefined
  /** `false` refuses `flush_all` (`-F`). */
  readonly flushAll?: boolean | undefined
  /** What `shutdown` does; without it the command is refused (`-A`). */
  readonly onShutdown?: (() => void) | undefined
  /** Items live on from a stop to the next start, as if only the network had failed (default: they are gone). */
  readonly keepItems?: boolean | undefined
}

/**
 * What a server has seen since it was made, restarts included.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counters {
  /** Connections accepted so far. */
  accepted: number
  /** Connections open now. */
  current: number
  /** Lines and values that were no legal command: a client should never send one. */
  malformed: number
  /** Commands by memcached's own word: `get`, `ms`, `flush_all`. */
  readonly commands: Map<string, number>
}

const BAD_CHUNK = "CLIENT_ERROR bad data chunk"

// Replies are written in pieces of about this size, so that one chunk of requests cannot make one huge reply.
const WRITE_SIZE = 262_144

/**
 * A server. It can be stopped and started again, which is what a death and a return look like from outside.
 *
 * @category models
 * @since 0.1.0
 */
export class MemcachedServer {
  readonly options: Options
  readonly counters: Counters = { accepted: 0, current: 0, malformed: 0, commands: new Map() }
  engine: Engine
  /** The port, once it listens; 0 with a unix socket. A restart takes the same. */
  port: number

  private listener: Net.Server | undefined = undefined
  private readonly sockets = new Set<Net.Socket>()
  private readonly connections = new Set<Connection>()

  constructor(options: Options = {}) {
    this.options = options
    this.port = options.port ?? 0
    this.engine = this.makeEngine()
  }

  /** Where it listens, unless on a unix socket. */
  get host(): string {
    return this.options.host ?? "127.0.0.1"
  }

  /** `host:port`, or `unix:/path`. */
  get address(): string {
    const { path } = this.options
    return path !== undefined
      ? `unix:${path}`
      : `${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.port}`
  }

  /** Listens. A server that listens already does nothing; a port that is taken rejects. */
  start(): Promise<void> {
    if (this.listener !== undefined) return Promise.resolve()
    const { path, tls } = this.options
    if (path !== undefined) removeSocket(path)
    const listener = tls === undefined
      ? Net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket))
      : Tls.createServer({ ...tls, allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket))
    // Raw sockets, so that a stop also ends those that are still shaking hands.
    listener.on("connection", (socket: Net.Socket) => {
      this.sockets.add(socket)
      socket.on("close", () => this.sockets.delete(socket))
      socket.on("error", () => {})
    })
    this.listener = listener
    return new Promise((resolve, reject) => {
      listener.once("error", (error) => {
        this.listener = undefined
        reject(error)
      })
      listener.listen(path !== undefined ? { path } : { host: this.host, port: this.port }, () => {
        const address = listener.address()
        if (address !== null && typeof address === "object") this.port = address.port
        this.engine.settings.port = this.port
        listener.removeAllListeners("error").on("error", () => {})
        resolve()
      })
    })
  }

  /** Ends every connection at once and stops listening. */
  stop(): Promise<void> {
    const { listener } = this
    if (listener === undefined) return Promise.resolve()
    this.listener = undefined
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
    for (const socket of this.sockets) socket.destroy()
    if (this.options.keepItems !== true) this.engine = this.makeEngine()
    return closed
  }

  private makeEngine(): Engine {
    const { flushAll, host, onShutdown, path, tls, users, ...options } = this.options
    const engine = new Engine({
      ...options,
      settings: {
        port: this.port,
        host: path === undefined ? host ?? "127.0.0.1" : undefined,
        path,
        maxConnections: options.maxConnections ?? 1024,
        isShutdownAllowed: onShutdown !== undefined,
        isFlushAllowed: flushAll ?? true,
        isAuthenticating: users !== undefined,
        isEncrypted: tls !== undefined
      }
    })
    engine.peers = () => [...this.connections]
    return engine
  }

  private accept(socket: Net.Socket): void {
    socket.on("error", () => {})
    const { statistics, settings } = this.engine
    if (this.connections.size >= settings.maxConnections) {
      statistics.count("rejected_connections")
      socket.end("ERROR Too many open connections\r\n", () => socket.destroy())
      return
    }
    statistics.count("total_connections")
    this.counters.accepted++
    this.counters.current++
    const connection = new Connection(this, socket)
    this.connections.add(connection)
    socket.on("close", () => {
      this.counters.current--
      this.connections.delete(connection)
    })
  }
}

const removeSocket = (path: string): void => {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path)
}

/** One connection: requests in, replies out, strictly in order. */
class Connection {
  readonly address: string
  readonly listenAddress: string
  lastCommand: number

  private readonly server: MemcachedServer
  private readonly socket: Net.Socket
  private readonly reader: RequestReader
  private readonly out = new WriteBuffer()
  private isKnown: boolean
  private isWaiting = false
  private isEnding = false
  private isClosed = false

  constructor(server: MemcachedServer, socket: Net.Socket) {
    const { options } = server
    this.server = server
    this.socket = socket
    this.isKnown = options.users === undefined
    this.address = options.path === undefined ? `tcp:${socket.remoteAddress}:${socket.remotePort}` : "unix:"
    this.listenAddress = options.path === undefined ? `tcp:${server.address}` : server.address
    this.lastCommand = server.engine.store.time
    this.reader = new RequestReader({ parse: this.parse, maxBlockSize: server.engine.store.options.maxItemSize })
    socket.on("data", (chunk) => {
      server.engine.statistics.count("bytes_read", chunk.length)
      this.reader.push(chunk)
      this.work()
    })
    socket.on("drain", () => {
      this.isWaiting = false
      socket.resume()
      this.work()
    })
    // What was asked before the other side closed its half is still answered.
    socket.on("end", () => {
      this.isEnding = true
      this.work()
    })
  }

  private readonly parse: ParseRequestLine = (bytes, start, end) => {
    const line = this.isKnown ? this.parseKnown(bytes, start, end) : TextAuthentication.parse(bytes, start, end)
    if (line._tag !== "Command") this.server.counters.malformed++
    return line
  }

  private parseKnown(bytes: Uint8Array, start: number, end: number): RequestLine {
    const line = MetaRequest.parse(bytes, start, end)
    const { onShutdown } = this.server.options
    if (onShutdown === undefined || line._tag !== "Refuse" || !line.reply.includes("shutdown not enabled")) return line
    const mode = byteString(bytes, start, end).split(" ").slice(1).join(" ").trim()
    if (mode !== "" && mode !== "graceful") {
      return { _tag: "Refuse", reply: "CLIENT_ERROR invalid shutdown mode", swallow: -1 }
    }
    queueMicrotask(onShutdown)
    return { _tag: "Close" }
  }

  private work(): void {
    while (!this.isWaiting && !this.isClosed) {
      const request = this.reader.next()
      if (request === undefined) break
      this.isClosed = this.handle(request)
      if (this.out.length >= WRITE_SIZE) this.flush()
    }
    this.flush()
    if (this.isClosed) this.socket.destroySoon()
    else if (this.isEnding && !this.isWaiting) this.socket.end()
  }

  /** Answers a request. Whether the connection ends with it. */
  private handle(request: Request): boolean {
    const { counters, engine } = this.server
    switch (request._tag) {
      case "Close":
        return true
      case "Refuse":
        if (request.reply === BAD_CHUNK) counters.malformed++
        this.say(
          request.reply === BAD_CHUNK && !this.isKnown ? "CLIENT_ERROR bad command line termination" : request.reply
        )
        return false
      case "TooLarge":
        this.count(request.command)
        engine.refuseTooLarge(request.command, this.out)
        return false
      case "Command":
        if (!this.isKnown) {
          this.authenticate(request.command)
          return false
        }
        this.count(request.command)
        if (request.command._tag === "Quit") return true
        engine.execute(request.command, this.out)
        return false
    }
  }

  private authenticate(command: Command.Command): void {
    const { engine, options } = this.server
    if (command._tag !== "Store") return
    const reply = TextAuthentication.check(options.users ?? [], command.value)
    this.isKnown = reply === "STORED"
    engine.statistics.count("auth_cmds")
    if (!this.isKnown) engine.statistics.count("auth_errors")
    this.say(reply)
  }

  private count(command: Command.Command): void {
    const { counters, engine } = this.server
    const verb = Command.verb(command)
    counters.commands.set(verb, (counters.commands.get(verb) ?? 0) + 1)
    this.lastCommand = engine.store.time
  }

  private say(line: string): void {
    this.out.text(line).crlf()
  }

  private flush(): void {
    const size = this.out.length
    if (size === 0 || this.socket.destroyed) return
    this.server.engine.statistics.count("bytes_written", size)
    if (this.socket.write(this.out.take())) return
    this.isWaiting = true
    this.socket.pause()
  }
}
