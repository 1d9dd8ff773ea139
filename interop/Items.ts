/**
 * What the clients leave for each other: keys of every shape that both allow, and values of every kind that both know.
 */
import type { KeyInput } from "@effect-memcache/client/Key"
import { createHash } from "node:crypto"

/** A value as the scripts in `neighbours` read and write it. */
export type Value =
  | { readonly text: string }
  | { readonly bytes: string }
  | { readonly integer: string }

export type Kind = "text" | "bytes" | "integer"

/** `[hash, key]` has the hash as a text, because JSON knows no large integers. */
export type PlainKey = string | readonly [hash: string, key: string]

export interface Item {
  readonly key: PlainKey
  readonly value: Value
}

export interface Choice {
  /** Begins every key, so that no two runs share one. */
  readonly tag: string
  readonly kinds: ReadonlyArray<Kind>
  readonly isAsciiOnly: boolean
  readonly hasHashes: boolean
}

const ASCII_KEYS = 220
const OTHER_KEYS = 80
const HASHED_KEYS = 40

/** The key as this client takes it. */
export const keyOf = (key: PlainKey): KeyInput => typeof key === "string" ? key : [BigInt(key[0]), key[1]]

/** A few hundred items; the same ones at every call. */
export const make = ({ hasHashes, isAsciiOnly, kinds, tag }: Choice): ReadonlyArray<Item> => {
  const keys: Array<PlainKey> = []
  for (let i = 0; i < ASCII_KEYS; i++) keys.push(`${tag}:${asciiKey(i)}`)
  if (!isAsciiOnly) { for (let i = 0; i < OTHER_KEYS; i++) keys.push(`${tag}:${otherKey(i)}`) }
  if (hasHashes) { for (let i = 0; i < HASHED_KEYS; i++) keys.push([hash(i), `${tag}:hashed:${i}`]) }
  return keys.map((key, i) => ({ key, value: valueOf(kinds[i % kinds.length], Math.floor(i / kinds.length)) }))
}

const digest = (i: number): string => createHash("sha1").update(String(i)).digest("hex")

const asciiKey = (i: number): string => {
  switch (i % 4) {
    case 0:
      return `user:${i}`
    case 1:
      return `${"long-".repeat(i % 40)}${i}`
    case 2:
      return `!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~${i}`
    default:
      return digest(i)
  }
}

const WORDS = ["é", "Grüße", "ключ", "日本語", "🦊", "ÿ\u00a0ÿ"]

const otherKey = (i: number): string => `${WORDS[i % WORDS.length]}:${i}`

// Beyond 32 bits too, and below zero: the hash is whatever the neighbour's program says.
const hash = (i: number): string => String((BigInt(i) - 10n) * 123_456_789_123n)

const INTEGERS = ["0", "42", "-7", "9007199254740991", "9223372036854775807"]

const valueOf = (kind: Kind, i: number): Value => {
  switch (kind) {
    case "text":
      // Now and then one that is long enough to be compressed.
      return {
        text: i % 10 === 9 ? `long text ${i} äöü `.repeat(300) : i % 10 === 8 ? "" : `Text ${i}: Grüße, 日本語 🦊`
      }
    case "bytes":
      return { bytes: Buffer.from(digest(i) + "0d0a00ff", "hex").toString("base64") }
    case "integer":
      return { integer: INTEGERS[i % INTEGERS.length] }
  }
}
