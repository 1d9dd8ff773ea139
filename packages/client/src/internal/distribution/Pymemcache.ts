/**
 * pymemcache's `HashClient`: rendezvous hashing. Every server scores the key with MurmurHash3, and the highest score wins.
 *
 * What is hashed is `host:port-key` for each server. As it is written, that is ten microseconds a key on a hundred servers;
 * so the hash of each server's own part is kept, and the words of the key are mixed once for all servers whose parts end
 * at the same place in a word.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import type { HashInput } from "../../Key.ts"
import { finish3, mix3, murmur3, step3 } from "./hashes/Murmur.ts"
import type { Placement } from "./Placement.ts"
import { inOrder } from "./Placement.ts"
import { isAscii, textOf, toText } from "./Routing.ts"
import { withPort } from "./ServerName.ts"

/**
 * How the neighbour's program writes its keys: as `str`, or as `bytes`, whose Python notation `b'key'` is hashed then.
 *
 * @category models
 * @since 0.1.0
 */
export type KeyType = "str" | "bytes"

/**
 * Places keys as pymemcache 3 and 4 do. Weights are ignored, as there. A hash takes the place of the key as text.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (servers: ReadonlyArray<Weighted>, keyType: KeyType): Placement => {
  const names = servers.map(({ address }) => codePoints(`${withPort(address)}-`))
  const rendezvous = compile(names)
  const routeOf = (key: Key, hash: HashInput | undefined): string => {
    if (hash !== undefined) return codePoints(textOf(key, hash))
    if (keyType === "bytes") return pythonBytes(key)
    return isAscii(key) ? key : codePoints(toText(key))
  }
  return inOrder(
    (key, hash) => rendezvous(routeOf(key, hash)),
    (key, hash) => byScore(names, rendezvous, routeOf(key, hash))
  )
}

/** pymemcache hashes `ord(c) & 0xff` of each character, which is not UTF-8. */
const codePoints = (text: string): string =>
  isAscii(text) ? text : Array.from(text, (character) => String.fromCharCode(character.codePointAt(0)! & 0xff)).join("")

