/**
 * One client at a fault proxy, and the connection to the server that is made for it.
 */
import * as Net from "node:net"
import type { CutAfterForward, Ending, Toxic } from "../Toxic.ts"
import type { TrafficLog } from "../Traffic.ts"
import { Channel } from "./Channel.ts"
import * as Conditions from "./Conditions.ts"
import { RequestWatch } from "./RequestWatch.ts"
import { reset } from "./Reset.ts"

export interface Options {
  readonly client: Net.Socket
  readonly target: Net.NetConnectOpts
  readonly toxics: () => ReadonlyArray<Toxic>
  readonly log: TrafficLog
  readonly isWatching: boolean
  readonly random: () => number
}

// Milliseconds in which a server carries out what it has been sent and closes, if it is alive.
const SERVER_PATIENCE = 1000

export class ProxyConnection {
  private readonly options: Options
  private readonly client: Net.Socket
  private upstream: Net.Socket | undefined = undefined
  private up: Channel | undefined = undefined
  private down: Channel | undefined = undefined
  private watch: RequestWatch | undefined = undefined
  private cutter: CutAfterForward | undefined = undefined
  private requests = 0

  constructor(options: Options) {
    this.options = options
    this.client = options.client
    this.client.on("error", () => {})
  }

  /** Connects to the server; before that, nothing is read from the client. */
  start(): void {
    const { client } = this
    if (client.destroyed || this.upstream !== undefined) return
    const { isWatching, log, random, target, toxics } = this.options
    const upstream = Net.connect({ ...target, allowHalfOpen: true, noDelay: true } as Net.NetConnectOpts)
    this.upstream = upstream
    if (isWatching) this.watch = new RequestWatch(log)
    const onLimit = (ending: Ending): void => this.cut(ending)
    const up = new Channel({
      from: client,
      to: upstream,
      conditions: Conditions.of(toxics(), "up"),
      random,
      onPass: () => {},
      onLimit
    })
    const down = new Channel({
      from: upstream,
      to: client,
      conditions: Conditions.of(toxics(), "down"),
      random,
      onPass: (size) => log.bytesDown += size,
      onLimit
    })
    this.up = up
    this.down = down
    this.set(toxics())
    client.on("data", (chunk: Buffer) => this.forward(chunk))
    upstream.on("data", (chunk: Buffer) => down.push(chunk))
    this.passOnEnd(client, upstream, up)
    this.passOnEnd(upstream, client, down)
  }

  /** Changes the toxics. */
  set(toxics: ReadonlyArray<Toxic>): void {
    this.requests = 0
    this.cutter = toxics.findLast((toxic) => toxic._tag === "CutAfterForward")
    this.up?.set(Conditions.of(toxics, "up"))
    this.down?.set(Conditions.of(toxics, "down"))
  }

  /** Ends it on both sides, whatever waits. */
  cut(ending: Ending): void {
    this.up?.close()
    this.down?.close()
    this.endClient(ending)
    const { upstream } = this
    if (ending === "rst" && upstream !== undefined) reset(upstream)
    else upstream?.destroy()
  }

  destroy(): void {
    this.up?.close()
    this.down?.close()
    this.client.destroy()
    this.upstream?.destroy()
  }

  private endClient(ending: Ending): void {
    if (ending === "rst") reset(this.client)
    else this.client.end().resume()
  }

  private forward(chunk: Buffer): void {
    const { log } = this.options
    log.bytesUp += chunk.length
    const { cutter, up } = this
    if (cutter === undefined) {
      this.watch?.push(chunk)
      up?.push(chunk)
      return
    }
    // Without anybody watching, reading along begins here, where a request is taken to begin.
    this.watch ??= new RequestWatch(log)
    const end = this.watch.find(chunk, (verb) => this.isLast(verb, cutter))
    up?.push(end === -1 ? chunk : chunk.subarray(0, end))
    if (end === -1) return
    up?.after(() => this.cutBeforeReply(cutter.ending))
  }

  private isLast(verb: string, { after = 1, verb: wanted = verb }: CutAfterForward): boolean {
    if (verb !== wanted) return false
    this.requests++
    return this.requests === after
  }

  // The client hears of it when the server has closed, so it has carried out everything by then.
  private cutBeforeReply(ending: Ending): void {
    const { upstream } = this
    this.up?.close()
    this.down?.close()
    const timer = setTimeout(() => upstream?.destroy(), SERVER_PATIENCE)
    upstream?.once("close", () => {
      clearTimeout(timer)
      this.endClient(ending)
    })
    upstream?.end()
  }

  private passOnEnd(from: Net.Socket, to: Net.Socket, channel: Channel): void {
    let hasEnded = false
    from.on("end", () => {
      hasEnded = true
      channel.after(() => to.end())
    })
    from.on("error", () => {})
    from.on("close", () => {
      if (!hasEnded) channel.after(() => reset(to))
    })
  }
}
