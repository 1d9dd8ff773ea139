/**
 * Random meta commands and replies for the property tests: legal ones, whose bytes must survive the way there and back.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { byteString } from "../../src/Ascii.ts"
import type { MetaArithmetic, MetaDelete, MetaGet, MetaSet } from "../../src/Command.ts"
import * as Key from "../../src/Key.ts"
import type { MetaReply } from "../../src/meta/ResponseEncoder.ts"
import type { Reply } from "../../src/Reply.ts"
import * as Replies from "../../src/Reply.ts"

export const int = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

export const oneOf = <const A>(items: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(int(0, items.length - 1), (index) => items[index])

export const boolean = oneOf([false, true])

export const uint64 = Arbitrary.map(
  Arbitrary.all([int(0, 0xffff_ffff), int(0, 0xffff_ffff)]),
  ([high, low]) => (BigInt(high) << 32n) | BigInt(low)
)

export const bytes = (minLength: number, maxLength: number): Arbitrary.Arbitrary<Uint8Array> =>
  Arbitrary.map(Arbitrary.array(int(0, 255), { minLength, maxLength }), (array) => Uint8Array.from(array))

const keyBytes = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte > 0x20 && byte !== 0x7f)

export const key = Arbitrary.map(
  Arbitrary.array(oneOf(keyBytes), { minLength: 1, maxLength: 250 }),
  (array) => byteString(Uint8Array.from(array), 0, array.length) as Key.Key
)

const base64Key = Arbitrary.map(bytes(1, 186), (raw) => Key.toBase64(raw) as Key.Key)

export const exptime = int(-2_147_483_648, 2_147_483_647)

/** The letters that each command may carry, as PROTOCOL 1.2 has them. */
export const LETTERS = {
  MetaGet: "bcCEfhklLNPRstTuv",
  MetaSet: "bcCEFIkLMNPsT",
  MetaDelete: "bCEIkLPTx",
  MetaArithmetic: "bcCDEJkLMNPtTv"
} as const

type Flagged = keyof typeof LETTERS

const token = (_tag: Flagged, letter: string, n: bigint): string => {
  switch (letter) {
    case "C":
    case "D":
    case "E":
    case "J":
      return String(n)
    case "F":
      return String(n & 0xffff_ffffn)
    case "N":
    case "R":
    case "T":
      return String(BigInt.asIntN(32, n))
    case "M":
      return (_tag === "MetaSet" ? "EAPRS" : "I+D-")[Number(n % 4n)]
    case "L":
    case "P":
      return n.toString(36)
    default:
      return ""
  }
}

const flags = (_tag: Flagged): Arbitrary.Arbitrary<ReadonlyArray<string>> =>
  Arbitrary.map(
    Arbitrary.array(Arbitrary.all([oneOf(LETTERS[_tag].split("")), uint64]), { maxLength: 15 }),
    (drawn) => Array.from(new Map(drawn), ([letter, n]) => letter + token(_tag, letter, n))
  )

/** A meta command with flags. */
export type MetaCommand = MetaGet | MetaSet | MetaDelete | MetaArithmetic

/** Meta commands that a client supports. A `b` comes with a key that is base64. */
export const metaCommand: Arbitrary.Arbitrary<MetaCommand> = Arbitrary.flatMap(
  oneOf(["MetaGet", "MetaSet", "MetaDelete", "MetaArithmetic"]),
  (_tag) =>
    Arbitrary.map(
      Arbitrary.all([flags(_tag), key, base64Key, bytes(0, 64)]),
      ([flags, plain, base64, value]): MetaCommand => {
        const key = flags.includes("b") ? base64 : plain
        return _tag === "MetaSet" ? { _tag, key, value, flags } : { _tag, key, flags }
      }
    )
)

type Mutable<R> = { -readonly [K in keyof R]: R[K] }

const CODES = { HD: "Header", EN: "End", NS: "NotStored", EX: "Exists", NF: "NotFound" } as const

/** A reply as the server would write it, and what a client must make of it. */
export const reply: Arbitrary.Arbitrary<{ readonly written: MetaReply; readonly read: Reply }> = Arbitrary.map(
  Arbitrary.all([
    oneOf(["VA", "HD", "EN", "NS", "EX", "NF", "MN", "ME"]),
    bytes(0, 64),
    key,
    Arbitrary.array(oneOf("Ofcstlhkb WXZ".split("")), { maxLength: 12 }),
    uint64,
    int(0, 2 ** 31 - 1)
  ]),
  ([code, value, key, letters, wide, n]) => {
    if (code === "MN") return { written: { code, flags: [] }, read: { _tag: "Noop" } }
    if (code === "ME") {
      return { written: { code, flags: [], text: `${key} exp=${n}` }, read: { _tag: "Debug", key, text: `exp=${n}` } }
    }
    const read: Mutable<Replies.Value | Replies.Status> = code === "VA"
      ? { ...Replies.value(false), length: value.length, value }
      : Replies.status(CODES[code], false)
    const flags: Array<string> = []
    for (const letter of new Set(letters)) {
      switch (letter) {
        case "O":
          flags.push(`O${n}`)
          read.opaque = n
          break
        case "f":
          flags.push(`f${n}`)
          read.flags = n
          break
        case "c":
          flags.push(`c${wide}`)
          read.cas = wide
          break
        case "s":
          flags.push(`s${n}`)
          read.size = n
          break
        case "t":
          flags.push(n % 2 === 0 ? "t-1" : `t${n}`)
          read.ttl = n % 2 === 0 ? -1 : n
          break
        case "l":
          flags.push(`l${n}`)
          read.lastAccess = n
          break
        case "h":
          flags.push(`h${n % 2}`)
          read.isHitBefore = n % 2 === 1
          break
        case "k":
          flags.push(`k${key}`)
          read.key = key
          break
        case "b":
          flags.push("b")
          read.isBase64 = true
          break
        case "W":
          flags.push("W")
          read.isWin = true
          break
        case "X":
          flags.push("X")
          read.isStale = true
          break
        case "Z":
          flags.push("Z")
          read.isWinSent = true
      }
    }
    return { written: code === "VA" ? { code, value, flags } : { code, flags }, read }
  }
)
