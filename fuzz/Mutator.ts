/**
 * Makes a new input out of known ones: not noise, which no parser reads beyond its first byte, but nearly right streams.
 *
 * It knows what lines, words and numbers are, because those are the joints at which a parser of this protocol breaks: a
 * length that is one too large, a line that comes twice, a CR without its LF.
 */
import type { Random } from "./Random.ts"
import type { Target } from "./Target.ts"

/** Longest input. Long enough for a line beyond the limit of 2048 bytes, short enough for ten million inputs. */
const MAX_LENGTH = 4096

/** Words of both dialects and both directions, and what is never legal. */
const WORDS = [
  "VALUE ",
  "END\r\n",
  "STORED\r\n",
  "NOT_STORED\r\n",
  "EXISTS\r\n",
  "NOT_FOUND\r\n",
  "DELETED\r\n",
  "TOUCHED\r\n",
  "OK\r\n",
  "RESET\r\n",
  "STAT ",
  "ITEM ",
  "PREFIX ",
  "VERSION ",
  "ERROR\r\n",
  "CLIENT_ERROR ",
  "SERVER_ERROR ",
  "VA ",
  "HD",
  "HD\r\n",
  "EN\r\n",
  "NS ",
  "EX ",
  "NF ",
  "MN\r\n",
  "ME ",
  " O",
  " k",
  " b",
  " f",
  " c",
  " s",
  " t",
  " t-1",
  " l",
  " h1",
  " W",
  " X",
  " Z",
  "get ",
  "gets ",
  "gat ",
  "gats ",
  "set ",
  "add ",
  "replace ",
  "append ",
  "prepend ",
  "cas ",
  "incr ",
  "decr ",
  "delete ",
  "touch ",
  "flush_all",
  "stats ",
  "version\r\n",
  "verbosity ",
  "quit\r\n",
  " noreply",
  "mg ",
  "ms ",
  "md ",
  "ma ",
  "mn\r\n",
  "me ",
  " v",
  " q",
  " T",
  " F",
  " I",
  " MA",
  " N",
  " J",
  " D",
  " E",
  "\r\n",
  "\n",
  "\r",
  "\r\r\n",
  "\n\r",
  " ",
  "  ",
  "\t",
  "\0",
  "\x7f",
  "\xff",
  "\xc3\xa9",
  "-",
  "+",
  "0x",
  "e3",
  "__proto__",
  "constructor",
  "\r\nEND\r\n",
  " 0 0 3\r\nabc\r\n",
  "VALUE a 0 1\r\nx\r\n"
].map((word) => Buffer.from(word, "latin1"))

const NUMBERS = [
  "0",
  "1",
  "2",
  "3",
  "10",
  "11",
  "100",
  "255",
  "256",
  "257",
  "1023",
  "2047",
  "2048",
  "65535",
  "1048576",
  "1048577",
  "2147483647",
  "2147483648",
  "4294967295",
  "4294967296",
  "9007199254740993",
  "999999999999999",
  "1000000000000000",
  "18446744073709551615",
  "18446744073709551616",
  "9999999999999999999999999",
  "-1",
  "-2147483648",
  "-5",
  "00",
  "007",
  "1e3",
  "0x10",
  "1.5",
  "",
  " ",
  "+1"
].map((word) => Buffer.from(word, "latin1"))

const BYTES = [0, 9, 10, 13, 32, 45, 48, 49, 57, 58, 64, 65, 90, 97, 122, 127, 128, 194, 255]

const LF = 0x0a

const EMPTY = new Uint8Array(0)

/** Mutates inputs of one target. */
export class Mutator {
  private readonly scratch = new Uint8Array(2 * MAX_LENGTH)
  private length = 0
  private readonly random: Random
  private readonly kind: Target["kind"]
  private readonly pool: ReadonlyArray<Uint8Array>

  /** `pool` may grow while the mutator is used. */
  constructor(random: Random, kind: Target["kind"], pool: ReadonlyArray<Uint8Array>) {
    this.random = random
    this.kind = kind
    this.pool = pool
  }

