/**
 * The pipeline, which decides whose reply it is: programs that enqueue, abandon, write, answer, damage and deliver.
 *
 * What must hold whatever is delivered: nobody gets a value of another key, nobody is answered twice, out of turn or
 * after having given up, nothing is counted wrongly, and after poison nothing comes. As long as nothing was damaged,
 * everybody gets exactly what the server answered.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import type { Key } from "@effect-memcache/protocol/Key"
import * as MetaDecoder from "@effect-memcache/protocol/meta/RequestDecoder"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import { Pipeline } from "@effect-memcache/protocol/Pipeline"
import type { Slot } from "@effect-memcache/protocol/Pipeline"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { Random } from "../Random.ts"
import type { Target } from "../Target.ts"
import { check } from "../Target.ts"
import * as ModelServer from "./ModelServer.ts"
import { Program } from "./Program.ts"
import { latin1 } from "./Text.ts"

/** Three edits of single bytes, which is all that a program may do, never make one key of another. */
const KEYS = ["aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff"] as ReadonlyArray<string> as ReadonlyArray<Key>

const MAX_SLOTS = 400
const MAX_EDITS = 3

/** For the same reason opaques lie far apart. The pipeline asks only that each comes once. */
const OPAQUES = ((): ReadonlyArray<number> => {
  const random = new Random(46)
  const unique = new Set<number>()
  while (unique.size < MAX_SLOTS) unique.add(1e14 + random.below(9e7) * 1e7 + random.below(1e7))
  return [...unique]
})()

const VALUE = bytes("v\r\nx")

/** A caller: what was asked, and what the server answered. */
interface Caller {
  readonly slot: Slot<Caller>
  answer: ModelServer.Answer | undefined
  serial: number
  opaque: string
  isSettled: boolean
}

const command = (program: Program): Command => {
  const choice = program.next()
  const key = KEYS[(choice >> 4) % KEYS.length]
  const noreply = false
  switch (choice % 16) {
    case 0:
    case 1:
      return { _tag: "Get", keys: [key], withCas: choice >= 128 }
    case 2:
    case 3: {
      const from = (choice >> 4) % KEYS.length
      return { _tag: "Get", keys: [...KEYS.slice(from), ...KEYS.slice(0, from)].slice(0, 2 + from % 4), withCas: false }
    }
    case 4:
      return { _tag: "Store", mode: "set", key, flags: 0, exptime: 0, value: VALUE, noreply }
    case 5:
      return { _tag: "Cas", key, flags: 1, exptime: 9, value: VALUE, cas: 5n, noreply }
    case 6:
      return { _tag: "Arithmetic", mode: "incr", key, delta: 2n, create: undefined, noreply }
    case 7:
      return { _tag: "Delete", key, noreply }
    case 8:
      return choice >= 128
        ? { _tag: "Touch", key, exptime: 3, noreply }
        : { _tag: "GetAndTouch", keys: [key], withCas: false, exptime: 4 }
    case 9:
      return { _tag: "MetaGet", key, flags: ["v", "f", "k"] }
    case 10:
      return { _tag: "MetaGet", key, flags: ["v", "f"] }
    case 11:
      return { _tag: "MetaSet", key, value: VALUE, flags: ["T30"] }
    case 12:
      return choice >= 128 ? { _tag: "MetaDelete", key, flags: ["I"] } : { _tag: "MetaArithmetic", key, flags: ["v"] }
    case 13:
      return choice >= 128 ? { _tag: "MetaNoop" } : { _tag: "MetaDebug", key, flags: [] }
    case 14:
      return choice >= 128 ? { _tag: "Version" } : { _tag: "FlushAll", delay: undefined, noreply }
    default:
      return { _tag: "Stats", report: undefined }
  }
}

/** One program's run. */
class Scene {
  private readonly program: Program
  private dialect: Dialect
  private manner: ModelServer.Manner
  private readonly pipeline: Pipeline<Caller>
  private readonly buffer = new WriteBuffer()
  private opaques = 0

  private readonly pending: Array<Caller> = []
  /** In the order in which they were written; `settled` of them are behind us. */
  private readonly sent: Array<Caller> = []
  private settled = 0
  /** Of those that were written, how many the server has answered. */
  private answered = 0

  private readonly wire: Array<Uint8Array> = []
  private last: ReadonlyArray<ModelServer.Part> = []
  /** Bytes that were written and delivered; what a run is measured by. */
  private bytes = 0

  /** Nothing is to be damaged, so that everybody must get exactly what is his. */
  private readonly isClean: boolean
  /** Replies are missing, doubled, out of order or invented. */
  private isShuffled = false
  /** Bytes were changed or cut off. */
  private isTorn = false
  private edits = 0
  private mayEnd = false

