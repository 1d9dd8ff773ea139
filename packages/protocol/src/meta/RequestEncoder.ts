/**
 * Writes commands in the meta dialect: the classic verbs lowered to `mg`, `ms`, `md` and `ma`, the meta commands as
 * they were given, each with an opaque that its reply must echo.
 *
 * Return flags are asked for in one fixed order, the opaque last. What has no meta form is written as a classic line:
 * a meta connection speaks those too, but their replies carry no opaque.
 *
 * @since 0.1.0
 */
import type { Arithmetic, Cas, Command, MetaFlag, Store, StoreMode } from "../Command.ts"
import type { Key } from "../Key.ts"
import * as Text from "../text/RequestEncoder.ts"
import type { WriteBuffer } from "../WriteBuffer.ts"
import { isInt32, isUint32, isUint64 } from "./FlagToken.ts"

// memcached takes 20 words in all; command, key, size and our opaque are four of them.
const MAX_FLAG_COUNT = 15

// Keeps the longest line, with key, size and opaque, below the 2048 bytes at which memcached closes.
const MAX_FLAGS_LENGTH = 1500

const GET_FLAGS = "bcCEfhklLNPRstTuv"
const SET_FLAGS = "bcCEFIkLMNPsT"
const DELETE_FLAGS = "bCEIkLPTx"
const ARITHMETIC_FLAGS = "bcCDEJkLMNPtTv"

// The key alone decides what `me` answers, and from two flags on memcached 1.6.40 misreads it.
const DEBUG_FLAGS = "b"

const SET_MODES = "EAPRS"
const ARITHMETIC_MODES = "I+D-"

/**
 * Whether `encode` can write this command on a pipelined connection: nothing that may stay without a reply (`noreply`,
 * `q`, `quit`), no opaque of the caller's own, and no flag that the server would not read as it was meant. What passes
 * cannot break out of its line.
 *
 * @category guards
 * @since 0.1.0
 */
export const supports = (command: Command): boolean => {
  switch (command._tag) {
    case "Get":
      return command.keys.length > 0
    case "GetAndTouch":
      return command.keys.length === 1
    case "Store":
    case "Cas":
    case "Arithmetic":
    case "Delete":
    case "Touch":
      return !command.noreply
    case "MetaGet":
      return areFlagsLegal(command.flags, GET_FLAGS, "")
    case "MetaSet":
      return areFlagsLegal(command.flags, SET_FLAGS, SET_MODES)
    case "MetaDelete":
      return areFlagsLegal(command.flags, DELETE_FLAGS, "")
    case "MetaArithmetic":
      return areFlagsLegal(command.flags, ARITHMETIC_FLAGS, ARITHMETIC_MODES)
    case "MetaDebug":
      return areFlagsLegal(command.flags, DEBUG_FLAGS, "")
    case "MetaNoop":
      return true
    default:
      return Text.supports(command)
  }
}

