/**
 * The values that clients of other languages stored, and what is expected of each: how it is read, and how it is written.
 */
import type { Name, Options } from "@effect-memcache/client/Transcoder"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { brotliDecompressSync } from "node:zlib"

export interface Entry {
  readonly mode: string
  readonly description: string
  readonly type: "str" | "bytes" | "int" | "float" | "bool" | "null" | "json" | "date"
  readonly value: unknown
  readonly stored: boolean
  readonly flags: number
  readonly bytesB64: string
  readonly read:
    | "ok"
    | "untyped"
    | "lossy"
    | "not-stored"
    | "pickle"
    | "marshal"
    | "php-serialize"
    | "igbinary"
    | "msgpack"
    | "java-serialized"
}

export const read = (): Readonly<Record<string, ReadonlyArray<Entry>>> => {
  const file = join(import.meta.dirname, "../../fixtures/vectors/values.json.br")
  return JSON.parse(brotliDecompressSync(readFileSync(file)).toString("utf8")).clients
}

export interface Choice {
  readonly name: Name
  readonly options: Options
}

const php: Readonly<Record<string, Options>> = {
  "serializer=php,compression=fastlz (ini defaults of this build)": {},
  "serializer=json": {},
  "serializer=json,compression=zlib": { compression: { codec: "zlib" } },
  "serializer=json,compression=off": { compression: false },
  "serializer=json,user_flags=4660": { userFlags: 4660 },
  "serializer=igbinary": {},
  "serializer=msgpack": {}
}

const dalli: Readonly<Record<string, Choice>> = {
  "default (Marshal)": { name: "dalli", options: {} },
  "raw: true": { name: "dalli", options: {} },
  "serializer: JSON": { name: "dalli/json", options: {} },
  "serializer: JSON, compressor: GzipCompressor": { name: "dalli/json", options: { compression: { codec: "gzip" } } },
  "serializer: JSON, compress: false": { name: "dalli/json", options: { compression: false } }
}

/** The transcoder that stands for a client in one of its modes. */
export const choose = (client: string, { mode, type }: Entry): Choice => {
  const least = mode.startsWith("min_compress_len=100") ? 100 : undefined
  const strings = { strings: type === "bytes" ? "bytes" : "text" } as const
  switch (client) {
    case "python-memcached-1.43-py2":
      return { name: "python-memcached/1.43", options: { ...strings, ...above(least) } }
    case "python-memcached-1.59":
    case "python-memcached-1.62":
      return { name: "python-memcached", options: above(least) }
    case "pymemcache-3.5.2":
    case "pymemcache-git":
      if (mode.startsWith("no serde")) return { name: "pymemcache/no-serde", options: strings }
      return { name: "pymemcache", options: mode === "CompressedSerde" ? { compression: {} } : {} }
    case "pylibmc":
      return { name: "pylibmc", options: above(least === undefined ? undefined : least - 1) }
    case "php-memcached":
      return { name: "php-memcached", options: { ...strings, ...known(php[mode], mode) } }
    case "dalli": {
      const { name, options } = known(dalli[mode], mode)
      return { name, options: { ...strings, ...options } }
    }
    case "npm-memcached":
      return { name: "npm-memcached", options: {} }
    case "memjs":
      return { name: "memjs", options: strings }
    case "spymemcached":
      return { name: mode.startsWith("Whalin") ? "spymemcached/whalin" : "spymemcached", options: {} }
  }
  throw new Error(`${client} is a client without a transcoder`)
}

const above = (threshold: number | undefined): Options => threshold === undefined ? {} : { compression: { threshold } }

const known = <A>(value: A | undefined, mode: string): A => {
  if (value === undefined) throw new Error(`${mode} is a mode without a transcoder`)
  return value
}

const FLOATS: Readonly<Record<string, number>> = { inf: Infinity, "-inf": -Infinity, nan: Number.NaN }

const floatOf = (text: string): number => FLOATS[text] ?? Number(text)

const integerOf = (text: string): number | bigint => Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)

/** The value that a program here would write. */
export const valueOf = ({ mode, type, value }: Entry): unknown => {
  switch (type) {
    case "bytes":
      return new Uint8Array(Buffer.from(String(value), "base64"))
    case "int":
      // Java's Long is a bigint where the program means one.
      return mode.endsWith(" Long") ? BigInt(String(value)) : integerOf(String(value))
    case "float":
      return floatOf(String(value))
    case "date":
      return new Date(Number(value))
    default:
      return value
  }
}

/** The value as it is read, which is not everywhere what was meant. */
export const readingOf = (client: string, entry: Entry): unknown => {
  const { description, mode, read, type, value } = entry
  if (type === "bool" && entry.flags === 2 && !client.startsWith("npm")) return value === true ? 1 : 0
  if (mode.endsWith(" Float")) return Math.fround(floatOf(String(value)))
  if (type === "int") return integerOf(String(value))
  if (read === "lossy" && type === "bytes") return ""
  if (read === "lossy" && description === "float-negzero") return 0
  return valueOf(entry)
}

/**
 * How a value must be written:
 *
 * - `same`: byte for byte as the client wrote it.
 * - `deflated`: with the same flags, and the same bytes once they are inflated. zlib says how a stream is read and not
 *   how it is found, and Node's finds others than the zlib of distributions.
 * - `otherwise`: as another type of the same client, because JavaScript has not this one or the client serialised it.
 * - `refused`.
 */
export type Writing = "same" | "deflated" | "otherwise" | "refused"

/** Which of them is due; `same` is `deflated` where zlib has been at it. */
export const writingOf = (client: string, entry: Entry): Writing => {
  const { description, mode, read, type } = entry
  if (read === "not-stored" || read === "lossy") {
    if (client === "dalli") return type === "bytes" ? "otherwise" : "refused"
    return client === "npm-memcached" ? "same" : "otherwise"
  }
  if (read === "ok") {
    // JavaScript has one kind of number, and 98.0 is the integer 98 in it.
    if (description === "float-int" && client !== "npm-memcached") return "otherwise"
    if (mode.includes("(py2 long)") || / (Byte|Float)$/.test(mode)) return "otherwise"
    return "same"
  }
  if (read === "untyped") return type === "str" ? "same" : "refused"
  if (client === "python-memcached-1.43-py2" && type === "str") return "otherwise"
  if (client === "php-memcached") return "otherwise"
  if (client === "dalli") return type === "str" || type === "bytes" ? "otherwise" : "refused"
  return description === "float-int" && client !== "spymemcached" ? "otherwise" : "refused"
}