  private readonly tell: ((event: string) => void) | undefined

  constructor(input: Uint8Array, dialect: Dialect, tell?: (event: string) => void) {
    this.tell = tell
    this.program = new Program(input)
    this.isClean = this.program.below(3) === 0
    this.dialect = dialect
    this.manner = { isMeta: dialect.name === "meta", hasBareMisses: false }
    this.pipeline = new Pipeline<Caller>({
      dialect,
      maxItemSize: 256,
      nextOpaque: () => OPAQUES[this.opaques++]
    })
  }

  run(): number {
    const { pipeline, program } = this
    while (!program.isOver && pipeline.poison === undefined) {
      this.step(program.next())
      this.checkAccounts()
    }
    if (pipeline.poison === undefined) {
      this.write(Infinity)
      while (this.answered < this.sent.length) this.emit(this.nextAnswer())
      this.deliver(Infinity)
      this.checkAccounts()
    }
    this.checkEnd()
    return this.bytes
  }

  /** One event. Damage is rare, because most of it ends the pipeline, and what comes later is never reached. */
  private step(choice: number): void {
    const { program } = this
    if (choice < 90) return this.enqueue()
    if (choice < 130) return this.write([Infinity, 1, 20, 100][program.below(4)])
    if (choice < 146) return this.abandon()
    if (choice < 190) return this.clean(1 + program.below(4))
    if (choice < 210) return this.deliver(Infinity)
    if (choice < 236) return this.deliver(1 + program.below(32))
    if (choice < 240) return this.speak()
    if (this.isClean) return this.clean(1)
    if (choice < 246) return this.shuffle(program.below(4))
    if (choice < 251) return this.edit()
    if (choice < 253) return this.tear()
    this.isShuffled = true
    this.wire.push(ModelServer.STRAYS[program.below(ModelServer.STRAYS.length)])
  }

  private enqueue(): void {
    const { pipeline, program } = this
    const wanted = command(program)
    if (this.pending.length + this.sent.length >= MAX_SLOTS || !pipeline.supports(wanted)) return
    const caller: { -readonly [K in keyof Caller]: Caller[K] } = {
      slot: undefined as never,
      answer: undefined,
      serial: 0,
      opaque: "",
      isSettled: false
    }
    caller.slot = pipeline.enqueue(wanted, caller)
    this.tell?.(`asks ${wanted._tag}`)
    this.pending.push(caller)
  }

  /** Writes what is pending, reads it back as a server does, and finds every command whole, once and in order. */
  private write(limit: number): void {
    const { buffer, pipeline } = this
    pipeline.stamp(1)
    pipeline.encode(buffer, limit, 0)
    check(limit < Infinity || !pipeline.hasPending, "a command was left behind without need")
    const reader = new RequestReader({ parse: MetaDecoder.parse, maxBlockSize: 1024 })
    const written = buffer.take()
    this.bytes += written.length
    this.tell?.(`writes ${JSON.stringify(latin1(written))}`)
    reader.push(written)
    while (this.pending.length > 0 && this.pending[0].slot.state === "sent") {
      const caller = this.pending.shift()!
      check(!caller.slot.isAbandoned, "a command was written that had been abandoned")
      this.sent.push(caller)
      caller.serial = this.sent.length
      caller.answer = this.read(reader, caller)
    }
    check(reader.next() === undefined, "more was written than was asked")
  }

  /** Reads the command of this caller from the wire and decides its answer. */
  private read(reader: RequestReader, caller: Caller): ModelServer.Answer {
    const { manner, program } = this
    const asked = caller.slot.command
    const request = reader.next()
    check(request?._tag === "Command", "what was written is no command")
    const { command } = request
    if ("key" in asked) check("key" in command && command.key === asked.key, "another key was written")
    const flags = "flags" in command && typeof command.flags === "object" ? command.flags : []
    const opaque = flags.find((flag) => flag[0] === "O")
    caller.opaque = opaque === undefined ? "" : ` ${opaque}`
    check(caller.slot.opaque === (opaque === undefined ? 0 : Number(opaque.slice(1))), "another opaque was written")
    const answer = ModelServer.answer(command, caller.opaque, caller.serial, manner, program)
    if (!manner.isMeta || command._tag !== "Get") return answer
    const fence = reader.next()
    check(fence?._tag === "Command" && fence.command._tag === "MetaNoop", "the fence is missing")
    return { ...answer, parts: [...answer.parts, { text: "MN\r\n", isHeader: true }] }
  }

