/**
 * From what happens on the connections of a server to its tally: which operation it was, how long it took, what it found.
 *
 * It is called for every answer, so it reads no clock and makes nothing.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { verb } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { isErrorReply } from "@effect-memcache/protocol/Reply"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { Observer } from "@effect-memcache/transport/Observer"
import { rejection } from "@effect-memcache/transport/Rejection"
import { isBlank, isPlaceholder } from "../commands/Placeholder.ts"
import { INTERRUPTED } from "./Attributes.ts"
import type { Tally } from "./Tally.ts"

/**
 * The operation's name: memcached's word, and before it that it is a batch if the command has several keys.
 *
 * @category accessors
 * @since 0.1.0
 */
export const operationOf = (command: Command): string => {
  const word = verb(command)
  return keysReadBy(command) > 1 ? `BATCH ${word}` : word
}

/**
 * How many values a command asks for: each of them is a hit or a miss.
 *
 * @category accessors
 * @since 0.1.0
 */
export const keysReadBy = (command: Command): number => {
  switch (command._tag) {
    case "Get":
    case "GetAndTouch":
      return command.keys.length
    case "MetaGet":
      return command.flags.includes("v") ? 1 : 0
    default:
      return 0
  }
}

/**
 * How many values an answer has. What a winner has yet to fill in is none, and neither is in a batch what may be that.
 *
 * @category accessors
 * @since 0.1.0
 */
export const hitsOf = (answer: Answer): number => {
  if (answer.reply._tag === "Value") return isPlaceholder(answer.reply) ? 0 : 1
  const { items } = answer
  let hits = 0
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (item !== undefined && (items.length === 1 || !isBlank(item))) hits++
  }
  return hits
}

/**
 * Observes the connections of one server.
 *
 * @category models
 * @since 0.1.0
 */
export class ServerObserver implements Observer {
  private readonly server: string
  private readonly tally: Tally

  constructor(server: string, tally: Tally) {
    this.server = server
    this.tally = tally
  }

  answered(answer: Answer, millis: number): void {
    const { command, reply } = answer
    const { tally } = this
    if (isErrorReply(reply)) {
      tally.failed(operationOf(command), rejection(reply, command, this.server).reason._tag, millis)
    } else {
      tally.answered(operationOf(command), millis)
    }
    const keys = keysReadBy(command)
    if (keys > 0) this.found(keys, answer)
  }

  /** Nobody waits any more for a command. */
  interrupted(command: Command, millis: number): void {
    this.tally.failed(operationOf(command), INTERRUPTED, millis)
  }

  /** A command has failed, and is not tried again on this server. */
  failed(command: Command, error: MemcacheError, millis: number): void {
    this.tally.failed(operationOf(command), error.reason._tag, millis)
  }

  /** A read was answered with nothing, because nobody was asked. */
  missed(command: Command): void {
    this.tally.misses += keysReadBy(command)
  }

  /** Commands are tried again. */
  retried(commands: number): void {
    this.tally.retries += commands
  }

  wrote(bytes: number): void {
    this.tally.bytesSent += bytes
  }

  read(bytes: number): void {
    this.tally.bytesReceived += bytes
  }

  private found(keys: number, answer: Answer): void {
    const hits = hitsOf(answer)
    this.tally.hits += hits
    // Behind an error line, keys without a value may be there all the same.
    if (!isErrorReply(answer.reply)) this.tally.misses += keys - hits - askedAgain(keys, answer)
  }
}

/** A batch cannot tell an empty value from one that is yet to be filled in: such keys are asked for once more, alone. */
const askedAgain = (keys: number, { items }: Answer): number =>
  keys > 1 ? items.reduce((count, item) => item !== undefined && isBlank(item) ? count + 1 : count, 0) : 0