/** `repr(b"...")` of Python. */
const pythonBytes = (bytes: string): string => {
  if (/^[ !#-&(-[\]-~]*$/.test(bytes)) return `b'${bytes}'`
  const quote = bytes.includes("'") && !bytes.includes("\"") ? "\"" : "'"
  let out = `b${quote}`
  for (let i = 0; i < bytes.length; i++) {
    const character = bytes[i]
    if (character === "\\" || character === quote) out += `\\${character}`
    else if (character >= " " && character <= "~") out += character
    else if (character === "\t") out += "\\t"
    else if (character === "\n") out += "\\n"
    else if (character === "\r") out += "\\r"
    else out += `\\x${bytes.charCodeAt(i).toString(16).padStart(2, "0")}`
  }
  return out + quote
}

/** Lazy behind the home: the rest costs a hash for each server, and is wanted only while the home is away. */
function* byScore(names: ReadonlyArray<string>, rendezvous: (key: string) => number, key: string): Generator<number> {
  const home = rendezvous(key)
  if (home < 0) return
  yield home
  const scores = names.map((name) => murmur3(name + key, 0))
  const order = [...names.keys()].sort((a, b) => scores[b] - scores[a] || (names[a] < names[b] ? 1 : -1))
  for (const index of order) if (index !== home) yield index
}

/** Servers whose names, with the dash, leave the same number of bytes over whole words. */
interface Group {
  readonly left: number
  /** For each server: its index, its rank among all by name, the hash of the whole words, the bytes left, the length. */
  readonly indices: Int32Array
  readonly ranks: Int32Array
  readonly states: Int32Array
  readonly lefts: Int32Array
  readonly lengths: Int32Array
}

const compile = (names: ReadonlyArray<string>): (route: string) => number => {
  const groups = [0, 1, 2, 3].map((left) => groupOf(names, left)).filter((group) => group.indices.length > 0)
  const scores = new Int32Array(names.length)
  let codes = new Uint8Array(256 + PADDING)
  let view = new DataView(codes.buffer)
  return (route) => {
    const { length } = route
    if (codes.length < length + PADDING) {
      codes = new Uint8Array(2 * length + PADDING)
      view = new DataView(codes.buffer)
    }
    for (let i = 0; i < length; i++) codes[i] = route.charCodeAt(i)
    view.setFloat64(length, 0)
    let best = -1
    let bestScore = LEAST
    let bestRank = -1
    for (const group of groups) {
      score(group, view, length, scores)
      const { indices, ranks } = group
      for (let i = 0; i < indices.length; i++) {
        // Equal scores: the greater name wins.
        if (scores[i] >= bestScore && (scores[i] > bestScore || ranks[i] > bestRank)) {
          best = indices[i]
          bestScore = scores[i]
          bestRank = ranks[i]
        }
      }
    }
    return best
  }
}

/** Eight zeros, those of a double, stand behind the route, so that its last word can be read as a whole. */
const PADDING = 8

/** The least signed 32-bit number, which is also the bit of the sign. */
const LEAST = -0x80000000

/**
 * The scores of a group's servers, with the sign turned round: signed numbers are faster to compare, and that puts them
 * in the order of unsigned ones.
 *
 * It goes word by word for all servers, because a processor can work on many servers at a time but on one word of each;
 * and by two words, since what is between them need not be stored.
 */
const score = ({ left, lefts, lengths, states }: Group, route: DataView, length: number, scores: Int32Array): void => {
  const count = states.length
  // The first word is the server's bytes and as many of the route's as fit behind them.
  let at = 4 - left
  const head = route.getInt32(0, true) << (8 * left)
  if (length >= at) { for (let i = 0; i < count; i++) scores[i] = step3(states[i], mix3(lefts[i] | head)) }
  else for (let i = 0; i < count; i++) scores[i] = states[i] ^ mix3(lefts[i] | head)
  for (; at + 8 <= length; at += 8) {
    const word = mix3(route.getInt32(at, true))
    const next = mix3(route.getInt32(at + 4, true))
    for (let i = 0; i < count; i++) scores[i] = step3(step3(scores[i], word), next)
  }
  for (; at + 4 <= length; at += 4) {
    const word = mix3(route.getInt32(at, true))
    for (let i = 0; i < count; i++) scores[i] = step3(scores[i], word)
  }
  const rest = mix3(route.getInt32(at, true))
  for (let i = 0; i < count; i++) scores[i] = finish3(scores[i] ^ rest ^ (lengths[i] + length)) ^ LEAST
}

const groupOf = (names: ReadonlyArray<string>, left: number): Group => {
  const indices = [...names.keys()].filter((index) => names[index].length % 4 === left)
  const bytes = indices.map((index) => Uint8Array.from(names[index], (unit) => unit.charCodeAt(0)))
  const sorted = names.toSorted()
  return {
    left,
    indices: Int32Array.from(indices),
    ranks: Int32Array.from(indices, (index) => sorted.indexOf(names[index])),
    states: Int32Array.from(bytes, (name) => {
      let hash = 0
      for (let at = 0; at + 4 <= name.length; at += 4) hash = step3(hash, mix3(takeLittle(name, at, at + 4)))
      return hash
    }),
    lefts: Int32Array.from(bytes, (name) => takeLittle(name, name.length - left, name.length)),
    lengths: Int32Array.from(bytes, (name) => name.length)
  }
}

/** The bytes from `start` to `end`, at most four, the first one lowest. */
const takeLittle = (bytes: Uint8Array, start: number, end: number): number => {
  let value = 0
  for (let i = end - 1; i >= start; i--) value = (value << 8) | bytes[i]
  return value
}
