/**
 * Bytes that were encoded beforehand, on a socket that only counts the bytes of the replies: the limit of the wire and
 * of the server. Nothing is parsed, so nothing is checked but that every reply has the length that it must have.
 */
import { once } from "node:events"
import * as Net from "node:net"
import type { Driver, MakeDriver } from "../Driver.ts"
import { batchesOf, stopAfter } from "../Driver.ts"
import type { Items } from "../Items.ts"
import type { Work } from "../Work.ts"

/** What is asked in one step, and how many bytes answer it. */
interface Step {
  readonly request: string
  readonly reply: number
}

const OPAQUE = 1_000_000

const stepOf = (work: Work, { keys, values }: Items, i: number): Step => {
  const key = keys[i]!
  const value = values[i]!
  const opaque = `O${OPAQUE + i}`
  if (work.kind === "set" || (work.kind === "mixed" && i % 10 === 9)) {
    return { request: `ms ${key} ${value.length} F16 ${opaque}\r\n${value}\r\n`, reply: `HD ${opaque}\r\n`.length }
  }
  if (work.kind === "increment") {
    return { request: `ma ${key} v ${opaque}\r\n`, reply: `VA 10 ${opaque}\r\n`.length + 12 }
  }
  return { request: `mg ${key} v f ${opaque}\r\n`, reply: `VA ${value.length} f16 ${opaque}\r\n${value}\r\n`.length }
}

const batchSteps = ({ keys, values }: Items, servers: number, server: number): ReadonlyArray<Step> => {
  const pairs = keys.map((key, i) => [key, values[i]!, i % servers] as const)
  return batchesOf(pairs).map((batch) => {
    const share = batch.filter(([, , place]) => place === server)
    const lines = share.map(([key, value]) => `VALUE ${key} 16 ${value.length}\r\n${value}\r\n`)
    return {
      request: `get ${share.map(([key]) => key).join(" ")}\r\nmn\r\n`,
      reply: `${lines.join("")}END\r\nMN\r\n`.length
    }
  })
}

/** One socket, and its steps as one ring of bytes. */
class Lane {
  /** Steps that were sent, and steps that were answered. */
  sent = 0
  done = 0

  private readonly socket: Net.Socket
  private readonly ring: Buffer
  private readonly ends: ReadonlyArray<number>
  private readonly replies: ReadonlyArray<number>
  private owed: number

  constructor(host: string, port: number, steps: ReadonlyArray<Step>, onProgress: () => void) {
    this.ring = Buffer.from(steps.map(({ request }) => request).join(""), "latin1")
    let end = 0
    this.ends = steps.map(({ request }) => end += request.length)
    this.replies = steps.map(({ reply }) => reply)
    this.owed = this.replies[0]!
    const callback = (bytes: number): boolean => {
      this.owed -= bytes
      while (this.owed <= 0 && this.done < this.sent) this.owed += this.replies[++this.done % this.replies.length]!
      onProgress()
      return true
    }
    // One buffer for everything that arrives: no chunk is allocated.
    this.socket = Net.connect({ host, port, noDelay: true, onread: { buffer: Buffer.allocUnsafe(65_536), callback } })
  }

  async connected(): Promise<void> {
    await once(this.socket, "connect")
  }

  /** Whether bytes came that nobody had asked for. */
  get isAstray(): boolean {
    return this.done === this.sent && this.owed !== this.replies[this.done % this.replies.length]
  }

  send(steps: number): void {
    let left = steps
    while (left > 0) {
      const first = this.sent % this.ends.length
      const taken = Math.min(left, this.ends.length - first)
      this.socket.write(this.ring.subarray(first === 0 ? 0 : this.ends[first - 1], this.ends[first + taken - 1]))
      this.sent += taken
      left -= taken
    }
  }

  close(): void {
    this.socket.destroy()
  }
}

export const make: MakeDriver = async ({ servers, work }, items): Promise<Driver> => {
  let onProgress = (): void => undefined
  const lanes = servers.map((server, place) => {
    const [host, port] = server.split(":")
    const steps = work.kind === "batch"
      ? batchSteps(items, servers.length, place)
      : items.keys.map((_, i) => stepOf(work, items, i))
    return new Lane(host!, Number(port), steps, () => onProgress())
  })
  await Promise.all(lanes.map((lane) => lane.connected()))

  /** Sends `steps` at once and one more for each that is answered by every server, until it is told to stop. */
  const run = (steps: number, stop: { readonly isOver: boolean }): Promise<number> =>
    new Promise((resolve, reject) => {
      const start = lanes[0]!.done
      const send = (count: number): void => lanes.forEach((lane) => lane.send(count))
      onProgress = () => {
        let done = lanes[0]!.done
        for (let i = 1; i < lanes.length; i++) done = Math.min(done, lanes[i]!.done)
        const { sent } = lanes[0]!
        if (done === sent && lanes.some((lane) => lane.isAstray)) reject(new Error("a reply had a wrong length"))
        if (!stop.isOver) {
          // A burst waits for all before it starts the next one.
          if (work.kind !== "burst" || done === sent) send(steps - (sent - done))
        } else if (done === sent) resolve(done - start)
      }
      send(steps)
    })

  return {
    round: (milliseconds, inFlight) => run(inFlight, stopAfter(milliseconds)),
    verify: async () => undefined,
    touch: async () => {
      await run(1, { isOver: true })
    },
    close: async () => lanes.forEach((lane) => lane.close())
  }
}