  /** A new input; the caller may keep it. */
  next(): Uint8Array {
    const { random } = this
    this.length = 0
    if (this.pool.length === 0 || random.below(128) === 0) this.noise(this.length, 1 + random.below(64))
    else this.insert(0, this.pick())
    // Mostly one or two changes: with more, nothing behind the first fault is ever reached.
    const changes = 1 + Math.min(random.below(3), random.below(4)) + (random.below(32) === 0 ? random.below(16) : 0)
    for (let i = 0; i < changes; i++) this.change()
    return this.scratch.slice(0, Math.min(this.length, MAX_LENGTH))
  }

  /** One of the pool, seldom a large one. */
  private pick(): Uint8Array {
    if (this.pool.length === 0) return EMPTY
    const one = this.pool[this.random.below(this.pool.length)]
    return one.length > 512 && this.random.below(8) > 0 ? this.pool[this.random.below(this.pool.length)] : one
  }

  private change(): void {
    const { length, random } = this
    const at = random.below(length + 1)
    switch (random.below(this.kind === "lines" ? 15 : 9)) {
      case 0:
        if (at < length) this.scratch[at] ^= 1 << random.below(8)
        return
      case 1:
        if (at < length) this.scratch[at] = random.next()
        return
      case 2:
        if (at < length) this.scratch[at] = BYTES[random.below(BYTES.length)]
        return
      case 3:
        return this.remove(at, 1 + random.below(random.below(8) === 0 ? 64 : 4))
      case 4:
        return this.insert(random.below(length + 1), this.scratch.slice(at, at + 1 + random.below(32)))
      case 5:
        return this.noise(at, 1 + random.below(4))
      case 6:
        if (random.below(4) === 0) this.length = at
        return
      case 7: {
        const other = this.pick()
        return this.insert(at, other.subarray(random.below(other.length + 1)))
      }
      case 8:
        return this.insert(this.length, this.pick())
      case 9:
        return this.insert(at, WORDS[random.below(WORDS.length)])
      case 10:
      case 11:
        return this.renumber(at)
      case 12: {
        const [start, end] = this.lineAt(at)
        return this.remove(start, end - start)
      }
      case 13: {
        const [start, end] = this.lineAt(at)
        return this.insert(this.lineAt(random.below(length + 1))[0], this.scratch.slice(start, end))
      }
      case 14: {
        const [start, end] = this.lineAt(at)
        const line = this.scratch.slice(start, end)
        this.remove(start, end - start)
        return this.insert(this.lineAt(random.below(this.length + 1))[0], line)
      }
    }
  }

  /** Puts another number where the first digits from `from` on stand. */
  private renumber(from: number): void {
    let start = from
    while (start < this.length && !isDigit(this.scratch[start])) start++
    if (start === this.length) return
    let end = start
    while (end < this.length && isDigit(this.scratch[end])) end++
    const { random, scratch } = this
    if (random.below(2) === 0) {
      // One more or one less, as in a length that is off by one.
      const digit = scratch[end - 1] + (random.below(2) === 0 ? 1 : -1)
      if (isDigit(digit)) scratch[end - 1] = digit
      return
    }
    this.remove(start, end - start)
    this.insert(start, NUMBERS[random.below(NUMBERS.length)])
  }

  private lineAt(at: number): readonly [start: number, end: number] {
    let start = Math.min(at, this.length)
    while (start > 0 && this.scratch[start - 1] !== LF) start--
    let end = Math.min(at, this.length)
    while (end < this.length && this.scratch[end] !== LF) end++
    return [start, Math.min(end + 1, this.length)]
  }

  private insert(at: number, bytes: Uint8Array): void {
    const size = Math.min(bytes.length, MAX_LENGTH - this.length)
    if (size <= 0) return
    this.scratch.copyWithin(at + size, at, this.length)
    this.scratch.set(size === bytes.length ? bytes : bytes.subarray(0, size), at)
    this.length += size
  }

  private remove(at: number, size: number): void {
    const end = Math.min(at + size, this.length)
    this.scratch.copyWithin(at, end, this.length)
    this.length -= end - at
  }

  private noise(at: number, size: number): void {
    this.insert(at, Uint8Array.from({ length: size }, () => this.random.next() & 0xff))
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39
