/**
 * One direction of a proxied connection: bytes from one socket to another, in order, under conditions that may change at
 * any time.
 *
 * What waits here is bounded. When it is full, or when the reader at the other end is slow, no more is read, so that the
 * sender feels it. Real time passes, whatever clock a test uses: the server at the other end does not know of that clock.
 */
import type * as Net from "node:net"
import type { Ending } from "../Toxic.ts"
import type { Conditions } from "./Conditions.ts"
import { reset } from "./Reset.ts"

interface Entry {
  bytes: Buffer
  readonly arrived: number
  /** Where between the least and the greatest delay this one lies, -1 to 1. */
  readonly luck: number
  /** Runs when everything before it has passed. */
  readonly action: (() => void) | undefined
}

// Under latency this much may be under way at a time, which is what a long line holds; otherwise a socket's buffer.
const LATENCY_CAPACITY = 4_194_304
const CAPACITY = 65_536

// Milliseconds. Under a bandwidth, bytes pass in steps as long as this, and a timer that is late catches up by as much.
const STEP = 20

const NOTHING = Buffer.alloc(0)

export interface Options {
  readonly from: Net.Socket
  readonly to: Net.Socket
  readonly conditions: Conditions
  readonly random: () => number
  /** Bytes were handed to the receiving socket. */
  readonly onPass: (size: number) => void
  /** The limit was reached, and what passed has been written. */
  readonly onLimit: (ending: Ending) => void
}

export class Channel {
  private readonly options: Options
  private conditions: Conditions
  private entries: Array<Entry> = []
  private queued = 0
  private passed = 0
  private nextAt = 0
  private timer: NodeJS.Timeout | undefined = undefined
  private isClosed = false

  constructor(options: Options) {
    this.options = options
    this.conditions = options.conditions
    options.to.on("drain", this.pump)
    this.pump()
  }

  /** Takes bytes that were read. */
  push(bytes: Buffer): void {
    if (this.isClosed) return
    if (this.conditions.isClear && this.entries.length === 0) {
      this.write(bytes)
      this.throttle()
      return
    }
    this.queued += bytes.length
    this.add({ bytes, arrived: performance.now(), luck: this.luck(), action: undefined })
  }

  /** Runs something when everything that was pushed before has passed; under a black hole, when that is gone. */
  after(action: () => void): void {
    if (!this.isClosed) this.add({ bytes: NOTHING, arrived: performance.now(), luck: 0, action })
  }

  /** Changes the conditions, for what waits here too. */
  set(conditions: Conditions): void {
    this.conditions = conditions
    this.passed = 0
    this.nextAt = 0
    this.pump()
  }

  /** Lets nothing pass any more and forgets what waits; what comes is read and dropped. */
  close(): void {
    this.isClosed = true
    this.entries = []
    this.queued = 0
    clearTimeout(this.timer)
    this.options.to.off("drain", this.pump)
    this.options.from.resume()
  }

  private add(entry: Entry): void {
    this.entries.push(entry)
    this.pump()
  }

  private luck(): number {
    return this.conditions.jitter === 0 ? 0 : this.options.random() * 2 - 1
  }

  private readonly pump = (): void => {
    clearTimeout(this.timer)
    while (!this.isClosed && !this.conditions.isHole && this.entries.length > 0 && !this.options.to.writableNeedDrain) {
      const [head] = this.entries
      const { delay, jitter } = this.conditions
      const now = performance.now()
      const wait = Math.max(head.arrived + delay + head.luck * jitter, this.nextAt) - now
      if (wait > 0) {
        this.timer = setTimeout(this.pump, Math.ceil(wait))
        break
      }
      this.pass(head, now)
    }
    if (!this.isClosed) this.throttle()
  }

  private pass(head: Entry, now: number): void {
    const { bytesPerSecond, ending, limit, pieceInterval, pieceSize } = this.conditions
    const step = Math.max(Math.floor(bytesPerSecond * STEP / 1000), 1)
    const size = Math.min(head.bytes.length, pieceSize, step, limit - this.passed)
    const isWhole = size === head.bytes.length
    if (isWhole) this.entries.shift()
    if (size > 0) {
      const bytes = isWhole ? head.bytes : head.bytes.subarray(0, size)
      if (!isWhole) head.bytes = head.bytes.subarray(size)
      this.queued -= size
      this.passed += size
      if (bytesPerSecond < Infinity) this.nextAt = Math.max(this.nextAt, now - STEP) + size * 1000 / bytesPerSecond
      if (pieceInterval > 0) this.nextAt = Math.max(this.nextAt, now + pieceInterval)
      if (this.passed < limit) this.write(bytes)
      else this.finish(bytes, ending)
    } else if (!isWhole) this.finish(NOTHING, ending)
    if (isWhole) head.action?.()
  }

  private finish(bytes: Buffer, ending: Ending): void {
    this.write(bytes, () => this.options.onLimit(ending))
    this.close()
  }

  private write(bytes: Buffer, then?: () => void): void {
    const { from, onPass, to } = this.options
    if (!to.writable) {
      // Nobody is there any more: the sender hears of it as it would from the system.
      this.close()
      reset(from)
      return
    }
    to.write(bytes, then)
    onPass(bytes.length)
  }

  private throttle(): void {
    if (this.isClosed) return
    const { from, to } = this.options
    const { delay, isHole } = this.conditions
    const isFull = isHole || to.writableNeedDrain || this.queued >= (delay > 0 ? LATENCY_CAPACITY : CAPACITY)
    if (isFull) from.pause()
    else if (from.isPaused()) from.resume()
  }
}
