/**
 * One connection to memcached, without the connection.
 *
 * A pipeline knows which commands wait to be written and which replies are owed, in order. It is given bytes and answers
 * with the slots they settled; it never reads a clock or a socket. Three rules keep one caller's value from reaching
 * another:
 *
 * - a slot leaves the queue only when its own reply has been read, even if nobody waits for it any more (a tombstone);
 * - a command is encoded when it is about to be written, so that one which is abandoned before that leaves no byte;
 * - a reply that does not fit the oldest slot ends the pipeline.
 *
 * @since 0.1.0
 */
import type { Command } from "./Command.ts"
import { sizeEstimate } from "./Command.ts"
import type { Circumstances, Expectation } from "./Correlation.ts"
import { isFenced, judge, keyIndex } from "./Correlation.ts"
import type { Dialect } from "./Dialect.ts"
import type { Key } from "./Key.ts"
import type { Reply, Stat, Value } from "./Reply.ts"
import { isErrorReply } from "./Reply.ts"
import { ResponseReader } from "./ResponseReader.ts"
import type { WriteBuffer } from "./WriteBuffer.ts"

/**
 * What the server answered to one command.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly command: Command
  /**
   * The last reply, or the first error line. An error line is an answer too: what it means depends on the command.
   */
  readonly reply: Reply
  /**
   * For `Get` and `GetAndTouch`: what was found, parallel to the command's keys. Empty if nothing was, and where the reply
   * itself is the value; `itemAt` reads both.
   */
  readonly items: ReadonlyArray<Value | undefined>
  /** For `Stats`: the lines of the report. */
  readonly stats: ReadonlyArray<Stat>
  /** Where each key of a `Get` was asked for by itself: the last reply for each, parallel to the command's keys. */
  readonly replies?: ReadonlyArray<Reply> | undefined
}

/**
 * What was found for the key at this index of a `Get` or `GetAndTouch`.
 *
 * @category accessors
 * @since 0.1.0
 */
export const itemAt = ({ items, reply }: Answer, index: number): Value | undefined =>
  // Items first: an answer that was put together from several has the last one's reply, which may be a value, too.
  items.length > 0 ? items[index] : reply._tag === "Value" ? reply : undefined

const NO_REPLY: Reply = { _tag: "Malformed", reason: "no reply yet" }
const NOTHING: ReadonlyArray<never> = []

/**
 * A command's place in the pipeline. `owner` is whatever the caller wants to find again when the slot is settled.
 *
 * @category models
 * @since 0.1.0
 */
export class Slot<Owner> implements Answer, Expectation {
  readonly command: Command
  readonly owner: Owner
  /** On the caller's monotonic clock, in milliseconds; 0 until it is stamped. */
  deadline: number
  /** When it was written, on the same clock. */
  sentAt = 0
  opaque = 0
  isFenced = false
  cursor = 0
  /** "pending": no byte is written. "sent": a reply is owed. "done": settled, or removed before it was written. */
  state: "pending" | "sent" | "done" = "pending"
  isAbandoned = false
  reply: Reply = NO_REPLY
  items: ReadonlyArray<Value | undefined> = NOTHING
  stats: ReadonlyArray<Stat> = NOTHING
  /** How much of the pipeline's bounds the slot takes. */
  readonly count: number
  readonly bytes: number
  next: Slot<Owner> | undefined = undefined
  previous: Slot<Owner> | undefined = undefined

  constructor(command: Command, owner: Owner, deadline: number, count: number) {
    this.command = command
    this.owner = owner
    this.deadline = deadline
    this.count = count
    this.bytes = sizeEstimate(command)
  }
}

/**
 * A queue of slots, linked through the slots themselves.
 */
class SlotQueue<Owner> {
  head: Slot<Owner> | undefined = undefined
  private tail: Slot<Owner> | undefined = undefined

  push(slot: Slot<Owner>): void {
    if (this.tail === undefined) this.head = slot
    else {
      this.tail.next = slot
      slot.previous = this.tail
    }
    this.tail = slot
  }