  private abandon(): void {
    const candidates = [...this.pending, ...this.sent.slice(this.settled)]
    if (candidates.length === 0) return
    const caller = candidates[this.program.below(candidates.length)]
    const isPending = caller.slot.state === "pending"
    this.tell?.(`gives up ${isPending ? "what waits" : `request ${caller.serial}`}, ${caller.slot.command._tag}`)
    this.pipeline.abandon(caller.slot)
    if (!isPending) return
    check(caller.slot.state === "done", "an abandoned command that was not written is still there")
    this.pending.splice(this.pending.indexOf(caller), 1)
  }

  private nextAnswer(): ReadonlyArray<ModelServer.Part> {
    const { answer } = this.sent[this.answered++]
    if (answer!.mayEnd) this.mayEnd = true
    this.last = answer!.parts
    return answer!.parts
  }

  private get hasAnswer(): boolean {
    return this.answered < this.sent.length
  }

  private emit(parts: ReadonlyArray<ModelServer.Part>): void {
    this.wire.push(ModelServer.encode(parts))
  }

  private clean(count: number): void {
    for (let i = 0; i < count && this.hasAnswer; i++) this.emit(this.nextAnswer())
  }

  private shuffle(choice: number): void {
    if (choice === 0 && this.last.length > 0) {
      // A late second copy.
      this.emit(this.last)
    } else if (this.hasAnswer) {
      const first = this.nextAnswer()
      if (choice === 1) this.wire.push(ModelServer.encode(first), ModelServer.encode(first))
      if (choice === 2 && this.hasAnswer) {
        this.emit(this.nextAnswer())
        this.emit(first)
      }
    } else return
    this.isShuffled = true
  }

  /** Changes, leaves out or puts in one byte of a line, never of a value. */
  private edit(): void {
    if (!this.hasAnswer || this.edits++ >= MAX_EDITS) return
    const { program } = this
    const parts = this.nextAnswer()
    const headers = parts.filter((part) => part.isHeader)
    const chosen = headers[program.below(headers.length)]
    const at = program.below(chosen.text.length)
    const byte = String.fromCharCode(program.next())
    const kind = program.below(3)
    const text = chosen.text.slice(0, at) + (kind === 1 ? "" : byte) + chosen.text.slice(kind === 2 ? at : at + 1)
    this.emit(parts.map((part) => part === chosen ? { text, isHeader: true } : part))
    this.isTorn = true
  }

  /** Only the beginning of a reply comes. */
  private tear(): void {
    if (!this.hasAnswer) return
    const whole = ModelServer.encode(this.nextAnswer())
    this.wire.push(whole.subarray(0, this.program.below(Math.min(whole.length, 256))))
    this.isTorn = true
  }

  /** Another dialect, as after the greeting: only while nothing is under way. */
  private speak(): void {
    if (this.sent.length > this.settled || this.pending.length > 0 || this.wire.length > 0) return
    const choice = this.program.below(3)
    this.dialect = choice === 0 ? textDialect : metaDialect
    this.manner = { isMeta: choice > 0, hasBareMisses: choice === 2 }
    this.tell?.(`speaks ${this.dialect.name}${choice === 2 ? " with bare misses" : ""}`)
    this.pipeline.speak(this.dialect, { hasBareMisses: choice === 2 })
  }

  private deliver(size: number): void {
    const { pipeline } = this
    if (this.wire.length === 0 || pipeline.poison !== undefined) return
    const stream = this.wire.length === 1 ? this.wire[0] : Buffer.concat(this.wire)
    this.wire.length = 0
    const chunk = stream.subarray(0, size)
    if (chunk.length < stream.length) this.wire.push(stream.subarray(size))
    this.bytes += chunk.length
    this.tell?.(`receives ${JSON.stringify(latin1(chunk))}`)
    pipeline.push(chunk)
    for (let slot = pipeline.next(); slot !== undefined; slot = pipeline.next()) this.settle(slot)
  }

