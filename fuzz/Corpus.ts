/**
 * The inputs that every run begins with: what real servers said, what was made up to be hostile, and whatever failed
 * once. They are kept in the repository, so that nothing that was found can come back unseen.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"

const root = join(import.meta.dirname, "..")
const found = join(import.meta.dirname, "corpus", "found")

/** Longer sessions are left out: a mutation of a hundred kilobytes says no more than one of a hundred bytes. */
const MAX_LENGTH = 4096

const readJson = (path: string): unknown => JSON.parse(readFileSync(join(root, path), "utf8"))

/** The transcripts of the text dialect. */
interface Sessions {
  readonly sessions: ReadonlyArray<{
    readonly steps: ReadonlyArray<{
      readonly send: ReadonlyArray<string | readonly [text: string, times: number]>
      readonly reply: string
    }>
  }>
}

/** Those of the meta dialect. */
interface Exchanges {
  readonly exchanges: ReadonlyArray<{ readonly send: string; readonly reply: string }>
}

const recorded = (side: "send" | "reply"): ReadonlyArray<string> => {
  const streams: Array<string> = []
  for (const version of ["1.6.18", "1.6.45"]) {
    const text = readJson(`packages/protocol/test/transcripts/text-${version}.json`) as Sessions
    for (const { steps } of text.sessions) {
      const parts = steps.map((step) =>
        side === "reply"
          ? step.reply
          : step.send.map((part) => typeof part === "string" ? part : part[0].repeat(part[1])).join("")
      )
      streams.push(parts.join(""), ...parts)
    }
    const meta = readJson(`packages/protocol/test/meta/transcripts/memcached-${version}.json`) as Exchanges
    for (const exchange of meta.exchanges) streams.push(exchange[side])
  }
  return [...new Set(streams)].filter((text) => text.length > 0 && text.length <= MAX_LENGTH)
}

/** What real servers answered, session by session, in both dialects. */
export const recordedReplies = (): Array<Uint8Array> => recorded("reply").map(bytes)

/** What was sent to them. */
export const recordedRequests = (): Array<Uint8Array> => recorded("send").map(bytes)

/** The hand-made inputs of `corpus/<name>.json`, which holds them as texts of one unit a byte. */
export const handmade = (name: "replies" | "requests" | "values" | "keys"): Array<Uint8Array> =>
  (readJson(`fuzz/corpus/${name}.json`) as ReadonlyArray<string>).map(bytes)

/** What has failed for this target before. */
export const failedBefore = (target: string): Array<Uint8Array> => {
  try {
    return readdirSync(join(found, target)).sort().map((file) =>
      new Uint8Array(readFileSync(join(found, target, file)))
    )
  } catch {
    return []
  }
}

/** Keeps a failing input, and answers its path from the root of the repository. */
export const keep = (target: string, input: Uint8Array): string => {
  const directory = join(found, target)
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${createHash("sha256").update(input).digest("hex").slice(0, 12)}.bin`)
  writeFileSync(file, input)
  return relative(root, file)
}

const learned = (target: string): string => join(import.meta.dirname, "corpus", "learned", `${target}.json`)

/** What a search guided by coverage has found: each reached code that none before it had reached. */
export const discovered = (target: string): Array<Uint8Array> => {
  try {
    return (JSON.parse(readFileSync(learned(target), "utf8")) as ReadonlyArray<string>).map(bytes)
  } catch {
    return []
  }
}

/** Adds to what was found so. */
export const learn = (target: string, input: Uint8Array): void => {
  mkdirSync(join(learned(target), ".."), { recursive: true })
  const texts = [...discovered(target), input].map((input) => Buffer.from(input).toString("latin1"))
  // As ASCII, so that editors and diffs leave the bytes alone.
  const escape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`
  writeFileSync(learned(target), `${JSON.stringify(texts, null, 2).replaceAll(/[\x7f-\xff]/g, escape)}\n`)
}

/** One input by its path from the root of the repository. */
export const read = (path: string): Uint8Array => new Uint8Array(readFileSync(join(root, path)))