  shift(): Slot<Owner> {
    const slot = this.head!
    this.remove(slot)
    return slot
  }

  remove(slot: Slot<Owner>): void {
    if (slot.previous === undefined) this.head = slot.next
    else slot.previous.next = slot.next
    if (slot.next === undefined) this.tail = slot.previous
    else slot.next.previous = slot.previous
    slot.next = undefined
    slot.previous = undefined
  }
}

/**
 * The ledger of one connection.
 *
 * @category models
 * @since 0.1.0
 */
export class Pipeline<Owner> {
  /** Why no reply can be trusted any more, once that is so. */
  poison: string | undefined = undefined
  /** Slots and bytes that are not settled yet, tombstones included. */
  count = 0
  bytes = 0

  private readonly pending = new SlotQueue<Owner>()
  private unstamped: Slot<Owner> | undefined = undefined
  private readonly sent = new SlotQueue<Owner>()
  private readonly reader: ResponseReader
  private readonly nextOpaque: () => number
  private readonly circumstances: { -readonly [K in keyof Circumstances]: Circumstances[K] } = {
    hasBareMisses: false,
    isAfterFailedRead: false
  }
  private dialect: Dialect

  /** `nextOpaque` answers a positive safe integer that it has not answered before in this process. */
  constructor(options: {
    readonly dialect: Dialect
    readonly maxItemSize: number
    readonly nextOpaque: () => number
  }) {
    this.dialect = options.dialect
    this.nextOpaque = options.nextOpaque
    this.reader = new ResponseReader({
      parse: (bytes, start, end) => this.dialect.parse(bytes, start, end, likelyKey(this.sent.head)),
      maxItemSize: options.maxItemSize
    })
  }

  /** Changes how commands are written from now on. Only while no reply is owed. */
  speak(dialect: Dialect, options: { readonly hasBareMisses: boolean }): void {
    this.dialect = dialect
    this.circumstances.hasBareMisses = options.hasBareMisses
  }

  /** Whether this command can be written in the dialect that is spoken. */
  supports(command: Command): boolean {
    return this.dialect.supports(command)
  }

  /** The oldest slot whose reply is owed. */
  get oldest(): Slot<Owner> | undefined {
    return this.sent.head
  }

  /** Whether a command waits to be written. */
  get hasPending(): boolean {
    return this.pending.head !== undefined
  }

  /** Adds a command. `count` is 0 for all but the first of a batch, which counts once. */
  enqueue(command: Command, owner: Owner, deadline = 0, count = 1): Slot<Owner> {
    const slot = new Slot(command, owner, deadline, count)
    this.pending.push(slot)
    this.unstamped ??= slot
    this.count += slot.count
    this.bytes += slot.bytes
    return slot
  }

  /**
   * Gives every slot that was added since the last call, and has no deadline of its own, this one. Answers the earliest
   * deadline among them. Reading the clock once for all commands of a tick is what this is for.
   */
  stamp(deadline: number): number | undefined {
    let earliest: number | undefined
    for (let slot = this.unstamped; slot !== undefined; slot = slot.next) {
      if (slot.deadline === 0) slot.deadline = deadline
      if (earliest === undefined || slot.deadline < earliest) earliest = slot.deadline
    }
    this.unstamped = undefined
    return earliest
  }

  /**
   * Writes pending commands, which must be stamped, until the buffer holds `limit` bytes: always whole commands and at
   * least one. From here on their replies are owed.
   */
  encode(buffer: WriteBuffer, limit: number, now: number): void {
    while (this.pending.head !== undefined && buffer.length < limit) {
      const slot = this.pending.shift()
      const opaque = this.nextOpaque()
      slot.opaque = this.dialect.encode(buffer, slot.command, opaque) ? opaque : 0
      slot.isFenced = isFenced(this.dialect.name, slot.command)
      slot.state = "sent"
      slot.sentAt = now
      this.sent.push(slot)
    }
  }

  /** Adds received bytes; only when `next` has answered `undefined`. */
  push(chunk: Uint8Array): void {
    this.reader.push(chunk)
  }

