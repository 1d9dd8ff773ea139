/**
 * What stands between a client and a real memcached, and breaks when the client reads one certain key. Every client speaks
 * to a server of its own kind, so that a fault is the same for all protocols.
 */
import { once } from "node:events"
import * as Net from "node:net"
import type { Nonsense, Read } from "./Foreign.ts"
import { endlessStart, MAGIC, nonsense, readOf, unasked } from "./Foreign.ts"

/** The key whose reading breaks the line. Seeding it does not. */
export const TRIGGER = "trigger"

/** Times in milliseconds, counted from the moment the key is read. */
export type Fault =
  | { readonly kind: "none" | "refuse" | "mute" | "stall" | "twice" | "push" | "gather" }
  | { readonly kind: "late"; readonly delay: number; readonly for: number }
  | { readonly kind: "trickle"; readonly every: number }
  | { readonly kind: "freeze" | "die"; readonly for: number }
  | { readonly kind: "answer"; readonly with: Nonsense }
  | { readonly kind: "endless"; readonly bytes: number }

const GATHERING = 200
const BEFORE_PUSH = 50
const LIMIT = 1_000_000
const LF = 0x0a
const NOTHING = Buffer.alloc(0)

/** One connection: what the client says goes up, what memcached says goes down. */
class Wire {
  readonly client: Net.Socket
  readonly server: Net.Socket
  private readonly line: FaultyLine
  private begun: Buffer = NOTHING
  private isBroken = false
  private isTwice = false
  private isTrickled = false
  private rest: Array<Buffer> = []
  private gatherer: NodeJS.Timeout | undefined = undefined

  constructor(line: FaultyLine, client: Net.Socket, port: number) {
    this.line = line
    this.client = client
    this.server = Net.connect({ port, host: "127.0.0.1", noDelay: true })
    client.setNoDelay(true)
    client.on("data", (chunk) => this.up(chunk))
    this.server.on("data", (chunk) => this.down(chunk))
    for (const [one, other] of [[client, this.server], [this.server, client]] as const) {
      one.on("error", () => other.destroy())
      one.on("close", () => other.destroy())
    }
  }

  private up(received: Buffer): void {
    if (this.isBroken) return
    const chunk = this.begun.length === 0 ? received : Buffer.concat([this.begun, received])
    // A client may write a line in several pieces: they are looked at, and sent on, together.
    const isWhole = !this.line.isArmed || chunk[0] === MAGIC || chunk.at(-1) === LF
    this.begun = isWhole ? NOTHING : chunk
    if (!isWhole) return
    const read = this.line.isArmed ? readOf(chunk, TRIGGER) : undefined
    if (read === undefined || this.breaks(read)) this.server.write(chunk)
  }

  /** Whether the read itself still goes to memcached. */
  private breaks(read: Read): boolean {
    const { fault } = this.line
    this.line.trip()
    switch (fault.kind) {
      case "answer":
        this.client.write(nonsense(fault.with, read, TRIGGER))
        return false
      case "endless":
        this.isBroken = true
        this.client.write(endlessStart(read))
        void this.pour(fault.bytes)
        return false
      case "push":
        setTimeout(() => this.client.write(unasked(read)), BEFORE_PUSH)
        return true
      case "twice":
        this.isTwice = true
        return true
      case "trickle":
        this.isTrickled = true
        return true
      case "stall":
      case "die":
        return false
      default:
        return true
    }
  }

  private down(chunk: Buffer): void {
    const { line } = this
    if (line.isStalled) return
    if (line.fault.kind === "freeze" && line.isBad) this.rest.push(chunk)
    else if (line.fault.kind === "late" && line.isBad) setTimeout(() => this.client.write(chunk), line.fault.delay)
    else if (line.fault.kind === "gather" && !line.isArmed) this.gather(chunk)
    else if (this.isTrickled) void this.trickle(chunk)
    else if (this.isTwice) {
      this.isTwice = false
      this.client.write(Buffer.concat([chunk, chunk]))
    } else this.client.write(chunk)
  }

  /** Goes on after a freeze: what waited at both ends is there at once. */
  thaw(): void {
    if (this.rest.length > 0) this.client.write(Buffer.concat(this.rest.splice(0)))
    this.client.resume()
  }

  private gather(chunk: Buffer): void {
    this.rest.push(chunk)
    clearTimeout(this.gatherer)
    this.gatherer = setTimeout(() => this.client.write(Buffer.concat(this.rest.splice(0))), GATHERING)
  }

  private async trickle(chunk: Buffer): Promise<void> {
    const every = this.line.fault.kind === "trickle" ? this.line.fault.every : 0
    for (let i = 0; i < chunk.length && this.client.writable; i++) {
      this.client.write(chunk.subarray(i, i + 1))
      await new Promise((resolve) => setTimeout(resolve, every))
    }
  }

  private async pour(bytes: number): Promise<void> {
    const pattern = Buffer.alloc(65_536, "x")
    const closed = once(this.client, "close").catch(() => undefined)
    for (let sent = 0; sent < bytes && this.client.writable; sent += pattern.length) {
      if (this.client.write(pattern)) continue
      const drained = new AbortController()
      await Promise.race([once(this.client, "drain", { signal: drained.signal }).catch(() => undefined), closed])
      drained.abort()
    }
  }
}

export class FaultyLine {
  readonly fault: Fault
  /** Whether the key has not been read yet. */
  isArmed = true
  /** Whether a fault that ends by itself still lasts. */
  isBad = false
  accepts = 0
  port = 0
  private readonly target: number
  private readonly wires = new Set<Wire>()
  private listener = Net.createServer()

  constructor(target: number, fault: Fault) {
    this.target = target
    this.fault = fault
  }

  get isStalled(): boolean {
    return this.fault.kind === "mute" || this.fault.kind === "stall" && !this.isArmed
  }

  async start(): Promise<void> {
    this.listener = Net.createServer((socket) => this.accept(socket))
    this.listener.listen(this.port, "127.0.0.1")
    await once(this.listener, "listening")
    const address = this.listener.address()
    if (address !== null && typeof address === "object") this.port = address.port
    if (this.fault.kind === "refuse") await this.stop()
  }

  async stop(): Promise<void> {
    for (const { client, server } of this.wires) {
      client.destroy()
      server.destroy()
    }
    if (this.listener.listening) await once(this.listener.close(), "close")
  }

  trip(): void {
    this.isArmed = false
    const { fault } = this
    if (fault.kind !== "freeze" && fault.kind !== "die" && fault.kind !== "late") return
    this.isBad = true
    if (fault.kind === "freeze") { for (const { client } of this.wires) client.pause() }
    if (fault.kind === "die") {
      this.listener.close()
      for (const { client } of this.wires) client.resetAndDestroy()
    }
    if (fault.for < LIMIT) setTimeout(() => void this.heal(), fault.for).unref()
  }

  private async heal(): Promise<void> {
    this.isBad = false
    if (this.fault.kind === "die") await this.start()
    for (const wire of this.wires) wire.thaw()
  }

  private accept(socket: Net.Socket): void {
    this.accepts++
    const wire = new Wire(this, socket, this.target)
    this.wires.add(wire)
    socket.on("close", () => this.wires.delete(wire))
    if (this.fault.kind === "mute" || this.fault.kind === "freeze" && this.isBad) socket.pause()
  }
}
