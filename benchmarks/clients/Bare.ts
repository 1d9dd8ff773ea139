/**
 * The least client that one can write on `node:net` with promises: the limit of Node.
 *
 * It sends the same meta commands as the measured client, once per tick, and answers values as strings. It has no
 * timeout, no key check, no bound, and trusts that replies come in order: not a client to use.
 */
import { once } from "node:events"
import * as Net from "node:net"
import type { Driver, MakeDriver } from "../Driver.ts"
import { drive } from "../Driver.ts"

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  /** Where the values of a batch are collected. */
  readonly found: Map<string, string> | undefined
}

const LF = 0x0a

class BareConnection {
  private readonly socket: Net.Socket
  private waiting: Array<Waiting> = []
  private head = 0
  private out = ""
  private opaque = 1_000_000
  private rest: Buffer | undefined = undefined
  private block: Buffer | undefined = undefined
  private blockKey = ""
  private filled = 0

  constructor(socket: Net.Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => this.receive(chunk))
    socket.on("error", (error) => this.fail(error))
  }

  get(key: string): Promise<string | undefined> {
    return this.send(`mg ${key} v f O${++this.opaque}\r\n`)
  }

  set(key: string, value: string): Promise<string> {
    return this.send(`ms ${key} ${Buffer.byteLength(value)} F16 O${++this.opaque}\r\n${value}\r\n`)
  }

  increment(key: string): Promise<string> {
    return this.send(`ma ${key} v O${++this.opaque}\r\n`)
  }

  getMany(keys: ReadonlyArray<string>): Promise<Map<string, string>> {
    return this.send(`get ${keys.join(" ")}\r\nmn\r\n`, new Map())
  }

  close(): void {
    this.socket.destroy()
  }

  private send<A>(request: string, found?: Map<string, string>): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      this.waiting.push({ resolve, reject, found })
      if (this.out === "") queueMicrotask(this.flush)
      this.out += request
    })
  }

  private readonly flush = (): void => {
    const out = this.out
    this.out = ""
    this.socket.write(out)
  }

  private receive(received: Buffer): void {
    let chunk = received
    let position = 0
    if (this.block !== undefined) {
      position = this.fill(this.block, chunk, 0)
      if (this.block !== undefined) return
    } else if (this.rest !== undefined) {
      chunk = Buffer.concat([this.rest, received])
      this.rest = undefined
    }
    while (position < chunk.length) {
      let end = position
      while (end < chunk.length && chunk[end] !== LF) end++
      if (end === chunk.length) {
        this.rest = chunk.subarray(position)
        return
      }
      const line = chunk.toString("latin1", position, end - 1)
      position = end + 1
      if (!line.startsWith("VA")) {
        this.settle(line)
        continue
      }
      const words = line.split(" ")
      const isClassic = words[0] === "VALUE"
      const size = Number(isClassic ? words[3] : words[1])
      const key = isClassic ? words[1]! : ""
      if (position + size + 2 <= chunk.length) {
        this.value(key, chunk.toString("utf8", position, position + size))
        position += size + 2
      } else {
        this.block = Buffer.allocUnsafe(size + 2)
        this.blockKey = key
        this.filled = 0
        position = this.fill(this.block, chunk, position)
      }
    }
  }

  /** Goes on with a value that is longer than a chunk. */
  private fill(block: Buffer, chunk: Buffer, position: number): number {
    const taken = chunk.copy(block, this.filled, position)
    this.filled += taken
    if (this.filled === block.length) {
      this.block = undefined
      this.value(this.blockKey, block.toString("utf8", 0, block.length - 2))
    }
    return position + taken
  }

  private value(key: string, value: string): void {
    const { found, resolve } = this.waiting[this.head]!
    if (found !== undefined) found.set(key, value)
    else {
      this.advance()
      resolve(value as never)
    }
  }

  private settle(line: string): void {
    const { found, reject, resolve } = this.waiting[this.head]!
    if (line === "END") return
    this.advance()
    if (line === "MN") resolve(found as never)
    else if (line.startsWith("HD")) resolve(line as never)
    else if (line.startsWith("EN")) resolve(undefined as never)
    else reject(new Error(line))
  }

  private advance(): void {
    if (++this.head < 1024) return
    this.waiting = this.waiting.slice(this.head)
    this.head = 0
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.slice(this.head)) reject(error)
  }
}

const connect = async (server: string): Promise<BareConnection> => {
  const [host, port] = server.split(":")
  const socket = Net.connect({ host, port: Number(port), noDelay: true })
  await once(socket, "connect")
  return new BareConnection(socket)
}

export const make: MakeDriver = async ({ servers, work }, items): Promise<Driver> => {
  const connections = await Promise.all(servers.map(connect))
  const index = (key: string): number => Number(key.slice(-6)) % connections.length
  const pick = (key: string): BareConnection => connections.length === 1 ? connections[0]! : connections[index(key)]!

  const getMany = async (keys: Array<string>): Promise<ReadonlyArray<Map<string, string>>> => {
    if (connections.length === 1) return [await connections[0]!.getMany(keys)]
    const shares = connections.map((): Array<string> => [])
    for (const key of keys) shares[index(key)]!.push(key)
    return Promise.all(connections.map((connection, i) => connection.getMany(shares[i]!)))
  }

  return drive(
    {
      get: (key) => pick(key).get(key),
      text: (value) => value,
      set: (key, value) => pick(key).set(key, value),
      isStored: (line) => line.startsWith("HD"),
      increment: (key) => pick(key).increment(key),
      count: Number,
      getMany,
      pick: (found, key) => found[found.length === 1 ? 0 : index(key)]!.get(key),
      close: () => connections.forEach((connection) => connection.close())
    },
    work,
    items
  )
}