  /**
   * The next slot that the received bytes settle, or `undefined` when they settle no more. Then `poison` tells whether
   * the rest can be trusted.
   */
  next(): Slot<Owner> | undefined {
    while (this.poison === undefined) {
      const oldest = this.sent.head
      const reply = this.reader.next(oldest !== undefined && !oldest.isAbandoned)
      if (reply === undefined) {
        if (oldest === undefined && this.reader.isInsideReply) {
          this.poison = "the server sent bytes that nobody had asked for"
        }
        return undefined
      }
      const verdict = judge(reply, oldest, this.circumstances)
      if (typeof verdict !== "string") {
        this.poison = verdict.poison
        return undefined
      }
      const slot = oldest!
      record(slot, reply)
      if (verdict === "continues") {
        this.circumstances.isAfterFailedRead = false
        continue
      }
      this.circumstances.isAfterFailedRead = this.dialect.isPerKey !== true && isFailedTextRead(slot, reply)
      if (verdict === "ends") this.poison = `the server answered ${slot.command._tag} with an error line`
      this.sent.shift()
      this.settle(slot)
      if (!slot.isAbandoned) return slot
    }
    return undefined
  }

  /**
   * Nobody waits for this slot any more. A command that was not written never will be, and is let go of at once, however
   * long the socket takes no bytes; for one that was, a tombstone stays until its reply has been read past.
   */
  abandon(slot: Slot<Owner>): void {
    if (slot.state === "done" || slot.isAbandoned) return
    slot.isAbandoned = true
    slot.items = NOTHING
    slot.stats = NOTHING
    if (slot.state === "sent") return
    if (this.unstamped === slot) this.unstamped = slot.next
    this.pending.remove(slot)
    this.settle(slot)
  }

  /** The slots that somebody still waits for, oldest first. */
  *waiting(): IterableIterator<Slot<Owner>> {
    for (const queue of [this.sent, this.pending]) {
      for (let slot = queue.head; slot !== undefined; slot = slot.next) {
        if (!slot.isAbandoned) yield slot
      }
    }
  }

  private settle(slot: Slot<Owner>): void {
    slot.state = "done"
    this.count -= slot.count
    this.bytes -= slot.bytes
  }
}

/** The key of the value that comes next, if the server keeps to the order of the keys. */
const likelyKey = (oldest: Expectation | undefined): Key | undefined =>
  oldest !== undefined && oldest.opaque === 0 && "keys" in oldest.command
    ? oldest.command.keys[oldest.cursor]
    : undefined

const isFailedTextRead = (slot: Expectation, reply: Reply): boolean =>
  (slot.command._tag === "Get" || slot.command._tag === "GetAndTouch") && slot.opaque === 0 && !slot.isFenced &&
  isErrorReply(reply)

const record = <Owner>(slot: Slot<Owner>, reply: Reply): void => {
  if (reply._tag === "Value" && "keys" in slot.command) recordItem(slot, slot.command.keys, reply)
  if (slot.isAbandoned) return
  if (reply._tag === "Stat") {
    if (slot.stats === NOTHING) slot.stats = [reply]
    else (slot.stats as Array<Stat>).push(reply)
    return
  }
  // In a fenced reply the first error line is what counts, whatever follows it.
  if (isErrorReply(slot.reply)) return
  slot.reply = reply
}

const recordItem = <Owner>(slot: Slot<Owner>, keys: ReadonlyArray<Key>, reply: Value): void => {
  // Then the reply is the whole answer, and no list of one is made.
  if (slot.opaque !== 0) return
  const index = keyIndex(keys, reply.key!, slot.cursor)
  // Also where nobody waits: the next key is looked for from here.
  slot.cursor = index + 1
  if (slot.isAbandoned) return
  const items = slot.items === NOTHING ? new Array<Value | undefined>(keys.length).fill(undefined) : slot.items
  ;(items as Array<Value | undefined>)[index] = reply
  slot.items = items
}
