/**
 * One connection of a fault server: requests in, the steps of their scripts out, strictly in order.
 *
 * Each request is a job with its steps. The queue's first job is worked at until it is done or has to wait, for a time or
 * for the client to read; then the next. What is sent in one go leaves in one write.
 *
 * @since 0.1.0
 */
import * as Ascii from "@effect-memcache/protocol/Ascii"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import type * as Net from "node:net"
import * as Tls from "node:tls"
import type { Engine } from "../Engine.ts"
import type { FaultLog } from "../FaultLog.ts"
import type { Step } from "../FaultScript.ts"
import type { LoggedRequest } from "./LoggedReader.ts"
import { LoggedReader } from "./LoggedReader.ts"
import { reset } from "./Reset.ts"
import type { RuleBook } from "./RuleBook.ts"
import { keysOf } from "./RuleBook.ts"

/** What a connection needs of its server. */
export interface Host {
  readonly engine: Engine
  readonly log: FaultLog
  readonly rules: RuleBook
  readonly unknownVerbs: ReadonlySet<string>
  readonly tls: Tls.TLSSocketOptions | undefined
  readonly now: () => number
  /** Runs something later; what it answers calls that off. */
  readonly after: (millis: number, run: () => void) => () => void
}

/** A request, or the acceptance of the connection, and how far its steps have got. */
interface Job {
  readonly asked: LoggedRequest | undefined
  readonly steps: ReadonlyArray<Step>
  position: number
  /** When its next delay counts from. */
  due: number
  answer: Uint8Array | undefined
  /** What the present step sends in pieces. */
  pieces: Uint8Array | undefined
  /** Bytes of it that have gone out. */
  sent: number
  /** Whether its reply is held back for the next one. */
  isHeld: boolean
}

// One write takes up to this, so that ten thousand short replies are one chunk and a huge one is not copied.
const WRITE_SIZE = 1_048_576

// Reading pauses while so many requests wait for the first one.
const MAX_JOBS = 20_000

// Jobs that are done stay in the queue up to this many, so that each of them is not a copy of the rest.
const MAX_DONE = 1000

const PIECE_SIZE = 65_536

const MAX_HEAD = 64

/** A connection. It begins with what the rules say about its acceptance. */
export class FaultConnection {
  readonly index: number
  private readonly host: Host
  private readonly raw: Net.Socket
  private readonly reader: LoggedReader
  private readonly buffer = new WriteBuffer()
  private socket: Net.Socket
  private jobs: Array<Job> = []
  private first = 0
  private out: Array<Uint8Array> = []
  private outSize = 0
  private held: Uint8Array | undefined = undefined
  private cancel: () => void = () => {}
  // Why nothing is being done: a time, a client that does not read, a loop that is running already.
  private isWaiting = false
  private isBlocked = false
  private isRunning = false
  // Nothing is sent any more; nothing is understood any more.
  private isMute = false
  private isDeaf = false
  private isListening = false
  private isReadingStopped = false
  private isPeerDone = false

  constructor(host: Host, raw: Net.Socket, index: number) {
    this.host = host
    this.raw = raw
    this.socket = raw
    this.index = index
    this.reader = new LoggedReader(index, {
      log: host.log,
      maxItemSize: host.engine.store.options.maxItemSize,
      unknownVerbs: host.unknownVerbs
    })
    raw.on("error", () => {})
    raw.on("close", () => this.close())
    host.log.add({ _tag: "Accepted", at: performance.now(), connection: index })
    this.enqueue(undefined, host.rules.onAccept(index))
    // Behind TLS the steps of the acceptance come before the handshake; see `finish`.
    if (host.tls === undefined) this.listen(raw)
    this.run()
  }

  /** Sends bytes at once, whatever is being done. */
  push(bytes: string): void {
    this.send(Ascii.bytes(bytes))
    this.flush()
  }

  /** Ends the connection after what was sent. */
  fin(): void {
    this.flush()
    this.mute()
    this.socket.end()
  }

  /** Resets the connection, or destroys it where there is no reset. */
  rst(): void {
    this.flush()
    this.mute()
    try {
      reset(this.raw)
    } catch {
      this.raw.destroy()
    }
    this.socket.destroy()
  }

  /** Lets it go without a word. */
  destroy(): void {
    this.mute()
    this.socket.destroy()
    this.raw.destroy()
  }