/**
 * Writes one request and answers whether it carries the opaque. The command must be one that is supported.
 *
 * A `Get` of several keys is one classic `get` line with `mn` behind it, so that its end is marked even where a proxy
 * puts error lines between the values.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (buffer: WriteBuffer, command: Command, opaque: number): boolean => {
  switch (command._tag) {
    case "Get":
      if (command.keys.length > 1) {
        Text.encode(buffer, command)
        buffer.text("mn").crlf()
        return false
      }
      buffer.text("mg ").text(command.keys[0]).text(command.withCas ? " v f c" : " v f")
      break
    case "GetAndTouch":
      buffer.text("mg ").text(command.keys[0]).text(command.withCas ? " v f c T" : " v f T")
      writeSigned(buffer, command.exptime)
      break
    case "Store":
      return encodeStore(buffer, command, opaque)
    case "Cas":
      return encodeCas(buffer, command, opaque)
    case "Arithmetic":
      encodeArithmetic(buffer, command)
      break
    case "Delete":
      buffer.text("md ").text(command.key)
      break
    case "Touch":
      buffer.text("mg ").text(command.key).text(" T")
      writeSigned(buffer, command.exptime)
      break
    case "MetaGet":
      encodeMeta(buffer, "mg ", command.key, command.flags)
      break
    case "MetaSet":
      buffer.text("ms ").text(command.key).blank().number(command.value.length)
      writeFlags(buffer, command.flags)
      writeOpaque(buffer, opaque)
      buffer.bytes(command.value).crlf()
      return true
    case "MetaDelete":
      encodeMeta(buffer, "md ", command.key, command.flags)
      break
    case "MetaArithmetic":
      encodeMeta(buffer, "ma ", command.key, command.flags)
      break
    case "MetaDebug":
      encodeMeta(buffer, "me ", command.key, command.flags)
      buffer.crlf()
      return false
    case "MetaNoop":
      buffer.text("mn").crlf()
      return false
    default:
      Text.encode(buffer, command)
      return false
  }
  writeOpaque(buffer, opaque)
  return true
}

const MODE_FLAG: Record<StoreMode, string> = {
  set: "",
  add: " ME",
  replace: " MR",
  append: " MA",
  prepend: " MP"
}

const encodeStore = (buffer: WriteBuffer, command: Store, opaque: number): true => {
  const { mode, value } = command
  buffer.text("ms ").text(command.key).blank().number(value.length)
  // The item keeps its own.
  if (mode !== "append" && mode !== "prepend") writeItemFlags(buffer, command)
  buffer.text(MODE_FLAG[mode])
  writeOpaque(buffer, opaque)
  buffer.bytes(value).crlf()
  return true
}

const encodeCas = (buffer: WriteBuffer, command: Cas, opaque: number): true => {
  buffer.text("ms ").text(command.key).blank().number(command.value.length)
  writeItemFlags(buffer, command)
  buffer.text(" C")
  writeUint64(buffer, command.cas)
  writeOpaque(buffer, opaque)
  buffer.bytes(command.value).crlf()
  return true
}

const encodeArithmetic = (buffer: WriteBuffer, command: Arithmetic): void => {
  buffer.text("ma ").text(command.key)
  if (command.mode === "decr") buffer.text(" MD")
  if (command.delta !== 1n) {
    buffer.text(" D")
    writeUint64(buffer, command.delta)
  }
  const create = command.create
  if (create !== undefined) {
    buffer.text(" N")
    writeSigned(buffer, create.exptime)
    buffer.text(" J")
    writeUint64(buffer, create.initial)
  }
  buffer.text(" v")
}

const encodeMeta = (buffer: WriteBuffer, word: string, key: Key, flags: ReadonlyArray<MetaFlag>): void => {
  buffer.text(word).text(key)
  writeFlags(buffer, flags)
}

const writeFlags = (buffer: WriteBuffer, flags: ReadonlyArray<MetaFlag>): void => {
  for (let i = 0; i < flags.length; i++) buffer.blank().text(flags[i])
}

// Both are 0 when the server is not told.
const writeItemFlags = (buffer: WriteBuffer, item: Store | Cas): void => {
  if (item.flags !== 0) buffer.text(" F").number(item.flags)
  if (item.exptime !== 0) {
    buffer.text(" T")
    writeSigned(buffer, item.exptime)
  }
}

const writeOpaque = (buffer: WriteBuffer, opaque: number): void => {
  buffer.text(" O").number(opaque).crlf()
}

const writeSigned = (buffer: WriteBuffer, n: number): void => {
  if (n < 0) buffer.text("-").number(-n)
  else buffer.number(n)
}

// The usual deltas are small, and a small number is written without making a string of it.
const writeUint64 = (buffer: WriteBuffer, n: bigint): void => {
  if (n < 100_000n) buffer.number(Number(n))
  else buffer.text(String(n))
}

const areFlagsLegal = (flags: ReadonlyArray<MetaFlag>, letters: string, modes: string): boolean => {
  if (flags.length > MAX_FLAG_COUNT) return false
  let length = 0
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]
    if (flag.length === 0 || !letters.includes(flag[0]) || !isTokenLegal(flag, modes)) return false
    for (let j = 0; j < i; j++) {
      if (flags[j][0] === flag[0]) return false
    }
    length += flag.length + 1
  }
  return length <= MAX_FLAGS_LENGTH
}

const isTokenLegal = (flag: MetaFlag, modes: string): boolean => {
  switch (flag[0]) {
    case "C":
    case "D":
    case "E":
    case "J":
      return isUint64(flag)
    case "F":
      return isUint32(flag)
    case "N":
    case "R":
    case "T":
      return isInt32(flag)
    case "M":
      return flag.length === 2 && modes.includes(flag[1])
    case "L":
    case "P":
      return isPrintable(flag)
    default:
      return flag.length === 1
  }
}

const isPrintable = (flag: MetaFlag): boolean => {
  for (let i = 0; i < flag.length; i++) {
    const code = flag.charCodeAt(i)
    if (code <= 0x20 || code >= 0x7f) return false
  }
  return true
}
