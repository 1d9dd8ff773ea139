/**
 * The listening side of a fault proxy: who is let in, and everybody who is in.
 */
import { once } from "node:events"
import * as Net from "node:net"
import type { Admission, Ending, Toxic } from "../Toxic.ts"
import type { TrafficLog } from "../Traffic.ts"
import * as Conditions from "./Conditions.ts"
import { ProxyConnection } from "./ProxyConnection.ts"

export interface Options {
  readonly host: string
  readonly port: number
  readonly target: Net.NetConnectOpts
  readonly log: TrafficLog
  readonly isWatching: boolean
  readonly random: () => number
}

export class ProxyListener {
  /** The port, once it listens; the same one each time. */
  port: number
  toxics: ReadonlyArray<Toxic> = []
  admission: Admission = "refuse"

  private readonly options: Options
  private readonly connections = new Map<Net.Socket, ProxyConnection>()
  private listener: Net.Server | undefined = undefined
  private changed: Promise<void> = Promise.resolve()

  constructor(options: Options) {
    this.options = options
    this.port = options.port
  }

  /** One after the other: whoever asked may have been interrupted meanwhile. */
  admit(admission: Admission): Promise<void> {
    const changed = this.changed.then(() => this.change(admission))
    this.changed = changed.catch(() => {})
    return changed
  }

  set(toxics: ReadonlyArray<Toxic>): void {
    // Tells of a wrong number before anything has changed.
    Conditions.of(toxics, "up")
    Conditions.of(toxics, "down")
    this.toxics = toxics
    for (const connection of this.connections.values()) connection.set(toxics)
  }

  /** Ends all connections, and answers how many there were. */
  cut(ending: Ending): number {
    const { size } = this.connections
    for (const connection of this.connections.values()) connection.cut(ending)
    return size
  }

  async close(): Promise<void> {
    await this.admit("refuse")
    const sockets = [...this.connections.keys()]
    const closed = sockets.map((socket) => socket.closed ? undefined : once(socket, "close"))
    for (const connection of this.connections.values()) connection.destroy()
    await Promise.all(closed)
  }

  private async change(admission: Admission): Promise<void> {
    this.admission = admission
    if (admission === "refuse") return this.stopListening()
    await this.listen()
    if (admission === "forward") { for (const connection of this.connections.values()) connection.start() }
  }

  private async listen(): Promise<void> {
    if (this.listener !== undefined) return
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true }
    const listener = Net.createServer(options, (socket) => this.accept(socket))
    this.listener = listener
    try {
      await once(listener.listen(this.port, this.options.host), "listening")
    } catch (error) {
      this.listener = undefined
      throw error
    }
    listener.on("error", () => {})
    this.port = (listener.address() as Net.AddressInfo).port
  }

  private stopListening(): void {
    // Its promise would wait for the connections, which may go on.
    this.listener?.close()
    this.listener = undefined
  }

  private accept(client: Net.Socket): void {
    const { log } = this.options
    log.accepts.push(performance.now())
    log.open++
    const connection = new ProxyConnection({ ...this.options, client, toxics: () => this.toxics })
    this.connections.set(client, connection)
    client.on("close", () => {
      log.open--
      this.connections.delete(client)
    })
    if (this.admission === "forward") connection.start()
    else if (this.admission === "fin" || this.admission === "rst") connection.cut(this.admission)
  }
}