  private listen(socket: Net.Socket): void {
    this.isListening = true
    this.socket = socket
    socket.on("data", (chunk: Buffer) => this.read(chunk))
    socket.on("drain", () => {
      this.isBlocked = false
      this.run()
    })
    socket.on("end", () => {
      this.isPeerDone = true
      if (this.isMute) socket.end()
      else this.run()
    })
    this.adjustReading()
  }

  private shakeHands(tls: Tls.TLSSocketOptions): void {
    const socket = new Tls.TLSSocket(this.raw, { ...tls, isServer: true })
    socket.on("error", () => this.destroy())
    this.listen(socket)
  }

  private read(chunk: Buffer): void {
    this.host.log.addBytesRead(chunk.length)
    if (this.isDeaf) return
    this.reader.push(chunk)
    for (;;) {
      const asked = this.reader.next()
      if (asked === undefined) break
      if (!this.isMute) this.enqueue(asked, this.stepsFor(asked))
    }
    this.run()
    this.adjustReading()
  }

  private stepsFor({ entry, request }: LoggedRequest): ReadonlyArray<Step> {
    const keys = "command" in request ? keysOf(request.command) : []
    return this.host.rules.onRequest(this.index, { verb: entry.verb, keys, isLegal: entry.isLegal })
  }

  private enqueue(asked: LoggedRequest | undefined, steps: ReadonlyArray<Step>): void {
    const due = this.host.now()
    this.jobs.push({ asked, steps, position: 0, due, answer: undefined, pieces: undefined, sent: 0, isHeld: false })
  }

  /** Works until there is nothing to do or something to wait for. */
  private run(): void {
    if (this.isRunning) return
    this.isRunning = true
    while (!this.isWaiting && !this.isBlocked && this.first < this.jobs.length) {
      const job = this.jobs[this.first]
      if (job.position < job.steps.length) this.work(job, job.steps[job.position])
      else this.finish(job)
      if (this.outSize >= WRITE_SIZE) this.flush()
    }
    this.isRunning = false
    this.flush()
    if (this.isMute && !this.isListening) {
      // No handshake comes any more: there is nothing to understand in what the client sends.
      this.isDeaf = true
      this.listen(this.raw)
    }
    this.adjustReading()
    if (this.isPeerDone && this.first === this.jobs.length) this.fin()
  }

  private finish(job: Job): void {
    // A step may have emptied the queue.
    if (this.jobs[this.first] === job) this.first++
    if (this.first === this.jobs.length || this.first > MAX_DONE) {
      this.jobs = this.jobs.slice(this.first)
      this.first = 0
    }
    if (this.held !== undefined && !job.isHeld) {
      this.send(this.held)
      this.held = undefined
    }
    const { tls } = this.host
    if (job.asked === undefined && tls !== undefined && !this.isMute) this.shakeHands(tls)
    if (job.asked !== undefined && endsConnection(job.asked)) this.fin()
  }

  private work(job: Job, step: Step): void {
    switch (step._tag) {
      case "Reply":
        this.send(this.answer(job))
        break
      case "ReplyBytes":
      case "Push":
        this.send(fill(step.bytes, job))
        break
      case "Part":
        this.send(this.answer(job).slice(0, step.end))
        break
      case "Drop":
        this.answer(job)
        break
      case "Duplicate":
        this.send(this.answer(job))
        this.send(this.answer(job))
        break
      case "Swap":
        this.swap(job)
        break
      case "Slice":
        if (!this.sendSlice(job, step)) return
        break
      case "Endless":
        if (!this.sendEndless(job, step)) return
        break
      case "Delay":
        job.due += step.millis
        job.position++
        this.wait(job.due - this.host.now())
        return
      case "Stall":
        this.flush()
        this.mute()
        return
      case "Silence":
        this.flush()
        this.mute()
        this.isDeaf = true
        return
      case "Fin":
        this.fin()
        return
      case "Rst":
        this.rst()
        return
      case "StopReading":
        this.isReadingStopped = true
        this.adjustReading()
        break
      case "ResumeReading":
        this.isReadingStopped = false
        this.adjustReading()
        break
    }
    job.position++
  }

  private swap(job: Job): void {
    if (this.held === undefined) {
      this.held = this.answer(job)
      job.isHeld = true
    } else this.send(this.answer(job))
  }

