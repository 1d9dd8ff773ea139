/**
 * The fault server without Effect: listens, keeps its connections, and can die and come back on the same port.
 *
 * @since 0.1.0
 */
import { rmSync, statSync } from "node:fs"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { Engine } from "../Engine.ts"
import type { Options as LogOptions } from "../FaultLog.ts"
import { FaultLog } from "../FaultLog.ts"
import type { Rule } from "../FaultScript.ts"
import { VERSION } from "../Settings.ts"
import type { Host } from "./FaultConnection.ts"
import { FaultConnection } from "./FaultConnection.ts"
import { RuleBook } from "./RuleBook.ts"

/** How a server is set up. */
export interface Options {
  /** What it does otherwise than memcached; the first rule that fits wins. */
  readonly rules?: ReadonlyArray<Rule> | undefined
  /** Where to listen (default 127.0.0.1). */
  readonly host?: string | undefined
  /** A port, 0 for a free one (default 0). */
  readonly port?: number | undefined
  /** A unix socket instead of a port. */
  readonly path?: string | undefined
  /** Certificate and key, to speak TLS only. Rules for `accept` are done before the handshake. */
  readonly tls?: Tls.TlsOptions | undefined
  /** The version that it says it is (default: the embedded server's). */
  readonly version?: string | undefined
  /** Commands that it does not know, as an old release: their line is answered `ERROR`, a value behind it is read as lines. */
  readonly unknownCommands?: ReadonlyArray<string> | undefined
  /** Largest item in bytes, about 50 and the key's length of which are not for the value (default 1 MiB). */
  readonly maxItemSize?: number | undefined
  /** Bytes for all items (default 64 MiB). */
  readonly memoryLimit?: number | undefined
  /** `false` refuses new items when memory is full, instead of evicting old ones. */
  readonly evict?: boolean | undefined
  /** Items live on from a stop to the next start, as if only the network had failed (default: they are gone). */
  readonly keepItems?: boolean | undefined
  /** How much the log keeps. */
  readonly log?: LogOptions | undefined
}

/** How time passes: what Effect's clock says, or the machine's. */
export interface Time {
  readonly now: () => number
  /** Runs something later; what it answers calls that off. */
  readonly after: (millis: number, run: () => void) => () => void
}

/** The machine's own time. */
export const machineTime: Time = {
  now: Date.now,
  after: (millis, run) => {
    const timer = setTimeout(run, millis)
    return () => clearTimeout(timer)
  }
}

/** A server. Its log and its rules live on from a stop to the next start, its items only if that was chosen. */
export class FaultListener {
  readonly log: FaultLog
  engine: Engine
  /** The port, once it listens; 0 with a unix socket. A restart takes the same. */
  port: number

  private readonly options: Options
  private readonly time: Time
  private readonly rules = new RuleBook()
  private readonly unknownVerbs: ReadonlySet<string>
  private readonly tls: Tls.TLSSocketOptions | undefined
  private readonly connections = new Set<FaultConnection>()
  private listener: Net.Server | undefined = undefined
  private accepted = 0

  constructor(options: Options, time: Time) {
    this.options = options
    this.time = time
    this.port = options.port ?? 0
    this.log = new FaultLog(options.log)
    this.unknownVerbs = new Set(options.unknownCommands)
    this.tls = options.tls === undefined
      ? undefined
      : { ...options.tls, secureContext: Tls.createSecureContext(options.tls) }
    this.engine = this.makeEngine()
    this.script(options.rules ?? [])
  }

  /** Where it listens, unless on a unix socket. */
  get host(): string {
    return this.options.host ?? "127.0.0.1"
  }

  /** `host:port`, or `unix:/path`. */
  get address(): string {
    const { path } = this.options
    if (path !== undefined) return `unix:${path}`
    return `${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.port}`
  }

  /** Exchanges the rules. */
  script(rules: ReadonlyArray<Rule>): void {
    this.rules.replace(rules)
  }

  /** Sends bytes at once, on every connection or on one. */
  push(bytes: string, connection?: number): void {
    for (const open of this.connections) {
      if (connection === undefined || open.index === connection) open.push(bytes)
    }
  }

  /** Ends every connection and goes on listening. */
  cutAll(how: "fin" | "rst"): void {
    for (const connection of this.connections) connection[how]()
  }

  /** Listens. A server that listens already does nothing; a port that is taken rejects. */
  start(): Promise<void> {
    if (this.listener !== undefined) return Promise.resolve()
    const { path } = this.options
    if (path !== undefined && statSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path)
    const listener = Net.createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      (socket) => this.accept(socket)
    )
    this.listener = listener
    return new Promise((resolve, reject) => {
      listener.once("error", (error) => {
        this.listener = undefined
        reject(error)
      })
      listener.listen(path !== undefined ? { path } : { host: this.host, port: this.port }, () => {
        const address = listener.address()
        if (address !== null && typeof address === "object") this.port = address.port
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
    for (const connection of this.connections) connection.destroy()
    if (this.options.keepItems !== true) this.engine = this.makeEngine()
    return closed
  }

  private makeEngine(): Engine {
    const { evict, host, maxItemSize, memoryLimit, path, tls, version } = this.options
    return new Engine({
      evict,
      maxItemSize,
      memoryLimit,
      now: this.time.now,
      settings: { version: version ?? VERSION, port: this.port, host, path, isEncrypted: tls !== undefined }
    })
  }

  private accept(socket: Net.Socket): void {
    const { engine, log, rules, time, tls, unknownVerbs } = this
    const host: Host = { engine, log, rules, tls, unknownVerbs, ...time }
    const connection = new FaultConnection(host, socket, ++this.accepted)
    this.connections.add(connection)
    socket.on("close", () => this.connections.delete(connection))
  }
}
