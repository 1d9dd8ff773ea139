/**
 * The keys and values of a work: the same in every process, different for every key, so that a value that was swapped
 * with another one is noticed.
 *
 * Each client has keys of its own, because each writes its values with flags of its own. The values are letters and
 * digits, for clients that know only text.
 */
import type { Work } from "./Work.ts"

export interface Items {
  readonly keys: ReadonlyArray<string>
  readonly values: ReadonlyArray<string>
}

/** Where counters begin: they keep their ten digits, so that every reply is of the same length. */
export const COUNTER_START = 1_000_000_000

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

export const make = (work: Work, client: string): Items => {
  const indices = Array.from({ length: work.keys }, (_, i) => i)
  const keys = indices.map((i) => `bench:${client}:${String(i).padStart(6, "0")}`)
  const valueOf = (i: number): string =>
    work.kind === "increment"
      ? String(COUNTER_START)
      : work.shape === "struct"
      ? JSON.stringify(structOf(i))
      : text(i, work.size)
  return { keys, values: indices.map(valueOf) }
}

/** A value of five fields, about as long as the text of other works when it is written as JSON. */
export interface Struct {
  readonly id: number
  readonly name: string
  readonly email: string
  readonly isActive: boolean
  readonly score: number
}

export const structOf = (i: number): Struct => ({
  id: i,
  name: text(i, 16),
  email: `${text(i, 12)}@example.org`,
  isActive: i % 2 === 0,
  score: i / 8
})

/** What is stored before a work begins: for sets something else, so that a set that does nothing is noticed. */
export const stored = (work: Work, { values }: Items): ReadonlyArray<string> =>
  work.kind === "set" ? values.map((_, i) => values[(i + 1) % values.length]!) : values

const text = (seed: number, size: number): string => {
  const bytes = Buffer.allocUnsafe(size)
  let state = (seed + 1) * 2_654_435_761 >>> 0
  for (let i = 0; i < size; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = ALPHABET.charCodeAt(state & 63)
  }
  return bytes.toString("latin1")
}