  /** Sends the next piece. Whether it was the last one. */
  private sendSlice(job: Job, step: Step & { readonly _tag: "Slice" }): boolean {
    const bytes = job.pieces ??= step.bytes === undefined ? this.answer(job) : fill(step.bytes, job)
    this.send(bytes.subarray(job.sent, job.sent + step.size))
    this.flush()
    job.sent += step.size
    if (job.sent >= bytes.length) return this.endPieces(job)
    this.wait(step.every)
    return false
  }

  /** Sends until the client does not read, or until the limit. Whether that is reached. */
  private sendEndless(job: Job, step: Step & { readonly _tag: "Endless" }): boolean {
    const chunk = job.pieces ??= repeat(fill(step.pattern, job))
    while (job.sent < step.limit && chunk.length > 0) {
      if (this.isBlocked || this.isMute) return false
      const piece = chunk.subarray(0, step.limit - job.sent)
      this.send(piece)
      this.flush()
      job.sent += piece.length
    }
    return this.endPieces(job)
  }

  private endPieces(job: Job): boolean {
    job.pieces = undefined
    job.sent = 0
    job.due = Math.max(job.due, this.host.now())
    return true
  }

  /** What memcached says to it. The first call carries the command out. */
  private answer(job: Job): Uint8Array {
    if (job.answer !== undefined) return job.answer
    const { engine } = this.host
    const request = job.asked?.request
    switch (request?._tag) {
      case "Command":
        engine.execute(request.command, this.buffer)
        break
      case "TooLarge":
        engine.refuseTooLarge(request.command, this.buffer)
        break
      case "Refuse":
        this.buffer.text(request.reply).crlf()
    }
    return job.answer = this.buffer.take()
  }

  private send(bytes: Uint8Array): void {
    if (this.isMute || bytes.length === 0) return
    this.out.push(bytes)
    this.outSize += bytes.length
    const head = Ascii.byteString(bytes, 0, Math.min(MAX_HEAD, bytes.length))
    this.host.log.add({
      _tag: "Written",
      at: performance.now(),
      connection: this.index,
      bytes: bytes.length,
      head
    })
  }

  private flush(): void {
    if (this.outSize === 0) return
    const bytes = this.out.length === 1 ? this.out[0] : Buffer.concat(this.out)
    this.out = []
    this.outSize = 0
    if (!this.socket.destroyed && this.socket.writable && !this.socket.write(bytes)) this.isBlocked = true
  }

  /** Goes on later; what was sent before must not wait with it. */
  private wait(millis: number): void {
    this.flush()
    this.isWaiting = true
    const resume = (): void => {
      this.cancel = () => {}
      this.isWaiting = false
      this.run()
    }
    if (millis > 0) {
      this.cancel = this.host.after(millis, resume)
      return
    }
    const turn = setImmediate(resume)
    this.cancel = () => clearImmediate(turn)
  }

  private mute(): void {
    this.isMute = true
    this.jobs = []
    this.first = 0
    this.out = []
    this.outSize = 0
    this.held = undefined
    this.cancel()
    this.isWaiting = false
  }

  private adjustReading(): void {
    if (!this.isListening) return
    if (this.isReadingStopped || this.jobs.length - this.first > MAX_JOBS) this.socket.pause()
    else this.socket.resume()
  }

  private close(): void {
    const unfinished = this.isDeaf ? 0 : this.reader.unfinished
    this.mute()
    this.socket.destroy()
    this.host.rules.forget(this.index)
    this.host.log.add({ _tag: "Closed", at: performance.now(), connection: this.index, unfinished })
  }
}

const endsConnection = ({ request }: LoggedRequest): boolean =>
  request._tag === "Close" || (request._tag === "Command" && request.command._tag === "Quit")

// Whole patterns, so that the next copy goes on where this one ends.
const repeat = (pattern: Uint8Array): Uint8Array =>
  pattern.length === 0 ? pattern : Buffer.alloc(pattern.length * Math.ceil(PIECE_SIZE / pattern.length), pattern)

const fill = (text: string, job: Job): Uint8Array => {
  const entry = job.asked?.entry
  return Ascii.bytes(
    text.replaceAll("{opaque}", () => entry?.opaque ?? "").replaceAll("{key}", () => entry?.key ?? "")
  )
}