  private settle(slot: Slot<Caller>): void {
    const caller = slot.owner
    check(caller.slot === slot && !caller.isSettled, "a slot was settled twice")
    check(!slot.isAbandoned, "an abandoned slot was answered")
    while (this.settled < this.sent.length && this.sent[this.settled].slot.isAbandoned) this.settled++
    check(this.sent[this.settled] === caller, "a slot was settled out of turn")
    check(slot.state === "done", "a settled slot is not done")
    this.settled++
    caller.isSettled = true
    this.tell?.(`settles request ${caller.serial}`)
    const { command, reply } = slot
    const keys = "keys" in command ? command.keys : "key" in command ? [command.key] : []
    // A meta reply that is a value is the whole answer; what a text reply found is listed beside its `END`.
    const items = reply._tag === "Value" ? [reply] : slot.items
    const isNumber = command._tag === "Arithmetic" || command._tag === "MetaArithmetic"
    check(items.length <= keys.length || items[0] === undefined, "more values than keys")
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      if (item !== undefined) this.checkValue(caller, keys[i], latin1(item.value), isNumber)
    }
    if (!this.isShuffled && !this.isTorn) this.checkExact(caller, items.map((item) => item && latin1(item.value)))
  }

  /** The promise. How much of the value can be required depends on what was done to the stream. */
  private checkValue(caller: Caller, key: string, value: string, isNumber: boolean): void {
    const { slot } = caller
    const got = (): string => `${JSON.stringify(value)} came for ${key}, request ${caller.serial}`
    if (isNumber) {
      check(this.isTorn || slot.opaque === 0 || value === String(caller.serial), () => `another's number: ${got()}`)
      return
    }
    for (const other of KEYS) {
      check(other === key || !value.startsWith(`${other}#`), () => `another key's value: ${got()}`)
    }
    if (this.isTorn) return
    check(value.startsWith(`${key}#`), () => `a value that nobody stored: ${got()}`)
    if (slot.opaque !== 0) {
      check(value.startsWith(`${key}#${caller.serial};`), () => `another request's value: ${got()}`)
    }
  }

  /** Nothing was damaged: this caller has got exactly what the server answered. */
  private checkExact(caller: Caller, items: ReadonlyArray<string | undefined>): void {
    const { slot } = caller
    const { parts, values } = caller.answer!
    const isError = /^(SERVER_ERROR|ERROR|CLIENT_ERROR)/.test(parts[0].text)
    check(isError === slot.reply._tag.endsWith("Error"), "an error line and a reply were taken for each other")
    if (isError) return
    if (slot.reply._tag === "Counter") {
      check(String(slot.reply.value) === values[0], "a counter is another one")
      return
    }
    for (let i = 0; i < Math.max(values.length, items.length); i++) {
      check(values[i] === items[i], () => `${JSON.stringify(items[i])} came instead of ${JSON.stringify(values[i])}`)
    }
    const stats = parts.filter((part) => part.text.startsWith("STAT")).length
    check(slot.stats.length === stats, "lines of a report are missing")
  }

  private checkAccounts(): void {
    const { pending, pipeline, sent } = this
    let count = pending.length
    let bytes = 0
    let least = pending.length
    for (let i = 0; i < pending.length; i++) bytes += pending[i].slot.bytes
    for (let i = this.settled; i < sent.length; i++) {
      const { slot } = sent[i]
      count++
      bytes += slot.bytes
      if (!slot.isAbandoned) least++
      else check(slot.items.length === 0 && slot.stats.length === 0, "a tombstone keeps values")
    }
    check(pipeline.count <= count && pipeline.count >= least, () => `${pipeline.count} are counted, not ${count}`)
    check(pipeline.bytes <= bytes && pipeline.bytes >= 0, () => `${pipeline.bytes} bytes are counted, not ${bytes}`)
    if (count === least) check(pipeline.count === count && pipeline.bytes === bytes, "the accounts are wrong")
  }

  private checkEnd(): void {
    const { pipeline } = this
    const waiting = [...this.sent.slice(this.settled), ...this.pending].filter(({ slot }) => !slot.isAbandoned)
    const said = Array.from(pipeline.waiting(), (slot) => slot.owner)
    check(said.length === waiting.length && said.every((caller, i) => caller === waiting[i]), "others are waiting")
    if (pipeline.poison !== undefined) {
      check(this.isShuffled || this.isTorn || this.mayEnd, () => `poisoned for nothing: ${pipeline.poison}`)
      check(pipeline.next() === undefined, "something comes after poison")
      return
    }
    if (this.isShuffled || this.isTorn) return
    check(waiting.length === 0, "somebody was never answered")
    check(pipeline.count === 0 && pipeline.bytes === 0, "something is left in the accounts")
  }
}

/** Programs to begin with: each a fixed random one. */
const seeds = (): Array<Uint8Array> => {
  const random = new Random(46, "programs")
  return Array.from({ length: 64 }, (_, i) => Uint8Array.from({ length: 8 + i * 2 }, () => random.below(256)))
}

const target = (dialect: Dialect): Target => ({
  name: `${dialect.name}-pipeline`,
  about: "programs that enqueue, abandon, write, answer, damage and deliver; nobody gets what is another's",
  kind: "bytes",
  share: 4,
  seeds,
  run: (input) => new Scene(input, dialect).run(),
  explain: (input) => {
    const events: Array<string> = []
    try {
      new Scene(input, dialect, (event) => events.push(event)).run()
    } catch {
      events.push("here it fails")
    }
    return events
  }
})

/** The pipeline, beginning in either dialect. */
export const targets: ReadonlyArray<Target> = [target(metaDialect), target(textDialect)]
